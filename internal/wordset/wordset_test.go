package wordset_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/wordset"
)

var column = wordset.Column{wordset.Absent, wordset.Other, "10001", "10002"}

func TestAValueCountsAsItsWordOrAsOtherOrAbsent(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"10001": "10001", "10002": "10002", "": wordset.Absent, "10003": wordset.Other, "1000": wordset.Other,
		wordset.Absent: wordset.Other, wordset.Other: wordset.Other, // the words themselves are no values
	} {
		require.Equal(t, column.Of(want), column.Classify(value), "%q", value)
	}
}

func TestASetAcceptsItsWordsAndTheZeroSetAll(t *testing.T) {
	t.Parallel()
	set := column.Of("10001", wordset.Other)
	require.Equal(t, []string{wordset.Other, "10001"}, column.Words(set))
	require.Equal(t, column.Of(wordset.Absent, "10002"), column.Except("10001", wordset.Other))
	require.Equal(t, column.All(), set|column.Except("10001", wordset.Other))
	for _, word := range column {
		one := column.Of(word)
		require.Equal(t, word == "10001" || word == wordset.Other, set.Accepts(one), word)
		require.True(t, wordset.Set(0).Accepts(one), word)
	}
}

func TestAWordThatTheColumnDoesNotHavePanics(t *testing.T) {
	t.Parallel()
	require.Panics(t, func() { column.Of("10003") })
	require.Panics(t, func() { column.Except("10003") })
}
