package memory_test

import (
	"fmt"
	"testing"

	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/memory"
)

func BenchmarkPlainVerification(b *testing.B) {
	for _, drivers := range []int{1, 8} {
		b.Run(fmt.Sprintf("drivers=%d", drivers), func(b *testing.B) {
			fsmtest.BenchmarkStore(b, memory.New(), drivers)
		})
	}
}
