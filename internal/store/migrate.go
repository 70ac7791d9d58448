package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/holdfast-pay/holdfast/internal/engine"
)

// If several servers start at once, one migrates. The others try again every
// second, for five minutes.
const lockEvery, lockTries = 1, 300

// migrate brings the schema up to this program's version, forward only. It
// refuses a database that is newer than the program, because the program would
// not know what its rows mean.
func migrate(ctx context.Context, d dialect, db *sql.DB, now func() time.Time) error {
	if err := refuseUnknown(ctx, d, db); err != nil {
		return err
	}
	if now != nil {
		if err := refuseServers(ctx, d, db, now()); err != nil {
			return err
		}
	}
	var options []goose.ProviderOption
	if d.goose == goose.DialectPostgres {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(lockEvery, lockTries))
		if err != nil {
			return fmt.Errorf("making the migration lock: %w", err)
		}
		if now != nil {
			locker = guardedLocker{locker, func(ctx context.Context, conn *sql.Conn) error {
				return refuseServers(ctx, d, conn, now())
			}}
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := d.migrations(db, options...)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating the %s schema: %w", d.Name, err)
	}
	have, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	return newer(have, newest(provider))
}

// A guardedLocker also refuses the lock of migrations after it has taken it. While
// it is held, no server starts: see [DB.FirstBeat].
type guardedLocker struct {
	lock.SessionLocker
	refuse func(context.Context, *sql.Conn) error
}

func (l guardedLocker) SessionLock(ctx context.Context, conn *sql.Conn) error {
	if err := l.SessionLocker.SessionLock(ctx, conn); err != nil {
		return err
	}
	if err := l.refuse(ctx, conn); err != nil {
		return errors.Join(err, l.SessionUnlock(context.WithoutCancel(ctx), conn))
	}
	return nil
}

// whileLocked runs fn while no program migrates a PostgreSQL database. query takes
// the lock of migrations. An SQLite file has one server or command at a time, which
// locks the file itself.
func (db *DB) whileLocked(ctx context.Context, query string, fn func() error) error {
	if !db.pools.Database.Remote {
		return fn()
	}
	tx, err := db.pools.Reader.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("waiting for migrations: %w", err)
	}
	defer tx.Rollback()
	if _, err := tx.ExecContext(ctx, query, lock.DefaultLockID); err != nil {
		return fmt.Errorf("waiting for migrations: %w", err)
	}
	return fn()
}

const (
	lockAlone  = `SELECT pg_advisory_xact_lock($1)`
	lockShared = `SELECT pg_advisory_xact_lock_shared($1)`
)

// migrations has the migrations of schema/.
func (d dialect) migrations(db *sql.DB, options ...goose.ProviderOption) (*goose.Provider, error) {
	files, err := d.schemaFS()
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(d.goose, db, files, options...)
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	return provider, nil
}

func newest(p *goose.Provider) int64 {
	sources := p.ListSources()
	return sources[len(sources)-1].Version
}

// ErrNewSchema refuses a store that a newer program has changed.
var ErrNewSchema = errors.New("the store was changed by a newer holdfast")

func newer(have, known int64) error {
	if have > known {
		return fmt.Errorf("%w: the database's schema is version %d and this program knows only %d: run a newer holdfast",
			ErrNewSchema, have, known)
	}
	return nil
}

// ErrServersRun refuses to change a store under servers that run.
var ErrServersRun = errors.New("servers run on this store; stop them first. The row of a server that was killed " +
	"counts for 30 seconds")

// A querier is a database or a connection to one.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// refuseServers refuses to change the schema while servers of an older program
// run on the store: they would not know what its rows mean.
func refuseServers(ctx context.Context, d dialect, db querier, now time.Time) error {
	known, err := knownSchema()
	if err != nil {
		return err
	}
	if found, err := d.has(ctx, db, serverTable.name); err != nil || !found {
		return err
	}
	have, err := schemaOf(ctx, db)
	if err != nil || have == 0 || have >= known {
		return err
	}
	if err = refuseRunning(ctx, db, now); errors.Is(err, ErrServersRun) {
		err = fmt.Errorf("the schema of the store is version %d, and this program would change it to %d: %w", have, known,
			err)
	}
	return err
}

// refuseRunning refuses a database on which servers run.
func refuseRunning(ctx context.Context, db querier, now time.Time) error {
	running, err := runningServers(ctx, db, now)
	if err != nil || len(running) == 0 {
		return err
	}
	return fmt.Errorf("%w: %s", ErrServersRun, namesOf(running))
}

