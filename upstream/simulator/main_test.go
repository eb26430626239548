package simulator_test

import (
	"testing"

	"go.uber.org/goleak"
)

// No test may leak a goroutine.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
