package report

// prose is what a reader has to know of how this was measured.
const prose = `## What is measured

One verification: it is created; the form is submitted and accepted (two transitions, ` + "`application_accepted` and" + `
` + "`password_requested`" + `); the password is submitted and a code asked for; the code is submitted and it is done. Upstream answers in
the process, at once. A driver is a goroutine that carries one verification after the other; it hands in an input and waits until
what came of it is durable. For us that is {commits} commits, {transitions} transitions and {loads} loads: the creation, and for each of three submissions an
intent before the call and the outcome after it.

What counts against us: three of our {commits} commits are intents. They are what keeps a code from being sent twice when a process
dies; no peer here has anything like them, and each would send again or not know. Our SQLite file has secure_delete on, so that what
is erased is overwritten; the peers' files have not. What counts for us: we seal nothing, run no handlers and observe nothing here,
and nobody reads the outbox, ours or that of the peers by hand.

Ours is opened as the README does: ` + "`sqlite.Open`" + ` without options (NORMAL by its option), or ` + "`postgres.New`" + ` on a pool of ten connections.

Each subject on each medium with each number of drivers is a cell. A cell runs in a process of its own, on a fresh file or database,
warms up and is measured; all cells once make a round, forwards and backwards in turn, one at a time. Creations and submissions are
counted that end within the measured time. Each subject is tested to leave in its store what the table says that it does
(` + "`TestEachSubjectLeavesInItsStoreWhatItSays`" + `).

### The limit

Our engine is watched as it carries out one verification on a store that takes notes. Then those loads and commits are carried out
again, with records and history of the same bytes, new ids and present times, by prepared SQL that checks versions and counts rows
and decides nothing:

- *{alone}*: on SQLite one writing connection behind a mutex, four that read; on PostgreSQL one statement (update and insert in one
  CTE) on a pool of ten.
- *{grouped}*: whoever waits shares the next transaction (at most 256), or the next statement by ` + "`unnest`" + ` (at most 128), one at a time.
- *{batched}*: that, and loads share a query by ` + "`id = ANY`" + `.

Its tables have the layout that was found best and the indexes that our queries need. SQLite has secure_delete on, as ours has.
It gives its values to pgx as one would. Ours are encoded by hand, where the host has not configured pgx otherwise: that is part of what
it costs above the limit, or saves.

{profile}
What is ours alone: decoding and encoding the body, the decision and its check by looplab/fsm, the secrets, and the waiting for a
caller who may give up. A profile of any cell: [development.md](development.md#benchmarks).

### The peers, and how each is set up

All get the same upstream. Each waits for the person's inputs from outside, as here. Where a framework has no cheap way to tell a
caller that a step is durable, its driver is told through memory, which spares it what its own way would cost.

- **looplab/fsm** and **qmuntal/stateless by hand**: a service of a page. It loads the row, calls upstream, asks the library, and
  commits row, history and outbox in one transaction a transition: five commits (the form's two could share one). Optimistic version check. SQLite: WAL, FULL, one
  writing connection, immediate transactions, prepared statements, four readers. PostgreSQL: database/sql over pgx, which prepares by
  itself, ten connections. looplab makes a machine of the whole table for each event, as its README shows; stateless shares one
  machine with external storage, ` + "`FiringImmediate`" + `.
- **cschleiden/go-workflows**: a workflow that receives a signal a submission and runs an activity each, result stored. SQLite backend
  (WAL, one connection, SQLite's own FULL) inside its monoprocess backend, which wakes workers at once; worker options default.
- **dbos-inc/dbos-transact-golang**: a workflow with ` + "`Recv`" + `, fed by ` + "`Send`" + `, and ` + "`RunAsStep`" + ` each. Its defaults; on SQLite with
  synchronous=FULL in place of its NORMAL. On PostgreSQL messages wake the workflow by LISTEN/NOTIFY; on SQLite it polls, once a
  second, and that is what its figures there are.
- **riverqueue/river**: a job a submission, which writes row and history and completes itself in the same transaction. Tuned:
  FetchPollInterval and FetchCooldown at their least, 1 ms (defaults: 1 s and 100 ms), 100 workers, a pool of 20.
- **Temporal**: a workflow a verification, an update a submission, whose handler runs an activity; the caller waits until the update
  is complete. Its server runs in the process (` + "`temporaltest`" + `, one shard) and is spoken to by gRPC, as it always is. What counts for
  it: its SQLite is in memory and waits for no disk, while we are held against it on SQLite FULL; nothing of it is durable. It is
  measured as its test server comes, and is held to the target so; and tuned: transferProcessorMaxPollRPS 100,000 (default: 20, for
  each of a cluster's many shards) and 16 pollers of each kind (default: two). Signals in place of updates made no difference.

### Out of reach, and left out

- One driver on SQLite can't be faster than its waits for the disk. We wait {commits} times for a verification, a service by hand five times:
  each of our commits has to be cheaper to come out level. SQL by hand with our commits is not level either, 0.77 in the run of
  2026-11-28, 14:00.
- Four and six times DBOS and River with one driver are more than SQL by hand reaches with our loads and commits: that was 3.5 and 3.2
  times as fast as they, in that run. With 32 drivers it was 9.1 and 7.6 times.
- As it comes, Temporal's test server lets each task wait 50 ms with one driver. Tuned it does not, and then fifty times as fast would
  be some two thousand verifications a second: {commits} waits for the disk each, one after the other, beside a server that waits for
  none. With 32 drivers it is the CPU that counts, and tuning changes little.
- With one driver PostgreSQL costs us more CPU a commit than by hand, though we allocate less: a caller who may leave has his call made
  by another goroutine, and to hand it over wakes a thread, twice a submission; that is a tenth of our CPU there. With more drivers
  somebody is awake anyway. With 32 and 64 drivers what is left is ours alone: bodies, decisions, secrets, the queue.
- With many drivers two cores are the limit, which drivers, library and server share: a commit of the limit takes 27 µs of them in all
  with 64 drivers on SQLite and 65 µs with 32 on PostgreSQL, so 0.90 of its throughput leaves 3 and 7 µs for what is ours alone
  (above, "Where the CPU goes": bodies, decisions, looplab, the queue), where 10 µs are within the other target. That is as near as it came.
- A Submit in memory costs less than half of a bare machine while few verifications are in turn (` + "`BenchmarkSubmitAgainstBareLooplab`" + `),
  and a little more here, where ten thousand lie in memory and each has left the processor's caches by the time it is its turn.
  The profile has no peak any more: bodies 28%, looplab's own step 7%, reading the clock 4%, and so on.
- A verification of ours is rewritten {commits} times. PostgreSQL keeps each version until a vacuum, so its file is told after one, without the
  room that is free for the next: what it grows by in the long run.`
