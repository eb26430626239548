package simulator

import "time"

// world is what has happened so far, as Save keeps it.
type world struct {
	Applications int                 `json:"applications"`
	Sessions     map[string]*session `json:"sessions"` // by token
	Accounts     map[string]*account `json:"accounts"` // by phone
	Inboxes      map[string][]text   `json:"inboxes"`  // by phone
	AccessTokens []accessToken       `json:"access_tokens,omitempty"`
}

// account is what a carrier remembers of a number's service password.
type account struct {
	Tried int `json:"tried"`
	Wrong int `json:"wrong"`
	// Renewed are the imprints of passwords that were reset, by website.
	Renewed map[string]string `json:"renewed,omitempty"`
}

// text is a message as Save keeps it: without what it says.
type text struct {
	Token    string    `json:"token"`
	Number   int       `json:"number"`
	At       time.Time `json:"at"`
	Password bool      `json:"password,omitempty"` // a new service password, and no code
}

func newWorld() world {
	return world{
		Sessions: make(map[string]*session), Accounts: make(map[string]*account), Inboxes: make(map[string][]text),
	}
}

// account is that of a number, a new one if there was none.
func (w *world) account(phone string) *account {
	a := w.Accounts[phone]
	if a == nil {
		a = new(account)
		w.Accounts[phone] = a
	}
	return a
}
