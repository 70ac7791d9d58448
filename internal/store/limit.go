package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A limitRow is a row of the table usage_limits.
type limitRow struct {
	payment.Limit
	period string
}

var limitTable = table[limitRow]{name: "usage_limits", fields: fields[limitRow]{
	textField("scope", func(l *limitRow) *string { return &l.Scope }),
	textField("subject", func(l *limitRow) *string { return &l.Subject }),
	numberField("slot", func(l *limitRow) *int { return &l.Slot }),
	textField("kind", func(l *limitRow) *payment.LimitKind { return &l.Kind }),
	numberField("value", func(l *limitRow) *int64 { return &l.Value }),
	textField("period", func(l *limitRow) *string { return &l.period }),
	timeField("start", func(l *limitRow) *time.Time { return &l.Start }),
	timeField("window_start", func(l *limitRow) *time.Time { return &l.Window }),
	numberField("used_count", func(l *limitRow) *int64 { return &l.UsedCount }),
	dollarsField("used_amount", func(l *limitRow) *money.Amount { return &l.UsedAmount }),
}}

var (
	limitColumns = limitTable.list()
	scanLimitRow = limitTable.scanner()
	insertLimit  = limitTable.insertText("ON CONFLICT DO NOTHING")
)

func scanLimit(from scanner) (payment.Limit, error) {
	row, err := scanLimitRow(from)
	row.Period, _ = payment.ParsePeriod(row.period) // none is the zero Period
	return row.Limit, err
}

// Limits reads the limits of a subject and how much of each is used.
func (tx *ReadTx) Limits(scope, subject string) ([]payment.Limit, error) {
	return list(tx, "reading limits", scanLimit, `
		SELECT `+limitColumns+` FROM usage_limits WHERE scope = $1 AND subject = $2 ORDER BY slot`, scope, subject)
}

// InsertLimit adds a limit. If the limit exists already, it is ErrStale. If
// another server has just added it, it is a conflict on PostgreSQL, and the
// action runs again and finds the limit.
func (tx *Tx) InsertLimit(l payment.Limit) error {
	row := limitRow{Limit: l}
	if !l.Period.Endless() {
		row.period = l.Period.String()
	}
	return tx.one("adding a limit", insertLimit, limitTable.fields.values(&row)...)
}

// changeLimit writes how much of a limit is used. The row must be as it was
// read. The limits of parties are created here when they are first used.
func (tx *Tx) changeLimit(c payment.LimitChange) error {
	before, after := c.Before, c.After
	rows, err := tx.exec("counting against a limit", `
		UPDATE usage_limits SET value = $1, window_start = $2, used_count = $3, used_amount = $4
		WHERE scope = $5 AND subject = $6 AND slot = $7 AND window_start = $8 AND used_count = $9 AND used_amount = $10`,
		after.Value, micros(after.Window), after.UsedCount, after.UsedAmount.Micro,
		after.Scope, after.Subject, after.Slot, micros(before.Window), before.UsedCount, before.UsedAmount.Micro)
	if err != nil || rows == 1 {
		return err
	}
	return tx.InsertLimit(after)
}
