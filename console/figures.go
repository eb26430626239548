package console

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/figures"
)

// window is a period that figures can cover.
type window struct {
	Name, Label string
	Length      time.Duration
	// Step is what a bar of a chart covers, and rows the period of the rows that are read.
	Step, rows time.Duration
	// Before is what the figures are beside, and shift how long ago that was.
	Before string
	shift  time.Duration
}

// windows are the choices; the first is the default.
var windows = []window{
	{"24h", "24 hours", figures.Day, figures.Hour, figures.Hour, "the day before", figures.Day},
	{"1h", "1 hour", figures.Hour, figures.Minute, figures.Minute, "the day before", figures.Day},
	{"7d", "7 days", 7 * figures.Day, 6 * figures.Hour, figures.Hour, "the week before", 7 * figures.Day},
}

// figuresTTL is how long figures are cached.
const figuresTTL = 10 * time.Second

// figuresView are figures arranged for the overview.
type figuresView struct {
	window
	From, Until time.Time
	All, AllOld *sums        // in the window, and before it
	Rows        []carrierRow // the total first, then by carrier
	TimedStates []carrierfsm.State
	Charts      []chart
	Times       []timeRow // the tables behind the charts, oldest first
	Reasons     []reasonRow

	Recent, RecentOld *sums // the last 15 minutes, and those of the day before
	Unusual           []unusual
}

// carrierRow is one carrier's figures, or those of all.
type carrierRow struct {
	*sums
	Old    *sums // before
	Source string
	All    bool
	Marked bool // it leaves its own normal
}

// Label is the heading of the row.
func (r carrierRow) Label() string {
	switch {
	case r.All:
		return "all"
	case r.Source == "":
		return "none yet"
	default:
		return r.Source
	}
}

// timeRow is a step of the window, and the one before it.
type timeRow struct {
	Start    time.Time
	Now, Old *sums
}

// reasonRow is how many verifications failed by one event.
type reasonRow struct {
	Event  carrierfsm.Event
	Failed int64
}

// figures returns the figures of a window, from the cache while they are fresh.
func (c *Console) figures(ctx context.Context, now time.Time, w window) (figuresView, error) {
	return c.cached.get(ctx, w.Name, now, figuresTTL, func(ctx context.Context) (figuresView, error) {
		if c.cfg.Figures == nil {
			return figuresView{}, errNoFigures
		}
		return readFigures(ctx, c.cfg.Figures, now, w)
	})
}

// readFigures reads the rows of a window, of the time before it, of the last 15
// minutes, and of the week before.
func readFigures(ctx context.Context, counters *figures.Counters, now time.Time, w window) (figuresView, error) {
	v := figuresView{window: w, TimedStates: timedStates, Until: figures.StartOf(now, w.Step).Add(w.Step)}
	v.From = v.Until.Add(-w.Length)
	minute := figures.StartOf(now, figures.Minute).Add(figures.Minute)
	today, hour := figures.StartOf(now, figures.Day), figures.StartOf(now, figures.Hour)
	var rows [6][]figures.Row
	for i, r := range []struct {
		period      time.Duration
		from, until time.Time
	}{
		{w.rows, v.From, v.Until.Add(time.Minute)}, // another replica's clock may be ahead
		{w.rows, v.From.Add(-w.shift), v.Until.Add(-w.shift)},
		{figures.Minute, minute.Add(-recentLong), minute.Add(time.Minute)},
		{figures.Minute, minute.Add(-recentLong - figures.Day), minute.Add(-figures.Day)},
		{figures.Day, today.Add(-7 * figures.Day), today},
		{figures.Hour, today, hour},
	} {
		if w.rows == figures.Hour && i == 5 { // the window has them
			rows[i] = between(rows[0], r.from, r.until)
			continue
		}
		var err error
		if rows[i], err = counters.Read(ctx, r.period, r.from, r.until); err != nil {
			return figuresView{}, err
		}
	}
	var sources, old bySource
	v.All, sources = sumUp(rows[0])
	v.AllOld, old = sumUp(rows[1])
	v.mark(minute.Add(-recentShort), rows[2], rows[3], slices.Concat(rows[4], rows[5]))
	v.addRows(sources, old)
	v.addTimes(rows[0], rows[1])
	for event, n := range v.All.Reasons {
		v.Reasons = append(v.Reasons, reasonRow{event, n})
	}
	slices.SortFunc(v.Reasons, func(a, b reasonRow) int {
		return cmp.Or(cmp.Compare(b.Failed, a.Failed), cmp.Compare(a.Event, b.Event))
	})
	return v, nil
}