// runningServers reads the servers that run on a database.
func runningServers(ctx context.Context, db querier, now time.Time) (running []Server, err error) {
	rows, err := db.QueryContext(ctx, `SELECT `+serverTable.list()+` FROM servers WHERE seen > $1 ORDER BY server_id`,
		micros(now.Add(-serverLate)))
	if err != nil {
		return nil, fmt.Errorf("reading the servers: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		s, err := scanServer(rows)
		if err != nil {
			return nil, fmt.Errorf("reading the servers: %w", err)
		}
		running = append(running, s)
	}
	return running, rows.Err()
}

func namesOf(servers []Server) string {
	var names []string
	for _, s := range servers {
		names = append(names, fmt.Sprintf("version %s on %s", s.Version, s.Host))
	}
	return strings.Join(names, ", ")
}

// schemaOf reads the version of a database's schema.
func schemaOf(ctx context.Context, db querier) (have int64, err error) {
	err = db.QueryRowContext(ctx, newestApplied).Scan(&have)
	if err != nil {
		return 0, fmt.Errorf("reading the schema's version: %w", err)
	}
	return have, nil
}

const (
	versionTable  = "goose_db_version"
	newestApplied = `SELECT COALESCE(MAX(version_id), 0) FROM ` + versionTable + ` WHERE is_applied`
)

// ErrUnknownSchema refuses a store of version 0.1.0 or older. Its migrations have
// the numbers of this program's, but other tables.
var ErrUnknownSchema = errors.New("UnknownSchema: this store was made by holdfast 0.1.0 or older, and this program " +
	"cannot take its tables over. Nothing was changed. Give holdfast another file or an empty database; to read the old " +
	"store, use the program that made it")

// refuseUnknown refuses a store with a table that only those versions had.
func refuseUnknown(ctx context.Context, d dialect, db *sql.DB) error {
	found, err := d.has(ctx, db, "attempts")
	if err == nil && found {
		err = ErrUnknownSchema
	}
	return err
}

// has reports whether a database has a table.
func (d dialect) has(ctx context.Context, db querier, table string) (bool, error) {
	var tables int64
	if err := db.QueryRowContext(ctx, fmt.Sprintf(d.hasTable, table)).Scan(&tables); err != nil {
		return false, fmt.Errorf("looking for the schema: %w", err)
	}
	return tables > 0, nil
}

// Errors of OpenExisting.
var (
	ErrNoSchema = errors.New("there is no store in this database: its tables are missing. Run holdfast serve on it, " +
		"which creates them. If it is a copy, copy the store again as the documentation says: a file alone, without its " +
		"-wal, is not enough")
	ErrOldSchema = errors.New("the store was made by an older holdfast. Bring it up to date with holdfast migrate, or " +
		"start holdfast serve on it, which does the same")
)

// checkSchema refuses a database whose schema has another version than this
// program's.
func checkSchema(ctx context.Context, d dialect, db *sql.DB) error {
	if err := refuseUnknown(ctx, d, db); err != nil {
		return err
	}
	provider, err := d.migrations(db)
	if err != nil {
		return err
	}
	found, err := d.has(ctx, db, versionTable)
	if err != nil {
		return err
	}
	have := int64(0)
	if found {
		if have, err = schemaOf(ctx, db); err != nil {
			return err
		}
	}
	return compareSchemas(have, newest(provider))
}

// CheckVersion refuses a store whose schema another program has changed since it
// was opened.
func (r Reader) CheckVersion(ctx context.Context) error {
	known, err := knownSchema()
	if err != nil {
		return err
	}
	return r.glance(ctx, func(tx *ReadTx) error {
		have, err := tx.count("reading the schema's version", newestApplied)
		if err != nil {
			return err
		}
		return compareSchemas(have, known)
	})
}

// knownSchema is the newest version of the schema that this program knows.
func knownSchema() (int64, error) {
	names, err := fs.Glob(schemaFiles, "schema/*.sql")
	if err != nil {
		return 0, fmt.Errorf("listing the schema: %w", err)
	}
	known, err := goose.NumericComponent(names[len(names)-1])
	if err != nil {
		return 0, fmt.Errorf("reading the number of the schema: %w", err)
	}
	return known, nil
}

// compareSchemas refuses a version that is not this program's.
func compareSchemas(have, known int64) error {
	switch {
	case have == 0:
		return ErrNoSchema
	case have < known:
		return fmt.Errorf("%w (its schema is version %d, this program's is %d)", ErrOldSchema, have, known)
	default:
		return newer(have, known)
	}
}

// checkFile is checkSchema for an SQLite file. It does not change the file.
func checkFile(ctx context.Context, at Location) error {
	db, err := engine.LookAtSQLite(at.File)
	if err != nil {
		return fmt.Errorf("opening SQLite file %s: %w", at, err)
	}
	defer db.Close()
	if err := checkSchema(ctx, sqliteDialect, db); err != nil {
		return fmt.Errorf("opening SQLite file %s: %w", at, sqliteDialect.Named(err))
	}
	return nil
}

// SchemaDigest is a hash of all migrations that make a new PostgreSQL database.
// Two programs with the same schema have the same digest.
func SchemaDigest() (digest [sha256.Size]byte, err error) {
	files, err := postgres.schemaFS()
	if err != nil {
		return digest, err
	}
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return digest, err
	}
	sum := sha256.New()
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return digest, err
		}
		sum.Write(text)
	}
	return [sha256.Size]byte(sum.Sum(nil)), nil
}
