// Package crashproof proves the guarantees of docs/guarantees.md by crashing.
//
// It is tests only. The test process has the upstream, behind a proxy that counts
// every secret that arrives and injects faults (proxy_test.go); the people, who click
// twice, lose patience and come back (person_test.go); and the chaos, which kills and
// pauses replicas, stops the database and cuts connections (chaos_test.go). The
// replicas are processes: the same test program with a real store, the real client
// and a Machine (replica_test.go). After the chaos, when everything has settled, a
// judge compares what the people received, what arrived upstream and what the
// handlers wrote with the stored history (judge_test.go, linear_test.go).
//
// A round has a seed, which is printed. The same seed makes the same people, the same
// faults and the same lives of the replicas. The scheduling differs, so a round that
// failed may have to be run a few times.
//
//	go test ./internal/crashproof                     15 kills, SQLite
//	go test ./internal/crashproof -store postgres3 -kills 100 -pauses 30 -seed 7
//	go test ./internal/crashproof -store shards       four shards, one failed over, one moved
//	go test ./internal/crashproof -figures ci         what .ci/run does
//	go test ./internal/crashproof -figures shards     the part of docs/reliability.md about shards
//	go test ./internal/crashproof -figures release -timeout 6h
//
// On shards, a server is stopped, its standby is promoted when all that the other shards had
// is done, and a shard moves to another server (shardchaos_test.go); the judge reads all of
// them, and the place that was left (shardjudge_test.go).
//
// The last command writes docs/reliability.md. Instead of kills, a round can have a failover:
// a cluster of PostgreSQL under Patroni and one disaster (disaster_test.go):
//
//	go test ./internal/crashproof -run Failover -failover ci
//
// To show that the judge finds violations,
// engines that are broken on purpose (sabotage_test.go) run through the same rounds,
// and each must be caught.
package crashproof
