package crashproof_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// Kills, pauses, database stops and cut connections lose no acknowledged transition,
// repeat no secret, send nothing whose outcome was settled, leave no gap in a history,
// no missed step of a handler and no stuck verification, and all that people received
// is linearizable.
func TestNothingIsLostOrRepeatedWhateverDies(t *testing.T) {
	seed := firstSeed()
	var r report
	var all outcome
	for _, f := range figures() {
		t.Run(f.title, func(t *testing.T) {
			sum := f.run(t, seed)
			r.honest = append(r.honest, result{f.title, sum})
			all.add(sum)
		})
	}
	if *figuresFlag != "" && *figuresFlag != "shards" && !t.Failed() { // enough rounds for people to meet each
		require.NotContains(t, []int{all.done, all.codes, all.resets, all.skips, all.unknown}, 0, "people did not do everything: %s", all)
	}
	if *figuresFlag != "" || *sabotageFlag {
		t.Run("sabotage", func(t *testing.T) { r.caught = catchAll(t, seed, sabotaged()) })
	}
	if !t.Failed() {
		require.NoError(t, r.publish())
	}
}

// sabotaged are the sabotaged engines of the figures.
func sabotaged() []sabotage {
	if *figuresFlag == "shards" {
		return shardSabotages
	}
	return slices.Concat(sabotages, shardSabotages)
}
