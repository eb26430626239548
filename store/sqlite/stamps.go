package sqlite

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/carrierfsm/carrierfsm/budget"
)

// The column stamps lists a ledger's stamps in the order of their times: "a0t5107" is an
// application, and a text 5,107 µs later. Each has the letter of its kind, or the kind
// between two spaces, and its distance from the one before in microseconds. The first
// distance counts from 25 hours (lasts) before the ledger expires, so it is mostly 0.
//
// Builds before 0.1.0 wrote a JSON object: {"application":[1906545600000000]}, for each
// kind the times in microseconds since 1970.

// lasts is how long a ledger of one stamp usually lasts.
const lasts = 25 * time.Hour

// letters are the kinds that have one. A letter never gets another kind.
var letters = []struct {
	kind   budget.Kind
	letter byte
}{
	{budget.Applications, 'a'},
	{budget.Passwords, 'p'},
	{budget.QueryPasswords, 'q'},
	{budget.Texts, 't'},
	{budget.Places, 'v'},
}

// rowOf returns the ledger as it is stored.
func rowOf(l budget.Ledger) ledgerRow {
	row := ledgerRow{expires: micros(l.Expires)}
	text := make([]byte, 0, 64)
	before := row.expires - lasts.Microseconds()
	for i := range l.Stamps {
		at := micros(l.Stamps[i].At)
		text = strconv.AppendInt(appendKind(text, l.Stamps[i].Kind), at-before, 10)
		before = at
	}
	row.stamps = string(text)
	return row
}

func appendKind(text []byte, k budget.Kind) []byte {
	for _, l := range letters {
		if l.kind == k {
			return append(text, l.letter)
		}
	}
	return append(append(append(text, ' '), k...), ' ')
}

var errStamps = errors.New("carrierfsm/sqlite: a ledger can't be read")

// ledger returns what rowOf was given.
func (row ledgerRow) ledger() (l budget.Ledger, err error) {
	l.Expires = timeOf(row.expires)
	if strings.HasPrefix(row.stamps, "{") {
		err = readJSONStamps(&l, row.stamps)
		return l, err
	}
	at := row.expires - lasts.Microseconds()
	for rest := row.stamps; rest != ""; {
		var s budget.Stamp
		if s.Kind, rest = cutKind(rest); s.Kind == "" {
			return budget.Ledger{}, errStamps
		}
		end := 1 // behind the sign or the first digit
		for end < len(rest) && '0' <= rest[end] && rest[end] <= '9' {
			end++
		}
		distance, err := strconv.ParseInt(rest[:min(end, len(rest))], 10, 64)
		if err != nil {
			return budget.Ledger{}, errStamps
		}
		at, rest = at+distance, rest[end:]
		s.At = timeOf(at)
		l.Stamps = append(l.Stamps, s)
	}
	return l, nil
}

// cutKind returns the kind at the beginning of a text that is not empty, and the rest. The
// kind is empty if there is none.
func cutKind(text string) (k budget.Kind, rest string) {
	if text[0] == ' ' {
		name, rest, _ := strings.Cut(text[1:], " ")
		return budget.Kind(name), rest
	}
	for _, l := range letters {
		if l.letter == text[0] {
			return l.kind, text[1:]
		}
	}
	return "", text
}

func readJSONStamps(l *budget.Ledger, text string) error {
	var times map[budget.Kind][]int64
	if err := json.Unmarshal([]byte(text), &times); err != nil {
		return errStamps
	}
	for kind, list := range times {
		for _, at := range list {
			l.Stamps = append(l.Stamps, budget.Stamp{Kind: kind, At: timeOf(at)})
		}
	}
	l.Sort()
	return nil
}
