package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

var callerTable = table[party.Caller]{name: "callers", fields: fields[party.Caller]{
	textField("caller_id", func(c *party.Caller) *party.CallerID { return &c.ID }),
	textField("owner", func(c *party.Caller) *party.ID { return &c.Owner }),
	textField("name", func(c *party.Caller) *string { return &c.Name }),
	textField("descriptor", func(c *party.Caller) *string { return &c.Descriptor }),
	textField("ipn_url", func(c *party.Caller) *string { return &c.IPNURL }),
	textField("zone", func(c *party.Caller) *party.Zone { return &c.Zone }),
	flagField("bare_return", func(c *party.Caller) *bool { return &c.BareReturn }),
	flagField("pending_first", func(c *party.Caller) *bool { return &c.PendingFirst }),
	flagField("pending_notice", func(c *party.Caller) *bool { return &c.PendingNotice }),
	flagField("signature_v1", func(c *party.Caller) *bool { return &c.SignatureV1 }),
	flagField("marketplace", func(c *party.Caller) *bool { return &c.Marketplace }),
	flagField("resume", func(c *party.Caller) *bool { return &c.Resume }),
	flagField("sandbox", func(c *party.Caller) *bool { return &c.Sandbox }),
	durationField("clock_offset", func(c *party.Caller) *time.Duration { return &c.ClockOffset }),
	timeField("stopped", func(c *party.Caller) *time.Time { return &c.Stopped }),
	timeField("created", func(c *party.Caller) *time.Time { return &c.Created }),
	flagField("reuse_cancelled", func(c *party.Caller) *bool { return &c.ReuseCancelled }),
	textField("return_schemes", func(c *party.Caller) *string { return &c.ReturnSchemes }),
	textField("network", func(c *party.Caller) *party.NetworkAccountID { return &c.Network }),
	durationField("wait", func(c *party.Caller) *time.Duration { return &c.Wait }),
	flagField("hold_on_page", func(c *party.Caller) *bool { return &c.HoldOnPage }),
	flagField("guests", func(c *party.Caller) *bool { return &c.Guests }),
	maybeDollarsField("guest_limit", func(c *party.Caller) *money.Amount { return &c.GuestLimit }),
	maybeDollarsField("approve_above", func(c *party.Caller) *money.Amount { return &c.ApproveAbove }),
	flagField("events", func(c *party.Caller) *bool { return &c.Events }),
	textField("warnings", func(c *party.Caller) *party.Warnings { return &c.Warnings }),
	flagField("warning_mails", func(c *party.Caller) *bool { return &c.WarningMails }),
	flagField("buyer_mails", func(c *party.Caller) *bool { return &c.BuyerMails }),
}}

var (
	callerColumns = callerTable.list()
	scanCaller    = callerTable.scanner()
	insertCaller  = callerTable.insertText("")
	updateCaller  = callerTable.update(`
		name, ipn_url, bare_return, pending_first, pending_notice, signature_v1, marketplace, resume, clock_offset,
		descriptor, reuse_cancelled, return_schemes, network, wait, hold_on_page, guests, guest_limit, approve_above, sandbox,
		warnings, warning_mails, buyer_mails, zone`, "caller_id")
)

// joinedCallerColumns are callerColumns of the table callers joined as c.
var joinedCallerColumns = joined("c", callerColumns)

var callers = engine.NewSource(engine.Source[party.CallerID, party.Caller]{
	Doing: "reading a caller",
	Query: `SELECT ` + callerColumns + ` FROM callers WHERE caller_id = $1`,
	Many:  `SELECT ` + callerColumns + ` FROM callers WHERE caller_id = ANY($1::text[])`,
	Args:  func(id party.CallerID) []any { return []any{id} },
	Scan:  scanCaller,
	Key:   func(c party.Caller) party.CallerID { return c.ID },
	Unlocked: "every action reads its caller, and would wait for a change of its clock or its settings; settings that " +
		"are a moment old do no harm",
	MayAppear: "its id is random and new when it is added, so no action can have looked for it",
})

// Caller reads a caller.
func (tx *ReadTx) Caller(id party.CallerID) (party.Caller, bool, error) {
	return callers.Get(tx.sql, id)
}

// Callers reads all callers, oldest first.
func (tx *ReadTx) Callers() ([]party.Caller, error) {
	return list(tx, "reading callers", scanCaller, `
		SELECT `+callerColumns+` FROM callers ORDER BY created, caller_id`)
}

// CallerPage reads a page of all callers in the order of their names, at most limit. It
// begins behind a caller; the zero caller is the beginning.
func (tx *ReadTx) CallerPage(after party.Caller, limit int) ([]party.Caller, error) {
	return list(tx, "reading a page of callers", scanCaller, pageOfCallers, after.Name, after.ID, limit)
}

// Of an index of expressions, SQLite can compare only the first column with a bound.
var pageOfCallers = `
	SELECT ` + callerColumns + ` FROM callers
	WHERE lower(name) >= lower($1) AND (lower(name) > lower($1) OR caller_id > $2)
	ORDER BY lower(name), caller_id LIMIT $3`

// CallersOf reads the callers that a party owns, oldest first.
func (tx *ReadTx) CallersOf(owner party.ID) ([]party.Caller, error) {
	return list(tx, "reading a party's callers", scanCaller, callersOfOwner, owner)
}

var callersOfOwner = `SELECT ` + callerColumns + ` FROM callers WHERE owner = $1 ORDER BY created, caller_id`

// InsertCaller adds a caller.
func (tx *Tx) InsertCaller(c party.Caller) error {
	if err := tx.one("adding a caller", insertCaller, callerTable.fields.values(&c)...); err != nil {
		return err
	}
	return tx.ResetWarningMarks(c)
}

// UpdateCaller writes a caller's settings and clock. After a change of its clock
// or its warnings, the action also resets its marks: see [Tx.ResetWarningMarks].
func (tx *Tx) UpdateCaller(c party.Caller) error {
	return tx.one("changing a caller", updateCaller.text, updateCaller.values.values(&c)...)
}
