package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A changed list is empty until [DB.NoteChanges]. It has the transactions that
// this server has changed, for the audit. An action notes a transaction before its
// commit, so some of them may not have changed after all. It is bounded: what does
// not fit is counted.
type changed struct {
	mu   sync.Mutex
	most int
	keys []transactionKey
	over int
}

func (l *changed) note(k transactionKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.most == 0:
		return
	case len(l.keys) >= l.most:
		l.over++
		return
	}
	l.keys = append(l.keys, k)
}

// Changed are transactions that may have changed, by caller.
type Changed map[party.CallerID][]string

// NoteChanges makes the store note which transactions are changed through it, at
// most so many until the next TakeChanged.
func (db *DB) NoteChanges(most int) {
	db.dialect.changed.mu.Lock()
	defer db.dialect.changed.mu.Unlock()
	db.dialect.changed.most = most
}

// TakeChanged returns the transactions that were noted since the last call, each
// once. missed counts the changes that did not fit in the list.
func (db *DB) TakeChanged() (all Changed, missed int) {
	l := db.dialect.changed
	l.mu.Lock()
	keys, missed := l.keys, l.over
	l.keys, l.over = make([]transactionKey, 0, len(keys)), 0
	l.mu.Unlock()
	all = make(Changed)
	slices.SortFunc(keys, transactionKey.compare)
	for _, k := range slices.Compact(keys) {
		all[k.caller] = append(all[k.caller], string(k.id))
	}
	return all, missed
}

// Len is the number of transactions.
func (c Changed) Len() (n int) {
	for _, ids := range c {
		n += len(ids)
	}
	return n
}

// Cut takes at most limit transactions of one caller out of the list.
func (c Changed) Cut(limit int) (of party.CallerID, ids []string) {
	if len(c) == 0 {
		return "", nil
	}
	of = slices.Min(slices.Collect(maps.Keys(c)))
	ids = c[of][:min(limit, len(c[of]))]
	if c[of] = c[of][len(ids):]; len(c[of]) == 0 {
		delete(c, of)
	}
	return of, ids
}

// CheckChanged compares some transactions of a caller, and those that they belong
// to, with all rows that belong to them.
func (r Reader) CheckChanged(
	ctx context.Context, c party.CallerID, ids []string,
) (findings []payment.Finding, err error) {
	err = r.View(ctx, func(tx *ReadTx) error {
		all := slices.Clone(ids)
		parents, err := list(tx, "reading what transactions belong to", scanID, `
			SELECT parent FROM transactions WHERE caller_id = $1 AND parent <> '' AND transaction_id`+tx.dialect.keys(2),
			c, keyList(slices.Clone(ids)))
		if err != nil {
			return err
		}
		files, found, err := tx.checkThese(c, append(all, parents...))
		for _, f := range files {
			found = append(found, f.AuditUnderWay()...)
		}
		findings = found
		return err
	})
	return findings, err
}

func (k transactionKey) compare(other transactionKey) int {
	return cmp.Or(cmp.Compare(k.caller, other.caller), cmp.Compare(k.id, other.id))
}
