package limit

import "context"

// gather lets callers share what one of them does: those that come while it is
// done wait, and the next takes them all.
type gather[T any] struct {
	in   chan *wish[T]
	done chan struct{}
}

// wish is one caller's.
type wish[T any] struct {
	what *T
	word chan error
}

// newGather begins so many workers that each do what is waiting, at most so
// much at once.
func newGather[T any](workers, most int, do func(ctx context.Context, list []*T) error) *gather[T] {
	g := &gather[T]{in: make(chan *wish[T], 4*most), done: make(chan struct{}, workers)}
	for range workers {
		go func() {
			defer func() { g.done <- struct{}{} }()
			for w := range g.in {
				g.take(w, most, do)
			}
		}()
	}
	return g
}

// take does one wish and all that wait behind it.
func (g *gather[T]) take(first *wish[T], most int, do func(context.Context, []*T) error) {
	wishes, list := []*wish[T]{first}, []*T{first.what}
	for more := true; more && len(list) < most; {
		select {
		case w, open := <-g.in:
			if more = open; open {
				wishes, list = append(wishes, w), append(list, w.what)
			}
		default:
			more = false
		}
	}
	err := do(context.Background(), list)
	for _, w := range wishes {
		w.word <- err
	}
}

// do waits until what is wished for is done. Its ctx is that of a driver who
// waits for the end in any case.
func (g *gather[T]) do(what *T) error {
	w := &wish[T]{what: what, word: make(chan error, 1)}
	g.in <- w
	return <-w.word
}

// close waits for the workers.
func (g *gather[T]) close() {
	close(g.in)
	for range cap(g.done) {
		<-g.done
	}
}
