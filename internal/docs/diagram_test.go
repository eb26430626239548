package docs_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/internal/docs"
)

func TestThePicturesShowOneBeginningAndBothEnds(t *testing.T) {
	t.Parallel()
	for _, picture := range []string{docs.Mermaid(), docs.MermaidOutline()} {
		require.Equal(t, 1, strings.Count(picture, "[*] --> "), "looplab's diagram marks the current state as the initial one")
		require.Contains(t, picture, "[*] --> created\n")
		require.Contains(t, picture, "done --> [*]\n")
		require.Contains(t, picture, "failed --> [*]\n")
	}
	for _, e := range carrierfsm.Edges() {
		require.Contains(t, docs.Mermaid(), string(e.Event))
	}
}
