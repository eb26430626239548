package secondvendor_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/carrierfsm/carrierfsm/fsmtest"
)

// The one person's number, secrets, and the institution's key.
const (
	phone          = "13800138000"
	password       = "246810"
	code           = "500001"
	query          = "135790"
	institutionKey = "key-of-the-institution"
)

// vendor is a small server of the vendor's API. A task that accepted an input is
// crawling for the next few polls.
type vendor struct {
	*fsmtest.Server

	mu           sync.Mutex
	tasks        map[string]*task
	failingPolls int      // how many of the next polls fail
	requests     []string // "POST /tasks", in order
	polls        int
	onPoll       func(polls int) // nil: none
}

// task is one person's task. After pollsLeft polls it has the phase and reason in
// then.
type task struct {
	id            string
	round         int
	phase, reason string
	then          [2]string
	pollsLeft     int
	forever       bool // it keeps crawling
}

func newVendor(tb testing.TB) *vendor {
	tb.Helper()
	v := &vendor{tasks: make(map[string]*task)}
	v.Server = fsmtest.NewServer(tb, http.HandlerFunc(v.serve))
	return v
}

func (v *vendor) serve(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	_ = json.NewDecoder(r.Body).Decode(&body)
	v.mu.Lock()
	v.requests = append(v.requests, r.Method+" "+r.URL.Path)
	status, answer := http.StatusUnauthorized, map[string]any{"message": "no"}
	switch {
	case r.Method == http.MethodGet && v.failingPolls > 0:
		v.failingPolls--
		status = http.StatusServiceUnavailable
	case r.Header.Get("Authorization") == "Bearer "+institutionKey:
		status, answer = v.answer(r, body)
	}
	v.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer)
}

func (v *vendor) answer(r *http.Request, body map[string]any) (int, map[string]any) {
	id := strings.TrimSuffix(strings.TrimPrefix(r.URL.Path, "/tasks/"), "/inputs")
	t := v.tasks[id]
	switch {
	case r.URL.Path == "/tasks" && body["phone"] != phone:
		return http.StatusUnprocessableEntity, map[string]any{"message": "unknown number"}
	case r.URL.Path == "/tasks":
		t = &task{id: fmt.Sprintf("%032d", len(v.tasks)+1), round: 1, phase: "WAIT_PASSWORD"}
		v.tasks[t.id] = t
		return http.StatusCreated, t.response()
	case t == nil:
		return http.StatusNotFound, map[string]any{"message": "no such task"}
	case r.Method == http.MethodGet:
		if v.polls++; v.onPoll != nil {
			v.onPoll(v.polls)
		}
		t.poll()
		return http.StatusOK, t.response()
	case int(body["round"].(float64)) != t.round || !t.accept(body):
		return http.StatusConflict, t.response()
	}
	return http.StatusAccepted, t.response()
}

func (t *task) response() map[string]any {
	return map[string]any{
		"id": t.id, "operator": "operator-a", "round": t.round, "phase": t.phase, "reason": t.reason, "hint": "hint " + t.reason,
	}
}

// poll counts a poll; after the last one the crawling is complete.
func (t *task) poll() {
	if t.pollsLeft--; t.phase == "CRAWLING" && t.pollsLeft <= 0 && !t.forever {
		t.phase, t.reason = t.then[0], t.then[1]
	}
}

// accept accepts an input if the task waits for it.
func (t *task) accept(body map[string]any) bool {
	var then [2]string
	right := func(want string, good, bad [2]string) {
		then = bad
		if body["value"] == want {
			then = good
		}
	}
	switch fmt.Sprint(t.phase, " ", body["kind"]) {
	case "WAIT_PASSWORD PASSWORD":
		right(password, [2]string{"WAIT_CODE", ""}, [2]string{"WAIT_PASSWORD", "WRONG_PASSWORD"})
	case "WAIT_CODE CODE":
		right(code, [2]string{"WAIT_QUERY_PASSWORD", ""}, [2]string{"WAIT_CODE", "WRONG_CODE"})
	case "WAIT_CODE RESEND":
		then = [2]string{"WAIT_CODE", ""}
	case "WAIT_QUERY_PASSWORD QUERY_PASSWORD":
		right(query, [2]string{"COLLECTING", ""}, [2]string{"WAIT_QUERY_PASSWORD", "WRONG"})
	default:
		return false
	}
	t.round, t.phase, t.reason, t.then, t.pollsLeft = t.round+1, "CRAWLING", "", then, 3
	return true
}

// setPhase sets the phase of a task.
func (v *vendor) setPhase(id, phase string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.tasks[id].phase = phase
}

// setForever makes all tasks crawl for ever, or no longer.
func (v *vendor) setForever(forever bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, t := range v.tasks {
		t.forever = forever
	}
}

// setOnPoll sets a function that is called for each poll.
func (v *vendor) setOnPoll(f func(polls int)) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.onPoll = f
}

// count returns how many requests of a method were received.
func (v *vendor) count(method string) (n int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, a := range v.requests {
		if strings.HasPrefix(a, method+" ") {
			n++
		}
	}
	return n
}
