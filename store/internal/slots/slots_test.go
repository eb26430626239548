package slots_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/store/internal/slots"
)

func TestDrain(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		before string
		drain  bool
		after  string
		ok     bool
	}{
		{"0-512/1024", true, "draining 0-512/1024", true},
		{"0-512/1024", false, "0-512/1024", true},
		{"draining 0-512/1024", true, "draining 0-512/1024", true},
		{"draining 0-512/1024", false, "0-512/1024", true},
		{"moved 0-512/1024", true, "", false},
		{"moved 0-512/1024", false, "", false},
		{"", true, "draining ", true},
	} {
		after, ok := slots.Drain(c.before, c.drain)
		require.Equal(t, []any{c.after, c.ok}, []any{after, ok}, "%q %v", c.before, c.drain)
		require.Equal(t, ok && c.drain, slots.Drains(after), after)
	}
}
