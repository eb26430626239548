package fsmtest_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// surveyor is a store with another Survey.
type surveyor struct {
	*memory.Store
	survey func(s *memory.Store, from, until time.Time, limit int) ([]survey.Timeline, error)
}

func (s surveyor) Survey(_ context.Context, from, until time.Time, limit int) ([]survey.Timeline, error) {
	return s.survey(s.Store, from, until, limit)
}

func TestTheSuiteFindsEachBrokenSurveyor(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	spoiled := func(spoil func(ctx context.Context, s *memory.Store, c *survey.Timeline)) func(*memory.Store, time.Time, time.Time, int) ([]survey.Timeline, error) {
		return func(s *memory.Store, from, until time.Time, limit int) ([]survey.Timeline, error) {
			list, err := s.Survey(ctx, from, until, limit)
			for i := range list {
				spoil(ctx, s, &list[i])
			}
			return list, err
		}
	}
	var remembered []survey.Timeline
	for _, b := range []struct {
		what, rule string
		survey     func(*memory.Store, time.Time, time.Time, int) ([]survey.Timeline, error)
	}{
		{"no end", "SurveyRange", func(s *memory.Store, from, until time.Time, limit int) ([]survey.Timeline, error) {
			return s.Survey(ctx, from, until.Add(time.Hour), limit)
		}},
		{"newest first", "SurveyRange", func(s *memory.Store, from, until time.Time, limit int) ([]survey.Timeline, error) {
			list, err := s.Survey(ctx, from, until, limit)
			slices.Reverse(list)
			return list, err
		}},
		{"bodies", "SurveyTimelines", spoiled(func(_ context.Context, _ *memory.Store, c *survey.Timeline) {
			c.Record.Body = []byte("body")
		})},
		{"details", "SurveyTimelines", spoiled(func(ctx context.Context, s *memory.Store, c *survey.Timeline) {
			c.Entries, _ = s.History(ctx, c.Record.ID, 0, 100)
		})},
		{"no first entry", "SurveyTimelines", spoiled(func(_ context.Context, _ *memory.Store, c *survey.Timeline) {
			c.Entries = c.Entries[min(1, len(c.Entries)):]
		})},
		{"what was purged", "SurveyFollows", func(s *memory.Store, from, until time.Time, limit int) ([]survey.Timeline, error) {
			list, err := s.Survey(ctx, from, until, limit)
			if len(list) > 0 {
				remembered = list
			}
			return remembered, err
		}},
		{"times in whole seconds", "SurveyBounds", func(s *memory.Store, from, until time.Time, limit int) ([]survey.Timeline, error) {
			return s.Survey(ctx, from.Truncate(time.Second), until.Truncate(time.Second), limit)
		}},
		{"any context", "SurveyContext", func(s *memory.Store, from, until time.Time, limit int) ([]survey.Timeline, error) {
			return s.Survey(ctx, from, until, limit)
		}},
		{"no error after Close", "SurveyClosed", func(s *memory.Store, from, until time.Time, limit int) ([]survey.Timeline, error) {
			list, _ := s.Survey(ctx, from, until, limit)
			return list, nil
		}},
	} {
		t.Run(b.what, func(t *testing.T) {
			err := fsmtest.CheckSurveyor(t, func(testing.TB) fsmtest.SurveyorSubject {
				return fsmtest.SurveyorSubject{Store: surveyor{memory.New(), b.survey}}
			})
			require.ErrorContains(t, err, b.rule+": ")
		})
	}
}
