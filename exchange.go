package carrierfsm

// Exchanging is an HTTP request that a client of upstream is about to make.
type Exchanging struct {
	// Method is its method.
	Method string
	// Host and Port are where it goes.
	Host string
	Port int
	// Template is its path with names in the place of values, without a query:
	// "/orgApi/rest/v2/applications/{org}".
	Template string
}

// Exchanged is how an HTTP request ended.
type Exchanged struct {
	// Status is the status code of the answer, and Version the version of HTTP
	// that it came in, "1.1" for instance; zero where none came.
	Status  int
	Version string
	// Failure is why there was no answer of use, as one of the client's few
	// words for that, never with a value in it; empty where there was one.
	Failure string
	// NotSent tells that certainly no byte of the request was written.
	NotSent bool
}
