package store

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

var pageHoldTable = table[payment.PageHold]{name: "page_holds", fields: fields[payment.PageHold]{
	textField("hold_id", func(h *payment.PageHold) *payment.PageHoldID { return &h.ID }),
	textField("caller_id", func(h *payment.PageHold) *party.CallerID { return &h.Caller }),
	textField("visit_id", func(h *payment.PageHold) *payment.VisitID { return &h.Visit }),
	textField("party_id", func(h *payment.PageHold) *party.ID { return &h.Party }),
	textField("instrument_id", func(h *payment.PageHold) *payment.InstrumentID { return &h.Instrument }),
	textField("account_id", func(h *payment.PageHold) *payment.NetworkAccountID { return &h.Account }),
	textField("token_id", func(h *payment.PageHold) *holdfast.TokenID { return &h.Token }),
	dollarsField("amount", func(h *payment.PageHold) *money.Amount { return &h.Amount }),
	textField("descriptor", func(h *payment.PageHold) *string { return &h.Descriptor }),
	textField("reference", func(h *payment.PageHold) *string { return &h.Reference }),
	timeField("hold_until", func(h *payment.PageHold) *time.Time { return &h.HoldUntil }),
	textField("return_url", func(h *payment.PageHold) *string { return &h.ReturnURL }),
	textField("decline_code", func(h *payment.PageHold) *string { return &h.DeclineCode }),
	textField("state", func(h *payment.PageHold) *payment.PageHoldState { return &h.State }),
	numberField("asked", func(h *payment.PageHold) *int { return &h.Asked }),
	timeField("next_at", func(h *payment.PageHold) *time.Time { return &h.NextAt }),
	textField("transaction_id", func(h *payment.PageHold) *holdfast.TransactionID { return &h.Transaction }),
	timeField("created", func(h *payment.PageHold) *time.Time { return &h.Created }),
	textField("finding", func(h *payment.PageHold) *string { return &h.Finding }),
	timeField("acknowledged", func(h *payment.PageHold) *time.Time { return &h.Acknowledged }),
}}

var (
	pageHoldColumns = pageHoldTable.list()
	scanPageHold    = pageHoldTable.scanner()
)

var pageHolds = engine.NewSource(engine.Source[payment.PageHoldID, payment.PageHold]{
	Doing:     "reading a page hold",
	Query:     `SELECT ` + pageHoldColumns + ` FROM page_holds WHERE hold_id = $1`,
	Many:      `SELECT ` + pageHoldColumns + ` FROM page_holds WHERE hold_id = ANY($1::text[])`,
	Args:      func(id payment.PageHoldID) []any { return []any{id} },
	Scan:      scanPageHold,
	Key:       func(h payment.PageHold) payment.PageHoldID { return h.ID },
	Order:     `hold_id`,
	MayAppear: "its id is random and new when it is added, so no action can have looked for it",
})

// PageHold reads a page hold.
func (tx *ReadTx) PageHold(id payment.PageHoldID) (payment.PageHold, bool, error) {
	return pageHolds.Get(tx.sql, id)
}

// HeldForToken reads the hold that waits for a payment with a token.
func (tx *ReadTx) HeldForToken(c party.CallerID, token holdfast.TokenID) (h payment.PageHold, found bool, err error) {
	all, err := list(tx, "looking for a page hold", scanPageHold, `
		SELECT `+pageHoldColumns+` FROM page_holds
		WHERE token_id = $1 AND token_id <> '' AND caller_id = $2 AND state = 'Held'`, token, c)
	if err != nil || len(all) == 0 {
		return h, false, err
	}
	return all[0], true, nil
}

var (
	insertPageHold = pageHolds.Change(pageHoldTable.insertion("adding a page hold", ""))
	pageHoldSet    = pageHoldTable.some(`instrument_id, token_id, reference, hold_until, decline_code, state, asked,
		next_at, transaction_id, finding, acknowledged`)
	pageHoldKey    = pageHoldTable.some("hold_id")
	pageHoldGuard  = pageHoldTable.some("state, asked")
	changePageHold = pageHolds.Change(engine.Update{
		Doing: "changing a page hold", Table: pageHoldTable.name,
		Set: pageHoldSet.columns(), Key: pageHoldKey.columns(), Guard: pageHoldGuard.columns(),
	})
)

// InsertPageHold adds a page hold.
func (tx *Tx) InsertPageHold(h payment.PageHold) error {
	return insertPageHold.Write(tx.sql, h.ID, pageHoldTable.fields.values(&h)...)
}

// ChangePageHold writes what has changed of a page hold. It is ErrStale if the
// hold has another state, or was asked about again, since it was read.
func (tx *Tx) ChangePageHold(before, after payment.PageHold) error {
	args := pageHoldKey.appendTo(pageHoldSet.values(&after), &after)
	return changePageHold.Write(tx.sql, after.ID, pageHoldGuard.appendTo(args, &before)...)
}

// PageHoldsOf reads the holds of a visit, the oldest first.
func (tx *ReadTx) PageHoldsOf(v payment.VisitID) ([]payment.PageHold, error) {
	return list(tx, "reading the holds of a visit", scanPageHold, `
		SELECT `+pageHoldColumns+` FROM page_holds WHERE visit_id = $1 ORDER BY created, hold_id`, v)
}

// PageHoldsDue reads holds that the server must do something about, the longest
// due first.
func (tx *ReadTx) PageHoldsDue(now time.Time, limit int) ([]payment.PageHold, error) {
	return list(tx, "looking for page holds that are due", scanPageHold, `
		SELECT `+pageHoldColumns+` FROM page_holds
		WHERE state IN ('Asking', 'Action', 'Held', 'Releasing') AND next_at <= $1
		ORDER BY next_at LIMIT $2`, micros(now), limit)
}

// waitsForPerson selects page holds as [payment.PageHold.WaitsForPerson] does.
const waitsForPerson = `finding <> '' AND acknowledged = 0 AND state IN ('Asking', 'Action', 'Held', 'Releasing')`

// PageHoldAttention reads the page holds of an account that a person must look at, the
// oldest first, at most limit.
func (tx *ReadTx) PageHoldAttention(a payment.NetworkAccountID, limit int) ([]payment.PageHold, error) {
	return list(tx, "reading the page holds that need attention", scanPageHold, `
		SELECT `+pageHoldColumns+` FROM page_holds
		WHERE `+waitsForPerson+` AND account_id = $1 ORDER BY created, hold_id LIMIT $2`, a, limit)
}

// LookAtPageHolds makes the server look at the hold of a token, because the token
// may have ended.
func (tx *Tx) LookAtPageHolds(c party.CallerID, token holdfast.TokenID, now time.Time) error {
	held, found, err := tx.HeldForToken(c, token)
	if err != nil || !found {
		return err
	}
	after := held
	after.NextAt = now
	return tx.ChangePageHold(held, after)
}
