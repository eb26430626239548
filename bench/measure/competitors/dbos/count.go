package dbos

import (
	"context"
	"database/sql"
	"encoding/base64"
	"errors"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/carrierfsm/carrierfsm/bench/measure/competitors/step"
	"github.com/carrierfsm/carrierfsm/bench/measure/subject"
)

// Count counts workflows, and the transitions in the results of steps.
func (e *engine) Count(ctx context.Context) (left subject.Counts, err error) {
	driver, source, schema := "pgx", e.storage.DSN, "dbos."
	if e.storage.Medium.SQLite() {
		driver, source, schema = "sqlite", "file:"+e.storage.File+"?_pragma=busy_timeout(5000)", ""
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		return left, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	workflows := `SELECT count(*), count(CASE WHEN status = 'SUCCESS' THEN 1 END) FROM ` + schema + `workflow_status`
	if err := db.QueryRowContext(ctx, workflows).Scan(&left.Verifications, &left.Done); err != nil {
		return left, err
	}
	rows, err := db.QueryContext(ctx, `SELECT output FROM `+schema+`operation_outputs WHERE output IS NOT NULL`)
	if err != nil {
		return left, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var output string
		if err := rows.Scan(&output); err != nil {
			return left, err
		}
		if plain, err := base64.StdEncoding.DecodeString(output); err == nil {
			output = string(plain)
		}
		left.Transitions += step.CountTransitions(output)
	}
	return left, rows.Err()
}
