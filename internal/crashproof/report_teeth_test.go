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
		},
		caught: []catch{{"no intent", []string{"2 " + repeated, "1 " + gap}, 15, 2 * time.Second}},
	}
	text := r.text("| 558 |\n")
	require.Contains(t, text, figureBegin+"| 558 |\n"+figureEnd)
	require.Contains(t, text, "| | SQLite | PostgreSQL |\n")
	require.Contains(t, text, "| replicas killed | 5000 | 5001 |\n")
	require.Contains(t, text, "| seeds | 7 to 8 | 7 to 7 |\n")
	require.Contains(t, text, "| gaps in history | 0 | 1 |\n")
	require.Contains(t, text, "| no intent | 15 | 2.0 | 2 "+repeated+", 1 "+gap+" |\n")
}
