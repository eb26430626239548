package crashproof_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Whatever is killed, paused, stopped or cut: no acknowledged transition is
// lost, no secret arrives twice, nothing is sent once it was judged, no history
// has a gap, no handler misses a step, nobody is stuck, and all that people saw
// has an order.
func TestNothingIsLostOrRepeatedWhateverDies(t *testing.T) {
	seed := firstSeed()
	var r report
	for _, f := range figures() {
		t.Run(f.title, func(t *testing.T) {
			r.honest = append(r.honest, result{f.title, f.run(t, seed)})
		})
	}
	if *figuresFlag != "" || *teethFlag {
		t.Run("sabotage", func(t *testing.T) { r.caught = catchAll(t, seed) })
	}
	if *figuresFlag == "release" && !t.Failed() {
		require.NoError(t, r.write())
	}
}
