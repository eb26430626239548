package memory

import (
	"iter"
	"slices"
	"time"
)

// timeline is the ids by the second in which they are due. There are as many
// seconds as verifications live long, not as there are verifications.
type timeline struct {
	at      map[int64]map[string]struct{}
	seconds []int64 // the keys of at, ascending
}

func (l *timeline) add(due time.Time, id string) {
	if due.IsZero() {
		return
	}
	second := due.Unix()
	if l.at == nil {
		l.at = make(map[int64]map[string]struct{})
	}
	if l.at[second] == nil {
		l.at[second] = make(map[string]struct{})
		i, _ := slices.BinarySearch(l.seconds, second)
		l.seconds = slices.Insert(l.seconds, i, second)
	}
	l.at[second][id] = struct{}{}
}

func (l *timeline) remove(due time.Time, id string) {
	if due.IsZero() {
		return
	}
	second := due.Unix()
	delete(l.at[second], id)
	if len(l.at[second]) > 0 {
		return
	}
	delete(l.at, second)
	if i, found := slices.BinarySearch(l.seconds, second); found {
		l.seconds = slices.Delete(l.seconds, i, i+1)
	}
}

// between are the seconds from one time to another, both inclusive, earliest first.
func (l *timeline) between(from, to time.Time) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		i, _ := slices.BinarySearch(l.seconds, from.Unix())
		for _, second := range l.seconds[i:] {
			if second > to.Unix() || !yield(second) {
				return
			}
		}
	}
}
