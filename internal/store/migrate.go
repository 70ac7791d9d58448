package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"golang.org/x/tools/txtar"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// If several servers start at once, one migrates. The others try again every
// second, for five minutes.
const lockEvery, lockTries = 1, 300

// migrate brings the schema up to this program's version, forward only. It
// refuses a database that is newer than the program, because the program would
// not know what its rows mean.
func migrate(ctx context.Context, d dialect, db *sql.DB, log *slog.Logger) error {
	var options []goose.ProviderOption
	if d.goose == goose.DialectPostgres {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(lockEvery, lockTries))
		if err != nil {
			return fmt.Errorf("making the migration lock: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := d.migrations(db, log, options...)
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating the %s schema: %w", d.name, err)
	}
	have, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	return newer(have, newest(provider))
}

// migrations has the migrations of schema/ and those that are code.
func (d dialect) migrations(
	db *sql.DB, log *slog.Logger, options ...goose.ProviderOption,
) (*goose.Provider, error) {
	files, err := d.schemaFS()
	if err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(d.goose, db, files, append(options, goose.WithGoMigrations(emailKeys(log)))...)
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	return provider, nil
}

func newest(p *goose.Provider) int64 {
	sources := p.ListSources()
	return sources[len(sources)-1].Version
}

func newer(have, known int64) error {
	if have > known {
		return fmt.Errorf("the database's schema is version %d and this program knows only %d: run a newer holdfast", have,
			known)
	}
	return nil
}

// Errors of OpenExisting.
var (
	ErrNoSchema = errors.New("there is no store in this database: its tables are missing. Run holdfast serve on it, " +
		"which creates them. If it is a copy, copy the store again as the documentation says: a file alone, without its " +
		"-wal, is not enough")
	ErrOldSchema = errors.New("the store was made by an older holdfast. Run holdfast serve on it once, which brings it " +
		"up to date")
)

// checkSchema refuses a database whose schema has another version than this
// program's.
func checkSchema(ctx context.Context, d dialect, db *sql.DB) error {
	provider, err := d.migrations(db, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	var tables, have int64
	if err := db.QueryRowContext(ctx, d.hasSchema).Scan(&tables); err != nil {
		return fmt.Errorf("looking for the schema: %w", err)
	}
	if tables > 0 {
		if err := db.QueryRowContext(ctx,
			`SELECT COALESCE(MAX(version_id), 0) FROM goose_db_version WHERE is_applied`).Scan(&have); err != nil {
			return fmt.Errorf("reading the schema's version: %w", err)
		}
	}
	switch known := newest(provider); {
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
	db, err := sql.Open(sqliteDialect.driver, sqliteFile(at.File, sqliteLookOptions))
	if err != nil {
		return fmt.Errorf("opening SQLite file %s: %w", at, err)
	}
	defer db.Close()
	if err := checkSchema(ctx, sqliteDialect, db); err != nil {
		return fmt.Errorf("opening SQLite file %s: %w", at, sqliteDialect.locked(err))
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
	sum.Write([]byte{emailKeysVersion}) // the migration that is code
	for _, name := range names {
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return digest, err
		}
		sum.Write(text)
	}
	return [sha256.Size]byte(sum.Sum(nil)), nil
}

// schemaFS has the migrations in the database's own type names.
func (d dialect) schemaFS() (fs.FS, error) {
	names, err := fs.Glob(schemaFiles, "schema/*.sql")
	if err != nil {
		return nil, fmt.Errorf("listing the schema: %w", err)
	}
	var files txtar.Archive
	for _, name := range names {
		text, err := schemaFiles.ReadFile(name)
		if err != nil {
			return nil, fmt.Errorf("reading the schema: %w", err)
		}
		files.Files = append(files.Files, txtar.File{Name: path.Base(name), Data: []byte(d.schema.Replace(string(text)))})
	}
	return txtar.FS(&files)
}
