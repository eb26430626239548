// Package schema has what the migrations of the SQL stores have in common: a
// migration is one SQL file, which also inserts its row into the table
// carrierfsm_schema. A row has the version, and the lowest version that a build must
// know to work with the tables. A migration that only adds something keeps that
// number, so that older builds go on working beside newer ones.
package schema

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrNewer is returned for tables that this build can't work with. It can work with
// newer tables that only have something added.
var ErrNewer = errors.New("the tables need a newer build")

// ErrOlder is returned for tables that lack migrations, by a store that does not
// migrate. The error says what to run.
var ErrOlder = errors.New("the tables lack migrations")

// Version is a version of the tables that a build or a database knows.
type Version struct {
	Number  int
	File    string // of the migration; empty if only the database knows this version
	Applied bool
	At      time.Time // when it was applied; zero if unknown
}

// Migration is one SQL file.
type Migration struct {
	Version int
	File    string
	SQL     string
}

// Migrations are all migrations of a build, in order.
type Migrations []Migration

// Read returns the migrations in a folder. The files' names begin with their
// versions, which are 1, 2, 3 and so on.
func Read(files fs.FS) (list Migrations, err error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	for i, name := range names {
		number, _, _ := strings.Cut(name, "_")
		if version, err := strconv.Atoi(number); err != nil || version != i+1 {
			return nil, fmt.Errorf("schema: %s is number %d of the migrations", name, i+1)
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		list = append(list, Migration{Version: i + 1, File: name, SQL: string(text)})
	}
	return list, nil
}

// Row is a row of carrierfsm_schema. Rows are in the order of their versions.
type Row struct {
	Version, Least int
	At             time.Time // zero if unknown
}

// Missing returns the migrations that a database with these rows lacks, or ErrNewer.
func (m Migrations) Missing(rows []Row) (Migrations, error) {
	have, least := 0, 0
	for _, r := range rows {
		have, least = max(have, r.Version), max(least, r.Least)
	}
	if least > len(m) {
		return nil, fmt.Errorf("%w: they need version %d, this build has %d", ErrNewer, least, len(m))
	}
	return m[min(have, len(m)):], nil
}

// Older returns ErrOlder for a database that lacks the migrations missing; run names
// the function that applies them.
func (m Migrations) Older(missing Migrations, run string) error {
	names := make([]string, len(missing))
	for i, migration := range missing {
		names[i] = migration.File
	}
	return fmt.Errorf("%w: they have version %d, this build needs %d: run %s with a role that may change the tables, or apply %s",
		ErrOlder, len(m)-len(missing), len(m), run, strings.Join(names, ", "))
}

// Versions returns the versions that the build or a database with these rows knows,
// in order.
func (m Migrations) Versions(rows []Row) (list []Version) {
	have := 0
	for _, r := range rows {
		have = max(have, r.Version)
	}
	for _, migration := range m {
		list = append(list, Version{Number: migration.Version, File: migration.File, Applied: migration.Version <= have})
	}
	for _, r := range rows {
		if r.Version > len(m) {
			list = append(list, Version{Number: r.Version, Applied: true, At: r.At})
		} else if r.Version > 0 {
			list[r.Version-1].At = r.At
		}
	}
	return list
}
