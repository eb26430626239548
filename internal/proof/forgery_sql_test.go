package proof_test

import (
	"context"
	"database/sql"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// database is a store on disk, and the connection of somebody who can write it.
type database struct {
	resealable
	db      *sql.DB
	bodies  string // the table that has the bodies
	tables  []string
	columns string // a query of a table's columns and their types
	blob    string // the format of a literal
}

type resealable interface {
	carrierfsm.Store
	Reseal(context.Context, carrierfsm.Record, ...carrierfsm.Entry) error
}

func databases(t *testing.T) map[string]func(*testing.T) *database {
	t.Helper()
	return map[string]func(*testing.T) *database{"sqlite": sqliteDatabase, "postgres": postgresDatabase}
}

func sqliteDatabase(t *testing.T) *database {
	t.Helper()
	path := filepath.Join(t.TempDir(), "test.db")
	s, err := sqlite.Open(context.Background(), path)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return attacked(t, &database{
		resealable: s, bodies: "carrierfsm_bodies", tables: []string{"carrierfsm_verifications", "carrierfsm_bodies", "carrierfsm_history"},
		columns: `SELECT name, type FROM pragma_table_info('%s')`, blob: "X'%s'",
	}, "sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
}

func postgresDatabase(t *testing.T) *database {
	t.Helper()
	dsn := cluster.Cluster(t).NewDatabase(t)
	s, err := postgres.Open(context.Background(), dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return attacked(t, &database{
		resealable: s, bodies: "carrierfsm_verifications", tables: []string{"carrierfsm_verifications", "carrierfsm_history"},
		columns: `SELECT column_name, data_type FROM information_schema.columns WHERE table_name = '%s'`, blob: `'\x%s'::bytea`,
	}, "pgx", dsn)
}

func attacked(t *testing.T, d *database, driver, dsn string) *database {
	t.Helper()
	var err error
	d.db, err = sql.Open(driver, dsn)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.db.Close()) })
	return d
}

func (d *database) do(t *testing.T, statement string) {
	t.Helper()
	_, err := d.db.ExecContext(context.Background(), statement)
	require.NoError(t, err, statement)
}

// save copies the rows under a name; restore puts them back.
func (d *database) save(t *testing.T, name string) {
	t.Helper()
	for _, table := range d.tables {
		d.do(t, fmt.Sprintf("CREATE TABLE %s_%s AS SELECT * FROM %s", name, table, table))
	}
}

func (d *database) restore(t *testing.T, name string) {
	t.Helper()
	for _, table := range d.tables {
		d.do(t, "DELETE FROM "+table)
		d.do(t, fmt.Sprintf("INSERT INTO %s SELECT * FROM %s_%s", table, name, table))
	}
}

func (d *database) literal(b []byte) string { return fmt.Sprintf(d.blob, hex.EncodeToString(b)) }

// typed returns the columns of a table with their types.
func (d *database) typed(t *testing.T, table string) map[string]string {
	t.Helper()
	rows, err := d.db.QueryContext(context.Background(), fmt.Sprintf(d.columns, table))
	require.NoError(t, err)
	defer func() { require.NoError(t, rows.Close()) }()
	all := make(map[string]string)
	for rows.Next() {
		var name, kind string
		require.NoError(t, rows.Scan(&name, &kind))
		all[name] = strings.ToLower(kind)
	}
	require.NoError(t, rows.Err())
	require.NotEmpty(t, all)
	return all
}

// changed is an expression with another value than the column has.
func changed(t *testing.T, column, kind string) string {
	t.Helper()
	switch kind {
	case "text":
		return column + " || 'x'"
	case "integer", "bigint":
		return column + " + 1"
	case "boolean":
		return "NOT " + column
	case "timestamp with time zone":
		return column + " + interval '1 microsecond'"
	case "blob":
		return "zeroblob(length(" + column + "))"
	case "bytea":
		return "set_byte(" + column + ", 1, (get_byte(" + column + ", 1) + 1) % 256)"
	}
	t.Fatalf("nobody has said how a %s is changed", kind)
	return ""
}

