package fsmtest_test

import (
	"context"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// FuzzTheCoreOnEachStore runs the core with any inputs and replies, and compares all
// that it writes with what the store returns.
func FuzzTheCoreOnEachStore(f *testing.F) {
	source := rand.New(rand.NewPCG(7, 8))
	for range 4 {
		seed := make([]byte, 2000)
		for i := range seed {
			seed[i] = byte(source.Uint32())
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := sqlite.Open(context.Background(), filepath.Join(t.TempDir(), "fuzz.db"), sqlite.SynchronousNormal())
		require.NoError(t, err)
		defer func() { require.NoError(t, file.Close()) }()
		for name, store := range map[string]carrierfsm.Store{"memory": memory.New(), "sqlite": file} {
			require.NoError(t, fsmtest.DriveCore(store, choices(data), 8), name)
		}
	})
}

// choices returns a function that chooses by one byte after the other, and 0 after
// the last.
func choices(data []byte) func(n int) int {
	return func(n int) int {
		if len(data) == 0 {
			return 0
		}
		c := int(data[0])
		data = data[1:]
		return c % n
	}
}
