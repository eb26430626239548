package profile_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/bench/measure/profile"
)

func TestParseSumsSharesByPackage(t *testing.T) {
	t.Parallel()
	const top = `File: bench
Type: cpu
Showing nodes accounting for 1s, 100% of 1s total
      flat  flat%   sum%        cum   cum%
     0.40s 40.00% 40.00%      0.40s 40.00%  modernc.org/sqlite/lib._sqlite3VdbeExec
     0.15s 15.00% 55.00%      0.40s 40.00%  runtime.mallocgc
     0.10s 10.00% 65.00%      0.10s 10.00%  internal/runtime/atomic.(*Uint32).Load (inline)
     0.20s 20.00% 85.00%      0.20s 20.00%  github.com/carrierfsm/carrierfsm.(*Machine).Submit (inline)
     0.10s 10.00% 95.00%      0.10s 10.00%  runtime.futex
     0.05s  5.00%   100%      0.05s  5.00%  github.com/carrierfsm/carrierfsm/store/internal/batch.(*Queue[github.com/x/y.item]).Do
`
	want := profile.Shares{
		"modernc.org/sqlite/lib": 0.4, "runtime": 0.35, "github.com/carrierfsm/carrierfsm": 0.2,
		"github.com/carrierfsm/carrierfsm/store/internal/batch": 0.05,
	}
	require.Empty(t, cmp.Diff(want, profile.Parse(top), cmpopts.EquateApprox(0, 1e-9)))
	require.Empty(t, profile.Parse("another text\n"))
}
