package carrierfsm

import "time"

// The times of a record mostly are of one day, whose date is worked out once.

// date is the latest day that was written or read.
type date struct {
	text  [len(dateLayout)]byte
	day   int64 // the same, in days since 1970
	known bool
}

const (
	dateLayout = "2006-01-02T"
	daySeconds = 24 * 60 * 60
)

// dayOf is the day that t is in, in UTC, and how far.
func dayOf(t time.Time) (day, seconds int64) {
	at := t.Unix()
	day, seconds = at/daySeconds, at%daySeconds
	if seconds < 0 {
		day, seconds = day-1, seconds+daySeconds
	}
	return day, seconds
}

// appendTime appends what t.AppendText does.
func (d *date) appendTime(text []byte, t time.Time) ([]byte, error) {
	day, s := dayOf(t)
	if !d.known || d.day != day || t.Location() != time.UTC {
		year, month, dayOfMonth := t.Date()
		if t.Location() != time.UTC || year < 0 || year > 9999 {
			return t.AppendText(text)
		}
		part := append(appendTwo(appendTwo(d.text[:0], int64(year/100)), int64(year%100)), '-')
		part = append(appendTwo(part, int64(month)), '-')
		_ = append(appendTwo(part, int64(dayOfMonth)), 'T')
		d.day, d.known = day, true
	}
	text = append(text, d.text[:]...)
	text = append(appendTwo(text, s/3600), ':')
	text = append(appendTwo(text, s/60%60), ':')
	text = appendTwo(text, s%60)
	if n := int64(t.Nanosecond()); n > 0 {
		text = appendFraction(append(text, '.'), n)
	}
	return append(text, 'Z'), nil
}

// appendFraction appends nine digits, but for the zeros at their end.
func appendFraction(text []byte, n int64) []byte {
	text = appendTwo(appendTwo(appendTwo(text, n/1e7), n/1e5%100), n/1e3%100)
	if n %= 1e3; n > 0 { // not of what a store keeps
		text = append(appendTwo(text, n/10), byte('0'+n%10))
	}
	for text[len(text)-1] == '0' {
		text = text[:len(text)-1]
	}
	return text
}

func appendTwo(text []byte, n int64) []byte { return append(text, byte('0'+n/10), byte('0'+n%10)) }

// readTime reads what UnmarshalText does.
func (d *date) readTime(text []byte) (t time.Time, err error) {
	if end := len(text) - 1; end > len(dateLayout) && text[end] == 'Z' && d.read(text[:len(dateLayout)]) {
		if ns, ok := timeOfDay(text[len(dateLayout):end]); ok {
			return time.Unix(d.day*daySeconds, ns).UTC(), nil
		}
	}
	err = t.UnmarshalText(text)
	return t, err
}

// read reads "2006-01-02T"; false where it is not such a day.
func (d *date) read(text []byte) bool {
	if d.known && string(text) == string(d.text[:]) {
		return true
	}
	year, month, dayOfMonth := allDigits(text[:4]), allDigits(text[5:7]), allDigits(text[8:10])
	if year < 0 || month < 1 || month > 12 || text[4] != '-' || text[7] != '-' || text[10] != 'T' {
		return false
	}
	t := time.Date(int(year), time.Month(month), int(dayOfMonth), 0, 0, 0, 0, time.UTC)
	if t.Day() != int(dayOfMonth) { // the month is not so long
		return false
	}
	copy(d.text[:], text)
	d.day, _ = dayOf(t)
	d.known = true
	return true
}

// timeOfDay reads "15:04:05" or "15:04:05.000001", in nanoseconds; ok is false
// where it is neither.
func timeOfDay(text []byte) (ns int64, ok bool) {
	if len(text) < 8 || text[2] != ':' || text[5] != ':' {
		return 0, false
	}
	h, m, sec, n := allDigits(text[:2]), allDigits(text[3:5]), allDigits(text[6:8]), int64(0)
	if h < 0 || h > 23 || m < 0 || m > 59 || sec < 0 || sec > 59 {
		return 0, false
	}
	if fraction := text[8:]; len(fraction) > 0 {
		if fraction[0] != '.' || len(fraction) < 2 || len(fraction) > 10 {
			return 0, false
		}
		if n = allDigits(fraction[1:]); n < 0 {
			return 0, false
		}
		for range 10 - len(fraction) {
			n *= 10
		}
	}
	return (h*3600+m*60+sec)*int64(time.Second) + n, true
}

// allDigits is the number that digits are; -1 where there is anything else.
func allDigits(text []byte) (n int64) {
	for _, c := range text {
		if c < '0' || c > '9' {
			return -1
		}
		n = 10*n + int64(c-'0')
	}
	return n
}
