package crashproof_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTheReportHasEveryFigure(t *testing.T) {
	t.Parallel()
	r := report{
		honest: []result{
			{"SQLite", outcome{kills: 5000, seeds: []uint64{7, 8}}},
			{"PostgreSQL", outcome{kills: 5001, seeds: []uint64{7}, violations: []violation{{kind: gap}}}},
			{"four shards", outcome{rounds: 3, stops: 2, moves: 3, acknowledged: 4000, elsewhere: 1234, seeds: []uint64{7}}},
		},
		caught: []catch{{"no intent", []string{"2 " + repeated, "1 " + gap}, 15, 2 * time.Second}, {shardSabotages[0].name, []string{"3 " + misplaced}, 9, time.Second}},
	}
	text := r.text("| 0 lost |\n", "| 558 |\n")
	require.Contains(t, text, failoverBegin+"| 0 lost |\n"+failoverEnd)
	require.Contains(t, text, figureBegin+"| 558 |\n"+figureEnd)
	require.Contains(t, text, "Replicas were killed 10,001 times")
	require.Contains(t, text, "1 were found")
	_, shards, _, found := partIn(text, shardsBegin, shardsEnd)
	require.True(t, found)
	require.Contains(t, shards, "In 3 rounds on four shards a server was stopped and failed over 2 times and a shard moved to another server 3 times")
	require.Contains(t, shards, "| four shards | 3 | 0 | 0 | 2 | 3 | 4,000 | 1,234 | 0 |\n")
	require.Contains(t, shards, "| "+shardSabotages[0].name+" | 9 | 1.0 | 3 "+misplaced+" |\n")
	require.NotContains(t, shards, "no intent")
	require.Contains(t, text, "Each of 2 engines that were broken on purpose was caught, the\nslowest within 15 kills and pauses.")
	require.NotContains(t, text, "%!")
	raw := r.raw()
	require.Contains(t, raw, "| | SQLite | PostgreSQL | four shards |\n")
	require.Contains(t, raw, "| replicas killed | 5000 | 5001 | 0 |\n")
	require.Contains(t, raw, "| seeds | 7 to 8 | 7 to 7 | 7 to 7 |\n")
	require.Contains(t, raw, "| gaps in history | 0 | 1 | 0 |\n")
	require.Contains(t, raw, "| no intent | 15 | 2.0 | 2 "+repeated+", 1 "+gap+" |\n")
}

func TestTheReportOfFailoversHasEveryFigure(t *testing.T) {
	t.Parallel()
	r := failoverReport{
		honest: []result{
			{"pair, primary killed", outcome{rounds: 3, acknowledged: 2000, gap: 12300 * time.Millisecond}},
			{"trio, primary killed", outcome{rounds: 3, acknowledged: 1000, gap: 14 * time.Second, violations: []violation{{kind: lostAck}, {kind: gap}}}},
		},
		noticed: []result{{"asynchronous pair, primary cut off", outcome{rounds: 1, acknowledged: 900, violations: []violation{{kind: lostAck}}}}},
	}
	text := r.text()
	require.Contains(t, text, "**6 failovers of PostgreSQL")
	require.Contains(t, text, "within 14.0 s")
	require.Contains(t, text, "| pair, primary killed | 3 | 2,000 | 0 | 0 | 0 | 12.3 s |\n")
	require.Contains(t, text, "| trio, primary killed | 3 | 1,000 | 1 | 0 | 1 | 14.0 s |\n")
	require.Contains(t, text, "- asynchronous pair, primary cut off: 1 acknowledged transitions lost.\n")
	require.NotContains(t, text, "%!")
}
