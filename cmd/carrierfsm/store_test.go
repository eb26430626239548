package main_test

import (
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm"
	"github.com/carrierfsm/carrierfsm/fsmtest"
	"github.com/carrierfsm/carrierfsm/internal/pgtest"
	"github.com/carrierfsm/carrierfsm/outbox"
	"github.com/carrierfsm/carrierfsm/store/audit"
)

// exec runs SQL on a store.
func (p place) exec(t *testing.T, statements ...string) {
	t.Helper()
	for _, text := range statements {
		if dsn, ok := strings.CutPrefix(p.spec, "postgres:"); ok {
			_, err := pgtest.Pool(t, dsn, 1).Exec(t.Context(), text)
			require.NoError(t, err, text)
			continue
		}
		db, err := sql.Open("sqlite", strings.TrimPrefix(p.spec, "sqlite:"))
		require.NoError(t, err)
		_, err = db.ExecContext(t.Context(), text)
		require.NoError(t, err, text)
		require.NoError(t, db.Close())
	}
}

func TestVerifyFindsDamageAndNothingElse(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, p place) {
		fill(t, p)
		c := newCommand(t, "CARRIERFSM_STORE="+p.spec, "CARRIERFSM_KEY_FILE=keys")
		c.play("healthy.txt")
		body := `UPDATE carrierfsm_bodies SET body = x'5301' WHERE id = 'v4'`
		if p.name == "postgres" {
			body = `UPDATE carrierfsm_verifications SET body = '\x5301' WHERE id = 'v4'`
		}
		p.exec(
			t, body,
			`DELETE FROM carrierfsm_history WHERE id = 'v1' AND step = 2`,
			`UPDATE carrierfsm_verifications SET state = 'done' WHERE id = 'v2'`,
			`UPDATE carrierfsm_history SET to_ = 'done' WHERE id = 'v3' AND step = 2`,
			`UPDATE carrierfsm_parked SET id = 'gone'`,
			`INSERT INTO carrierfsm_history (position, id, step, from_, event, to_, at) SELECT 1000, 'gone', 1, from_, event, to_, at FROM carrierfsm_history WHERE id = 'v4' AND step = 1`,
		)
		if p.name == "postgres" {
			p.exec(t, `SELECT setval('carrierfsm_position', 1000)`)
		}
		c.play("damaged.txt")
	})
}

// emptyPlaces runs a test with a store without tables: the path of a file that is not there, or
// an empty database.
func emptyPlaces(t *testing.T, test func(t *testing.T, p place)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, place{name: "sqlite", spec: "sqlite:" + filepath.Join(t.TempDir(), "new.db")})
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		test(t, place{name: "postgres", spec: "postgres:" + cluster.Cluster(t).NewEmptyDatabase(t, "")})
	})
}

func TestMigrateBringsAStoreUpToDateOnceAndSaysWhatItLacks(t *testing.T) {
	t.Parallel()
	emptyPlaces(t, func(t *testing.T, p place) {
		c := newCommand(t, "CARRIERFSM_STORE="+p.spec, "CARRIERFSM_OPERATOR=deploy")
		if p.name == "postgres" {
			r := c.runWith("", "migrate", "status")
			require.Equal(t, 5, r.code, r.err)
			require.Contains(t, r.err, "carrierfsm migrate up applies them")
			r = c.runWith("", "list")
			require.Equal(t, 1, r.code)
			require.Contains(t, r.err, "carrierfsm migrate up")
		}
		r := c.runWith("", "migrate", "up")
		require.Equal(t, 2, r.code, "it may be another program's: %s", r.err)
		require.Contains(t, r.err, "-create")
		r = c.runWith("", "migrate", "up", "-create")
		require.Equal(t, 0, r.code, r.err)
		require.Contains(t, r.out, "applied 0001_verifications.sql\n")
		require.Contains(t, r.err, "msg=migrated operator=deploy")
		r = c.runWith("", "migrate", "up")
		require.Equal(t, result{"nothing to apply\n", r.err, 0}, r)
		r = c.runWith("", "migrate", "status", "-o", "json")
		require.Equal(t, 0, r.code, r.err)
		var versions []struct {
			Version int
			File    string
			Applied bool
		}
		require.NoError(t, json.Unmarshal([]byte(r.out), &versions))
		require.Greater(t, len(versions), 2)
		for i, v := range versions {
			require.Equal(t, i+1, v.Version)
			require.True(t, v.Applied)
			require.NotEmpty(t, v.File)
		}
		require.Equal(t, result{"[]\n", "", 0}, c.runWith("", "list", "-o", "json"))
	})
}

