package console

import (
	"net/http"
	"strings"
	"sync"
	"time"
)

// updateHeader is a header of the requests by which an open page updates itself.
const updateHeader = "Carrierfsm-Update"

// looksFor is how long a look at a page lasts that updates itself: after that it is in the
// log of acts once more.
const looksFor = 5 * time.Minute

// maxLookers bounds what is remembered. Beyond it looks are logged more often.
const maxLookers = 2000

// lookers remembers which looks are in the log of acts. Without it a page that updates
// itself would write an act every few seconds.
type lookers struct {
	mu   sync.Mutex
	last map[look]time.Time
}

// look is an operator and a page with its parameters.
type look struct{ operator, page string }

func lookOf(q *request) look { return look{q.operator.Name, q.page + "?" + q.URL.RawQuery} }

// isLooking reports whether a request is the update of a page that the operator already
// looks at, by an entry in the log of acts that is not old. Only a page has updates: each
// file is an act, and so is each search for a number, which is not in the address.
func (l *lookers) isLooking(q *request) bool {
	if q.Header.Get(updateHeader) == "" || q.Method == http.MethodPost || strings.Contains(q.page, ".") {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at, known := l.last[lookOf(q)]
	return known && q.now.Before(at.Add(looksFor))
}

// looked notes that a look is in the log of acts.
func (l *lookers) looked(q *request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil || len(l.last) >= maxLookers {
		l.last = make(map[look]time.Time)
	}
	l.last[lookOf(q)] = q.now
}
