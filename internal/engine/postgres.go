package engine

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

const (
	postgresConnsMax   = 16
	postgresWritersMax = 4 // for the writers and migrations
	// connectMax is how long one node may take to answer, unless the address says
	// otherwise. The next node is asked only then, so a machine that is down must
	// not use up all of an action's time.
	connectMax = 2 * time.Second
)

// writerSettings are for the connections that commit groups. They read and
// write some rows at a time, by key. The planner must neither read whole tables
// because of a wrong estimate, nor plan again for each group.
var writerSettings = map[string]string{
	"enable_seqscan": "off", "enable_hashjoin": "off", "enable_mergejoin": "off", "plan_cache_mode": "force_generic_plan",
	"jit": "off",
}

// openPostgres opens the connection pools of one database. The database may
// have several nodes, one of which is the primary at any time.
func openPostgres(ctx context.Context, address string) (writer, reader *sql.DB, err error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, nil, errors.New("opening PostgreSQL: the address cannot be read") // it may hold a password
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectMax
	}
	if config.ValidateConnect == nil {
		// A standby would refuse every write, and its reads would be out of date.
		config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsReadWrite
	}
	var options []stdlib.OptionOpenDB
	connected := func(context.Context, *pgx.Conn) error { return nil }
	if severalNodes(config) {
		f := &follower{}
		connected = f.connected
		options = append(options, stdlib.OptionAfterConnect(connected), stdlib.OptionResetSession(f.reused))
	}
	reader = sql.OpenDB(stdlib.GetConnector(*config, options...))
	reader.SetMaxOpenConns(postgresConnsMax)
	reader.SetMaxIdleConns(postgresConnsMax)
	if err := refusePooler(ctx, reader); err != nil {
		reader.Close()
		return nil, nil, err
	}

	writing := config.Copy()
	for name, value := range writerSettings {
		writing.RuntimeParams[name] = value
	}
	// distinguishes this server's commits from others'
	writing.RuntimeParams["application_name"] = "holdfast " + rand.Text()[:8]
	writing.DialFunc = dialOnlyToConnect(config.DialFunc)
	// replaces the OptionAfterConnect from above
	options = append(options, stdlib.OptionAfterConnect(func(ctx context.Context, c *pgx.Conn) error {
		return errors.Join(connected(ctx, c), writeSteadily(ctx, c))
	}))
	writer = sql.OpenDB(connector{stdlib.GetConnector(*writing, options...)})
	writer.SetMaxOpenConns(postgresWritersMax)
	writer.SetMaxIdleConns(postgresWritersMax)
	return writer, reader, nil
}

// writeSteadily makes a session flush the pages that it writes to the disk a
// little at a time. Otherwise the system writes the pages of half a minute in
// one burst, and every commit meanwhile waits for it. A value that the operator
// has set stays. On a system that does not support the setting, nothing
// changes.
func writeSteadily(ctx context.Context, c *pgx.Conn) error {
	_, err := c.Exec(ctx, `
		SELECT set_config('backend_flush_after', '256kB', false) WHERE current_setting('backend_flush_after') = '0'`)
	if _, refused := errors.AsType[*pgconn.PgError](err); refused {
		return nil
	}
	return err
}

func severalNodes(config *pgx.ConnConfig) bool {
	for _, other := range config.Fallbacks { // one node may be listed twice, with and without TLS
		if other.Host != config.Host || other.Port != config.Port {
			return true
		}
	}
	return false
}

// A follower keeps all connections on the node of the newest connection. A
// former primary that does not know that it was replaced would go on answering
// reads with old data.
type follower struct{ newest atomic.Pointer[string] }

func (f *follower) connected(_ context.Context, c *pgx.Conn) error {
	at := nodeOf(c)
	f.newest.Store(&at)
	return nil
}

func (f *follower) reused(_ context.Context, c *pgx.Conn) error {
	if newest := f.newest.Load(); newest != nil && nodeOf(c) != *newest {
		return driver.ErrBadConn
	}
	return nil
}

func nodeOf(c *pgx.Conn) string { return c.PgConn().Conn().RemoteAddr().String() }

// A connector marks the contexts of connections that the pool opens for its
// users.
type connector struct{ driver.Connector }

type connecting struct{}

func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	return c.Connector.Connect(context.WithValue(ctx, connecting{}, true))
}

var errNoCancelling = errors.New("a commit must not be cancelled")

// dialOnlyToConnect keeps the driver from cancelling a statement that is given
// up. Cancelling does not undo a commit that waits for its standbys. PostgreSQL
// would only stop waiting, and show everybody a commit that may be lost with
// the primary.
func dialOnlyToConnect(dial pgconn.DialFunc) pgconn.DialFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if ctx.Value(connecting{}) == nil {
			return nil, errNoCancelling
		}
		return dial(ctx, network, address)
	}
}

// postgresConflict reports whether another transaction used the same rows.
func postgresConflict(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	const serialization, deadlock, locked = "40001", "40P01", "55P03"
	return ok && (e.Code == serialization || e.Code == deadlock || e.Code == locked)
}

// postgresUnreachable reports whether no database answered, or only one that
// cannot be written to.
func postgresUnreachable(err error) bool {
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		const readOnly, tooManyConnections = "25006", "53300"
		return strings.HasPrefix(e.Code, "08") || strings.HasPrefix(e.Code, "57P") || e.Code == readOnly ||
			e.Code == tooManyConnections
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || pgconn.SafeToRetry(err)
}