func reach(t *testing.T, d *database) *fsmtest.Bench {
	t.Helper()
	b := fsmtest.NewWith(t, carrierfsm.Config{Store: d, Sealer: sealer(t), Deployment: "test"})
	b.Reach("10002")
	return b
}

func TestEachChangedColumnOfADatabaseIsTold(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, open := range databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			b := reach(t, d)
			list, err := b.Machine.List(ctx, carrierfsm.Query{Bodies: true})
			require.NoError(t, err)
			require.NoError(t, list[0].Err, "a list with bodies has all columns")
			d.save(t, "saved")
			n := 0
			for _, table := range d.tables {
				for column, kind := range d.typed(t, table) {
					if column == "id" || column == "position" {
						continue // the row's name, and the order of the deliveries
					}
					for _, value := range []string{changed(t, column, kind), "due removed"} {
						if value == "due removed" {
							if column != "due" {
								continue
							}
							value = map[string]string{"integer": "0"}[kind]
							if value == "" {
								value = "NULL"
							}
						}
						where := ""
						if table == "carrierfsm_history" {
							where = " WHERE step = 3"
						}
						d.do(t, fmt.Sprintf("UPDATE %s SET %s = %s%s", table, column, value, where))
						what := table + "." + column + " = " + value
						_, err := b.Machine.History(ctx, b.ID)
						require.True(t, anyOf(err, carrierfsm.ErrSealed, carrierfsm.ErrCorrupt, carrierfsm.ErrNewerTable), "%s: %v", what, err)
						if table != "carrierfsm_history" {
							_, err = b.Machine.Get(ctx, b.ID)
							require.True(t, anyOf(err, carrierfsm.ErrSealed, carrierfsm.ErrCorrupt, carrierfsm.ErrNewerTable), "%s: %v", what, err)
						}
						n++
						d.restore(t, "saved")
						require.NotNil(t, b.Get().Prompt)
					}
				}
			}
			require.Greater(t, n, 18)
		})
	}
}

// The attacks that succeeded before what is sealed was bound. Each tries to have a
// password or a code sent, or a verification believed.
func TestNoAttackOnTheDatabaseIsBelieved(t *testing.T) {
	t.Parallel()
	for attack, c := range map[string]func(*testing.T, *database, *fsmtest.Bench) string{
		"a plain body with the attacker's token": func(t *testing.T, d *database, b *fsmtest.Bench) string {
			t.Helper()
			plain := fsmtest.NewWith(t, carrierfsm.Config{})
			plain.Reach("10002")
			body := strings.ReplaceAll(string(plain.Record().Body), fsmtest.Token, "attackers-token-0001")
			d.do(t, "UPDATE "+d.bodies+" SET body = "+d.literal([]byte(body)))
			return "not sealed"
		},
		"an older body of the same id": func(t *testing.T, d *database, b *fsmtest.Bench) string {
			t.Helper()
			before := b.Record().Body
			b.Upstream.Then(fsmtest.Code("10004"))
			b.Must(b.Captcha("500000"))
			d.do(t, "UPDATE "+d.bodies+" SET body = "+d.literal(before))
			return "version"
		},
		"columns set to done": func(t *testing.T, d *database, _ *fsmtest.Bench) string {
			t.Helper()
			d.do(t, "UPDATE carrierfsm_verifications SET state = 'done', reason = 'collection_started', key = ''")
			return "state, reason"
		},
		"columns set to erased": func(t *testing.T, d *database, _ *fsmtest.Bench) string {
			t.Helper()
			d.do(t, "UPDATE carrierfsm_verifications SET state = 'failed', reason = 'erased'")
			d.do(t, "UPDATE "+d.bodies+" SET body = "+d.literal([]byte("{}")))
			return "not sealed"
		},
		"due removed": func(t *testing.T, d *database, b *fsmtest.Bench) string {
			t.Helper()
			value := map[string]string{"carrierfsm_bodies": "0"}[d.bodies]
			if value == "" {
				value = "NULL"
			}
			d.do(t, "UPDATE carrierfsm_verifications SET due = "+value)
			b.Clock.Advance(72 * time.Hour)
			return "due"
		},
	} {
		for name, open := range databases(t) {
			t.Run(attack+", "+name, func(t *testing.T) {
				t.Parallel()
				d := open(t)
				b := reach(t, d)
				says := c(t, d, b)
				arrived := b.Upstream.Arrivals("246810")
				// A machine that has the genuine record in memory goes on with that, and
				// its commit replaces the forged one. Others load it.
				other := b.Replica()
				for call, err := range map[string]error{
					"Get":    second(other.Machine.Get(context.Background(), b.ID)),
					"Submit": second(other.Submit(carrierfsm.Captcha{Step: 3, Code: carrierfsm.NewSecret("500009"), Password: carrierfsm.NewSecret("246810")})),
				} {
					require.ErrorIs(t, err, carrierfsm.ErrForged, call)
					require.ErrorContains(t, err, says, call)
				}
				require.Zero(t, b.Upstream.Arrivals("500009"))
				require.Equal(t, arrived, b.Upstream.Arrivals("246810"))
				require.NoError(t, b.Machine.Erase(context.Background(), b.ID), "it can be erased")
				require.Equal(t, carrierfsm.Failed, b.Get().State)
			})
		}
	}
}

