package store

import (
	"cmp"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// CheckoutAt reads the checkout whose address ends with a link.
func (tx *ReadTx) CheckoutAt(link string) (v payment.Visit, found bool, err error) {
	v, err = scanVisit(tx.sql.QueryRow(`
		SELECT `+visitColumns+` FROM visits WHERE link = $1 AND link <> ''`, link))
	found, err = maybe("reading a checkout by its link", err)
	return v, found, err
}

// Checkout reads a checkout of a caller.
func (tx *ReadTx) Checkout(c party.CallerID, id payment.VisitID) (v payment.Visit, found bool, err error) {
	v, found, err = tx.Visit(id)
	if v.Caller != c || !v.IsCheckout() {
		return payment.Visit{}, false, err
	}
	return v, found, err
}

// A CheckoutFilter selects checkouts. Zero fields select all.
type CheckoutFilter struct {
	State     payment.CheckoutState // at Now, the caller's time
	Now       time.Time
	Reference holdfast.CallerReference
	From      time.Time // made at this time or later
	Before    time.Time // made before this time
}

// selects reports whether the filter selects a visit.
func (f CheckoutFilter) selects(v *payment.Visit) bool {
	return v.IsCheckout() && (f.State == "" || v.CheckoutAt(f.Now) == f.State) &&
		!v.Created.Before(f.From) && (f.Before.IsZero() || v.Created.Before(f.Before))
}

// The pages of checkouts begin with the comparison with the previous page; see
// listings. A reference has few visits.
var (
	pageOfVisits = `
		SELECT ` + visitColumns + ` FROM visits
		WHERE visit_id < $2 AND caller_id = $1 AND checkout <> '' ORDER BY visit_id DESC LIMIT $3`
	pageOfNamedVisits = `
		SELECT ` + visitColumns + ` FROM visits
		WHERE visit_id < $2 AND caller_id = $1 AND reference = $4 ORDER BY visit_id DESC LIMIT $3`
)

// Checkouts reads a page of a caller's checkouts, the newest first, at most limit. It
// begins after the checkout with an id, or with the newest if the id is empty. next is
// the id after which the next page begins, or empty. A page reads a bounded number of
// rows, and may be short.
func (tx *ReadTx) Checkouts(
	c party.CallerID, f CheckoutFilter, after payment.VisitID, limit int,
) (page []payment.Visit, next payment.VisitID, err error) {
	page, last, err := bounded(limit, func(last *payment.Visit, n int) ([]payment.Visit, error) {
		from := cmp.Or(after, lastID)
		if last != nil {
			from = last.ID
		}
		if f.Reference != "" {
			return list(tx, "reading checkouts", scanVisit, pageOfNamedVisits, c, from, n, f.Reference)
		}
		return list(tx, "reading checkouts", scanVisit, pageOfVisits, c, from, n)
	}, f.selects)
	if last != nil {
		next = last.ID
	}
	return page, next, err
}

// CheckoutsDue reads checkouts of all callers that have lapsed at real and have
// not ended, at most limit.
func (tx *ReadTx) CheckoutsDue(real time.Time, limit int) ([]payment.VisitID, error) {
	return list(tx, "looking for checkouts that have lapsed", scanVisitID, `
		SELECT v.visit_id FROM callers c JOIN visits v ON v.caller_id = c.caller_id
		WHERE v.checkout = 'Open' AND v.expires <= $1 + c.clock_offset LIMIT $2`, micros(real), limit)
}

func scanVisitID(row scanner) (id payment.VisitID, err error) {
	err = row.Scan(&id)
	return id, err
}

// addCheckoutEvent writes the event of a checkout that was made or has ended, if its
// caller has events.
func (tx *Tx) addCheckoutEvent(v payment.Visit) error {
	caller, has, err := tx.hasEvents(v.Caller)
	if err != nil || !has {
		return err
	}
	e := v.CheckoutEvent()
	return tx.addCounted(e, e.At.Add(-caller.ClockOffset), `
		UPDATE visits SET events = COALESCE(events, 0) + 1 WHERE visit_id = $1 RETURNING events`, e.ObjectID)
}
