package store

import (
	"context"
	"fmt"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// An AuditVerdict is what a check of the audit log's chain has found.
type AuditVerdict struct {
	Head    AuditHead // the end of the chain
	Checked int64     // entries that are as they were written
	Waiting int       // entries that have no place in the chain yet
	// Fault is what is wrong at the first entry that is not as it was written, and At
	// its position. An empty Fault means that the chain is whole.
	Fault string
	At    int64
	// Against is the position of the entry with the hash that was kept elsewhere.
	Against int64
}

const auditVerifyBatch = 1000

// waitingMost bounds how many new entries are counted that have no place in the chain.
const waitingMost = 1000

// auditFrom reads the entries behind a position, in the order of the chain.
var auditFrom = `
	SELECT ` + chainColumns + ` FROM audit_log WHERE position > $1 ORDER BY position LIMIT $2`

// VerifyAudit checks that no entry of the chain was changed, removed or added since
// it was written. Somebody who can write to the database could compute all hashes
// again. That shows if against is a hash that was kept elsewhere; nil means that
// there is none.
func (r Reader) VerifyAudit(ctx context.Context, against *party.AuditHash) (v AuditVerdict, err error) {
	check := chainCheck{against: against}
	for more := true; more && err == nil && v.Fault == ""; {
		err = r.View(ctx, func(tx *ReadTx) error {
			more, err = check.batch(tx, &v)
			return err
		})
	}
	if err == nil && v.Fault == "" && against != nil && v.Against == 0 {
		v.Fault = fmt.Sprintf("no entry has the hash %s: entries were changed or removed, and all hashes computed again",
			against)
	}
	return v, err
}

// A chainCheck goes through the chain from its beginning.
type chainCheck struct {
	last    AuditHead // the last entry that is as it was written
	against *party.AuditHash
}

// batch checks the next entries, and reports whether there are more. The last batch
// is compared with the end of the chain, as both are in one state of the store.
func (c *chainCheck) batch(tx *ReadTx, v *AuditVerdict) (more bool, err error) {
	entries, err := list(tx, "reading the audit log", scanChainRow, auditFrom, c.last.Last, auditVerifyBatch)
	if err != nil {
		return false, err
	}
	for i := range entries {
		if at, fault := c.next(&entries[i]); fault != "" {
			v.At, v.Fault = at, fault
			return false, nil
		}
		v.Checked++
		if c.against != nil && c.last.Hash == *c.against {
			v.Against = c.last.Last
		}
	}
	if len(entries) == auditVerifyBatch {
		return true, nil
	}
	if v.Head, err = tx.AuditHead(); err != nil {
		return false, err
	}
	switch {
	case v.Head.Last > c.last.Last:
		v.At, v.Fault = c.last.Last+1, fmt.Sprintf("the entry is missing; the chain ends with entry %d", v.Head.Last)
	case v.Head.Last < c.last.Last:
		v.At, v.Fault = v.Head.Last+1, "the entry was added behind the end of the chain"
	case v.Head.Hash != c.last.Hash:
		v.At = c.last.Last
		v.Fault = "the entry was changed and its hash computed again; the end of the chain has its former hash"
	}
	v.Waiting, err = tx.upTo(`SELECT 1 FROM audit_waiting`, waitingMost)
	return false, err
}

// next checks the entry behind the last one. It returns what is wrong, and at which
// position.
func (c *chainCheck) next(e *auditRow) (at int64, fault string) {
	if e.Position != c.last.Last+1 {
		return c.last.Last + 1, fmt.Sprintf("the entry is missing; the next one is %d", e.Position)
	}
	digest, err := e.Digest(e.before, e.after)
	switch {
	case err != nil:
		return e.Position, err.Error()
	case digest.Chained(e.Position, e.Previous) != e.Hash:
		return e.Position, "the entry was changed"
	case e.Previous != c.last.Hash:
		return max(c.last.Last, 1), "the entry was changed and its hash computed again; the next entry has its former hash"
	}
	c.last = AuditHead{e.Position, e.Hash}
	return 0, ""
}
