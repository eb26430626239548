package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// saved is what Save encodes.
type saved struct {
	Version int    `json:"version"`
	Seed    string `json:"seed"` // its fingerprint
	State   state  `json:"world"`
}

const saveVersion = 1

// Save writes the state as JSON: the applications with their progress, the codes
// that were sent, the attempts at passwords. It contains no password and no code:
// passwords are those of People, and codes are derived from the seed. Faults,
// scripts and the log of requests are not saved. It returns the writer's error.
func (s *Server) Save(w io.Writer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.NewEncoder(w).Encode(saved{Version: saveVersion, Seed: s.seed.fingerprint(), State: s.state})
}

// Restore replaces the state with one that Save wrote. It returns an error and
// changes nothing if that has another version, or was saved with another seed,
// other people or other carriers.
func (s *Server) Restore(r io.Reader) error {
	var in saved
	if err := json.NewDecoder(r).Decode(&in); err != nil {
		return fmt.Errorf("simulator: not a saved state: %w", err)
	}
	switch {
	case in.Version != saveVersion:
		return fmt.Errorf("simulator: a saved state of version %d, not %d", in.Version, saveVersion)
	case in.Seed != s.seed.fingerprint():
		return errors.New("simulator: a state saved with another seed")
	case !s.valid(in.State):
		return errors.New("simulator: a saved state that is invalid, or has other people or carriers")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.state = in.State
	return nil
}

// valid reports whether a state is complete, and its people and carriers are the
// server's.
func (s *Server) valid(w state) bool {
	if w.Sessions == nil || w.Accounts == nil || w.Inboxes == nil || w.Applications < len(w.Sessions) {
		return false
	}
	for token, a := range w.Sessions {
		if a == nil || a.Token != token {
			return false
		}
		_, known := s.person(a.Phone)
		carrier, served := s.carrier(a.Website)
		if !known || !served || a.Stage < 0 || a.Stage > len(carrier.Asks)+1 {
			return false
		}
	}
	return true
}
