package store

import (
	"cmp"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A LargestQuery looks for the largest open holds of a listing. No index has open
// holds in the order of their amounts: each Reserve would have to write one more entry.
// So the search reads the index of deadlines in parts, one for each call, and keeps the
// largest holds that it has found. Its cost does not depend on how many holds there are,
// and after the last part it has read all of them. See decision 92.
type LargestQuery struct {
	HoldListing // by deadline
	// After is the end of the part before, and Kept are the holds that it found. Both
	// are zero for the first part.
	After HoldCursor
	Kept  []holdfast.TransactionID
	// Below chooses holds that come after this one, in the order by amount. Nil means
	// all.
	Below *LargestPlace
	Rows  int // members of holds that one part reads
	Limit int // holds that are kept
}

// A LargestPlace is the place of a hold in the order by its open amount.
type LargestPlace struct {
	Open money.Amount
	ID   holdfast.TransactionID
}

// PlaceOf is the place of a hold.
func PlaceOf(h payment.Hold) LargestPlace { return LargestPlace{h.Open(), h.ID()} }

// compare orders places, the largest amount first.
func (p LargestPlace) compare(other LargestPlace) int {
	return cmp.Or(other.Open.Cmp(p.Open), cmp.Compare(other.ID, p.ID))
}

const (
	openOfMember = `m.amount - COALESCE(m.taken, 0) - COALESCE(m.lowered, 0)`
	// rootOfMember is the root of a member's hold, and what its open amount depends on.
	rootOfMember = `
		SELECT CASE WHEN link IS NULL THEN transaction_id ELSE parent END AS root, amount, state,
			CASE WHEN link IS NULL THEN COALESCE(linked, 0) ELSE 1 END AS linked,
			COALESCE(taken, 0) + COALESCE(lowered, 0) AS used`
	// largestInPart are the roots of the largest holds. They are chosen from a part of the
	// search and from all holds with a settlement under way, whose members have no place by
	// deadline. A hold that was raised or renewed counts with all its members, wherever
	// their deadlines are.
	largestInPart = `
		SELECT root, open FROM (
			SELECT root, amount, linked, CASE WHEN linked = 0 THEN amount - used ELSE
				COALESCE((SELECT ` + openOfMember + ` FROM transactions m
					WHERE m.caller_id = $1 AND m.transaction_id = root AND m.state = 'Reserved'
						AND (m.due = 0 OR m.due >= $2)), 0)
				+ COALESCE((SELECT CAST(SUM(` + openOfMember + `) AS BIGINT) FROM transactions m
					WHERE m.caller_id = $1 AND m.parent = root AND m.parent <> '' AND m.link IS NOT NULL
						AND m.state = 'Reserved' AND (m.due = 0 OR m.due >= $2)), 0) END AS open
			FROM (
				SELECT root, amount, state, linked, used FROM (` + rootOfMember + dueHoldsAfter + ` LIMIT $6) AS part
				UNION ALL` + rootOfMember + ` FROM transactions WHERE caller_id = $1 AND taking > 0) AS members
			WHERE state = 'Reserved') AS holds
		WHERE (open, root) < ($7, $8) AND (linked > 0 OR amount >= $9)
		ORDER BY open DESC, root DESC LIMIT $10`
	lastOfPart = `SELECT due, transaction_id` + dueHoldsAfter + ` LIMIT 1 OFFSET $6`
)

// LargestHolds reads the next part of a search. It returns the largest holds that were
// found so far, how many members of holds the part has read, and the cursor for the next
// part. The cursor is zero if all were read.
func (tx *ReadTx) LargestHolds(q LargestQuery) (found []payment.Hold, read int, next HoldCursor, err error) {
	from := max(micros(q.DeadlineFrom), micros(q.Now)+1)
	at, id := micros(q.After.At), q.After.ID
	if at < from {
		at, id = from-1, ""
	}
	part := []any{q.Caller, from, until(q.DeadlineTo), at, id}
	ends, err := list(tx, "looking for the end of a part", func(row scanner) (c HoldCursor, err error) {
		return c, row.Scan(timeDest{&c.At}, &c.ID)
	}, lastOfPart, append(part, q.Rows-1)...)
	if err != nil {
		return nil, 0, next, err
	}
	if read = q.Rows; len(ends) > 0 {
		next = ends[0]
	} else if read, err = tx.upTo(`SELECT 1`+dueHoldsAfter, q.Rows, part...); err != nil {
		return nil, 0, next, err
	}
	// The filter may refuse holds, so there may have to be more.
	for most, more := 2*q.Limit, true; more && err == nil; most *= 4 {
		var places []LargestPlace
		if places, err = tx.largestIn(q, part, most); err != nil {
			return nil, 0, next, err
		}
		found, err = tx.largestOf(q, places)
		more = len(places) == most &&
			(len(found) < q.Limit || places[most-1].compare(PlaceOf(found[q.Limit-1])) < 0)
	}
	return found, read, next, err
}

// largestIn reads the places of the largest holds of a part.
func (tx *ReadTx) largestIn(q LargestQuery, part []any, most int) ([]LargestPlace, error) {
	below, id := int64(untilEnd), holdfast.TransactionID("")
	if q.Below != nil {
		below, id = q.Below.Open.Micro, q.Below.ID
	}
	least := int64(0)
	if q.AmountFrom.Given() {
		least = q.AmountFrom.Micro
	}
	return list(tx, "looking for the largest holds", func(row scanner) (p LargestPlace, err error) {
		return p, row.Scan(&p.ID, dollarsDest{&p.Open})
	}, largestInPart, append(slices.Clone(part), q.Rows, below, id, least, most)...)
}

// largestOf reads holds and returns the largest that the query selects: those at the
// given places, and those that were kept.
func (tx *ReadTx) largestOf(q LargestQuery, places []LargestPlace) ([]payment.Hold, error) {
	ids := slices.Clone(q.Kept)
	for _, p := range places {
		ids = append(ids, p.ID)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	keys := make([]transactionKey, len(ids))
	for i, id := range ids {
		keys[i] = transactionKey{q.Caller, id}
	}
	read, err := transactions.GetAll(tx.sql, keys)
	if err != nil {
		return nil, err
	}
	var roots []payment.Transaction
	for _, k := range keys {
		if t, found := read[k]; found && t.Hold() && t.Link == "" {
			roots = append(roots, t)
		}
	}
	holds, err := tx.holdsOf(q.Caller, roots)
	if err != nil {
		return nil, err
	}
	var selected []payment.Hold
	for _, h := range holds {
		h = h.AsOf(q.Now)
		if q.Selects(h) && h.Open().Positive() && (q.Below == nil || q.Below.compare(PlaceOf(h)) < 0) {
			selected = append(selected, h)
		}
	}
	slices.SortFunc(selected, func(a, b payment.Hold) int { return PlaceOf(a).compare(PlaceOf(b)) })
	return selected[:min(len(selected), q.Limit)], nil
}
