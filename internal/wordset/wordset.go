// Package wordset holds sets of words in one machine word, for tables whose
// cells accept several values of a column.
package wordset

import "slices"

// Column lists the words of one column of a table, at most 32. A value that is
// not listed counts as Other, and the empty value as Absent, where the column
// has these words.
type Column []string

// The words for values that a column does not list.
const (
	Absent = "(none)"
	Other  = "(other)"
)

// Set is a set of the words of one column, a bit a word. The zero Set accepts
// every word.
type Set uint32

// Of returns the set of the given words. It panics for a word that the column
// does not have: a table that names one must not load.
func (c Column) Of(words ...string) (s Set) {
	for _, word := range words {
		i := slices.Index(c, word)
		if i < 0 {
			panic("wordset: the column has no word " + word)
		}
		s |= 1 << i
	}
	return s
}

// Classify returns the set of the one word that a value counts as. The column
// must have the words Absent and Other if such values can come.
func (c Column) Classify(value string) Set {
	i := slices.Index(c, value)
	switch {
	case value == "":
		i = slices.Index(c, Absent)
	case i < 0 || value == Absent:
		i = slices.Index(c, Other)
	}
	return 1 << i
}

// All returns the set of all words of the column.
func (c Column) All() Set { return 1<<len(c) - 1 }

// Except returns the words of the column that are not among the given ones.
func (c Column) Except(words ...string) Set { return c.All() &^ c.Of(words...) }

// Words lists the words of a set.
func (c Column) Words(s Set) (words []string) {
	for i, word := range c {
		if s&(1<<i) != 0 {
			words = append(words, word)
		}
	}
	return words
}

// Accepts reports whether s holds the word of a value that Classify returned.
func (s Set) Accepts(value Set) bool { return s == 0 || s&value != 0 }
