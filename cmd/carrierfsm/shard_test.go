package main_test

import (
	"context"
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/store/sharded"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// openFiles opens the shards of a folder as a service does.
func openFiles(t *testing.T, dir string, names map[string]string) (*sharded.Store, error) {
	t.Helper()
	var c sharded.Config
	for _, shard := range []string{"east", "west"} {
		s, err := sqlite.Open(context.Background(), filepath.Join(dir, names[shard]))
		require.NoError(t, err)
		t.Cleanup(func() { _ = s.Close() })
		c.Shards = append(c.Shards, sharded.Shard{Name: shard, Store: s})
	}
	return sharded.New(context.Background(), c)
}

// A shard is closed, copied and opened in its copy. What was acknowledged before is in the
// copy; a service that began before writes nothing more, and neither the old file nor one
// that is still closed can be used.
func TestAShardMovesToAnotherDatabase(t *testing.T) {
	t.Parallel()
	c := newCommand(t, "CARRIERFSM_OPERATOR=li.wei")
	run := func(code int, args ...string) result {
		t.Helper()
		r := c.runWith("", args...)
		require.Equal(t, code, r.code, "%v: %s%s", args, r.out, r.err)
		return r
	}
	const both = "sharded:east=sqlite:east.db west=sqlite:west.db"
	for _, name := range []string{"east", "west"} {
		run(0, "migrate", "up", "-create", "-store", "sqlite:"+name+".db")
	}
	run(1, "list", "-store", both) // they do not say which shards they are
	run(0, "shard", "create", "-store", both)
	require.Regexp(t, `east +1 +0-512/1024`, run(0, "shard", "list", "-store", both).out)
	run(1, "list", "-store", "sharded:east=sqlite:west.db west=sqlite:east.db")
	run(2, "migrate", "status", "-store", both)

	service, err := openFiles(t, c.dir, map[string]string{"east": "east.db", "west": "west.db"})
	require.NoError(t, err)
	created := time.Unix(1_900_000_000, 0).UTC()
	r := carrierfsm.Record{ID: "s000-one", State: carrierfsm.Created, Version: 1, Table: 1, Created: created, Updated: created, Body: []byte(`{"ask":"application"}`)}
	other := r
	other.ID = "s3ff-two"
	require.NoError(t, service.Create(t.Context(), r))
	require.NoError(t, service.Create(t.Context(), other))
	require.Contains(t, run(0, "list", "-store", both).out, "s3ff-two")
	require.Contains(t, run(0, "list", "-store", "sqlite:west.db").out, "s3ff-two", "a look at one of them")
	const refusal = "the database is the shard west; name all shards"
	require.Contains(t, run(2, "cancel", "-reason", "a test", "-store", "sqlite:west.db", "s3ff-two").err, refusal)
	require.NotContains(t, run(0, "after-restore", "-reason", "a test", "-store", "sqlite:west.db").err, refusal)

	require.Contains(t, run(0, "shard", "close", "-store", "sqlite:east.db").out, "would be closed")
	run(0, "shard", "close", "-yes", "-store", "sqlite:east.db")
	r.Version, other.Version = 2, 2
	require.ErrorIs(t, service.Commit(t.Context(), r), carrierfsm.ErrMoved)
	require.NoError(t, service.Commit(t.Context(), other), "the other shard goes on")
	run(4, "shard", "close", "-yes", "-store", "sqlite:east.db")
	closed, err := openFiles(t, c.dir, map[string]string{"east": "east.db", "west": "west.db"})
	require.NoError(t, err, "a service that starts meanwhile has the other shard")
	require.ErrorIs(t, closed.Commit(t.Context(), r), carrierfsm.ErrMoved)

	db, err := sql.Open("sqlite", filepath.Join(c.dir, "east.db"))
	require.NoError(t, err)
	_, err = db.Exec(`VACUUM INTO ?`, filepath.Join(c.dir, "moved.db"))
	require.NoError(t, err)
	require.NoError(t, db.Close())
	run(0, "shard", "open", "-yes", "-store", "sqlite:moved.db")
	require.ErrorIs(t, service.Commit(t.Context(), r), carrierfsm.ErrMoved)
	moved, err := openFiles(t, c.dir, map[string]string{"east": "moved.db", "west": "west.db"})
	require.NoError(t, err)
	require.NoError(t, moved.Commit(t.Context(), r))
	old, err := openFiles(t, c.dir, map[string]string{"east": "east.db", "west": "west.db"})
	require.NoError(t, err)
	require.ErrorIs(t, old.Commit(t.Context(), r), carrierfsm.ErrMoved, "the database that it was moved from")
	require.Regexp(t, `east +3 +0-512/1024`, run(0, "shard", "list", "-store", "sqlite:moved.db").out)
	run(2, "shard", "open", "-store", both)
}

// With a shard down a list has what the others have, and the error says which is missing.
func TestTheCommandShowsTheShardsThatAnswer(t *testing.T) {
	t.Parallel()
	c := newCommand(t, "CARRIERFSM_OPERATOR=li.wei")
	for _, name := range []string{"east", "west"} {
		require.Zero(t, c.runWith("", "migrate", "up", "-create", "-store", "sqlite:"+name+".db").code)
	}
	require.Zero(t, c.runWith("", "shard", "create", "-store", "sharded:east=sqlite:east.db west=sqlite:west.db").code)
	service, err := openFiles(t, c.dir, map[string]string{"east": "east.db", "west": "west.db"})
	require.NoError(t, err)
	created := time.Unix(1_900_000_000, 0).UTC()
	r := carrierfsm.Record{ID: "s000-one", State: carrierfsm.Created, Version: 1, Table: 1, Created: created, Updated: created, Body: []byte(`{"ask":"application"}`)}
	require.NoError(t, service.Create(t.Context(), r))
	const down = "sharded:east=sqlite:east.db west=sqlite:gone.db"
	erase := c.runWith("", "erase", "-yes", "-reason", "asked for", "-store", down, "s000-one")
	require.Zero(t, erase.code, erase.err)
	for _, line := range []string{"list", "acts -id s000-one", "acts -kind changes"} {
		got := c.runWith("", append(strings.Fields(line), "-store", down)...)
		require.NotZero(t, got.code, line)
		require.Contains(t, got.out, "s000-one", line)
		require.Contains(t, got.err, "west", line)
	}
}
