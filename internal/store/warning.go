package store

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

var warningTable = table[payment.Warning]{name: "warnings", fields: fields[payment.Warning]{
	textField("caller_id", func(w *payment.Warning) *party.CallerID { return &w.Caller }),
	textField("transaction_id", func(w *payment.Warning) *holdfast.TransactionID { return &w.Transaction }),
	durationField("before", func(w *payment.Warning) *time.Duration { return &w.Before }),
	timeField("at", func(w *payment.Warning) *time.Time { return &w.At }),
	flagField("mail", func(w *payment.Warning) *bool { return &w.Mail }),
	textField("mail_id", func(w *payment.Warning) *string { return &w.MailID }),
}}

type warningKey struct {
	transactionKey
	before time.Duration
}

func keyOfWarning(w payment.Warning) warningKey {
	return warningKey{transactionKey{w.Caller, w.Transaction}, w.Before}
}

var (
	warningColumns = warningTable.list()
	scanWarning    = warningTable.scanner()
	insertWarning  = warnings.Change(warningTable.insertion("adding a warning", "ON CONFLICT DO NOTHING"))
	warningMailed  = changeOf(warnings, &warningTable, "noting the mail of a warning", "mail, mail_id",
		"caller_id, transaction_id, before", "mail")
)

var warnings = engine.NewSource(engine.Source[warningKey, payment.Warning]{
	Doing: "reading a warning",
	Query: `SELECT ` + warningColumns + ` FROM warnings WHERE caller_id = $1 AND transaction_id = $2 AND before = $3`,
	Many: `SELECT ` + warningColumns + ` FROM warnings
		WHERE (caller_id, transaction_id, before) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[]))`,
	Args:     func(k warningKey) []any { return []any{k.caller, k.id, k.before.Microseconds()} },
	Scan:     scanWarning,
	Key:      keyOfWarning,
	Unlocked: "a warning that was given stays given, and one that was not is added: its key allows that once",
})

// NotWarned returns the warnings that were not given. The action adds them all.
func (tx *ReadTx) NotWarned(all []payment.Warning) (fresh []payment.Warning, err error) {
	keys := make([]warningKey, len(all))
	for i, w := range all {
		keys[i] = keyOfWarning(w)
	}
	given, err := warnings.GetAll(tx.sql, keys)
	for _, w := range all {
		if _, found := given[keyOfWarning(w)]; !found {
			fresh = append(fresh, w)
		}
	}
	return fresh, err
}

// AddWarning writes a warning that was not given before.
func (tx *Tx) AddWarning(w payment.Warning) error {
	return insertWarning.Write(tx.sql, keyOfWarning(w), warningTable.fields.values(&w)...)
}

// WarningsOf reads the warnings that were given about a hold, in their order.
func (tx *ReadTx) WarningsOf(c party.CallerID, id holdfast.TransactionID) ([]payment.Warning, error) {
	return list(tx, "reading the warnings of a hold", scanWarning, `
		SELECT `+warningColumns+` FROM warnings WHERE caller_id = $1 AND transaction_id = $2 ORDER BY before DESC`, c, id)
}

// WarningsToMail reads warnings of a caller about which a mail is to be written,
// the oldest first, at most limit.
func (tx *ReadTx) WarningsToMail(c party.CallerID, limit int) ([]payment.Warning, error) {
	return list(tx, "reading the warnings for a mail", scanWarning, `
		SELECT `+warningColumns+` FROM warnings WHERE caller_id = $1 AND mail = 1 ORDER BY at LIMIT $2`, c, limit)
}

// CallersToMail reads the callers with warnings about which a mail is to be
// written.
func (tx *ReadTx) CallersToMail() ([]party.Caller, error) {
	return list(tx, "looking for warnings to mail", scanCaller, `
		SELECT `+callerColumns+` FROM callers c
		WHERE EXISTS (SELECT 1 FROM warnings w WHERE w.caller_id = c.caller_id AND w.mail = 1)`)
}

// MailedWarning notes that the mail about a warning was written, and its id if it names
// the hold. It is ErrStale if another server has written one.
func (tx *Tx) MailedWarning(w payment.Warning, mail string) error {
	before, after := w, w
	before.Mail, after.Mail, after.MailID = true, false, mail
	return warningMailed.Write(tx.sql, keyOfWarning(w), warningMailed.args(&before, &after)...)
}

// WarnedByMail reads when the last mail with warnings of a caller was written, in
// the caller's time; zero before the first.
func (tx *ReadTx) WarnedByMail(c party.CallerID) (last time.Time, err error) {
	all, err := list(tx, "reading the last mail with warnings", func(row scanner) (at time.Time, err error) {
		return at, row.Scan(timeDest{&at})
	}, `SELECT at FROM warning_mails WHERE caller_id = $1`, c)
	if len(all) > 0 {
		last = all[0]
	}
	return last, err
}

