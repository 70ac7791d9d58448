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

// TokenByReferenceQuery is the query of TokenByReference.
var TokenByReferenceQuery = tokenByReference
