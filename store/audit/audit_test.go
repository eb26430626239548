package audit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/audit"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/survey"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// damaged is a store whose rows look different.
type damaged struct {
	*memory.Store
	record func(*carrierfsm.Record)
	// history changes the entries of v1.
	history func([]carrierfsm.Entry) []carrierfsm.Entry
}

func (s damaged) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	r, err := s.Store.Load(ctx, id)
	if id == "v1" && s.record != nil {
		s.record(&r)
	}
	return r, err
}

func (s damaged) History(ctx context.Context, id string, after, limit int) ([]carrierfsm.Entry, error) {
	list, err := s.Store.History(ctx, id, after, limit)
	if id == "v1" && s.history != nil {
		list = s.history(list)
	}
	return list, err
}

func (s damaged) Survey(ctx context.Context, from, until time.Time, limit int) ([]survey.Timeline, error) {
	list, err := s.Store.Survey(ctx, from, until, limit)
	for i := range list {
		if list[i].Record.ID != "v1" {
			continue
		}
		if s.record != nil {
			s.record(&list[i].Record)
		}
		if s.history != nil {
			list[i].Entries = s.history(list[i].Entries)
		}
	}
	return list, err
}

// findings are the kinds that Check finds, and how many verifications it checks.
func findings(t *testing.T, m *carrierfsm.Machine, s audit.Store) (list []audit.Finding, checked int) {
	t.Helper()
	checked, err := audit.Check(context.Background(), m, s, func(f audit.Finding) error {
		list = append(list, f)
		return nil
	})
	require.NoError(t, err)
	return list, checked
}

func TestEachDamageOfAHistoryIsFound(t *testing.T) {
	t.Parallel()
	type entries = []carrierfsm.Entry
	for name, c := range map[string]struct {
		record  func(*carrierfsm.Record)
		history func(entries) entries
		want    audit.Finding
	}{
		"none":                           {},
		"the first is lost":              {nil, func(list entries) entries { return list[1:] }, audit.Finding{Kind: audit.HistoryGap, Text: "entry 1 is step 2"}},
		"one is lost":                    {nil, func(list entries) entries { return slices.Delete(list, 1, 2) }, audit.Finding{Kind: audit.HistoryGap, Text: "entry 2 is step 3"}},
		"the last is lost":               {nil, func(list entries) entries { return list[:2] }, audit.Finding{Kind: audit.HistoryGap, Text: "the history ends at step 2, the record is at step 3"}},
		"all are lost":                   {nil, func(entries) entries { return nil }, audit.Finding{Kind: audit.HistoryGap, Text: "the history ends at step 0, the record is at step 3"}},
		"one is there twice":             {nil, func(list entries) entries { return append(list, list[2]) }, audit.Finding{Kind: audit.HistoryGap, Text: "entry 4 is step 3"}},
		"one begins elsewhere":           {nil, func(list entries) entries { list[1].From = carrierfsm.Done; return list }, audit.Finding{Kind: audit.HistoryBroken, Text: "step 2 begins in done, after applied"}},
		"the record is of another state": {func(r *carrierfsm.Record) { r.State = carrierfsm.Done }, nil, audit.Finding{Kind: audit.HistoryEnd, Text: "the history ends with captcha_requested in awaiting_captcha, the record says captcha_requested in done"}},
		"the record has another reason":  {func(r *carrierfsm.Record) { r.Reason = carrierfsm.Expired }, nil, audit.Finding{Kind: audit.HistoryEnd, Text: "the history ends with captcha_requested in awaiting_captcha, the record says expired in awaiting_captcha"}},
		"the record is behind":           {func(r *carrierfsm.Record) { r.Step = 2 }, nil, audit.Finding{Kind: audit.HistoryGap, Text: "the history ends at step 3, the record is at step 2"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store := memory.New()
			b := fsmtest.NewWith(t, carrierfsm.Config{Store: store})
			b.Reach("10002")
			b.Create(carrierfsm.NewVerification{ID: "v2"})
			list, checked := findings(t, nil, damaged{store, c.record, func(list entries) entries {
				if c.history == nil {
					return list
				}
				return c.history(slices.Clone(list))
			}})
			require.Equal(t, 2, checked)
			if c.want.Kind == "" {
				require.Empty(t, list)
				return
			}
			c.want.ID = "v1"
			require.Equal(t, []audit.Finding{c.want}, list)
		})
	}
}