// between returns the rows that start at from or later and before until.
func between(rows []figures.Row, from, until time.Time) (list []figures.Row) {
	for _, r := range rows {
		if !r.Start.Before(from) && r.Start.Before(until) {
			list = append(list, r)
		}
	}
	return list
}

// mark lists in Unusual the carriers whose latest minutes are unusual.
func (v *figuresView) mark(short time.Time, latest, yesterday, week []figures.Row) {
	var longs, olds, weeks, shorts bySource
	var allWeek *sums
	v.Recent, longs = sumUp(latest)
	v.RecentOld, olds = sumUp(yesterday)
	allWeek, weeks = sumUp(week)
	allShort, shorts := sumUp(between(latest, short, short.Add(figures.Day)))
	note := func(r carrierRow, long, short, week, yesterday *sums) {
		if why := whyUnusual(long, short, week, yesterday); len(why) > 0 {
			v.Unusual = append(v.Unusual, unusual{r, why})
		}
	}
	note(carrierRow{All: true}, v.Recent, allShort, allWeek, v.RecentOld)
	names := slices.Sorted(maps.Keys(weeks))
	for _, source := range names {
		note(carrierRow{Source: source}, longs.of(source), shorts.of(source), weeks.of(source), olds.of(source))
	}
	if len(v.Unusual) == 2 && v.Unusual[0].All {
		v.Unusual = v.Unusual[1:] // one carrier alone is why
	}
}

// addRows arranges sums by carrier.
func (v *figuresView) addRows(sources, old bySource) {
	v.Rows = []carrierRow{{sums: v.All, Old: v.AllOld, All: true}}
	for source := range old {
		sources.of(source) // one from which nothing comes any more is shown too
	}
	for _, source := range slices.Sorted(maps.Keys(sources)) {
		v.Rows = append(v.Rows, carrierRow{sums: sources[source], Old: old.of(source), Source: source})
	}
	for i := range v.Rows {
		r := &v.Rows[i]
		r.Marked = slices.ContainsFunc(v.Unusual, func(u unusual) bool { return u.All == r.All && u.Source == r.Source })
	}
}

// addTimes arranges rows by time, and makes the charts of them.
func (v *figuresView) addTimes(now, old []figures.Row) {
	n := int(v.Length / v.Step)
	for i := range n {
		v.Times = append(v.Times, timeRow{v.From.Add(time.Duration(i) * v.Step), newSums(), newSums()})
	}
	for _, r := range now {
		v.Times[min(n-1, int(r.Start.Sub(v.From)/v.Step))].Now.addNumbers(r.Counts)
	}
	for _, r := range old {
		v.Times[min(n-1, int(r.Start.Sub(v.From.Add(-v.shift))/v.Step))].Old.addNumbers(r.Counts)
	}
	for _, s := range series {
		v.Charts = append(v.Charts, newChart(s, v.Times))
	}
}

// knownSources returns the carriers in the cached figures, as suggestions for
// the filter.
func (c *Console) knownSources() (names []string) {
	cached, known := c.cached.latest(windows[0].Name)
	if !known {
		return nil
	}
	for _, r := range cached.Rows {
		if r.Source != "" {
			names = append(names, r.Source)
		}
	}
	return names
}
