package memory

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/acts"
	"github.com/carrierfsm/carrierfsm/store/internal/legal"
)

var _ acts.Log = (*Store)(nil)

// LogAct implements acts.Log.
func (s *Store) LogAct(ctx context.Context, a acts.Act) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.current(ctx); err != nil {
		return err
	}
	if err := legal.Act(&a); err != nil {
		return err
	}
	if _, taken := s.acts[a.ID]; taken {
		return carrierfsm.ErrExists
	}
	a.At, a.Ended = truncated(time.Now()), time.Time{}
	if a.Outcome != "" {
		a.Ended = a.At
	}
	s.acts[a.ID] = a
	return nil
}

// EndAct implements acts.Log.
func (s *Store) EndAct(ctx context.Context, id string, outcome acts.Outcome, count int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.current(ctx); err != nil {
		return err
	}
	if err := legal.Outcome(outcome, count); err != nil {
		return err
	}
	a, known := s.acts[id]
	switch {
	case !known:
		return carrierfsm.ErrNotFound
	case a.Outcome != "":
		return carrierfsm.ErrConflict
	}
	a.Outcome, a.Count, a.Ended = outcome, count, truncated(time.Now())
	s.acts[id] = a
	return nil
}

// Acts implements acts.Log. It looks at every act.
func (s *Store) Acts(ctx context.Context, q acts.Query) ([]acts.Act, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	var list []acts.Act
	for _, a := range s.acts {
		if actMatches(&a, &q) {
			list = append(list, a)
		}
	}
	slices.SortFunc(list, func(a, b acts.Act) int { return -byAct(a, b) })
	return slices.Clip(list[:min(cmp.Or(max(q.Limit, 0), defaultLimit), len(list))]), nil
}

func byAct(a, b acts.Act) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.ID, b.ID)) }

func actMatches(a *acts.Act, q *acts.Query) bool {
	switch {
	case q.Operator != "" && q.Operator != a.Operator,
		q.Verification != "" && q.Verification != a.Verification,
		q.Handler != "" && q.Handler != a.Handler,
		len(q.Kinds) > 0 && !slices.Contains(q.Kinds, a.Kind),
		q.Open && a.Outcome != "",
		!q.Since.IsZero() && a.At.Before(q.Since),
		!q.Before.IsZero() && !a.At.Before(q.Before):
		return false
	}
	return q.After == (carrierfsm.PageKey{}) || byAct(*a, acts.Act{At: q.After.Time, ID: q.After.ID}) < 0
}

// PurgeActs implements acts.Log.
func (s *Store) PurgeActs(ctx context.Context, before time.Time, limit int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.current(ctx); err != nil {
		return 0, err
	}
	var old []acts.Act
	for _, a := range s.acts {
		if a.At.Before(before) {
			old = append(old, a)
		}
	}
	slices.SortFunc(old, byAct)
	old = old[:min(max(limit, 0), len(old))]
	for _, a := range old {
		delete(s.acts, a.ID)
	}
	return len(old), nil
}
