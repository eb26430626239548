package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"time"
)

// watchInterval is how often Watch looks at the file's change counter.
const watchInterval = 10 * time.Millisecond

// errFewConnections is returned by Watch of a store whose pool has no connection to
// spare.
var errFewConnections = errors.New("carrierfsm/sqlite: Watch needs a connection of its own, and the pool has fewer than three")

// Watch calls committed after commits of any process to this file, this one included:
// at most every 10 ms, and also for commits that write other tables. It holds a
// connection that reads the file's change counter. It returns when ctx ends,
// carrierfsm.ErrClosed after Close, or the driver's error. A store made by New watches
// only where the host's pool may have three connections or more.
func (s *Store) Watch(ctx context.Context, committed func()) (err error) {
	ctx, done, err := s.enterRead(ctx)
	if err != nil {
		return err
	}
	defer done(&err)
	if most := s.readDB.Stats().MaxOpenConnections; most > 0 && most < 3 {
		return errFewConnections
	}
	conn, err := s.readDB.Conn(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return watch(ctx, conn, committed)
}

func watch(ctx context.Context, conn *sql.Conn, committed func()) error {
	var seen int64
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		var version int64
		if err := conn.QueryRowContext(ctx, "PRAGMA data_version").Scan(&version); err != nil {
			return err
		}
		if version != seen { // also the first time, for earlier commits
			seen = version
			committed()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
}