func TestADeletedOrForgedRowOfHistoryIsTold(t *testing.T) {
	t.Parallel()
	for attack, c := range map[string]struct{ statement, says string }{
		"a row deleted":                    {"DELETE FROM carrierfsm_history WHERE step = 2", "step 2 is missing"},
		"all rows deleted":                 {"DELETE FROM carrierfsm_history", "steps 1 to 3 are missing"},
		"the last row deleted":             {"DELETE FROM carrierfsm_history WHERE step = 3", "step 3 is missing (id v1, awaiting_captcha, step 3)"},
		"a detail that is plain":           {"UPDATE carrierfsm_history SET detail = %s WHERE step = 2", "not sealed"},
		"a detail that is removed":         {"UPDATE carrierfsm_history SET detail = NULL WHERE step = 2", "the detail of step 2 is missing"},
		"a detail of another row":          {"UPDATE carrierfsm_history SET detail = (SELECT detail FROM carrierfsm_history WHERE step = 1) WHERE step = 2", "step"},
		"a row that says that it was done": {"UPDATE carrierfsm_history SET event = 'collection_started', to_ = 'done' WHERE step = 3", "event, to"},
	} {
		for name, open := range databases(t) {
			t.Run(attack+", "+name, func(t *testing.T) {
				t.Parallel()
				d := open(t)
				b := reach(t, d)
				statement := c.statement
				if strings.Contains(statement, "%s") {
					statement = fmt.Sprintf(statement, d.literal([]byte(`{"message":"all is well"}`)))
				}
				d.do(t, statement)
				_, err := b.Machine.History(context.Background(), b.ID)
				require.ErrorIs(t, err, carrierfsm.ErrForged)
				require.ErrorContains(t, err, c.says)
				require.NoError(t, b.Machine.Erase(context.Background(), b.ID), "it can be erased")
			})
		}
	}
}