func TestThePrintedMigrationsMakeTheTables(t *testing.T) {
	t.Parallel()
	emptyPlaces(t, func(t *testing.T, p place) {
		c := newCommand(t, "CARRIERFSM_STORE="+p.spec, "CARRIERFSM_OPERATOR=ann")
		printed := c.runWith("", "migrate", "print", p.name)
		require.Equal(t, 0, printed.code)
		p.exec(t, printed.out)
		require.Equal(t, 0, c.runWith("", "migrate", "status").code)
		require.Equal(t, result{"", "", 0}, c.runWith("", "list"))
		later := c.runWith("", "migrate", "print", "-from", "2", p.name)
		require.True(t, strings.HasSuffix(printed.out, later.out))
		require.NotContains(t, later.out, "0001_")
		require.Equal(t, 0, c.runWith("", "migrate", "print", p.name, "-dir", "files").code)
		files, err := os.ReadDir(filepath.Join(c.dir, "files"))
		require.NoError(t, err)
		require.Equal(t, "0001_verifications.sql", files[0].Name())
	})
}

// onAStore are all subcommands that open a store, with what else they need.
var onAStore = []string{
	"list", "show v1", "find -key x", "parked", "handlers", "cancel -reason x v1", "expire -reason x v1", "erase -reason x -yes v1",
	"replay -reason x -handler notify -all -yes", "reseal -reason x -key-file keys -all -yes", "purge -reason x -before 2040-01-01 -yes",
	"migrate status", "migrate up", "after-restore -reason x -cancel -yes", "verify", "acts", "purge-acts -reason x -before 2040-01-01 -yes",
}

func TestATypoCreatesAndChangesNothing(t *testing.T) {
	t.Parallel()
	c := newCommand(t, "CARRIERFSM_OPERATOR=ann")
	c.write("empty.db", "")
	c.write("text.db", strings.Repeat("this is no database\n", 100))
	foreign := filepath.Join(c.dir, "foreign.db")
	db, err := sql.Open("sqlite", foreign)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `CREATE TABLE other (id INTEGER)`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	content := func() map[string]string {
		files := make(map[string]string)
		entries, err := os.ReadDir(c.dir)
		require.NoError(t, err)
		for _, e := range entries {
			text, err := os.ReadFile(filepath.Join(c.dir, e.Name()))
			require.NoError(t, err)
			files[e.Name()] = fmt.Sprintf("%d %x", len(text), sha256.Sum256(text))
		}
		return files
	}
	before := content()
	for _, line := range onAStore {
		for _, name := range []string{"missing.db", "missing/x.db", "foreign.db", "empty.db", "text.db", "."} {
			r := c.runWith("", append(strings.Fields(line), "-store", "sqlite:"+name)...)
			require.Contains(t, []int{1, 2, 5}, r.code, "%s on %s: %s", line, name, r.err)
			require.NotEmpty(t, r.err)
			if strings.HasPrefix(name, "missing") {
				require.Equal(t, 2, r.code, line)
				require.Contains(t, r.err, name+" does not exist", line)
			}
			require.Equal(t, before, content(), "%s on %s", line, name)
		}
	}
}

func TestAStoreThatLacksMigrationsIsNotMigratedBySurprise(t *testing.T) {
	t.Parallel()
	c := newCommand(t, "CARRIERFSM_OPERATOR=ann", "CARRIERFSM_STORE=sqlite:old.db")
	text := c.runWith("", "migrate", "print", "sqlite").out
	text, _, _ = strings.Cut(text, "BEGIN IMMEDIATE; -- 0002")
	place{spec: "sqlite:" + filepath.Join(c.dir, "old.db")}.exec(t, text)
	for _, line := range onAStore {
		if line == "migrate up" {
			continue
		}
		r := c.runWith("", strings.Fields(line)...)
		require.NotZero(t, r.code, line)
		require.Contains(t, r.err, "carrierfsm migrate up", line)
	}
	status := c.runWith("", "migrate", "status")
	require.Equal(t, 5, status.code)
	require.Contains(t, status.err, "the store lacks")
	require.Contains(t, c.runWith("", "migrate", "up").out, "applied 0002_outbox.sql")
}

func TestAnErrorOfAServerHasNoPassword(t *testing.T) {
	t.Parallel()
	c := newCommand(t, "CARRIERFSM_OPERATOR=ann")
	for _, store := range []string{
		"postgres://u:geheim@127.0.0.1:1/x?connect_timeout=2", "postgresql://u:geheim@127.0.0.1:1/x?sslmode=wrong",
		"postgres:host=127.0.0.1 port=1 user=u password=geheim connect_timeout=2", "postgress://u:geheim@127.0.0.1/x", "postgres:password=geheim port=x",
	} {
		for _, line := range []string{"list", "migrate status", "migrate up"} {
			r := c.runWith("", append(strings.Fields(line), "-store", store)...)
			require.Contains(t, []int{1, 2}, r.code)
			require.NotEmpty(t, r.err)
			require.NotContains(t, r.err+r.out, "geheim", "%s -store %s", line, store)
		}
	}
}

