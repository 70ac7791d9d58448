// Package holdfasttest has the common parts of tests: databases, a clock that a
// test moves, counted ids, a network that follows a script, and a processor
// that uses them.
package holdfasttest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/holdfast-pay/holdfast/internal/store"
)

// PostgresEnv names the variable with the address of a PostgreSQL server for
// tests. Without it, tests run only on SQLite.
const PostgresEnv = "HOLDFAST_TEST_POSTGRES"

// Databases runs a test on each kind of database, each time on an empty one.
func Databases(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	for name, address := range Addresses(t) {
		t.Run(name, func(t *testing.T) { test(t, Open(t, address(t))) })
	}
}

// Addresses returns, by the kind of database, functions that make a database
// and return its address. The database is in the state after the first start of
// a server.
func Addresses(t testing.TB) map[string]func(testing.TB) string {
	t.Helper()
	return addresses(sqliteFile, postgresDatabase)
}

// EmptyAddresses is Addresses for databases that no server has opened.
func EmptyAddresses(t testing.TB) map[string]func(testing.TB) string {
	t.Helper()
	return addresses(emptySQLiteFile, emptyPostgresDatabase)
}

// PostgresAddress returns the address of a PostgreSQL database for one test. It
// skips the test if there is no PostgreSQL server.
func PostgresAddress(t testing.TB) string {
	t.Helper()
	return onPostgres(t, Addresses(t))
}

// EmptyPostgresAddress is PostgresAddress for a database that no server has
// opened.
func EmptyPostgresAddress(t testing.TB) string {
	t.Helper()
	return onPostgres(t, EmptyAddresses(t))
}

func onPostgres(t testing.TB, all map[string]func(testing.TB) string) string {
	t.Helper()
	address, ok := all["PostgreSQL"]
	if !ok {
		t.Skip("there is no PostgreSQL server: " + PostgresEnv + " is not set")
	}
	return address(t)
}

func addresses(sqlite, postgres func(testing.TB) string) map[string]func(testing.TB) string {
	all := map[string]func(testing.TB) string{"SQLite": sqlite}
	if os.Getenv(PostgresEnv) != "" {
		all["PostgreSQL"] = postgres
	}
	return all
}

// Open opens a store that is closed when the test ends.
func Open(t testing.TB, address string) *store.DB {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Address: address})
	if err != nil {
		t.Fatalf("opening the store: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("closing the store: %v", err)
		}
	})
	return db
}

func emptySQLiteFile(t testing.TB) string { return filepath.Join(t.TempDir(), "holdfast.db") }

func sqliteFile(t testing.TB) string {
	t.Helper()
	file, err := sqliteTemplate()
	if err != nil {
		t.Fatalf("making the first database: %v", err)
	}
	path := emptySQLiteFile(t)
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var databases atomic.Int64

// emptyPostgresDatabase makes a new database on the test server.
func emptyPostgresDatabase(t testing.TB) string {
	t.Helper()
	server := os.Getenv(PostgresEnv)
	admin, err := sql.Open("pgx", server)
	if err != nil {
		t.Fatalf("opening the PostgreSQL server: %v", err)
	}
	name := fmt.Sprintf("holdfast_%d_%d", os.Getpid(), databases.Add(1))
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if _, err := admin.ExecContext(ctx, "CREATE DATABASE "+name); err != nil {
		t.Fatalf("creating a database: %v", err)
	}
	t.Cleanup(func() {
		defer admin.Close()
		if _, err := admin.ExecContext(context.Background(), "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("dropping a database: %v", err)
		}
	})
	at, err := withDatabase(server, name)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// withDatabase returns the address with a different database name.
func withDatabase(address, name string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fmt.Errorf("%s is not an address: %w", PostgresEnv, err)
	}
	u.Path = "/" + name
	return u.String(), nil
}
