package holdfasttest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"
)

// Making a PostgreSQL database takes longer than most tests. So tests and test
// programs use the same databases one after the other, and each empties the
// tables first.

// reused are the databases that this program has taken.
var reused struct {
	sync.Mutex
	admin *sql.Conn // locks each of them until the program ends
	taken int       // the number of the last one
	free  []string
}

// postgresDatabase returns the address of an empty database, which belongs to
// the test while it runs.
func postgresDatabase(t testing.TB) string {
	t.Helper()
	template, err := postgresTemplate()
	if err != nil {
		t.Fatalf("making the first database: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	reused.Lock()
	defer reused.Unlock()
	name, err := take(ctx, template)
	if err != nil {
		t.Fatalf("taking a database: %v", err)
	}
	t.Cleanup(func() {
		reused.Lock()
		defer reused.Unlock()
		reused.free = append(reused.free, name)
	})
	at, err := withDatabase(os.Getenv(PostgresEnv), name)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// take finds or makes a database that no test uses, and empties it.
func take(ctx context.Context, template string) (name string, err error) {
	if n := len(reused.free); n > 0 {
		name, reused.free = reused.free[n-1], reused.free[:n-1]
	} else if name, err = lock(ctx, template); err != nil {
		return "", err
	}
	if emptied(ctx, name) == nil {
		return name, nil
	}
	// It does not exist, or a test has changed its schema.
	for _, statement := range []string{"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "CREATE DATABASE " + name +
		" TEMPLATE " + template} {
		if _, err := reused.admin.ExecContext(ctx, statement); err != nil {
			return "", err
		}
	}
	return name, inside(name, func(db *sql.DB) error {
		var schema string
		if err := db.QueryRowContext(ctx, `SELECT `+schemaNow).Scan(&schema); err != nil {
			return err
		}
		_, err := db.ExecContext(ctx, "COMMENT ON DATABASE "+name+" IS '"+schema+"'")
		return err
	})
}

// lock locks a database that no other program uses, and returns its name.
func lock(ctx context.Context, template string) (string, error) {
	if reused.admin == nil {
		db, err := sql.Open("pgx", os.Getenv(PostgresEnv))
		if err != nil {
			return "", err
		}
		if reused.admin, err = db.Conn(ctx); err != nil {
			return "", err
		}
	}
	for {
		reused.taken++
		name := fmt.Sprintf("%s_test_%d", template, reused.taken)
		var ours bool
		err := reused.admin.QueryRowContext(ctx, `SELECT pg_try_advisory_lock(hashtextextended($1, 0))`, name).Scan(&ours)
		if err != nil || ours {
			return name, err
		}
	}
}

// schemaNow is a digest of the schema and of its migrations' numbers. A
// database's comment has the digest from the time when it was made.
const schemaNow = `md5(
	(SELECT string_agg(concat_ws(' ', c.relname, c.relkind, c.relchecks, c.relhastriggers, a.attname, a.atttypid, a.attnotnull), ','
		ORDER BY c.relname, a.attnum)
	FROM pg_class c LEFT JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relnamespace = 'public'::regnamespace)
	|| (SELECT string_agg(version_id::text, ',' ORDER BY id) FROM goose_db_version))`

const asMade = `
	SELECT ` + schemaNow + ` = shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = current_database()`

// emptying ends sessions that an earlier test may have left open, and deletes
// all rows except the migrations' numbers. Large tables get new files.
const emptying = `DO $$
DECLARE
	one TEXT;
	bytes BIGINT;
BEGIN
	LOOP
		PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend';
		EXIT WHEN NOT FOUND;
		PERFORM pg_sleep(0.01), pg_stat_clear_snapshot();
	END LOOP;
	PERFORM set_config('session_replication_role', 'replica', true); -- no triggers
	FOR one, bytes IN
		SELECT relname, pg_relation_size(oid) FROM pg_class
		WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> 'goose_db_version'
	LOOP
		IF bytes > 256 * 1024 THEN
			EXECUTE format('TRUNCATE %I', one);
		ELSIF bytes > 0 THEN
			EXECUTE format('DELETE FROM %I', one);
		END IF;
	END LOOP;
	INSERT INTO event_feed (place, last) VALUES (1, 0);
	INSERT INTO audit_chain (place, last, hash) VALUES (1, 0, decode(repeat('00', 32), 'hex'));
END $$`

var errChanged = errors.New("a test has changed the schema")

func emptied(ctx context.Context, name string) error {
	return inside(name, func(db *sql.DB) error {
		var same sql.NullBool
		if err := db.QueryRowContext(ctx, asMade).Scan(&same); err != nil {
			return err
		}
		if !same.Bool {
			return errChanged
		}
		_, err := db.ExecContext(ctx, emptying)
		return err
	})
}

// inside runs do with a connection to a database of the test server.
func inside(name string, do func(*sql.DB) error) error {
	at, err := withDatabase(os.Getenv(PostgresEnv), name)
	if err != nil {
		return err
	}
	db, err := sql.Open("pgx", at)
	if err != nil {
		return err
	}
	db.SetMaxOpenConns(1)
	return errors.Join(do(db), db.Close())
}
