package simulator

import "time"

// state is the state that Save writes.
type state struct {
	Applications int                       `json:"applications"`
	Sessions     map[string]*session       `json:"sessions"` // by token
	Accounts     map[string]*account       `json:"accounts"` // by phone
	Inboxes      map[string][]savedMessage `json:"inboxes"`  // by phone
	AccessTokens []accessToken             `json:"access_tokens,omitempty"`
}

// account has the attempts at a number's service password.
type account struct {
	Tried int `json:"tried"`
	Wrong int `json:"wrong"`
	// Hashes are those of passwords that were reset, by website.
	Hashes map[string]string `json:"renewed,omitempty"`
}

// savedMessage is a message without its code, which is derived from the seed.
type savedMessage struct {
	Token    string    `json:"token"`
	Number   int       `json:"number"`
	At       time.Time `json:"at"`
	Password bool      `json:"password,omitempty"` // a new service password, not a code
}

func newState() state {
	return state{
		Sessions: make(map[string]*session), Accounts: make(map[string]*account), Inboxes: make(map[string][]savedMessage),
	}
}

// account returns the account of a number, and creates it if there is none.
func (w *state) account(phone string) *account {
	a := w.Accounts[phone]
	if a == nil {
		a = new(account)
		w.Accounts[phone] = a
	}
	return a
}
