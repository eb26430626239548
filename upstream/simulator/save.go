package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// saved is the form of Save.
type saved struct {
	Version int    `json:"version"`
	Seed    string `json:"seed"` // its fingerprint
	World   world  `json:"world"`
}

const saveVersion = 1

// Save writes the simulated world as JSON: applications, how far each has
// come, which codes were texted, how often a password was tried. It holds no
// password and no code: passwords are the people's, and codes follow from the
// seed. Faults, scripts and the log of requests are not saved. It returns the
// writer's error.
func (s *Server) Save(w io.Writer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.NewEncoder(w).Encode(saved{Version: saveVersion, Seed: s.seed.fingerprint(), World: s.world})
}

// Restore reads what Save wrote, in the place of the present world. It returns
// an error, and the world stays as it is, when that was another version, or
// was saved with another seed, other people or other carriers.
func (s *Server) Restore(r io.Reader) error {
	var in saved
	if err := json.NewDecoder(r).Decode(&in); err != nil {
		return fmt.Errorf("simulator: not a saved world: %w", err)
	}
	switch {
	case in.Version != saveVersion:
		return fmt.Errorf("simulator: a saved world of version %d, not %d", in.Version, saveVersion)
	case in.Seed != s.seed.fingerprint():
		return errors.New("simulator: a world saved with another seed")
	case !s.holds(in.World):
		return errors.New("simulator: a saved world that is broken, or of other people or carriers")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world = in.World
	return nil
}

// holds tells whether a world is whole, and its people and carriers are the server's.
func (s *Server) holds(w world) bool {
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
