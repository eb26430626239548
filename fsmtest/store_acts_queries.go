package fsmtest

import (
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/acts"
)

// Queries of acts, and races.

// maxNumber is the largest step and count.
const maxNumber = math.MaxInt32

func actFilters(b *storeBench) error {
	cancel, erase, show, many := act("a1"), act("a2"), act("a3"), act("a4")
	cancel.Kind, cancel.Verification, cancel.Handler = acts.Cancel, "v1", ""
	erase.Kind, erase.Verification, erase.Operator = acts.Erase, "v1", "bob"
	show.Kind, show.Verification, show.Outcome = acts.Show, "v2", acts.Done
	many.Verification = ""
	if err := b.logs(cancel, erase, show, many); err != nil {
		return err
	}
	list, err := b.actsOf(acts.Query{})
	if err != nil || len(list) != 4 {
		return fmt.Errorf("of 4 acts %d are returned: %w", len(list), orNone(err))
	}
	hour := time.Hour // the acts may have one time
	for name, c := range map[string]struct {
		q    acts.Query
		want []acts.Act
	}{
		"an operator":                  {acts.Query{Operator: "bob"}, []acts.Act{erase}},
		"a verification and a kind":    {acts.Query{Verification: "v1", Kinds: []acts.Kind{acts.Cancel, acts.Show}}, []acts.Act{cancel}},
		"a verification, no such kind": {acts.Query{Verification: "v2", Kinds: []acts.Kind{acts.Cancel}}, nil},
		"a handler and an operator":    {acts.Query{Handler: "notify", Operator: "bob"}, []acts.Act{erase}},
		"no such handler":              {acts.Query{Handler: "another"}, nil},
		"no such operator":             {acts.Query{Operator: "an"}, nil},
		"open, of a verification":      {acts.Query{Open: true, Verification: "v2"}, nil},
		"open, of a kind":              {acts.Query{Open: true, Kinds: []acts.Kind{acts.Show, acts.Erase}}, []acts.Act{erase}},
		"of many":                      {acts.Query{Kinds: []acts.Kind{acts.Replay}}, []acts.Act{many}},
		"since a later time":           {acts.Query{Since: list[0].At.Add(time.Microsecond)}, nil},
		"since its own time":           {acts.Query{Since: list[3].At, Operator: "bob"}, []acts.Act{erase}},
		"before its own time":          {acts.Query{Before: list[3].At}, nil},
		"before a later time":          {acts.Query{Before: list[0].At.Add(time.Microsecond), Operator: "bob"}, []acts.Act{erase}},
		"a range":                      {acts.Query{Since: list[3].At.Add(-hour), Before: list[0].At.Add(hour), Operator: "bob"}, []acts.Act{erase}},
		"an empty range":               {acts.Query{Since: list[0].At.Add(hour), Before: list[0].At.Add(-hour)}, nil},
	} {
		if err := b.hasActs(name, c.q, c.want...); err != nil {
			return err
		}
	}
	return nil
}

func actQueries(b *storeBench) error {
	if err := b.logs(act("a1")); err != nil {
		return err
	}
	now, err := b.actsOf(acts.Query{})
	if err != nil || len(now) != 1 {
		return fmt.Errorf("of one act %d are returned: %w", len(now), orNone(err))
	}
	at := now[0].At
	for name, c := range map[string]struct {
		q     acts.Query
		found bool
	}{
		"a NUL":                      {acts.Query{Operator: "ann\x00"}, false},
		"broken UTF-8":               {acts.Query{Verification: "\xff\xfe"}, false},
		"a NUL in a handler":         {acts.Query{Handler: "notify\x00"}, false},
		"a NUL in a kind":            {acts.Query{Kinds: []acts.Kind{"replay\x00"}}, false},
		"a NUL in one of two kinds":  {acts.Query{Kinds: []acts.Kind{"\x00", acts.Replay}}, true},
		"since the far past":         {acts.Query{Since: farPast}, true},
		"since the far future":       {acts.Query{Since: farFuture}, false},
		"before the far past":        {acts.Query{Before: farPast}, false},
		"before the far future":      {acts.Query{Before: farFuture}, true},
		"since a nanosecond later":   {acts.Query{Since: at.Add(time.Nanosecond)}, false},
		"before a nanosecond later":  {acts.Query{Before: at.Add(time.Nanosecond)}, true},
		"a page after the far past":  {acts.Query{After: carrierfsm.PageKey{Time: farPast, ID: "x"}}, false},
		"a page after the future":    {acts.Query{After: carrierfsm.PageKey{Time: farFuture, ID: "\x00"}}, true},
		"a page after a higher id":   {acts.Query{After: carrierfsm.PageKey{Time: at, ID: "a1\x00"}}, true},
		"a page after its own id":    {acts.Query{After: carrierfsm.PageKey{Time: at, ID: "a1"}}, false},
		"a page after broken UTF-8":  {acts.Query{After: carrierfsm.PageKey{Time: at, ID: "\xff"}}, true},
		"a limit of many bits":       {acts.Query{Limit: math.MaxInt}, true},
		"a negative limit is as any": {acts.Query{Limit: math.MinInt}, true},
	} {
		list, err := b.actsOf(c.q)
		if err = first(err, differ(name, c.found, len(list) == 1)); err != nil {
			return err
		}
	}
	return nil
}

func actsTogether(b *storeBench) error {
	const n = 30
	errs := concurrently(n, func(i int) error { return b.acts().LogAct(b.ctx, act(fmt.Sprintf("a%d", i))) })
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("calling LogAct: %w", err)
	}
	list, err := b.actsOf(acts.Query{})
	if err != nil || len(list) != n {
		return fmt.Errorf("of %d acts %d are returned: %w", n, len(list), orNone(err))
	}
	outcomes := []acts.Outcome{acts.Done, acts.Failed, acts.Refused}
	errs = concurrently(12, func(i int) error { return b.acts().EndAct(b.ctx, "a1", outcomes[i%3], i) })
	if err := oneWins(errs, carrierfsm.ErrConflict); err != nil {
		return err
	}
	ended := act("a1")
	for i, err := range errs {
		if err == nil {
			ended.Outcome, ended.Count = outcomes[i%3], i
		}
	}
	return b.hasActs("the act that has ended", acts.Query{Verification: ended.Verification}, ended)
}
