package store

import "runtime"

// CompareSchemas refuses a schema's version that is not this program's.
func CompareSchemas(have, known int64) error { return compareSchemas(have, known) }

// WaitForQueue waits until n actions wait for a commit.
func WaitForQueue(db *DB, n int) {
	for {
		if waiting, _ := db.Waiting(); waiting >= n {
			return
		}
		runtime.Gosched()
	}
}

// AfterSealStep sets a function that is called after each step of sealing.
func (db *DB) AfterSealStep(call func()) { db.afterSealStep = call }

// LeaveUnclean makes sealing fail after all secrets are sealed.
func (db *DB) LeaveUnclean() { db.dialect.clean = []string{`SELECT nothing`} }

// Queries are some that must use an index, keyed by SQLite's plan for each.
var Queries = map[string]string{
	"SEARCH tokens USING INDEX tokens_by_reference (caller_id=? AND reference=?)":       tokenByReference,
	"SEARCH transactions USING INDEX transactions_by_parent (caller_id=? AND parent=?)": childrenOf,
	"SCAN steps USING COVERING INDEX steps_to_tell":                                     line,
}
