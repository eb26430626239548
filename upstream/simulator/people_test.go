package simulator_test

import (
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/upstream/simulator"
)

// The check uses the weights of GB 11643; the numbers are made by ISO 7064.
func TestThePeopleAreInventedWithValidCheckDigits(t *testing.T) {
	t.Parallel()
	weights := []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2}
	people := simulator.People()
	require.Len(t, people, len(simulator.Carriers()))
	cards := make(map[string]bool)
	for i, p := range people {
		require.Equal(t, simulator.Carriers()[i].Website, p.Website)
		require.Regexp(t, regexp.MustCompile("^138001380[0-9]{2}$"), p.Phone)
		require.Equal(t, "测试用户", p.Name)
		require.Regexp(t, regexp.MustCompile("^99999918000101[0-9]{3}[0-9X]$"), p.IDCard)
		sum := 0
		for j, weight := range weights {
			sum += weight * int(p.IDCard[j]-'0')
		}
		require.Equal(t, "10X98765432"[sum%11], p.IDCard[17], p.IDCard)
		cards[p.IDCard] = true
	}
	require.Len(t, cards, len(people))
}
