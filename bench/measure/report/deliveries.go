package report

import (
	"fmt"
	"slices"

	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/river"
	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/watermill"
	"github.com/carrierfsm/carrierfsm/bench/measure/deliveries"
	"github.com/carrierfsm/carrierfsm/bench/measure/drive"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
	"github.com/carrierfsm/carrierfsm/bench/measure/tail"
)

// delivered returns the costs of one kind of deliveries.
func (r *Run) delivered(kind string, m subject.Medium) (list []deliveries.Cost) {
	for _, c := range r.Deliveries {
		if c.Kind == kind && c.Medium == m {
			list = append(list, c)
		}
	}
	return list
}

func (r *Run) delays(kind string, m subject.Medium) (list []deliveries.DelayCost) {
	for _, c := range r.Delays {
		if c.Kind == kind && c.Medium == m {
			list = append(list, c)
		}
	}
	return list
}

func (r *Run) tails(m subject.Medium) (list []tail.Cost) {
	for _, c := range r.Tails {
		if c.Medium == m {
			list = append(list, c)
		}
	}
	return list
}

func delayP50(c deliveries.DelayCost) float64 { return c.P50.Seconds() * 1e3 }
func delayP99(c deliveries.DelayCost) float64 { return c.P99.Seconds() * 1e3 }
func tailQuiet(c tail.Cost) float64           { return p99(c.Quiet) }
func tailBeside(c tail.Cost) float64          { return p99(c.Beside) }
func tailRatio(c tail.Cost) float64           { return p99(c.Beside) / p99(c.Quiet) }
func spread(s drive.Sample) float64           { return p99(s) / p50(s) }

// rate is the ratio of deliveries a second of two kinds.
func (r *Run) rate(m subject.Medium, kind, other string) Figure {
	return ratio(r.delivered(kind, m), r.delivered(other, m), deliveries.Cost.PerSecond)
}

func (r *Run) deliveryTargets() (list []Target) {
	for _, kind := range []string{river.Name, watermill.Name} {
		list = append(list, Target{
			What: fmt.Sprintf("deliveries relative to %s, %s", kind, subject.Postgres), Found: r.rate(subject.Postgres, deliveries.Quiet, kind), Least: 3,
		})
	}
	for _, m := range durable {
		for _, kind := range []string{deliveries.Beside, deliveries.Slow} {
			list = append(list, Target{
				What: fmt.Sprintf("deliveries %s relative to those without, %s", kind, m), Found: r.rate(m, kind, deliveries.Quiet), Least: 0.5,
			})
		}
	}
	for _, m := range durable {
		for _, t := range []struct {
			kind string
			most float64
		}{{deliveries.OneMachine, 3}, {deliveries.TwoMachines, 15}} {
			list = append(list, Target{
				What:  fmt.Sprintf("median delay from a commit to the call of a handler, %s, %s", t.kind, m),
				Found: figure(r.delays(t.kind, m), delayP50), Most: t.most, Unit: " ms",
			})
		}
	}
	return list
}

// tailTargets are about the slowest submissions.
func (r *Run) tailTargets() (list []Target) {
	for _, m := range durable {
		for _, n := range []int{32, 64} {
			list = append(list, Target{
				What:  fmt.Sprintf("99th percentile of a submission relative to the median, %s, %s", m, driversOf(n)),
				Found: figure(r.ours(m, n), spread), Most: 3,
			})
		}
	}
	for _, m := range durable {
		list = append(list, Target{
			What:  fmt.Sprintf("99th percentile of a submission beside a sweep and a dispatcher relative to that without, %s", m),
			Found: figure(r.tails(m), tailRatio), Most: 2,
		})
	}
	return list
}

// deliveries writes the tables about handlers: the rate, the delay and the tail.
func (d *document) deliveries(r *Run) {
	d.paragraph("## Deliveries")
	d.paragraph("An empty handler gets the transitions that wait for it: some thousands of plain verifications, those of one in order. A worker of\n" +
		"River gets as many jobs, and a subscriber of watermill-sql as many messages. What is slow takes a second and is not counted.")
	d.table("", "store", "deliveries/s", "relative to carrierfsm, quiet", "deliveries", "verifications/s beside them")
	for _, m := range durable {
		for _, kind := range deliveries.On(m) {
			c := r.delivered(kind, m)
			for _, last := range lastOf(c) {
				d.row(deliveryName(kind), string(m), figure(c, deliveries.Cost.PerSecond).String(), r.rate(m, kind, deliveries.Quiet).String(),
					thousands(float64(last.Delivered)), median(c, submittedPerSecond))
			}
		}
	}
	d.end()
	d.paragraph("The time from the acknowledgement of a commit to the call of the handler, one commit at a time:")
	d.table("the handler runs", "store", "p50, ms", "p99, ms")
	for _, m := range durable {
		for _, kind := range []string{deliveries.OneMachine, deliveries.TwoMachines} {
			if c := r.delays(kind, m); len(c) > 0 {
				d.row(kind, string(m), figure(c, delayP50).String(), figure(c, delayP99).String())
			}
		}
	}
	d.end()
	d.tails(r)
}

func submittedPerSecond(c deliveries.Cost) float64 { return float64(c.Submitted) / c.Took.Seconds() }

func deliveryName(kind string) string {
	if slices.Contains([]string{river.Name, watermill.Name, watermill.Tuned}, kind) {
		return kind
	}
	return "carrierfsm, " + kind
}

func (d *document) tails(r *Run) {
	d.paragraph("Submissions of 32 drivers: first alone, then beside a sweep and a dispatcher in the same replica:")
	d.table("store", "settled", "delivered meanwhile", "p50 and p99 before, ms", "p50 and p99 meanwhile, ms", "p99, relative")
	for _, m := range durable {
		c := r.tails(m)
		for _, last := range lastOf(c) {
			d.row(string(m), thousands(float64(last.Due)), thousands(float64(last.Delivered)),
				median(c, func(c tail.Cost) float64 { return p50(c.Quiet) })+", "+median(c, tailQuiet),
				median(c, func(c tail.Cost) float64 { return p50(c.Beside) })+", "+median(c, tailBeside), figure(c, tailRatio).String())
		}
	}
	d.end()
}

// concludeDeliveries is the conclusion about deliveries.
func (r *Run) concludeDeliveries() string {
	rate := func(kind string, m subject.Medium) string {
		return median(r.delivered(kind, m), deliveries.Cost.PerSecond)
	}
	delay := func(kind string, m subject.Medium) string { return median(r.delays(kind, m), delayP50) }
	return fmt.Sprintf("**A handler** gets %s transitions/s on %s and %s on %s, where River gets %s jobs/s and watermill-sql %s messages/s,\n"+
		"  tuned to batches of a thousand %s: its one subscriber gets them one after the other, and a failing one stops it.\n"+
		"  A handler hears of a commit after %s and %s ms in the process, and after %s and %s ms in another one (medians).",
		rate(deliveries.Quiet, subject.SQLiteFull), subject.SQLiteFull, rate(deliveries.Quiet, subject.Postgres), subject.Postgres,
		rate(river.Name, subject.Postgres), rate(watermill.Name, subject.Postgres), rate(watermill.Tuned, subject.Postgres),
		delay(deliveries.OneMachine, subject.SQLiteFull), delay(deliveries.OneMachine, subject.Postgres),
		delay(deliveries.TwoMachines, subject.SQLiteFull), delay(deliveries.TwoMachines, subject.Postgres))
}
