package holdfasttest

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast/internal/store"
)

// Running all migrations takes longer than most tests. So they run once, and
// each test gets a copy of the result.

// sqliteTemplate is the file of an empty database.
var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "holdfast-template-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "holdfast.db")
	if err := openOnce(path); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// postgresTemplate is the name of the database on the test server from which
// others are copied. Its name depends on the schema, and it is kept for later
// runs.
var postgresTemplate = sync.OnceValues(func() (name string, err error) {
	digest, err := store.SchemaDigest()
	if err != nil {
		return "", err
	}
	name = fmt.Sprintf("holdfast_template_%x", digest[:8])
	server := os.Getenv(PostgresEnv)
	db, err := sql.Open("pgx", server)
	if err != nil {
		return "", err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	admin, err := db.Conn(ctx) // it holds the lock
	if err != nil {
		return "", err
	}
	defer admin.Close()
	if _, err := admin.ExecContext(ctx, `SELECT pg_advisory_lock(hashtext($1))`, name); err != nil {
		return "", err
	}
	var there bool
	err = admin.QueryRowContext(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, name).Scan(&there)
	if err != nil || there {
		return name, err
	}
	unfinished := fmt.Sprintf("%s_%d", name, os.Getpid())
	if _, err := admin.ExecContext(ctx, "CREATE DATABASE "+unfinished); err != nil {
		return "", err
	}
	at, err := withDatabase(server, unfinished)
	if err != nil {
		return "", err
	}
	if err := openOnce(at); err != nil {
		return "", err
	}
	_, err = admin.ExecContext(ctx, "ALTER DATABASE "+unfinished+" RENAME TO "+name)
	return name, err
})

func openOnce(address string) error {
	db, err := store.Open(context.Background(), store.Config{Address: address})
	if err != nil {
		return err
	}
	return db.Close()
}
