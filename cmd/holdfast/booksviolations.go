package main

import (
	"context"
	"errors"
	"fmt"
	"os/user"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A violationAnswer is a violation as --json prints it.
type violationAnswer struct {
	ViolationID    store.ViolationID `json:"violationId"`
	CallerID       party.CallerID    `json:"callerId"`
	Table          string            `json:"table"`
	Row            string            `json:"row"`
	Problem        string            `json:"problem"`
	Found          time.Time         `json:"found"`
	LastSeen       time.Time         `json:"lastSeen"`
	Acknowledged   time.Time         `json:"acknowledged,omitzero"`
	AcknowledgedBy string            `json:"acknowledgedBy,omitempty"`
	Reason         string            `json:"reason,omitempty"`
}

func describeViolation(v store.Violation) violationAnswer {
	return violationAnswer{
		ViolationID: v.ID, CallerID: v.Caller, Table: v.Table, Row: v.Row, Problem: v.Problem, Found: v.Found,
		LastSeen: v.LastSeen, Acknowledged: v.Acknowledged, AcknowledgedBy: v.By, Reason: v.Reason,
	}
}

func (a violationAnswer) cells() []string {
	acknowledged := ""
	if !a.Acknowledged.IsZero() {
		acknowledged = fmt.Sprintf("%s by %s: %s", a.Acknowledged.UTC().Format(shortLayout), a.AcknowledgedBy, a.Reason)
	}
	return []string{
		string(a.ViolationID), string(a.CallerID), a.Table, a.Row, a.Found.UTC().Format(shortLayout), a.Problem, acknowledged,
	}
}

type booksViolations struct {
	storeFlags
	All bool `help:"List those that were acknowledged, too."`
	listOutput
}

func (v booksViolations) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	all, err := violationsOf(ctx, db.Reader, v.All)
	if err != nil {
		return err
	}
	rows := make([]violationAnswer, len(all))
	for i, one := range all {
		rows[i] = describeViolation(one)
	}
	return printList(w, v.listOutput, rows,
		[]string{
			"violation_id", "caller_id", "table", "row", "problem", "found", "last_seen", "acknowledged", "acknowledged_by",
			"reason",
		},
		[]string{"VIOLATION", "CALLER", "TABLE", "ROW", "FOUND", "PROBLEM", "ACKNOWLEDGED"})
}

func (a violationAnswer) record() []string {
	return []string{
		string(a.ViolationID), string(a.CallerID), a.Table, a.Row, a.Problem, timeCell(a.Found), timeCell(a.LastSeen),
		timeCell(a.Acknowledged), a.AcknowledgedBy, a.Reason,
	}
}

func violationsOf(ctx context.Context, r store.Reader, all bool) (found []store.Violation, err error) {
	err = r.View(ctx, func(tx *store.ReadTx) error {
		found, err = tx.Violations(all)
		return err
	})
	return found, err
}

type booksAcknowledge struct {
	storeFlags
	Caller party.CallerID      `help:"Acknowledge all violations of this caller." placeholder:"CALLER"`
	Reason string              `help:"Give the reason why the caller may move money again; it is kept." required:"" placeholder:"TEXT"`
	By     string              `help:"Name the person who acknowledges; by default the user of this machine." placeholder:"NAME"`
	JSON   bool                `name:"json" help:"Print one line of JSON."`
	ID     []store.ViolationID `arg:"" optional:"" help:"Acknowledge the violations with these ids, which holdfast books violations shows."`
}

// reasonMax is the length of the longest reason, in bytes.
const reasonMax = 1000

// Validate is called by kong. A wrong value ends with exitMisused.
func (v booksAcknowledge) Validate() error {
	switch {
	case (v.Caller == "") == (len(v.ID) == 0):
		return errors.New("which violations? Give their ids, or --caller")
	case strings.TrimSpace(v.Reason) == "" || len(v.Reason) > reasonMax:
		return fmt.Errorf("--reason: give a text of at most %d bytes", reasonMax)
	}
	return nil
}

func (v booksAcknowledge) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if v.By == "" {
		v.By = "operator"
		if u, err := user.Current(); err == nil {
			v.By = u.Username
		}
	}
	open, err := violationsOf(ctx, db.Reader, false)
	if err != nil {
		return err
	}
	ids := v.ID
	for _, one := range open {
		if v.Caller != "" && one.Caller == v.Caller {
			ids = append(ids, one.ID)
		}
	}
	if len(ids) == 0 {
		return fmt.Errorf("caller %s has no violation that is not acknowledged", v.Caller)
	}
	slices.Sort(ids)
	ids = slices.Compact(ids)
	p := clerk(db, w)
	defer p.Close()
	if err := p.Acknowledge(ctx, ids, v.By, v.Reason); err != nil {
		return err
	}
	if v.JSON {
		return printJSON(w.Out, map[string]int{"acknowledged": len(ids)})
	}
	fmt.Fprintf(w.Out, "%s acknowledged\n", counted(len(ids), "violation"))
	return nil
}
