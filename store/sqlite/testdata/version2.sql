-- A file of the second version of the tables, as the build of that time wrote it
-- (sqlite3 .dump).
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE carrierfsm_schema (version INTEGER NOT NULL PRIMARY KEY, least INTEGER NOT NULL DEFAULT 1) WITHOUT ROWID;
INSERT INTO carrierfsm_schema VALUES(1,1);
INSERT INTO carrierfsm_schema VALUES(2,1);
CREATE TABLE carrierfsm_verifications (
    id        TEXT    NOT NULL PRIMARY KEY,
    state     TEXT    NOT NULL,
    step      INTEGER NOT NULL,
    version   INTEGER NOT NULL,
    tables    INTEGER NOT NULL,
    source    TEXT    NOT NULL,
    reason    TEXT    NOT NULL,
    in_flight INTEGER NOT NULL,
    due       INTEGER NOT NULL,
    created   INTEGER NOT NULL,
    updated   INTEGER NOT NULL,
    key       TEXT    NOT NULL,
    commit_id BLOB    NOT NULL
) WITHOUT ROWID;
INSERT INTO carrierfsm_verifications VALUES('v1','awaiting_captcha',1,2,1,'chinamobilejs','captcha_rejected',0,1906545600000000,1906545600000000,1906545600000000,'key of v1',X'02000000000000000000000000000000');
INSERT INTO carrierfsm_verifications VALUES('v2','awaiting_captcha',1,2,1,'chinamobilejs','captcha_rejected',0,1906545600000000,1906545600000000,1906545600000000,'key of v2',X'02000000000000000000000000000000');
CREATE TABLE carrierfsm_bodies (
    id   TEXT NOT NULL PRIMARY KEY,
    body BLOB NOT NULL
) WITHOUT ROWID;
INSERT INTO carrierfsm_bodies VALUES('v1',X'626f6479206f66207631');
INSERT INTO carrierfsm_bodies VALUES('v2',X'626f6479206f66207632');
CREATE TABLE carrierfsm_history (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id       TEXT    NOT NULL,
    step     INTEGER NOT NULL,
    from_    TEXT    NOT NULL,
    event    TEXT    NOT NULL,
    to_      TEXT    NOT NULL,
    at       INTEGER NOT NULL,
    detail   BLOB
);
INSERT INTO carrierfsm_history VALUES(1,'v1',1,'awaiting_captcha','captcha_rejected','awaiting_captcha',1906545600000000,X'64657461696c206f66207631');
INSERT INTO carrierfsm_history VALUES(2,'v2',1,'awaiting_captcha','captcha_rejected','awaiting_captcha',1906545600000000,X'64657461696c206f66207632');
CREATE TABLE carrierfsm_cursors (
    name     TEXT    NOT NULL PRIMARY KEY,
    position INTEGER NOT NULL,
    owner    TEXT    NOT NULL,
    until    INTEGER NOT NULL,
    fence    INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO carrierfsm_cursors VALUES('notify',1,'',0,1);
CREATE TABLE carrierfsm_parked (
    handler  TEXT    NOT NULL,
    id       TEXT    NOT NULL,
    step     INTEGER NOT NULL,
    upto     INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    why      TEXT    NOT NULL,
    since    INTEGER NOT NULL,
    next     INTEGER NOT NULL,
    version  INTEGER NOT NULL,
    PRIMARY KEY (handler, id)
) WITHOUT ROWID;
INSERT INTO carrierfsm_parked VALUES('notify','v1',1,1,1,'the gateway is down',1906545600000000,1906545600000000,1);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('carrierfsm_history',2);
CREATE INDEX carrierfsm_due ON carrierfsm_verifications (due, id) WHERE due > 0;
CREATE UNIQUE INDEX carrierfsm_key ON carrierfsm_verifications (key) WHERE key <> '';
CREATE INDEX carrierfsm_created ON carrierfsm_verifications (created, id);
CREATE INDEX carrierfsm_ended ON carrierfsm_verifications (updated) WHERE state IN ('done', 'failed');
CREATE UNIQUE INDEX carrierfsm_history_step ON carrierfsm_history (id, step);
CREATE INDEX carrierfsm_parked_next ON carrierfsm_parked (handler, next, id);
CREATE INDEX carrierfsm_parked_id ON carrierfsm_parked (id);
COMMIT;
