package crashproof_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/sharded"
)

// shardCount is how many shards a sharded round has. Each has as many slots as the others.
const shardCount = 4

// shardAddress is where a shard is.
type shardAddress struct{ Name, Source string }

// shards are the databases of a sharded round, on two servers: most of them on one, and
// on the other, which is stopped, one of them and the place to which another one moves.
type shards struct {
	servers   [2]*pgtest.Cluster
	standby   *pgtest.Cluster // takes the place of the one that is stopped; nil where that is started again
	on        [shardCount]int // the server of each shard, as it is now
	stoppable int             // the server that is stopped
	moving    int             // the shard that moves
	addresses atomic.Pointer[[]shardAddress]
	target    string // where the shard moves to
	left      string // where it was, once it has moved
	asLeft    []string
}

// newShards starts the servers and makes the databases. The seed chooses which shard is on
// the server that is stopped, and which one moves.
func newShards(t *testing.T, seed uint64) *shards {
	t.Helper()
	s := &shards{stoppable: 1, moving: int((seed + 1) % shardCount)}
	for i := range s.servers {
		shared := pgtest.Shared{Options: pgtest.Options{Durable: true}}
		s.servers[i] = shared.Cluster(t)
		t.Cleanup(func() { require.NoError(t, shared.Close()) })
	}
	if *figuresFlag != "ci" { // two cores are too few for so many servers and few kills
		s.replicate(t)
	}
	var list []shardAddress
	for i := range shardCount {
		if i == int(seed%shardCount) {
			s.on[i] = s.stoppable
		}
		name := string(rune('a' + i))
		list = append(list, shardAddress{name, s.create(t, s.on[i], "shard_"+name)})
	}
	s.addresses.Store(&list)
	_, done, err := openShards(t.Context(), list, "", true) // each database says which shard it is
	require.NoError(t, err)
	done()
	s.target = s.create(t, s.stoppable, "target")
	return s
}

// replicate gives the server that is stopped a synchronous standby.
func (s *shards) replicate(t *testing.T) {
	t.Helper()
	var err error
	primary := s.servers[s.stoppable]
	s.standby, err = pgtest.StartStandby(primary, "", pgtest.Options{}) // its own power never fails
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.standby.Close()) })
	for _, sql := range []string{`ALTER SYSTEM SET synchronous_standby_names = 'standby'`, `SELECT pg_reload_conf()::text`} {
		_, err = ask(t.Context(), primary.DSN("postgres"), sql)
		require.NoError(t, err)
	}
}

// create creates a database on a server and returns its connection string, which finds the
// primary of the two that have it.
func (s *shards) create(t *testing.T, server int, name string) string {
	t.Helper()
	on := s.servers[server]
	_, err := ask(t.Context(), on.DSN("postgres"), "CREATE DATABASE "+name)
	require.NoError(t, err)
	dsn := on.DSN(name)
	if server == s.stoppable && s.standby != nil {
		host := "host=" + filepath.Dir(on.Socket())
		dsn = strings.Replace(dsn, host, host+","+filepath.Dir(s.standby.Socket()), 1) + " target_session_attrs=read-write connect_timeout=2"
	}
	return dsn
}

// at returns where the shards are now.
func (s *shards) at() []shardAddress { return slices.Clone(*s.addresses.Load()) }

// sources returns the connection strings of the shards.
func (s *shards) sources() (list []string) {
	for _, one := range s.at() {
		list = append(list, one.Source)
	}
	return list
}

// cut cuts connections of the replicas.
func (s *shards) cut(ctx context.Context) (n int64) {
	const some = `SELECT pid::text FROM pg_stat_activity WHERE datname <> 'postgres' AND application_name <> 'crashproof' AND random() < 0.1
		AND pg_terminate_backend(pid)`
	for _, c := range append(s.servers[:], s.standby) {
		if c == nil {
			continue
		}
		list, _ := ask(ctx, c.DSN("postgres"), some) // the server may be stopped
		n += int64(len(list))
	}
	return n
}

// openShards opens the shards as one store, as a host would.
func openShards(ctx context.Context, list []shardAddress, sabotage string, create bool) (outbox.Store, func(), error) {
	c := sharded.Config{Create: create}
	for _, one := range list {
		c.Shards = append(c.Shards, sharded.Shard{Name: one.Name, Open: func(ctx context.Context) (sharded.Member, error) {
			s, _, err := openStore(ctx, inPostgres, one.Source, sabotage)
			if err != nil {
				return nil, err
			}
			return s.(sharded.Member), nil
		}})
	}
	s, err := sharded.New(ctx, c)
	if err != nil {
		return nil, nil, err
	}
	return s, func() { _ = s.Close() }, nil
}

// ownConnection marks the connections of this process: they are not cut.
const ownConnection = " application_name=crashproof"

// ask runs a statement on one database and returns its rows as text.
func ask(ctx context.Context, dsn, sql string, args ...any) ([]string, error) {
	conn, err := pgx.Connect(ctx, dsn+ownConnection)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// openMember opens the store of one shard, as the command does.
func openMember(ctx context.Context, dsn string) (*postgres.Store, error) {
	config, err := pgxpool.ParseConfig(dsn + ownConnection)
	if err != nil {
		return nil, err
	}
	return postgres.New(ctx, config)
}

// tables are those of the store but for the one of its version.
const tables = `SELECT tablename::text FROM pg_tables WHERE tablename LIKE 'carrierfsm\_%' AND tablename <> 'carrierfsm_schema' ORDER BY 1`

// contents returns a line for each table, which differs if a row does.
func contents(ctx context.Context, dsn string) (list []string, err error) {
	names, err := ask(ctx, dsn, tables)
	for _, name := range names {
		var sum []string
		if err == nil {
			sum, err = ask(ctx, dsn, fmt.Sprintf(`SELECT '%s ' || count(*) || ' ' || coalesce(md5(string_agg(t::text, ' ' ORDER BY t::text)), '') FROM %[1]s t`, name))
		}
		list = append(list, sum...)
	}
	return list, err
}
