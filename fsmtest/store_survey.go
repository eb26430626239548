package fsmtest

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

var surveyCases = []storeCase{
	{"SurveyRange", "Survey returns what was created at from or later and before until, oldest first, ties by ascending id, at most the limit", surveyRange},
	{"SurveyTimelines", "Survey returns the columns and all entries of each, in the order of their steps, without bodies and details", surveyTimelines},
	{"SurveyFollows", "Survey follows every commit, and does not return what is purged", surveyFollows},
	{"SurveyBounds", "from and until may be of any year and precision", surveyBounds},
	{"SurveyContext", "Survey returns the error of a context that has ended", surveyContext},
	{"SurveyClosed", "after Close, Survey returns ErrClosed", surveyClosed},
}

// surveyed calls Survey.
func (b *storeBench) surveyed(from, until time.Time, limit int) ([]survey.Timeline, error) {
	list, err := b.Store.(survey.Surveyor).Survey(b.ctx, from, until, limit)
	if err != nil {
		return nil, fmt.Errorf("calling Survey: %w", err)
	}
	return list, nil
}

func surveyRange(b *storeBench) error {
	for id, after := range map[string]time.Duration{
		"before": -time.Microsecond, "b": 0, "a": 0, "d": time.Second, "c": 2 * time.Second, "until": time.Minute,
	} {
		r := record(id)
		r.Created = noon.Add(after)
		if _, err := b.put(r, 1); err != nil {
			return err
		}
	}
	for limit, want := range map[int][]string{10: {"a", "b", "d", "c"}, 4: {"a", "b", "d", "c"}, 3: {"a", "b", "d"}, 0: nil} {
		list, err := b.surveyed(noon, noon.Add(time.Minute), limit)
		if err != nil {
			return err
		}
		var got []string
		for _, c := range list {
			got = append(got, c.Record.ID)
		}
		if err := differ(fmt.Sprintf("the ids with limit %d", limit), want, got); err != nil {
			return err
		}
	}
	return nil
}

func surveyTimelines(b *storeBench) error {
	r, err := b.create("v1", 4)
	if err != nil {
		return err
	}
	bare, err := b.create("v2", 0)
	if err != nil {
		return err
	}
	list, err := b.surveyed(noon, noon.Add(time.Minute), 10)
	if err != nil {
		return err
	}
	entries, err := b.Store.History(b.ctx, "v1", 0, 10)
	if err != nil {
		return err
	}
	for i := range entries {
		entries[i].Detail = nil
	}
	r.Body, bare.Body = nil, nil
	for i := range list { // an empty slice may be nil
		list[i].Entries = slices.Clip(append([]carrierfsm.Entry{}, list[i].Entries...))
		if list[i].Record.Body != nil {
			return fmt.Errorf("the record %s was returned with its body", list[i].Record.ID)
		}
	}
	return differ("the timelines", []survey.Timeline{{Record: r, Entries: entries}, {Record: bare, Entries: []carrierfsm.Entry{}}}, list)
}

func surveyFollows(b *storeBench) error {
	r, err := b.create("v1", 1)
	if err != nil {
		return err
	}
	after, e := next(r)
	after.State, after.InFlight, e.To = carrierfsm.Done, false, carrierfsm.Done
	if err := b.Store.Commit(b.ctx, after, e); err != nil {
		return err
	}
	list, err := b.surveyed(noon, noon.Add(time.Minute), 10)
	if err != nil {
		return err
	}
	if len(list) != 1 || list[0].Record.State != carrierfsm.Done || len(list[0].Entries) != 2 || list[0].Entries[1].To != carrierfsm.Done {
		return fmt.Errorf("after a commit Survey returns %+v", list)
	}
	if _, err := b.Store.Purge(b.ctx, noon.Add(time.Hour), 10); err != nil {
		return err
	}
	list, err = b.surveyed(noon, noon.Add(time.Minute), 10)
	if err == nil && len(list) != 0 {
		err = errors.New("what was purged is returned by Survey")
	}
	return err
}

func surveyBounds(b *storeBench) error {
	if _, err := b.create("v1", 0); err != nil { // created at noon
		return err
	}
	for _, c := range []struct {
		from, until time.Time
		want        int
	}{
		{time.Time{}, farFuture, 1},
		{farPast, time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC), 1},
		{farFuture, farPast, 0},
		{farPast, farPast, 0},
		{noon.Add(-time.Nanosecond), noon.Add(time.Nanosecond), 1},
		{noon.Add(time.Nanosecond), farFuture, 0},
		{farPast, noon, 0},
	} {
		list, err := b.surveyed(c.from, c.until, math.MaxInt)
		if err = first(err, differ(fmt.Sprintf("the number between %v and %v", c.from, c.until), c.want, len(list))); err != nil {
			return err
		}
	}
	return nil
}

func surveyContext(b *storeBench) error {
	over, cancel := context.WithCancel(b.ctx)
	cancel()
	_, err := b.Store.(survey.Surveyor).Survey(over, noon, noon.Add(time.Minute), 10)
	return want("Survey", err, context.Canceled)
}

func surveyClosed(b *storeBench) error {
	if closed, err := b.close(); !closed {
		return err
	}
	_, err := b.Store.(survey.Surveyor).Survey(b.ctx, noon, noon.Add(time.Minute), 10)
	return want("Survey", err, carrierfsm.ErrClosed)
}
