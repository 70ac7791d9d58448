package store

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A ViolationID names a violation, such as "V01K…".
type ViolationID string

// A Violation is a row of the books that is wrong. Until an operator has
// acknowledged it, its caller moves no money.
type Violation struct {
	ID ViolationID
	payment.Finding
	Found, LastSeen time.Time
	Acknowledged    time.Time // zero if it is not
	By, Reason      string    // who acknowledged it, and why
}

var violationTable = table[Violation]{name: "book_violations", fields: fields[Violation]{
	textField("violation_id", func(v *Violation) *ViolationID { return &v.ID }),
	textField("caller_id", func(v *Violation) *party.CallerID { return &v.Caller }),
	textField("table_name", func(v *Violation) *string { return &v.Table }),
	textField("row_key", func(v *Violation) *string { return &v.Row }),
	textField("fault", func(v *Violation) *string { return &v.Fault }),
	textField("problem", func(v *Violation) *string { return &v.Problem }),
	timeField("found", func(v *Violation) *time.Time { return &v.Found }),
	timeField("last_seen", func(v *Violation) *time.Time { return &v.LastSeen }),
	timeField("acknowledged", func(v *Violation) *time.Time { return &v.Acknowledged }),
	textField("acknowledged_by", func(v *Violation) *string { return &v.By }),
	textField("reason", func(v *Violation) *string { return &v.Reason }),
}}

var (
	violationColumns = violationTable.list()
	scanViolation    = violationTable.scanner()
	insertViolation  = violationTable.insertText("")
)

// violationsMax is the largest number of violations of one caller that are kept
// while nobody has acknowledged them.
const violationsMax = 1000

// violationOf reads the violation that a finding has made before.
func (tx *ReadTx) violationOf(f payment.Finding) ([]Violation, error) {
	return list(tx, "looking for a violation", scanViolation, `
		SELECT `+violationColumns+` FROM book_violations
		WHERE caller_id = $1 AND table_name = $2 AND row_key = $3 AND fault = $4`, f.Caller, f.Table, f.Row, f.Same())
}

// Violations reads the violations that nobody has acknowledged, or all of them,
// oldest first.
func (tx *ReadTx) Violations(all bool) ([]Violation, error) {
	return list(tx, "reading violations", scanViolation, `
		SELECT `+violationColumns+` FROM book_violations
		WHERE acknowledged = 0 OR $1 = 1 ORDER BY found, caller_id, table_name, row_key, violation_id`, flag(all))
}

// OpenViolations reads the violations of a caller, or of all callers if it is empty, that
// nobody has acknowledged, oldest first, at most limit.
func (tx *ReadTx) OpenViolations(c party.CallerID, limit int) ([]Violation, error) {
	return list(tx, "reading violations", scanViolation, `
		SELECT `+violationColumns+` FROM book_violations
		WHERE acknowledged = 0 AND ($1 = '' OR caller_id = $1)
		ORDER BY found, caller_id, table_name, row_key, violation_id LIMIT $2`, c, limit)
}

// AddViolations writes findings as violations and stops their callers. It
// returns those that are new: a finding that was made before changes nothing but
// the time at which it was seen.
func (tx *Tx) AddViolations(
	findings []payment.Finding, now time.Time, newID func() ViolationID,
) (added []Violation, err error) {
	kept, reads := make(map[party.CallerID]int64), tx.readOnly()
	for _, f := range findings {
		known, err := reads.violationOf(f)
		if err != nil {
			return nil, err
		}
		if len(known) > 0 {
			if err := tx.one("seeing a violation again", `
				UPDATE book_violations SET last_seen = $1 WHERE violation_id = $2`, micros(now), known[0].ID); err != nil {
				return nil, err
			}
			continue
		}
		n, counted := kept[f.Caller]
		if !counted {
			if n, err = reads.count("counting violations",
				`SELECT COUNT(1) FROM book_violations WHERE caller_id = $1 AND acknowledged = 0`, f.Caller); err != nil {
				return nil, err
			}
		}
		if kept[f.Caller] = n; n >= violationsMax {
			continue
		}
		kept[f.Caller]++
		v := Violation{ID: newID(), Finding: f, Found: now, LastSeen: now}
		v.Fault = f.Same()
		if err := tx.one("adding a violation", insertViolation, violationTable.fields.values(&v)...); err != nil {
			return nil, err
		}
		added = append(added, v)
	}
	for _, c := range slices.Sorted(maps.Keys(kept)) {
		if _, err := tx.exec("stopping a caller", `
			UPDATE callers SET stopped = $1 WHERE caller_id = $2 AND stopped = 0
				AND EXISTS (SELECT 1 FROM book_violations v WHERE v.caller_id = callers.caller_id AND v.acknowledged = 0)`,
			micros(now), c); err != nil {
			return nil, err
		}
	}
	return added, nil
}

// ErrNoViolation is about a violation that does not exist, or that was
// acknowledged before.
var ErrNoViolation = errors.New("there is no such violation, or it was acknowledged before")

// Acknowledge acknowledges a violation. Its caller may move money again if no
// other violation is left.
func (tx *Tx) Acknowledge(id ViolationID, by, reason string, now time.Time) error {
	open, err := list(tx.readOnly(), "reading a violation", scanViolation, `
		SELECT `+violationColumns+` FROM book_violations WHERE violation_id = $1 AND acknowledged = 0`, id)
	if err != nil {
		return err
	}
	if len(open) == 0 {
		return fmt.Errorf("violation %s: %w", id, ErrNoViolation)
	}
	if err := tx.one("acknowledging a violation", `
		UPDATE book_violations SET acknowledged = $1, acknowledged_by = $2, reason = $3
		WHERE violation_id = $4 AND acknowledged = 0`, micros(now), by, reason, id); err != nil {
		return err
	}
	_, err = tx.exec("letting a caller go on", `
		UPDATE callers SET stopped = 0 WHERE caller_id = $1 AND NOT EXISTS (
			SELECT 1 FROM book_violations v WHERE v.caller_id = callers.caller_id AND v.acknowledged = 0)`, open[0].Caller)
	return err
}

// readOnly returns the transaction for reads whose rows the action writes
// afterwards.
func (tx *Tx) readOnly() *ReadTx { return tx.Unlocked("the action writes the row that it has read") }
