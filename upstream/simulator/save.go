package simulator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// saved is the form of Save.
type saved struct {
	Version int   `json:"version"`
	World   world `json:"world"`
}

const saveVersion = 1

// Save writes the simulated world: applications, how far each has come, which
// codes were texted. It holds no password and no code: passwords are the
// people's, and codes follow from the seed. Faults, scripts and counts of
// arrivals are not saved.
func (s *Server) Save(w io.Writer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return json.NewEncoder(w).Encode(saved{Version: saveVersion, World: s.world})
}

// Restore reads what Save wrote, in the place of the present world. On an
// error the world stays as it is.
func (s *Server) Restore(r io.Reader) error {
	var in saved
	if err := json.NewDecoder(r).Decode(&in); err != nil {
		return fmt.Errorf("simulator: %w", err)
	}
	if in.Version != saveVersion || in.World.Sessions == nil || in.World.Wrong == nil || in.World.Inboxes == nil {
		return errors.New("simulator: not a saved world of this version")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.world = in.World
	return nil
}
