package carrierfsm

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

// spent counts attempts by the kind of prompt. It is a map of very few, and a
// value: versions of a record share it, so it is not changed in place. It is
// stored as a map is.
type spent []spentOn

// spentOn are in the order of their kinds, each kind once.
type spentOn struct {
	Kind PromptKind
	N    int
}

func (s spent) find(k PromptKind) (at int, found bool) {
	return slices.BinarySearchFunc(s, k, func(e spentOn, k PromptKind) int { return cmp.Compare(e.Kind, k) })
}

// of is how many of a kind there were.
func (s spent) of(k PromptKind) int {
	if at, found := s.find(k); found {
		return s[at].N
	}
	return 0
}

// plus returns the same with n more of each kind.
func (s spent) plus(n int, kinds ...PromptKind) spent {
	sum := make(spent, len(s), len(s)+len(kinds))
	copy(sum, s)
	for _, k := range kinds {
		at, found := sum.find(k)
		if !found {
			sum = slices.Insert(sum, at, spentOn{Kind: k})
		}
		sum[at].N += n
	}
	return sum
}

// MarshalJSON is json.Marshaler's.
func (s spent) MarshalJSON() ([]byte, error) {
	counts := make(map[PromptKind]int, len(s))
	for _, e := range s {
		counts[e.Kind] = e.N
	}
	return json.Marshal(counts)
}

// UnmarshalJSON is json.Unmarshaler's.
func (s *spent) UnmarshalJSON(text []byte) error {
	var counts map[PromptKind]int
	if err := json.Unmarshal(text, &counts); err != nil || counts == nil {
		return err
	}
	*s = make(spent, 0, len(counts))
	for _, k := range slices.Sorted(maps.Keys(counts)) {
		*s = append(*s, spentOn{k, counts[k]})
	}
	return nil
}

// spent is an object of numbers, by ascending words.
func (f *fields) spent(name string, p *spent) {
	if !f.object(name, len(*p) > 0) {
		return
	}
	if f.reading {
		*p = make(spent, 0, 2)
		for f.another('{', '}') {
			k := PromptKind(known(f.quoted()))
			f.literal(':')
			f.odd = f.odd || len(*p) > 0 && (*p)[len(*p)-1].Kind >= k
			*p = append(*p, spentOn{k, f.digits()})
		}
	} else {
		for _, e := range *p {
			f.comma()
			f.quote(string(e.Kind))
			f.literal(':')
			f.text = strconv.AppendInt(f.text, int64(e.N), 10)
		}
	}
	f.end()
}
