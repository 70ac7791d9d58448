package store

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"path"

	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"golang.org/x/tools/txtar"
)

//go:embed schema/*.sql
var schemaFiles embed.FS

// Of servers that start at once, one migrates and the others look again: every
// second, for five minutes.
const lockEvery, lockTries = 1, 300

// migrate brings the schema up to this program's, forward only. A database
// that is newer than the program is refused: the program would not know what
// its rows mean.
func migrate(ctx context.Context, d dialect, db *sql.DB) error {
	files, err := d.schemaFS()
	if err != nil {
		return err
	}
	var options []goose.ProviderOption
	if d.goose == goose.DialectPostgres {
		locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(lockEvery, lockTries))
		if err != nil {
			return fmt.Errorf("making the migration lock: %w", err)
		}
		options = append(options, goose.WithSessionLocker(locker))
	}
	provider, err := goose.NewProvider(d.goose, db, files, options...)
	if err != nil {
		return fmt.Errorf("reading the migrations: %w", err)
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrating the %s schema: %w", d.name, err)
	}
	have, err := provider.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("reading the schema's version: %w", err)
	}
	sources := provider.ListSources()
	if known := sources[len(sources)-1].Version; have > known {
		return fmt.Errorf("the database's schema is version %d and this program knows only %d: run a newer holdfast", have, known)
	}
	return nil
}

// SchemaDigest tells one schema from another: it is a hash of all that a new
// PostgreSQL database is told.
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

// schemaFS is the schema in the database's own type names.
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
