package baseline

import "context"

// batcher runs calls in batches: calls that arrive during a batch form the next one.
type batcher[T any] struct {
	calls chan *call[T]
	done  chan struct{}
}

// call is one caller's value and result.
type call[T any] struct {
	value *T
	done  chan error
}

// newBatcher starts workers that run batches of at most maxBatch calls.
func newBatcher[T any](workers, maxBatch int, do func(ctx context.Context, list []*T) error) *batcher[T] {
	g := &batcher[T]{calls: make(chan *call[T], 4*maxBatch), done: make(chan struct{}, workers)}
	for range workers {
		go func() {
			defer func() { g.done <- struct{}{} }()
			for c := range g.calls {
				g.runBatch(c, maxBatch, do)
			}
		}()
	}
	return g
}

// runBatch runs a batch of one call and all that are waiting.
func (g *batcher[T]) runBatch(first *call[T], maxBatch int, do func(context.Context, []*T) error) {
	calls, list := []*call[T]{first}, []*T{first.value}
	for more := true; more && len(list) < maxBatch; {
		select {
		case c, open := <-g.calls:
			if more = open; open {
				calls, list = append(calls, c), append(list, c.value)
			}
		default:
			more = false
		}
	}
	err := do(context.Background(), list)
	for _, c := range calls {
		c.done <- err
	}
}

// do runs a call in a batch and waits for it. It takes no context: its drivers wait
// for the end in any case.
func (g *batcher[T]) do(value *T) error {
	c := &call[T]{value: value, done: make(chan error, 1)}
	g.calls <- c
	return <-c.done
}

// close waits for the workers.
func (g *batcher[T]) close() {
	close(g.calls)
	for range cap(g.done) {
		<-g.done
	}
}
