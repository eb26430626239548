package report

// prose explains the missed targets and how the figures were measured. prose() fills
// in the placeholders.
const prose = `- **One driver on SQLite**: the waits for the disk bound the throughput. carrierfsm waits {commits} times for each
  verification, a service by hand five times, so equal throughput needs cheaper commits. The faster the disk, the more its CPU
  counts: the handover of the call wakes threads here too.
- **One driver on PostgreSQL**: CPU bounds the throughput, since nothing else is done while the driver waits, and carrierfsm uses more
  of it for each commit. Because a caller may give up, each call runs in a goroutine of its own, and the
  handover wakes a thread twice: a fifth of the CPU there, and most of the Go runtime's part in its
  [CPU by package](benchmarks-raw.md#cpu-by-package). With more drivers the threads are awake anyway.
- **Many drivers on two cores**, which drivers, library and server share. One batch is written at a time, and what the drivers do
  beside it on the other core makes it slower: they share caches, memory and, on a virtual machine, often the core itself.
  {work}.
  carrierfsm uses about as much more, so its CPU is what is left to save. It is the Go runtime's for the largest part (goroutines
  that wait for a commit, memory), then the engine's, that of the mutexes of the commit queue, and that of texts and JSON:
  [CPU by package](benchmarks-raw.md#cpu-by-package). On SQLite with 32 drivers, 26 µs more were the engine's 12, the load's 5, the
  commit queue's 4, the garbage collector's 2, and 3 that are spread.
- **Budgets**: five of the six commits write the ledger of the number, too: one more row to find, compare and write. The
  record is locked before, because a spend that is over its limit must leave the record as it is. On disk a ledger is a row and
  its index entries.
- **Beside a sweep and a dispatcher**, on two cores: the dispatcher never waits while transitions do, so it takes one of them. The
  median of a submission rises nearly as much as the 99th percentile.
- **What differs from run to run**: on a slow disk, a server that never waits for one, such as Temporal's, comes closer;
  watermill-sql got 8513, 15,588 and 10,785 messages/s in three earlier runs; a transition in the largest store on PostgreSQL, which
  is measured once, cost 1.06, 1.46 and 0.94 times as much as in the smallest one then. On other machines
  builds of November 2026 reached 0.82 · 0.85 · 0.67 · 0.64 of the baseline on SQLite and 0.80 · 0.76 · 0.79 · 0.78 on PostgreSQL, with an fsync of
  0.33 ms and twice the speed of a core, and 0.88 · 0.82 · 0.89 · 0.84 and 0.63 · 0.69 · 0.78 · 0.65 with one of 0.68 ms.
  Until November 2026 each database was vacuumed while it was empty. The server then read its tables as a whole until it
  looked again, a minute later, and all subjects on PostgreSQL were slower.
- **A waiting verification with its snapshot** takes 2.1 KB of live memory: row, body and history in the store 1.4 KB, the
  packed snapshot 0.3 KB, the password, the fingerprints and the maps that have both 0.4 KB. The resident memory has the
  gaps between them too.
- **A Submit in memory**: the call runs in a goroutine of its own, because a caller may give up. Waking threads for this
  handover takes a quarter of the time on a virtual machine, where a wake-up is dear: on one, 24.0 µs were measured, and 17.5
  with the call in the caller's goroutine. A pool of waiting goroutines saved less than 2 µs of that. On other machines earlier
  builds took 0.9 to 1.0 of a bare machine. The rest are many small parts, of which none stands out in the
  [profile](benchmarks-raw.md#cpu-by-package):
  two bodies and details encoded 15% (6% of it times), memory allocated 12% (44 allocations), upstream's texts and token
  compared with what the person typed 9%, the memory store's commits 7%, looplab/fsm's step 5%, the prompt 3%.

Two more notes on the targets. Temporal's test server, with the defaults, delays each task by 50 ms with one driver.
Tuned it does not: fifty times its tuned throughput would be some two thousand verifications a second with {commits}
consecutive waits for the disk each, compared with a server that never waits for one. And PostgreSQL keeps each of
the {commits} versions of a record until a vacuum. The size on disk is therefore measured after a vacuum, without
the free space: that is how much the database grows in the long run.

## What is measured

A verification is created. The form is submitted and accepted (two transitions, ` + "`application_accepted`" + ` and
` + "`password_requested`" + `). The password is submitted, and upstream sends a code. The code is submitted, and the
verification is done. Upstream runs in the process and answers at once. A driver is a goroutine that runs one
verification after the other: it submits an input and waits until the outcome is durable. For carrierfsm that is
{commits} commits, {transitions} transitions and {loads} load: for each of the three submissions a commit of the intent
before the call and a commit of the outcome after it (` + "`Machine.Begin`" + ` creates the verification with the first one), and a
load of the record before the password, since no replica keeps a snapshot without a password. *{createdFirst}* creates the
verification by itself and loads the record before each submission: one commit and two loads more.

Some differences are to carrierfsm's disadvantage. Three of its {commits} commits are intents, which keep a code
from being sent twice after a crash. No competitor has an equivalent: after a crash it would send the code again, or
not know whether it was sent. carrierfsm's SQLite file has secure_delete on, so that deleted data is overwritten;
the files of the competitors have not. Others are to its advantage: it encrypts nothing and counts no budgets (what these cost
is in a table of its own), runs no handlers and has no observer. No outbox is read, neither carrierfsm's nor those of the
services written by hand.

carrierfsm is opened as in the README: ` + "`sqlite.Open`" + ` without options (with its option for NORMAL), or ` + "`postgres.New`" + `
with a pool of ten connections.

A cell is one subject on one medium with one number of drivers. It runs in a process of its own, on an empty file or
database, and is measured after a warm-up. In a round, all cells are measured once, one at a time; every second
round is in reverse order. Only creations and submissions that end within the measured time are counted. A test
checks that each subject stores the transitions and makes the commits that the tables show
(` + "`TestEachSubjectStoresWhatItDeclares`" + `).

Deliveries are measured over the history of thousands of plain verifications, which was stored before. The handler is
empty, and the dispatcher has its defaults: eight workers, one cursor. With slow calls, one in a hundred takes a second,
and ` + "`MaxSlow`" + ` is 1024, since 256 slow calls of a second each are the most that may go on by default. Only the others are counted.
The delay is measured with one commit at a time (` + "`fsmtest.BenchmarkHandlerDelay`" + `): across processes, two machines and two
stores share nothing but the database. The tail beside a sweep is that of 32 drivers while the same machine settles
thousands of verifications that became due at once and a dispatcher has a backlog.

### The baseline

The engine runs one verification on a store that records its operations. The baseline repeats these commits, with
records and history of the same size, new ids and current times; it knows all that it would have to load. It uses prepared SQL that checks
versions and row counts, and makes no decisions:

- *{alone}*: on SQLite one connection for writing behind a mutex and four for reading; on PostgreSQL one statement
  (update and insert in one CTE) on a pool of ten.
- *{grouped}*: all waiting commits share the next transaction (at most 256), or on PostgreSQL the next statement by
  ` + "`unnest`" + ` (at most 128). There is one at a time.
- *{baselineCreatedFirst}*: the same with the loads and commits of *{createdFirst}*; on PostgreSQL, waiting loads share a
  query by ` + "`id = ANY`" + `.

Its tables have the fastest layout found, and the indexes that carrierfsm's queries need. SQLite has secure_delete
on, as for carrierfsm. The baseline passes its values to pgx in the usual way. carrierfsm encodes them itself,
unless the host has configured pgx otherwise; the difference is part of the cost above the baseline.

{profile}
Only carrierfsm decodes and encodes the body, makes the decision and checks it with looplab/fsm, keeps the secrets,
and waits for a caller who may give up. How to profile a cell: [development.md](development.md#benchmarks).

### The competitors and their setup

All subjects have the same upstream, and each waits for the person's inputs from outside. If a framework has no
cheap way to tell a caller that a step is durable, the driver is notified in memory, which saves the framework the
cost of its own notification.

- **looplab/fsm** and **qmuntal/stateless by hand**: a service of about a page of code. It loads the row, calls
  upstream, fires the library's event, and commits row, history and outbox in one transaction for each transition:
  five commits (the two of the form could share one). Optimistic version check. SQLite: WAL, FULL, one connection
  for writing, immediate transactions, prepared statements, four connections for reading. PostgreSQL: database/sql
  over pgx, which prepares the statements, ten connections. looplab/fsm builds a machine of the whole table for each
  event, as in its README. stateless uses one machine with external storage and ` + "`FiringImmediate`" + `.
- **cschleiden/go-workflows**: a workflow for each verification. It receives a signal for each submission and runs
  an activity, whose result is stored. SQLite backend (WAL, one connection, SQLite's default FULL) in its
  monoprocess backend, which wakes workers at once. Worker options are the defaults.
- **dbos-inc/dbos-transact-golang**: a workflow with ` + "`Recv`" + `, fed by ` + "`Send`" + `, and ` + "`RunAsStep`" + ` for each submission.
  Defaults, except for synchronous=FULL instead of NORMAL on SQLite. On PostgreSQL messages wake the workflow by
  LISTEN/NOTIFY. On SQLite it polls once a second, which explains its figures there.
- **riverqueue/river**: a job for each submission, which writes row and history and completes itself in the same
  transaction. Tuned: FetchPollInterval and FetchCooldown at their minimum, 1 ms (defaults: 1 s and 100 ms), 100
  workers, a pool of 20. Its deliveries are jobs without work, which River completes by itself, in batches.
- **ThreeDotsLabs/watermill-sql**: messages of about the size of a transition, in its default schema for PostgreSQL, and one
  subscriber of a consumer group, which acknowledges each message at once. By default it reads 100 messages in a
  transaction; tuned it reads 1000, and after a crash gets as many again. One subscriber gets one message after the
  other. It stores no state of a verification, keeps no lease, and one failing message blocks those behind it.
- **Temporal**: a workflow for each verification and an update for each submission, whose handler runs an activity.
  The caller waits until the update is complete. The server runs in the process (` + "`temporaltest`" + `, one shard) and is
  called by gRPC, as usual. To its advantage, its SQLite is in memory and never waits for a disk, while carrierfsm
  is on SQLite FULL; nothing that Temporal stores is durable. The targets are for its test server with the defaults.
  It is also measured tuned: transferProcessorMaxPollRPS 100,000 (default: 20, for each of a cluster's many shards)
  and 16 pollers of each kind (default: two). Signals instead of updates made no difference.`
