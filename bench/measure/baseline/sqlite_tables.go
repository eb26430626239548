package baseline

// The fastest known layout: a small row that every commit rewrites, the body in
// another table, and the history as the outbox, with the indexes that the engine's
// queries need.
const sqliteTables = `
CREATE TABLE hot (
	id TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, step INTEGER NOT NULL, version INTEGER NOT NULL, tables INTEGER NOT NULL,
	source TEXT NOT NULL, reason TEXT NOT NULL, in_flight INTEGER NOT NULL, due INTEGER NOT NULL, created INTEGER NOT NULL,
	updated INTEGER NOT NULL, key TEXT NOT NULL, commit_id BLOB NOT NULL) WITHOUT ROWID;
CREATE INDEX hot_due ON hot (due, id) WHERE due > 0;
CREATE UNIQUE INDEX hot_key ON hot (key) WHERE key <> '';
CREATE INDEX hot_created ON hot (created, id);
CREATE INDEX hot_ended ON hot (updated) WHERE state IN ('done', 'failed');
CREATE TABLE body (id TEXT NOT NULL PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE history (
	position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, step INTEGER NOT NULL,
	from_ TEXT NOT NULL, event TEXT NOT NULL, to_ TEXT NOT NULL, at INTEGER NOT NULL, detail BLOB);
CREATE UNIQUE INDEX history_step ON history (id, step);`

const (
	sqliteInsert = `INSERT INTO hot (state, step, version, tables, source, reason, in_flight, due, updated, key, commit_id, created, id)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
	sqliteUpdate = `UPDATE hot SET state = ?, step = ?, version = ?, tables = ?, source = ?, reason = ?, in_flight = ?, due = ?,
		updated = ?, key = ?, commit_id = ? WHERE id = ? AND version = ?`
	sqliteInsertBody = `INSERT INTO body (body, id) VALUES (?, ?)`
	sqliteUpdateBody = `UPDATE body SET body = ? WHERE id = ?`
	sqliteHistory    = `INSERT INTO history (id, step, from_, event, to_, at, detail) VALUES (?, ?, ?, ?, ?, ?, ?)`
	sqliteLoad       = `SELECT id, state, step, version, tables, source, reason, in_flight, due, created, updated, key, commit_id, body
		FROM hot JOIN body USING (id) WHERE id = ?`
)