// A whole older row with its history fits its seal: only the host's mark tells.
func TestAWholeOlderRowIsToldByTheMarkOfTheHost(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, open := range databases(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := open(t)
			b := reach(t, d)
			d.save(t, "stolen")
			b.Upstream.Then(fsmtest.Code("10004"))
			v := b.Must(b.Captcha("500000"))
			require.Equal(t, 2, v.Prompt.AttemptsLeft)
			marked := carrierfsm.WithMark(ctx, v.Mark)
			again, err := b.Machine.Get(marked, b.ID)
			require.NoError(t, err)
			require.Equal(t, v.Mark, again.Mark)

			d.restore(t, "stolen")
			require.Equal(t, 3, b.Get().Prompt.AttemptsLeft, "without the mark it is believed")
			for call, err := range map[string]error{
				"Get":    second(b.Machine.Get(marked, b.ID)),
				"Read":   second(b.Machine.Read(marked, b.ID)),
				"Submit": second(b.Machine.Submit(marked, b.ID, carrierfsm.Captcha{Step: 3, Code: carrierfsm.NewSecret("500009"), Password: carrierfsm.NewSecret("246810")})),
			} {
				require.ErrorIs(t, err, carrierfsm.ErrForged, call)
				require.ErrorContains(t, err, "the host has seen", call)
			}
			require.Zero(t, b.Upstream.Arrivals("500009"))

			behind := b.Replica() // has in memory what was put back
			behind.Upstream.Then(fsmtest.Code("10002"))
			b.Clock.Advance(time.Minute)
			behind.Must(behind.Resend())
			d.save(t, "cached")
			b.Upstream.Then(fsmtest.Code("10004"))
			b.Must(b.Submit(carrierfsm.Captcha{Step: 4, Code: carrierfsm.NewSecret("500005"), Password: carrierfsm.NewSecret("246810")}))
			later := carrierfsm.WithMark(ctx, b.Get().Mark)
			d.restore(t, "cached")
			_, err = behind.Machine.Submit(later, b.ID, carrierfsm.Captcha{Step: 4, Code: carrierfsm.NewSecret("500006"), Password: carrierfsm.NewSecret("246810")})
			require.ErrorIs(t, err, carrierfsm.ErrForged)
			require.Zero(t, b.Upstream.Arrivals("500006"))
			d.restore(t, "stolen")

			for b.Record().Version < 8 { // up to the version that the host has seen, on another way
				b.Clock.Advance(time.Minute)
				b.Upstream.Then(fsmtest.Code("10002"))
				b.Must(b.Resend())
			}
			_, err = b.Machine.Get(marked, b.ID)
			if b.Record().Version == 8 {
				require.ErrorIs(t, err, carrierfsm.ErrForged, "another version 8")
			}
			_, err = b.Machine.Get(carrierfsm.WithMark(ctx, "moon"), b.ID)
			require.ErrorIs(t, err, carrierfsm.ErrInvalid)
		})
	}
}

// replaced is a store whose history has one genuine entry of another course of events.
type replaced struct {
	resealable
	entry carrierfsm.Entry
}

func (s replaced) History(ctx context.Context, id string, after, limit int) ([]carrierfsm.Entry, error) {
	list, err := s.resealable.History(ctx, id, after, limit)
	for i := range list {
		if list[i].Step == s.entry.Step {
			list[i] = s.entry
		}
	}
	return list, err
}

func TestAnEntryOfAnotherCourseOfEventsIsTold(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	d := sqliteDatabase(t)
	b := reach(t, d)
	d.save(t, "stolen")
	b.Clock.Advance(time.Minute)
	b.Upstream.Then(fsmtest.Code("10002"), fsmtest.Code("10002"))
	b.Must(b.Resend())
	b.Clock.Advance(time.Minute)
	b.Must(b.Resend())
	others, err := d.History(ctx, b.ID, 3, 2) // steps 4 and 5
	require.NoError(t, err)
	d.restore(t, "stolen")
	b.Upstream.Then(fsmtest.Code("10004"), fsmtest.Code("10004"))
	input := carrierfsm.Captcha{Step: 3, Code: carrierfsm.NewSecret("500001"), Password: carrierfsm.NewSecret("246810")}
	b.Must(b.Submit(input))
	latest := b.Replica(func(c *carrierfsm.Config) { c.Store = replaced{d, others[0]} })
	_, err = latest.Machine.History(ctx, b.ID)
	require.ErrorContains(t, err, "the columns of a step up to 4", "it follows what is before, but is not what the body knows")
	b.Must(b.Captcha("500002"))
	for _, other := range others {
		forged := b.Replica(func(c *carrierfsm.Config) { c.Store = replaced{d, other} })
		_, err := forged.Machine.Decode(ctx, other)
		require.NoError(t, err, "the entry is genuine by itself")
		_, err = forged.Machine.History(ctx, b.ID)
		require.ErrorIs(t, err, carrierfsm.ErrForged)
		require.ErrorContains(t, err, "step 5 does not follow")
	}
}
