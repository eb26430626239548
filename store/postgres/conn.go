package postgres

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgconn/ctxwatch"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Limits of a connection whose configuration sets none.
const (
	connectTimeout = 5 * time.Second
	pingTimeout    = 5 * time.Second
)

// lateAnswer is how long after the end of a context an answer of the server is awaited.
// Most come within it, and a connection that waits for one need not be replaced.
const lateAnswer = 50 * time.Millisecond

// keepAlive finds within half a minute that a server has vanished.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 10 * time.Second, Interval: 5 * time.Second, Count: 4}

// openPool opens the pool of the store, with the configuration of the host's pool
// and what protect and checkSession do.
func (s *Store) openPool(ctx context.Context, config *pgxpool.Config) (*pgxpool.Pool, error) {
	c := config.ConnConfig
	if several := hasSeveralHosts(c); several && c.ConnectTimeout == 0 {
		s.logger.WarnContext(ctx, "the DSN has several hosts and no connect_timeout; one that does not answer would block every connection",
			"connect_timeout", connectTimeout)
	} else if several && c.ValidateConnect == nil {
		c.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	c.ConnectTimeout = cmp.Or(c.ConnectTimeout, connectTimeout)
	config.PingTimeout = cmp.Or(config.PingTimeout, pingTimeout)
	protect(config, s.lateAnswer)
	afterConnect := config.AfterConnect
	config.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		if afterConnect != nil {
			if err := afterConnect(ctx, conn); err != nil {
				return err
			}
		}
		return s.checkSession(ctx, conn)
	}
	s.maxConns = int(config.MaxConns)
	return pgxpool.NewWithConfig(ctx, config)
}

// hasSeveralHosts returns whether the configuration names several servers. pgx also
// has a fallback for a host without TLS.
func hasSeveralHosts(c *pgx.ConnConfig) bool {
	return slices.ContainsFunc(c.Fallbacks, func(f *pgconn.FallbackConfig) bool { return f.Host != c.Host || f.Port != c.Port })
}

// ErrUnusable is returned for a server, a role or a session that the store can't work
// with. The error says what is wrong and what to do.
var ErrUnusable = errors.New("the database can't be used")

// describeSession has no arguments and is sent in the simple protocol.
const describeSession = `SELECT extract(epoch FROM pg_postmaster_start_time()), pg_is_in_recovery(), current_setting('transaction_read_only'),
	current_setting('bytea_output'), current_setting('DateStyle'), pg_backend_pid()`

// checkSession refuses a new connection with which the store can't work, and notes
// when its server is not the one of the connection before, or when it is that of a pooler:
// a pooler has process ids of its own.
func (s *Store) checkSession(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	results, err := conn.PgConn().Exec(ctx, describeSession).ReadAll()
	if err != nil {
		return err
	}
	if len(results) != 1 || len(results[0].Rows) != 1 || len(results[0].Rows[0]) != 6 {
		return errRow
	}
	row := results[0].Rows[0]
	started, standby, readOnly, bytea, dates := string(row[0]), string(row[1]), string(row[2]), string(row[3]), string(row[4])
	text := resultsAreText(conn.Config().DefaultQueryExecMode)
	switch {
	case standby == "t":
		return fmt.Errorf("%w: the server is a standby; connect to the primary, for example with all hosts and target_session_attrs=read-write in the DSN", ErrUnusable)
	case readOnly == "on":
		return fmt.Errorf("%w: transactions are read-only by default; set default_transaction_read_only to off for the role or the database", ErrUnusable)
	case text && bytea != "hex":
		return fmt.Errorf("%w: bytea_output is %s; set it to hex for the role, or use a query exec mode with binary results", ErrUnusable, bytea)
	case text && !strings.HasPrefix(dates, "ISO"):
		return fmt.Errorf("%w: DateStyle is %s; set it to ISO for the role, or use a query exec mode with binary results", ErrUnusable, dates)
	}
	if string(row[5]) != strconv.FormatUint(uint64(conn.PgConn().PID()), 10) {
		s.pooled.Store(true)
	}
	if before := s.server.Swap(&started); before == nil || *before != started {
		s.restarts.raise()
	}
	return nil
}

