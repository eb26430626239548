package crashproof_test

import (
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

// TestMain is a replica where it was started as one.
func TestMain(m *testing.M) {
	if config := os.Getenv(replicaEnv); config != "" {
		fmt.Fprintln(os.Stderr, "the replica ended:", replica(config))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}