func TestAfterARestoreTheLeasesOfTheBackupAreFree(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, p place) {
		ctx, store := t.Context(), p.open(t)
		_, err := store.Acquire(ctx, "notify", "of-the-backup", time.Hour, outbox.FromBeginning)
		require.NoError(t, err)
		c := newCommand(t, "CARRIERFSM_STORE="+p.spec)
		require.Contains(t, c.runWith("", "handlers").out, "of-the-backup")
		r := c.runWith("", "after-restore", "-by", "ann", "-reason", "disk")
		require.Equal(t, 0, r.code, r.err)
		_, err = store.Acquire(ctx, "notify", "new", time.Hour, 0)
		require.ErrorIs(t, err, outbox.ErrLeaseHeld, "without -yes nothing is done")
		r = c.runWith("", "after-restore", "-by", "ann", "-reason", "disk", "-yes")
		require.Equal(t, 0, r.code, r.err)
		require.Equal(t, "the leases of the backup are ended\n", r.out)
		_, err = store.Acquire(ctx, "notify", "new", time.Hour, 0)
		require.NoError(t, err)
	})
}

func TestAStoreWithoutSealsIsSealedByReseal(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, p place) {
		b := fsmtest.NewWith(t, carrierfsm.Config{Store: p.open(t)})
		b.Reach("10002")
		c := newCommand(t, "CARRIERFSM_STORE="+p.spec, "CARRIERFSM_KEY_FILE=keys", "CARRIERFSM_DEPLOYMENT=here", "CARRIERFSM_OPERATOR=ann")
		require.Equal(t, 5, c.runWith("", "verify").code, "what is not sealed is not believed")
		r := c.runWith("", "reseal", "-reason", "a key", "-all", "-yes", "-accept-plain")
		require.Equal(t, 0, r.code, r.err)
		require.Equal(t, 0, c.runWith("", "verify").code)
		r = c.runWith("", "verify", "-deployment", "elsewhere")
		require.Equal(t, 5, r.code)
		require.Contains(t, r.out, "unreadable")
	})
}

func TestNothingIsFoundBesideAServiceThatWrites(t *testing.T) {
	t.Parallel()
	onEachStore(t, func(t *testing.T, p place) {
		ctx, store := t.Context(), p.open(t)
		b := fsmtest.NewWith(t, carrierfsm.Config{Store: store, Sealer: sealer(t)})
		m := b.Replica(func(c *carrierfsm.Config) { c.Upstream = fsmtest.Instant{} }).Machine
		run := func(i int) error {
			v, err := m.Create(ctx, carrierfsm.NewVerification{})
			if err == nil {
				v, err = m.Submit(ctx, v.ID, carrierfsm.Apply{Form: fsmtest.Form(), Consent: fsmtest.Consent()})
			}
			if err == nil {
				v, err = m.Submit(ctx, v.ID, carrierfsm.Password{Step: v.Prompt.Step, Password: carrierfsm.NewSecret("246810")})
			}
			if err == nil && !v.State.Terminal() {
				_, err = m.Submit(ctx, v.ID, carrierfsm.Cancel{})
			}
			if err == nil && i%3 == 0 {
				err = m.Erase(ctx, v.ID)
			}
			if errors.Is(err, carrierfsm.ErrNotFound) {
				err = nil // another one has purged it
			}
			if err == nil && i%10 == 0 {
				_, _, err = m.Purge(ctx, b.Clock.Now().Add(time.Hour))
			}
			return err
		}
		results, ended := make(chan error, 4), make(chan error, 1)
		for w := range cap(results) {
			go func() {
				var err error
				for i := 0; i < 30 && err == nil; i++ {
					err = run(w + i)
				}
				results <- err
			}()
		}
		go func() {
			var errs []error
			for range cap(results) {
				errs = append(errs, <-results)
			}
			ended <- errors.Join(errs...)
		}()
		checked := 0
		for done := false; !done; {
			select {
			case err := <-ended:
				require.NoError(t, err)
				done = true // and once more
			default:
			}
			n, err := audit.Check(ctx, m, store.(audit.Store), func(f audit.Finding) error { return fmt.Errorf("found: %+v", f) })
			require.NoError(t, err)
			checked += n
		}
		require.Positive(t, checked)
	})
}
