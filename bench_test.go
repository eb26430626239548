package carrierfsm_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"time"

	"github.com/looplab/fsm"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/budget"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

// A whole Submit in memory with the upstream Instant, beside one bare looplab machine of
// the full table with one event. ×looplab is the ratio. Both run in turns, and the
// medians are reported, so that other load matters less. The submissions are the three
// of plain verifications; creating these is not counted.
func BenchmarkSubmitAgainstBareLooplab(b *testing.B) {
	for _, c := range []struct {
		name       string
		cancelable bool
		cfg        carrierfsm.Config
	}{
		{"plain", false, carrierfsm.Config{}},
		{"cancelable", true, carrierfsm.Config{}},
		{"sealed", false, carrierfsm.Config{Sealer: sealer(b)}},
	} {
		b.Run(c.name, func(b *testing.B) {
			ctx, cancel := context.Background(), func() {}
			if c.cancelable {
				ctx, cancel = context.WithCancel(ctx)
			}
			defer cancel()
			const turn = 60 // submissions
			var ours, bare []time.Duration
			rows := bareRows()
			for b.Loop() {
				run := newSubmissions(b, c.cfg, turn/3)
				bare = append(bare, timed(func() {
					for range turn {
						bareLooplab(b, rows)
					}
				})/turn)
				ours = append(ours, timed(func() {
					for range turn {
						run.next(ctx, b)
					}
				})/turn)
			}
			b.ReportMetric(0, "ns/op") // hides the sum of both
			b.ReportMetric(float64(median(ours)), "ns/submit")
			b.ReportMetric(float64(median(bare)), "ns/looplab")
			b.ReportMetric(float64(median(ours))/float64(median(bare)), "×looplab")
		})
	}
}

// A whole Submit alone, for benchstat and for profiles.
func BenchmarkSubmit(b *testing.B) {
	for name, cfg := range map[string]carrierfsm.Config{"plain": {}, "sealed": {Sealer: sealer(b)}} {
		b.Run(name, func(b *testing.B) {
			var run submissions
			b.ReportAllocs()
			for b.Loop() {
				if run.left() == 0 {
					b.StopTimer()
					run = newSubmissions(b, cfg, 500)
					b.StartTimer()
				}
				run.next(context.Background(), b)
			}
		})
	}
}

func timed(f func()) time.Duration {
	begun := time.Now()
	f()
	return time.Since(begun)
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}

func bareLooplab(b *testing.B, rows fsm.Events) {
	m := fsm.NewFSM(string(carrierfsm.AwaitingCaptcha), rows, nil)
	if err := m.Event(context.Background(), string(carrierfsm.CollectionStarted)); err != nil {
		b.Fatal(err)
	}
}

// bareRows is the transition table in looplab's form.
func bareRows() (rows fsm.Events) {
	at := make(map[[2]string]int)
	for _, e := range carrierfsm.Edges() {
		name := [2]string{string(e.Event), string(e.To)}
		i, known := at[name]
		if !known {
			i = len(rows)
			at[name] = i
			rows = append(rows, fsm.EventDesc{Name: name[0], Dst: name[1]})
		}
		rows[i].Src = append(rows[i].Src, string(e.From))
	}
	return rows
}

// submissions are those of plain verifications, one after the other.
type submissions struct {
	m   *carrierfsm.Machine
	ids []string
	n   int
	v   carrierfsm.Verification
}

func newSubmissions(tb testing.TB, cfg carrierfsm.Config, verifications int) submissions {
	tb.Helper()
	cfg.Store, cfg.Upstream = memory.New(), fsmtest.Instant{}
	if !cfg.Numbers.Chosen() {
		cfg.Numbers = budget.None()
	}
	m, err := carrierfsm.New(cfg)
	if err != nil {
		tb.Fatal(err)
	}
	s := submissions{m: m}
	for range verifications {
		v, err := m.Create(context.Background(), carrierfsm.NewVerification{})
		if err != nil {
			tb.Fatal(err)
		}
		s.ids = append(s.ids, v.ID)
	}
	return s
}

func (s *submissions) left() int { return 3*len(s.ids) - s.n }

// next makes the next one.
func (s *submissions) next(ctx context.Context, tb testing.TB) {
	var in carrierfsm.Input
	switch s.n % 3 {
	case 0:
		in = application(0)
	case 1:
		in = carrierfsm.Password{Step: s.v.Step, Password: carrierfsm.NewSecret("246810")}
	default:
		in = captcha(s.v, "500001")
	}
	v, err := s.m.Submit(ctx, s.ids[s.n/3], in)
	if err != nil || s.n%3 == 2 && v.State != carrierfsm.Done {
		tb.Fatal(v.State, err)
	}
	s.v = v
	s.n++
}

// One plain verification from created to done: a creation and four transitions
// in three submissions, with their intents, in memory.
func BenchmarkPlainVerification(b *testing.B) {
	up := fsmtest.NewUpstream()
	m, err := carrierfsm.New(carrierfsm.Config{Numbers: budget.None(), Store: memory.New(), Upstream: up})
	if err != nil {
		b.Fatal(err)
	}
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		up.Then(fsmtest.Code("10002"), fsmtest.Code("10008"))
		v, err := m.Create(ctx, carrierfsm.NewVerification{})
		if err == nil {
			v, err = m.Submit(ctx, v.ID, application(0))
		}
		if err == nil {
			v, err = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Step, Password: carrierfsm.NewSecret("246810")})
		}
		if err == nil {
			v, err = m.Submit(ctx, v.ID, captcha(v, "500001"))
		}
		if err != nil || v.State != carrierfsm.Done {
			b.Fatal(v.State, err)
		}
	}
}

// The cost of looplab for one step.
func BenchmarkNext(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := carrierfsm.Next(carrierfsm.AwaitingCaptcha, carrierfsm.CollectionStarted); err != nil {
			b.Fatal(err)
		}
	}
}

// The cost of the reply table for one reply.
func BenchmarkMatch(b *testing.B) {
	r, s := carrierfsm.Reply{Success: true, Code: "10008", Type: "CONTROL"}, carrierfsm.Source{Website: "chinamobilejs", Online: true}
	b.ReportAllocs()
	for b.Loop() {
		if carrierfsm.Match(carrierfsm.CallCollect, r, s).Event != carrierfsm.CollectionStarted {
			b.Fatal("another event")
		}
	}
}

// Encoding and decoding a body with an open intent, beside encoding/json.
func BenchmarkBody(b *testing.B) {
	o := inFlight(carrierfsm.PromptCaptcha)
	r, err := carrierfsm.Seal(nil, o)
	if err != nil {
		b.Fatal(err)
	}
	var body carrierfsm.Body
	if err := body.Unmarshal(r.Body); err != nil {
		b.Fatal(err)
	}
	for name, f := range map[string]func() error{
		"write":      func() error { _, err := body.Marshal(); return err },
		"read":       func() error { return new(carrierfsm.Body).Unmarshal(r.Body) },
		"write/json": func() error { _, err := json.Marshal(body); return err },
		"read/json":  func() error { return json.Unmarshal(r.Body, new(carrierfsm.Body)) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := f(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
