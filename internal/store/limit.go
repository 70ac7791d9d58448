package store

import (
	"github.com/holdfast-pay/holdfast/internal/payment"
)

const limitColumns = `scope, subject, slot, kind, value, period, start, window_start, used_count, used_amount`

func scanLimit(row scanner) (l payment.Limit, err error) {
	var period string
	var start, window, amount int64
	err = row.Scan(&l.Scope, &l.Subject, &l.Slot, &l.Kind, &l.Value, &period, &start, &window, &l.UsedCount, &amount)
	l.Period, _ = payment.ParsePeriod(period) // none is the zero Period
	l.Start, l.Window, l.UsedAmount = when(start), when(window), dollars(amount)
	return l, err
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
	return tx.one("adding a limit", `
		INSERT INTO usage_limits (`+limitColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT DO NOTHING`, limitRow(l)...)
}

func limitRow(l payment.Limit) []any {
	period := ""
	if !l.Period.Endless() {
		period = l.Period.String()
	}
	return []any{
		l.Scope, l.Subject, l.Slot, l.Kind, l.Value, period, micros(l.Start), micros(l.Window), l.UsedCount,
		l.UsedAmount.Micro,
	}
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
