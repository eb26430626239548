package simulator

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"
)

// month has the records of one calendar month.
type month struct {
	begin           time.Time
	calls, messages []record
	amount          float64 // of the bill
}

// record is a call, or a message where seconds is 0.
type record struct {
	at       time.Time
	other    string // the other phone number, invented
	outgoing bool
	seconds  int
	amount   float64
}

const (
	recordedMonths = 6
	monthlyCalls   = 8
	monthlyTexts   = 4
	planAmount     = 58.0 // the part of every bill that does not depend on its records
)

// recordsOf returns the records of the six full months before the collection,
// newest first. They follow from the seed and the token, so they need not be stored.
func (s *Server) recordsOf(a *session) []month {
	begin := s.collectedAt(a).UTC()
	begin = time.Date(begin.Year(), begin.Month(), 1, 0, 0, 0, 0, time.UTC)
	months := make([]month, recordedMonths)
	for i := range months {
		m := month{begin: begin.AddDate(0, -1-i, 0), amount: planAmount}
		for n := range monthlyCalls + monthlyTexts {
			r := s.seed.record(a.Token, i*(monthlyCalls+monthlyTexts)+n, m.begin)
			if n < monthlyCalls {
				m.calls = append(m.calls, r)
			} else {
				r.seconds, r.amount = 0, 0.1
				m.messages = append(m.messages, r)
			}
			m.amount += r.amount
		}
		byTime := func(x, y record) int { return cmp.Or(y.at.Compare(x.at), cmp.Compare(x.other, y.other)) }
		slices.SortFunc(m.calls, byTime)
		slices.SortFunc(m.messages, byTime)
		m.amount = math.Round(m.amount*100) / 100
		months[i] = m
	}
	return months
}

// record is the nth record for a token, in the month that begins then.
func (s seed) record(token string, n int, begin time.Time) record {
	b := s.mac("record", token, n)
	const hoursOfAnyMonth = 28 * 24
	at := begin.Add(time.Duration((int(b[0])<<8|int(b[1]))%hoursOfAnyMonth) * time.Hour)
	at = at.Add(time.Duration(b[2]%60)*time.Minute + time.Duration(b[3]%60)*time.Second)
	return record{
		at: at, other: fmt.Sprintf("138001380%02d", 20+b[4]%60), outgoing: b[5]%2 == 0,
		seconds: 5 + int(b[6])*2, amount: float64(b[7]%20) / 10,
	}
}
