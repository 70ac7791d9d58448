// Package holdfasttest gives tests what they share: databases, a clock that
// only they move, counted ids, a network that does what it is told, and a whole
// processor on top of it.
package holdfasttest

import (
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"

	"github.com/holdfast-pay/holdfast/internal/store"
)

// PostgresEnv names the variable that holds the address of a PostgreSQL server
// for tests. Without it they run on SQLite alone.
const PostgresEnv = "HOLDFAST_TEST_POSTGRES"

// Databases runs a test on each database there is, each time on an empty one.
func Databases(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	for name, address := range Addresses(t) {
		t.Run(name, func(t *testing.T) { test(t, Open(t, address(t))) })
	}
}

// Addresses returns, by the database's name, what makes an empty database and
// tells where it is.
func Addresses(t testing.TB) map[string]func(testing.TB) string {
	t.Helper()
	all := map[string]func(testing.TB) string{"SQLite": sqliteFile}
	if os.Getenv(PostgresEnv) != "" {
		all["PostgreSQL"] = postgresDatabase
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

func sqliteFile(t testing.TB) string { return filepath.Join(t.TempDir(), "holdfast.db") }

var databases atomic.Int64

// postgresDatabase makes a database of its own on the test server.
func postgresDatabase(t testing.TB) string {
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
	return withDatabase(t, server, name)
}

// withDatabase names another database in an address.
func withDatabase(t testing.TB, address, name string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatalf("%s is not an address: %v", PostgresEnv, err)
	}
	u.Path = "/" + strings.TrimPrefix(name, "/")
	return u.String()
}