func TestWhatCantBeOpenedIsReportedByID(t *testing.T) {
	t.Parallel()
	store := memory.New()
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store})
	b.Reach("10002")
	b.Create(carrierfsm.NewVerification{ID: "v2"})
	broken := damaged{store, func(r *carrierfsm.Record) { r.Body = []byte("{") }, nil}
	m := b.Replica(func(c *carrierfsm.Config) { c.Store = broken }).Machine
	list, checked := findings(t, m, broken)
	require.Equal(t, 2, checked)
	require.Len(t, list, 1)
	require.Equal(t, audit.Unreadable, list[0].Kind)
	require.Equal(t, "v1", list[0].ID)

	broken = damaged{store, nil, func(list []carrierfsm.Entry) []carrierfsm.Entry {
		for i := range list {
			list[i].Detail = []byte("S")
		}
		return list
	}}
	m = b.Replica(func(c *carrierfsm.Config) { c.Store = broken }).Machine
	list, _ = findings(t, m, broken)
	require.Len(t, list, 1)
	require.Equal(t, audit.Unreadable, list[0].Kind)
}

func TestAllAreCheckedHoweverManyWereCreatedAtOnce(t *testing.T) {
	t.Parallel()
	for _, atOnce := range []int{1, 7, 499, 500, 501, 1300} {
		t.Run(fmt.Sprint(atOnce), func(t *testing.T) {
			t.Parallel()
			store, at := memory.New(), time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
			const n = 1300
			for i := range n {
				created := at.Add(time.Duration(i/atOnce) * time.Microsecond)
				r := carrierfsm.Record{ID: fmt.Sprintf("v%d", i), State: carrierfsm.Created, Version: 1, Created: created, Updated: created}
				if i%3 == 0 {
					r.Step = 1 // without its entry
				}
				require.NoError(t, store.Create(context.Background(), r))
			}
			list, checked := findings(t, nil, store)
			require.Equal(t, n, checked)
			ids := make(map[string]bool)
			for _, f := range list {
				ids[f.ID] = true
			}
			require.Len(t, list, len(ids))
			require.Len(t, ids, (n+2)/3)
		})
	}
}

// moving is a store whose first reads see a record and an older history, as a read
// beside a commit may.
type moving struct{ damaged }

func (s moving) Survey(ctx context.Context, from, until time.Time, limit int) ([]survey.Timeline, error) {
	list, err := s.damaged.Survey(ctx, from, until, limit)
	for i := range list {
		list[i].Entries = nil
	}
	return list, err
}

func TestWhatAnotherWriterChangesMeanwhileIsNoDamage(t *testing.T) {
	t.Parallel()
	store := memory.New()
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store})
	b.Reach("10002")
	list, checked := findings(t, b.Machine, moving{damaged{Store: store}})
	require.Equal(t, 1, checked)
	require.Empty(t, list)
	purged := moving{damaged{Store: store, history: func([]carrierfsm.Entry) []carrierfsm.Entry { return nil }}}
	list, _ = findings(t, nil, gone{purged})
	require.Empty(t, list, "it was purged after it was listed")
}

// gone has listed records that are not there any more.
type gone struct{ moving }

func (gone) Load(context.Context, string) (carrierfsm.Record, error) {
	return carrierfsm.Record{}, carrierfsm.ErrNotFound
}

// busy is a store in which a record is written between any two reads of it, and whose
// history is read too early.
type busy struct {
	moving
	version *atomic.Int64
}

func (s busy) Load(ctx context.Context, id string) (carrierfsm.Record, error) {
	r, err := s.moving.Load(ctx, id)
	r.Version = s.version.Add(1)
	return r, err
}

func TestWhatIsWrittenAllTheTimeIsNoDamage(t *testing.T) {
	t.Parallel()
	store := memory.New()
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store})
	b.Reach("10002")
	early := moving{damaged{Store: store, history: func([]carrierfsm.Entry) []carrierfsm.Entry { return nil }}}
	list, checked := findings(t, nil, busy{early, new(atomic.Int64)})
	require.Equal(t, 1, checked)
	require.Empty(t, list)
}

func TestCheckEndsAtTheFirstError(t *testing.T) {
	t.Parallel()
	store := memory.New()
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: store})
	b.Reach("10002")
	enough := errors.New("enough")
	broken := damaged{Store: store, record: func(r *carrierfsm.Record) { r.Step = 7 }}
	_, err := audit.Check(context.Background(), nil, broken, func(audit.Finding) error { return enough })
	require.ErrorIs(t, err, enough)
	over, cancel := context.WithCancel(context.Background())
	cancel()
	_, err = audit.Check(over, b.Machine, store, nil)
	require.ErrorIs(t, err, context.Canceled)
	require.NoError(t, store.Close())
	_, err = audit.Check(context.Background(), b.Machine, store, nil)
	require.ErrorIs(t, err, carrierfsm.ErrClosed)
}
