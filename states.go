package carrierfsm

// State is the state of a verification. There are exactly six. What differs
// within a state (a query password, a second code) is the kind of its prompt.
type State string

// The six states.
const (
	// Created: no form was accepted yet. One that was refused may be corrected.
	Created State = "created"
	// Applied: upstream accepted the form, or a source is done and the next one
	// follows. The commit that enters this state also leaves it, by a second
	// transition with a row of history of its own.
	Applied State = "applied"
	// AwaitingPassword: the person is asked for a password.
	AwaitingPassword State = "awaiting_password"
	// AwaitingCaptcha: the person is asked for a code.
	AwaitingCaptcha State = "awaiting_captcha"
	// Done: upstream has logged in and begun to collect.
	Done State = "done"
	// Failed: the verification ended otherwise. The latest event is the reason.
	Failed State = "failed"
)

// States returns the six states in the order of a plain run.
func States() []State {
	return []State{Created, Applied, AwaitingPassword, AwaitingCaptcha, Done, Failed}
}

// known reports whether s is one of the six states.
func (s State) known() bool { return stateSince[s] > 0 }

// Terminal reports whether a verification in this state has ended.
func (s State) Terminal() bool { return s == Done || s == Failed }

// tableVersion is the version of the tables in this build, and of how it seals. Each
// state, event and prompt kind has the version that introduced it, and a record stores
// the highest version that it uses. A record with a higher version than this one
// can't be loaded: the error is ErrNewerTable.
const tableVersion = boundSince

const (
	// lastTable is the version of the newest state, event or prompt kind.
	lastTable = 2
	// boundSince is the version of a record whose body is bound to its columns.
	boundSince = 3
)

// stateSince is the table version that introduced each state.
var stateSince = map[State]int{
	Created: 1, Applied: 1, AwaitingPassword: 1, AwaitingCaptcha: 1, Done: 1, Failed: 1,
}