// WarnByMail notes that a mail with warnings of a caller is written.
func (tx *Tx) WarnByMail(c party.CallerID, at time.Time) error {
	_, err := tx.exec("noting a mail with warnings", `
		INSERT INTO warning_mails (caller_id, at) VALUES ($1, $2)
		ON CONFLICT (caller_id) DO UPDATE SET at = excluded.at`, c, micros(at))
	return err
}

// A WarningMark is how far the search for one of a caller's warnings has come:
// all holds with a deadline until then were warned of.
type WarningMark struct {
	Caller party.CallerID
	Before time.Duration
	Until  time.Time
}

var warningMarkTable = table[WarningMark]{name: "warning_marks", fields: fields[WarningMark]{
	textField("caller_id", func(m *WarningMark) *party.CallerID { return &m.Caller }),
	durationField("before", func(m *WarningMark) *time.Duration { return &m.Before }),
	timeField("until", func(m *WarningMark) *time.Time { return &m.Until }),
}}

type warningMarkKey struct {
	caller party.CallerID
	before time.Duration
}

var (
	warningMarkColumns = warningMarkTable.list()
	scanWarningMark    = warningMarkTable.scanner()
	insertWarningMark  = warningMarkTable.insertText("")
	moveWarningMark    = changeOf(warningMarks, &warningMarkTable, "moving a mark of warnings", "until",
		"caller_id, before", "until")
)

var warningMarks = engine.NewSource(engine.Source[warningMarkKey, WarningMark]{
	Doing: "reading a mark of warnings",
	Query: `SELECT ` + warningMarkColumns + ` FROM warning_marks WHERE caller_id = $1 AND before = $2`,
	Many: `SELECT ` + warningMarkColumns + ` FROM warning_marks
		WHERE (caller_id, before) IN (SELECT * FROM unnest($1::text[], $2::bigint[]))`,
	Args:      func(k warningMarkKey) []any { return []any{k.caller, k.before.Microseconds()} },
	Scan:      scanWarningMark,
	Key:       func(m WarningMark) warningMarkKey { return warningMarkKey{m.Caller, m.Before} },
	Order:     `caller_id, before`,
	MayAppear: "the marks of a caller are written with its settings; a new mark makes the search begin anew",
})

// WarningMark reads a mark. A caller has one for each of its warning times.
func (tx *ReadTx) WarningMark(c party.CallerID, before time.Duration) (m WarningMark, found bool, err error) {
	return warningMarks.Get(tx.sql, warningMarkKey{c, before})
}

// MoveWarningMark moves a mark. It is ErrStale if another action has moved it.
func (tx *Tx) MoveWarningMark(m WarningMark, until time.Time) error {
	moved := m
	moved.Until = until
	return moveWarningMark.Write(tx.sql, warningMarkKey{m.Caller, m.Before}, moveWarningMark.args(&m, &moved)...)
}

// ResetWarningMarks lets the search for a caller's warnings begin anew. It is
// needed when its warning times or its clock have changed. Warnings that were
// given are not given again.
func (tx *Tx) ResetWarningMarks(c party.Caller) error {
	const remove = `DELETE FROM warning_marks WHERE caller_id = $1`
	if _, err := tx.exec("removing marks of warnings", remove, c.ID); err != nil {
		return err
	}
	for _, before := range c.Warnings.Times() {
		m := WarningMark{Caller: c.ID, Before: before}
		if err := tx.one("adding a mark of warnings", insertWarningMark, warningMarkTable.fields.values(&m)...); err != nil {
			return err
		}
	}
	return nil
}

// CallersToWarn reads the callers that have open holds whose deadline has come
// so near that a warning may be due. SQLite takes the first of several bounds of due,
// and reads the marks first because of the CROSS JOIN.
func (tx *ReadTx) CallersToWarn(real time.Time) ([]party.Caller, error) {
	return list(tx, "looking for warnings that are due", scanCaller, `
		SELECT `+callerColumns+` FROM callers c
		WHERE EXISTS (
			SELECT 1 FROM warning_marks m CROSS JOIN transactions t
			WHERE m.caller_id = c.caller_id AND t.caller_id = m.caller_id
				AND t.due > m.until AND t.due > 0 AND t.due <= $1 + c.clock_offset + m.before)`, micros(real))
}

// HoldsToWarn reads a caller's open holds behind a mark and with a deadline until a
// time that were not warned of, the nearest deadline first, at most limit.
func (tx *ReadTx) HoldsToWarn(m WarningMark, until time.Time, limit int) ([]payment.Transaction, error) {
	return list(tx, "reading holds to warn of", scanTransaction, `
		SELECT `+transactionColumns+` FROM transactions t
		WHERE caller_id = $1 AND due > $2 AND due > 0 AND due <= $3 AND kind = 'Reserve' AND state = 'Reserved'
			AND due - $4 >= received + $5
			AND NOT EXISTS (SELECT 1 FROM warnings w
				WHERE w.caller_id = t.caller_id AND w.transaction_id = t.transaction_id AND w.before = $4)
		ORDER BY due LIMIT $6`,
		m.Caller, micros(m.Until), micros(until), m.Before.Microseconds(), payment.WarnedAfter.Microseconds(), limit)
}
