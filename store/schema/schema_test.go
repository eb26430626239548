package schema_test

import (
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"github.com/carrierfsm/carrierfsm/store/postgres"
	"github.com/carrierfsm/carrierfsm/store/schema"
	"github.com/carrierfsm/carrierfsm/store/sqlite"
)

// Another program may apply a file alone: goose reads the first line, and runs the
// file in its own transaction.
func TestEachFileIsAWholeMigrationForAnyProgram(t *testing.T) {
	t.Parallel()
	notAllowed := regexp.MustCompile(`(?im)goose +down|goose +no|^(begin|commit|rollback|pragma|\\)|^--.*;\s*$`)
	for name, files := range map[string]fs.FS{"postgres": postgres.Migrations, "sqlite": sqlite.Migrations} {
		list, err := schema.Read(files)
		require.NoError(t, err)
		require.GreaterOrEqual(t, len(list), 3)
		for _, m := range list {
			require.True(t, strings.HasPrefix(m.SQL, "-- +goose Up\n\n"), "%s: %s", name, m.File)
			require.Regexp(t, fmt.Sprintf(`\n\nINSERT INTO carrierfsm_schema \(version(, \w+)*\) VALUES \(%d\b[^;]*\);\n$`, m.Version), m.SQL, "%s: %s", name, m.File)
			require.NotRegexp(t, notAllowed, m.SQL, "%s: %s", name, m.File)
			require.Equal(t, 1, strings.Count(m.SQL, "INSERT INTO"), "%s: %s", name, m.File)
		}
	}
}

func TestBothStoresHaveTheSameVersions(t *testing.T) {
	t.Parallel()
	names := func(files fs.FS) (list []string) {
		list, err := fs.Glob(files, "*")
		require.NoError(t, err)
		return list
	}
	require.Equal(t, names(postgres.Migrations), names(sqlite.Migrations))
}

func TestFilesAreNumberedWithoutGaps(t *testing.T) {
	t.Parallel()
	for _, names := range [][]string{{"0002_b.sql"}, {"0001_a.sql", "0003_c.sql"}, {"0001_a.sql", "0001_b.sql"}, {"a.sql"}} {
		files := make(fstest.MapFS)
		for _, name := range names {
			files[name] = new(fstest.MapFile)
		}
		_, err := schema.Read(files)
		require.ErrorContains(t, err, "schema: ", "%v", names)
	}
}

var three = schema.Migrations{{Version: 1, File: "0001_a.sql"}, {Version: 2, File: "0002_b.sql"}, {Version: 3, File: "0003_c.sql"}}

func TestOnlyTablesThatNeedMoreThanABuildHasAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rows []schema.Row
		want schema.Migrations
		err  error
	}{
		"empty":                          {nil, three, nil},
		"some":                           {[]schema.Row{{Version: 1, Least: 1}}, three[1:], nil},
		"all":                            {[]schema.Row{{Version: 1, Least: 1}, {Version: 3, Least: 1}}, three[3:], nil},
		"newer, with something added":    {[]schema.Row{{Version: 4, Least: 1}}, three[3:], nil},
		"newer, which this build knows":  {[]schema.Row{{Version: 4, Least: 3}}, three[3:], nil},
		"newer, which needs a new build": {[]schema.Row{{Version: 4, Least: 4}}, nil, schema.ErrNewer},
		"newer, and one that only adds":  {[]schema.Row{{Version: 4, Least: 4}, {Version: 5, Least: 1}}, nil, schema.ErrNewer},
	} {
		got, err := three.Missing(c.rows)
		require.ErrorIs(t, err, c.err, name)
		require.Empty(t, cmp.Diff(c.want, got), name)
	}
}

func TestAnOlderSchemaIsAnErrorThatNamesWhatToRun(t *testing.T) {
	t.Parallel()
	err := three.Older(three[1:], "store.Migrate")
	require.ErrorIs(t, err, schema.ErrOlder)
	require.EqualError(t, err, "the tables lack migrations: they have version 1, this build needs 3: "+
		"run store.Migrate with a role that may change the tables, or apply 0002_b.sql, 0003_c.sql")
}

func TestVersionsAreThoseOfTheBuildAndOfTheDatabase(t *testing.T) {
	t.Parallel()
	at := time.Date(2030, 6, 1, 12, 0, 0, 0, time.UTC)
	require.Empty(t, cmp.Diff([]schema.Version{
		{Number: 1, File: "0001_a.sql", Applied: true},
		{Number: 2, File: "0002_b.sql", Applied: true, At: at},
		{Number: 3, File: "0003_c.sql"},
	}, three.Versions([]schema.Row{{Version: 1}, {Version: 2, At: at}})))
	require.Empty(t, cmp.Diff([]schema.Version{
		{Number: 1, File: "0001_a.sql", Applied: true},
		{Number: 2, File: "0002_b.sql", Applied: true},
		{Number: 3, File: "0003_c.sql", Applied: true},
		{Number: 7, Applied: true, At: at},
	}, three.Versions([]schema.Row{{Version: 1}, {Version: 2}, {Version: 3}, {Version: 7, At: at}})))
}
