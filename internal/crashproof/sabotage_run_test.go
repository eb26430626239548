package crashproof_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// mostRounds is how many rounds a sabotage may survive before the test fails.
const mostRounds = 10

// catch is how a sabotage was caught.
type catch struct {
	name  string
	by    []string // the kinds of violation
	blows int64    // kills and pauses until then
	took  time.Duration
}

// catchAll runs rounds of every sabotaged engine until a violation is found.
func catchAll(t *testing.T, seed uint64, of []sabotage) (list []catch) {
	t.Helper()
	for _, s := range of {
		t.Run(strings.ReplaceAll(s.name, " ", "_"), func(t *testing.T) {
			c := s.catch(t, seed)
			require.NotEmpty(t, c.by, "seed %d: it was not found in %d kills and pauses", seed, c.blows)
			t.Logf("caught within %d kills and pauses, %s: %s", c.blows, c.took.Round(100*time.Millisecond), strings.Join(c.by, ", "))
			list = append(list, c)
		})
	}
	return list
}

func (s sabotage) catch(t *testing.T, seed uint64) catch {
	t.Helper()
	p := s.plan
	p.sabotage = s.ports
	if len(s.patches) > 0 {
		p.program = s.build(t)
	}
	began := time.Now()
	c := catch{name: s.name}
	for i := range mostRounds {
		p.seed = seed + uint64(i)
		o := runRound(t, p)
		c.took = time.Since(began)
		if o.alarm != nil && s.by == "" {
			c.blows += o.alarm.kills
			c.by = []string{o.alarm.what}
			return c
		}
		c.blows += o.kills + o.pauses
		if s.by == "" && len(o.violations) > 0 || s.by != "" && o.number(s.by) > 0 {
			t.Logf("for example: %s", o.violations[0])
			c.by = o.kinds()
			return c
		}
	}
	return c
}
