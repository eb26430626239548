package fsmtest

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

// surveyCases test stores that are a survey.Surveyor; other stores pass them.
var surveyCases = []storeCase{
	{"SurveyRange", "Survey returns what was created at from or later and before until, oldest first, ties by ascending id, at most the limit", surveyRange},
	{"SurveyTimelines", "Survey returns the columns and all entries of each, in the order of their steps, without bodies and details", surveyTimelines},
	{"SurveyFollows", "Survey follows every commit, and does not return what is purged", surveyFollows},
}

// surveyed calls Survey. ok is false for a store that is not a Surveyor.
func (b *storeBench) surveyed(from, until time.Time, limit int) (list []survey.Timeline, ok bool, err error) {
	s, ok := b.Store.(survey.Surveyor)
	if !ok {
		return nil, false, nil
	}
	list, err = s.Survey(b.ctx, from, until, limit)
	if err != nil {
		err = fmt.Errorf("calling Survey: %w", err)
	}
	return list, true, err
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
		list, ok, err := b.surveyed(noon, noon.Add(time.Minute), limit)
		if err != nil || !ok {
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
	list, ok, err := b.surveyed(noon, noon.Add(time.Minute), 10)
	if err != nil || !ok {
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
	list, ok, err := b.surveyed(noon, noon.Add(time.Minute), 10)
	if err != nil || !ok {
		return err
	}
	if len(list) != 1 || list[0].Record.State != carrierfsm.Done || len(list[0].Entries) != 2 || list[0].Entries[1].To != carrierfsm.Done {
		return fmt.Errorf("after a commit Survey returns %+v", list)
	}
	if _, err := b.Store.Purge(b.ctx, noon.Add(time.Hour), 10); err != nil {
		return err
	}
	list, _, err = b.surveyed(noon, noon.Add(time.Minute), 10)
	if err == nil && len(list) != 0 {
		err = errors.New("what was purged is returned by Survey")
	}
	return err
}
