package memory

import (
	"iter"
	"slices"
	"time"
)

// dueIndex has the rows that are due some time, in one linked list for each
// second. The number of seconds depends on how long verifications live, not on
// how many there are.
type dueIndex struct {
	lists   map[int64]*row // the first row of each list, by second
	seconds []int64        // the keys of lists, ascending
}

// add inserts a row that is in no list.
func (x *dueIndex) add(r *row) {
	if r.due == never {
		return
	}
	second := timeOf(r.due).Unix()
	if x.lists == nil {
		x.lists = make(map[int64]*row)
	}
	r.next = x.lists[second]
	if r.next != nil {
		r.next.prev = r
	} else {
		i, _ := slices.BinarySearch(x.seconds, second)
		x.seconds = slices.Insert(x.seconds, i, second)
	}
	x.lists[second] = r
}

// remove takes a row out of its list, if it is in one.
func (x *dueIndex) remove(r *row) {
	if r.due == never {
		return
	}
	prev, next := r.prev, r.next
	r.prev, r.next = nil, nil
	if next != nil {
		next.prev = prev
	}
	if prev != nil {
		prev.next = next
		return
	}
	second := timeOf(r.due).Unix()
	if next != nil {
		x.lists[second] = next
		return
	}
	delete(x.lists, second)
	if i, found := slices.BinarySearch(x.seconds, second); found {
		x.seconds = slices.Delete(x.seconds, i, i+1)
	}
}

// between returns the seconds that have rows, from one time to another, both
// inclusive, earliest first.
func (x *dueIndex) between(from, to time.Time) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		i, _ := slices.BinarySearch(x.seconds, from.Unix())
		for _, second := range x.seconds[i:] {
			if second > to.Unix() || !yield(second) {
				return
			}
		}
	}
}
