package report

// prose explains the misses and the method. Document fills in the figures.
const prose = `- **One driver on SQLite** can't be faster than its waits for the disk. The library waits {commits} times for a
  verification, a service by hand five times, so each of our commits would have to be cheaper. Hand-written SQL with
  our commits reaches 0.77 of that service too (run of 2026-11-28, 14:00).
- **One driver beside DBOS and River on PostgreSQL**: hand-written SQL with our loads and commits was 3.5 and 3.2
  times as fast as they in that run, so four and six times are out of reach. With 32 drivers it was 9.1 and 7.6
  times.
- **CPU with one driver on PostgreSQL**: a caller who may leave has the call made by another goroutine. To wake its
  thread, twice a submission, is a tenth of our CPU there. With more drivers a thread is awake anyway. With 32 and
  64 drivers what is left is the engine: bodies, decisions, secrets, the queue.
- **Many drivers on two cores**, which drivers, library and server share: a commit of the baseline takes 27 µs of
  them with 64 drivers on SQLite and 65 µs with 32 on PostgreSQL. So 0.90 of its throughput leaves 3 and 7 µs for
  the engine, where the other target allows 10 µs.
- **A Submit in memory** costs less than half of a bare machine while few verifications take turns
  (` + "`BenchmarkSubmitAgainstBareLooplab`" + `), and a little more here, where each of ten thousand has left the processor's
  caches by its turn. The profile has no peak: bodies 28%, looplab's own step 7%, reading the clock 4%, and so on.

Two more things to know. Temporal's test server lets each task wait 50 ms with one driver, as it comes. Tuned it
does not, and then fifty times as fast would be some two thousand verifications a second: {commits} waits for the
disk each, beside a server that waits for none. And PostgreSQL keeps each of the {commits} versions of a record
until a vacuum. So its file is measured after one, without the free room: that is its growth in the long run.

## What is measured

One verification: it is created; the form is submitted and accepted (two transitions, ` + "`application_accepted`" + ` and
` + "`password_requested`" + `); the password is submitted and a code asked for; the code is submitted and it is done.
Upstream answers in the process, at once. A driver is a goroutine that runs one verification after the other. It
submits an input and waits until the outcome is durable. For us that is {commits} commits, {transitions} transitions
and {loads} loads: the creation, and for each of three submissions an intent before the call and the outcome after
it.

- **Against us counts** that three of our {commits} commits are intents. They keep a code from being sent twice when
  a process dies. No competitor has anything like them: each would send again, or not know. Our SQLite file has
  secure_delete on, so that erased values are overwritten; the competitors' files have not.
- **For us counts** that nothing is sealed here, no handlers run, nothing is observed, and no outbox is read,
  neither ours nor that of the services by hand.

Ours is opened as in the README: ` + "`sqlite.Open`" + ` without options (NORMAL by its option), or ` + "`postgres.New`" + ` on a pool
of ten connections.

Each subject on each medium with each number of drivers is a cell. A cell runs in a process of its own, on a fresh
file or database, warms up and is measured. All cells once make a round, forwards and backwards in turn, one at a
time. Creations and submissions count if they end within the measured time. A test checks that each subject leaves
in its store what the table says (` + "`TestEachSubjectLeavesInItsStoreWhatItSays`" + `). How to run it:
[development.md](development.md#benchmarks).

### The baseline

Our engine carries out one verification on a store that records the calls. Then those loads and commits are carried
out again, with records and history of the same bytes, new ids and present times, by prepared SQL that checks
versions and counts rows and decides nothing. The baseline of a cell is the fastest of

- *{alone}*: on SQLite one writing connection behind a mutex, and four that read; on PostgreSQL one statement
  (update and insert in one CTE) on a pool of ten.
- *{grouped}*: waiting writers share the next transaction (at most 256), or the next statement by ` + "`unnest`" + ` (at most
  128), one at a time.
- *{batched}*: the same, and loads share a query by ` + "`id = ANY`" + `.

Its tables have the fastest layout that was found, and the indexes that our queries need. SQLite has secure_delete
on, as ours. It gives its values to pgx in the usual way. Ours are encoded by hand, unless the host has configured
pgx otherwise: that is part of what the library costs above the baseline, or saves.

{profile}
Only the engine has: decoding and encoding the body, the decision and its check by looplab/fsm, the
secrets, and the wait for a caller who may leave.

### The competitors, and how each is set up

All get the same upstream, and each waits for the person's inputs from outside. If a framework has no cheap way to
tell a caller that a step is durable, its driver is notified through memory, which spares it the cost of its own
way.

- **looplab/fsm** and **qmuntal/stateless by hand**: a service of a page. It loads the row, calls upstream, asks the
  library, and commits row, history and outbox in one transaction a transition: five commits (the form's two could
  share one). Optimistic version check. SQLite: WAL, FULL, one writing connection, immediate transactions, prepared
  statements, four readers. PostgreSQL: database/sql over pgx, which prepares by itself, ten connections. looplab
  makes a machine of the whole table for each event, as its README shows; stateless shares one machine with external
  storage, ` + "`FiringImmediate`" + `.
- **cschleiden/go-workflows**: a workflow that receives a signal a submission and runs an activity each, result
  stored. SQLite backend (WAL, one connection, SQLite's own FULL) inside its monoprocess backend, which wakes
  workers at once; default worker options.
- **dbos-inc/dbos-transact-golang**: a workflow with ` + "`Recv`" + `, fed by ` + "`Send`" + `, and ` + "`RunAsStep`" + ` each. Its defaults; on
  SQLite with synchronous=FULL in place of its NORMAL. On PostgreSQL messages wake the workflow by LISTEN/NOTIFY. On
  SQLite it polls once a second, and its figures there show that.
- **riverqueue/river**: a job a submission, which writes row and history and completes itself in the same
  transaction. Tuned: FetchPollInterval and FetchCooldown at their least, 1 ms (defaults: 1 s and 100 ms), 100
  workers, a pool of 20.
- **Temporal**: a workflow a verification, an update a submission, whose handler runs an activity; the caller waits
  until the update is complete. Its server runs in the process (` + "`temporaltest`" + `, one shard) and is called by gRPC, as
  always. For it counts that its SQLite is in memory and waits for no disk, while ours is on SQLite FULL; nothing of
  it is durable. It is measured as its test server comes, which the targets use, and tuned:
  transferProcessorMaxPollRPS 100,000 (default: 20, for each of a cluster's many shards) and 16 pollers of each kind
  (default: two). Signals in place of updates made no difference.`
