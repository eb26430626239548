// Package crashproof proves the guarantees of docs/guarantees.md by crashing.
//
// It is tests only. The test process is the world: an upstream that counts
// every secret that arrives, people who click twice, lose patience and come
// back, and chaos, which kills, pauses, stops the database and cuts
// connections. The replicas are processes: the same test program, started once
// more, with a real store, the real client and a Machine. When the chaos is
// over and all has settled, a judge holds what the people were told, what
// arrived upstream and what the handlers wrote against the history.
//
// One round has a seed, which is printed. The same seed makes the same people,
// the same faults and the same lives of the replicas; what the scheduler makes
// of them differs, so a round that failed may have to be run a few times.
//
//	go test ./internal/crashproof                     15 kills, SQLite
//	go test ./internal/crashproof -store postgres3 -kills 100 -pauses 30 -seed 7
//	go test ./internal/crashproof -figures ci         what .ci/run does
//	go test ./internal/crashproof -figures release -timeout 6h
//
// The last one writes docs/reliability.md. So that the judge can be believed,
// engines with one line broken are put through the same rounds, and each has
// to be caught.
package crashproof
