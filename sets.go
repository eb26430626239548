package carrierfsm

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
)

// set is a set of the words of one column of the reply table, a bit a word.
// The zero set stands for all of them.
type set uint32

// words are the values of one column. The word of a value that is not listed
// is unknown, and of an empty one absent.
type words []string

const (
	absent  = "(none)"
	unknown = "(other)"
)

// are returns the set of the given words, which must be words of the column.
func (w words) are(names ...string) (s set) {
	for _, name := range names {
		i := slices.Index(w, name)
		if i < 0 {
			panic("carrierfsm: the reply table has no word " + name)
		}
		s |= 1 << i
	}
	return s
}

// of returns the set that holds the word of one value.
func (w words) of(value string) set {
	i := slices.Index(w, value)
	switch {
	case value == "":
		i = slices.Index(w, absent)
	case i < 0 || value == absent:
		i = slices.Index(w, unknown)
	}
	return 1 << i
}

// all returns the set of all words.
func (w words) all() set { return 1<<len(w) - 1 }

// names lists the words of a set.
func (w words) names(s set) []string {
	var names []string
	for i, name := range w {
		if s&(1<<i) != 0 {
			names = append(names, name)
		}
	}
	return names
}

// not returns the words of the column that are not in s.
func (s set) not(w words) set { return w.all() &^ s }

// has tells whether a rule's set accepts a value's.
func (s set) has(value set) bool { return s == 0 || s&value != 0 }

// truth is the word of a bool.
func truth(b bool) set {
	if b {
		return yes
	}
	return no
}

// columns are the columns of the reply table with what r accepts in each; the
// zero set is spelt out.
func (r rule) columns() []column {
	columns := []column{
		{"call", callWords, r.call},
		{"success", boolWords, r.success},
		{"process_code", codeWords, r.code},
		{"tpl.type", tplWords, r.template},
		{"data.type", kindWords, r.kind},
		{"finish", boolWords, r.finish},
		{"next source", boolWords, r.next},
		{"collected before", boolWords, r.already},
		{"online", boolWords, r.online},
		{"can reset", boolWords, r.reset},
	}
	for i, c := range columns {
		if c.set == 0 {
			columns[i].set = c.words.all()
		}
	}
	return columns
}

type column struct {
	name  string
	words words
	set   set
}

// ReplyRule is one row of the reply table in words, for documents and audits.
type ReplyRule struct {
	// When holds what the row asks for, "success=yes" for instance. A column
	// that the row leaves open is not in it.
	When []string
	// Event is what the reply means, and Prompt the kind of code asked for
	// where the event leaves that open.
	Event  Event
	Prompt PromptKind
}

// ReplyRules returns the reply table. Exactly one rule accepts any reply.
func ReplyRules() []ReplyRule {
	list := make([]ReplyRule, len(rules))
	for i, r := range rules {
		list[i] = ReplyRule{Event: r.then, Prompt: r.ask}
		for _, c := range r.columns() {
			if c.set != c.words.all() {
				list[i].When = append(list[i].When, c.name+"="+strings.Join(c.words.names(c.set), "|"))
			}
		}
	}
	return list
}

// checkRules sees that exactly one rule accepts any reply: no two rules meet
// in a cell, and together they have as many cells as there are.
func checkRules(rules []rule) error {
	var errs []error
	covered, cells := 0, 1
	for i, r := range rules {
		covered += r.cells()
		for j := range i {
			if r.meets(rules[j]) {
				errs = append(errs, fmt.Errorf("reply rules %d and %d accept the same reply", j, i))
			}
		}
	}
	for _, c := range (rule{}).columns() {
		cells *= len(c.words)
	}
	if covered != cells {
		errs = append(errs, fmt.Errorf("the reply rules cover %d of %d cells", covered, cells))
	}
	return errors.Join(errs...)
}

func (r rule) cells() int {
	n := 1
	for _, c := range r.columns() {
		n *= bits.OnesCount32(uint32(c.set))
	}
	return n
}

func (r rule) meets(other rule) bool {
	theirs := other.columns()
	for i, c := range r.columns() {
		if c.set&theirs[i].set == 0 {
			return false
		}
	}
	return true
}

func join(parts ...[]rule) []rule { return slices.Concat(parts...) }
