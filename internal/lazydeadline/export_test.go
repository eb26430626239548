package lazydeadline

// WithClock is With for another clock.
var WithClock = with
