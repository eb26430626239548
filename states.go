package carrierfsm

// State is where a verification stands. There are exactly six; what differs
// within one (a query password, a second code) is a kind of prompt.
type State string

// The six states.
const (
	// Created: nothing was sent upstream yet, or the form was refused and may be corrected.
	Created State = "created"
	// Applied: upstream accepted the form, or goes on to the next source. It is
	// left in the same commit, but has its own row of history.
	Applied State = "applied"
	// AwaitingPassword: the person is asked for a password.
	AwaitingPassword State = "awaiting_password"
	// AwaitingCaptcha: the person is asked for a code.
	AwaitingCaptcha State = "awaiting_captcha"
	// Done: upstream logged in and has begun to collect.
	Done State = "done"
	// Failed: it ended otherwise; the latest event tells why.
	Failed State = "failed"
)

// States returns the six states in the order of a plain run.
func States() []State {
	return []State{Created, Applied, AwaitingPassword, AwaitingCaptcha, Done, Failed}
}

// Valid tells whether s is one of the six.
func (s State) Valid() bool { return stateSince[s] > 0 }

// Terminal tells whether a verification in this state has ended.
func (s State) Terminal() bool { return s == Done || s == Failed }

// TableVersion is the version of the tables in this build. Each state, event
// and kind of prompt carries the version that introduced it, each record the
// highest that it uses; a record above TableVersion refuses to load with
// ErrNewerTable.
const TableVersion = 2

// stateSince is the table version that introduced each state.
var stateSince = map[State]int{
	Created: 1, Applied: 1, AwaitingPassword: 1, AwaitingCaptcha: 1, Done: 1, Failed: 1,
}
