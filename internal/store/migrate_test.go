package store_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A store of version 0.1.0 or older is refused, whichever of its versions it
// has, and stays as it is.
func TestAStoreOfTheOldSchemaIsRefused(t *testing.T) {
	archive, err := txtar.ParseFile("testdata/schema-0.1.0.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range archive.Files {
		t.Run(file.Name, func(t *testing.T) {
			at := holdfasttest.EmptyAddresses(t)[file.Name]
			if at == nil {
				t.Skip("no such database to test with")
			}
			address := at(t)
			db := raw(t, address)
			for statement := range strings.SplitSeq(string(file.Data), ";\n") {
				if _, err := db.ExecContext(t.Context(), statement); err != nil {
					t.Fatalf("%v in %s", err, statement)
				}
			}
			for _, newest := range []int{19, 1} {
				if _, err := db.ExecContext(t.Context(), `DELETE FROM goose_db_version WHERE version_id > $1`, newest); err != nil {
					t.Fatal(err)
				}
				refusedAsUnknown(t, address, db)
			}
		})
	}
}

func refusedAsUnknown(t *testing.T, address string, db *sql.DB) {
	t.Helper()
	before := tables(t, address, db)
	for name, open := range map[string]func() (*store.DB, error){
		"Open":         func() (*store.DB, error) { return store.Open(t.Context(), store.Config{Address: address}) },
		"OpenExisting": func() (*store.DB, error) { return store.OpenExisting(t.Context(), store.Config{Address: address}) },
	} {
		opened, err := open()
		if err == nil {
			opened.Close()
		}
		if !errors.Is(err, store.ErrUnknownSchema) || !strings.Contains(err.Error(), "another file or an empty database") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if after := tables(t, address, db); after != before {
		t.Errorf("its tables were %s and are %s", before, after)
	}
}

// tables are the names of all tables of a database, with blanks.
func tables(t *testing.T, address string, db *sql.DB) (names string) {
	t.Helper()
	query := `SELECT group_concat(name, ' ' ORDER BY name) FROM sqlite_master WHERE type = 'table'`
	if strings.HasPrefix(address, "postgres") {
		query = `SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = current_schema()`
	}
	if err := db.QueryRowContext(t.Context(), query).Scan(&names); err != nil {
		t.Fatal(err)
	}
	return names
}

func TestOtherVersionsOfTheSchemaAreRefused(t *testing.T) {
	for name, row := range map[string]struct {
		have, known int64
		want        string // empty if it is opened
	}{
		"none":     {0, 3, "there is no store in this database"},
		"an older": {2, 3, "its schema is version 2, this program's is 3"},
		"the same": {3, 3, ""},
		"a newer":  {4, 3, "run a newer holdfast"},
	} {
		if err := store.CompareSchemas(row.have, row.known); (err == nil) != (row.want == "") ||
			err != nil && !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
