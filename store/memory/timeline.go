package memory

import (
	"iter"
	"slices"
	"time"
)

// timeline is the rows by the second in which they are due: a list for each,
// linked through the rows. There are as many seconds as verifications live long,
// not as there are verifications.
type timeline struct {
	first   map[int64]*row // of each list
	seconds []int64        // the keys of first, ascending
}

// add takes in a row that is in no list.
func (l *timeline) add(r *row) {
	if r.due == never {
		return
	}
	second := timeOf(r.due).Unix()
	if l.first == nil {
		l.first = make(map[int64]*row)
	}
	r.behind = l.first[second]
	if r.behind != nil {
		r.behind.before = r
	} else {
		i, _ := slices.BinarySearch(l.seconds, second)
		l.seconds = slices.Insert(l.seconds, i, second)
	}
	l.first[second] = r
}

// remove takes a row out of its list, if it is in one.
func (l *timeline) remove(r *row) {
	if r.due == never {
		return
	}
	before, behind := r.before, r.behind
	r.before, r.behind = nil, nil
	if behind != nil {
		behind.before = before
	}
	if before != nil {
		before.behind = behind
		return
	}
	second := timeOf(r.due).Unix()
	if behind != nil {
		l.first[second] = behind
		return
	}
	delete(l.first, second)
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