// resultsAreText returns whether the server sends results as text, whose format
// depends on settings.
func resultsAreText(mode pgx.QueryExecMode) bool {
	return mode == pgx.QueryExecModeExec || mode == pgx.QueryExecModeSimpleProtocol
}

// protect changes a pool's configuration so that its connections
//
//   - never cancel a statement on the server. A commit that is cancelled there
//     while it waits for a synchronous standby is committed without the standby.
//     pgx sends a cancel request when it gives up a connection;
//   - are not given up if the answer comes within lateAnswer of the end of a context;
//   - note when the server reports that such a wait was cancelled by somebody else;
//   - are closed after an error that another statement would get too;
//   - find out when their server has vanished.
func protect(config *pgxpool.Config, lateAnswer time.Duration) {
	c := config.ConnConfig
	onNotice, onPgError := c.OnNotice, c.OnPgError
	c.BuildContextWatcherHandler = func(conn *pgconn.PgConn) ctxwatch.Handler {
		return &pgconn.DeadlineContextWatcherHandler{Conn: conn.Conn(), DeadlineDelay: lateAnswer}
	}
	c.OnNotice = func(conn *pgconn.PgConn, n *pgconn.Notice) {
		if n.Routine == "SyncRepWaitForLSN" {
			conn.CustomData()[waitCanceled] = true
		}
		if onNotice != nil {
			onNotice(conn, n)
		}
	}
	c.OnPgError = func(conn *pgconn.PgConn, e *pgconn.PgError) bool {
		keep := e.SeverityUnlocalized != "FATAL"
		if onPgError != nil {
			keep = onPgError(conn, e)
		}
		return keep && !condemns(e.Code)
	}
	beforeConnect := config.BeforeConnect
	config.BeforeConnect = func(ctx context.Context, c *pgx.ConnConfig) error {
		if beforeConnect != nil {
			if err := beforeConnect(ctx, c); err != nil {
				return err
			}
		}
		dialOnlyUntilConnected(&c.Config)
		return nil
	}
}

var errNoCancel = errors.New("carrierfsm/postgres: no statement is cancelled on the server")

// dialOnlyUntilConnected makes the configuration of one connection refuse to dial
// once the connection is established: pgx dials again only to send a cancel request.
func dialOnlyUntilConnected(c *pgconn.Config) {
	var connected atomic.Bool
	dial, afterConnect := c.DialFunc, c.AfterConnect
	c.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		if connected.Load() {
			return nil, errNoCancel
		}
		conn, err := dial(ctx, network, addr)
		if tcp, ok := conn.(*net.TCPConn); ok && err == nil {
			_ = tcp.SetKeepAliveConfig(keepAlive) // without it a dead server is found later
			setUserTimeout(tcp)
		}
		return conn, err
	}
	c.AfterConnect = func(ctx context.Context, conn *pgconn.PgConn) error {
		if afterConnect != nil {
			if err := afterConnect(ctx, conn); err != nil {
				return err
			}
		}
		connected.Store(true)
		return nil
	}
}

// waitCanceled is the key of a connection's custom data: the wait for the standby
// was cancelled, so the commit is perhaps on the primary alone.
const waitCanceled = "carrierfsm: wait for the standby canceled"

// takeWaitCanceled returns whether the latest statement's wait for the standby was
// cancelled.
func takeWaitCanceled(c *pgx.Conn) bool {
	data := c.PgConn().CustomData()
	_, canceled := data[waitCanceled]
	delete(data, waitCanceled)
	return canceled
}

// condemns returns whether a connection is of no use after an error with this code:
// its server has become read-only, is shutting down, or has trouble with its system.
func condemns(code string) bool {
	return code == readOnlyTransaction || strings.HasPrefix(code, "57P") || strings.HasPrefix(code, "58")
}
