package main_test

import (
	"testing"
)

func TestEachSubcommandOnEachStore(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"look.txt", "act.txt", "refused.txt"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEachStore(t, func(t *testing.T, p place) {
				fill(t, p)
				newCommand(t, "CARRIERFSM_STORE="+p.spec, "CARRIERFSM_KEY_FILE=keys", "CARRIERFSM_SECRET_FILE=secret").play(name)
			})
		})
	}
}
