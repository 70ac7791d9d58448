package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

type holdsVerb struct {
	Due     holdsDueVerb `cmd:"" help:"List the open holds whose deadline is near, the nearest first."`
	List    holdsList    `cmd:"" help:"List holds, the newest first."`
	Show    holdsShow    `cmd:"" help:"Show everything about a hold."`
	Settle  holdsSettle  `cmd:"" help:"Take what is held, or a part of it."`
	Release holdsRelease `cmd:"" help:"Give what is held back to the buyer, or a part of it."`
	Raise   holdsRaise   `cmd:"" help:"Hold a further amount with the buyer's token."`
	Renew   holdsRenew   `cmd:"" help:"Hold the open amount anew, before the hold expires."`
	Refund  holdsRefund  `cmd:"" help:"Refund what was paid of a hold, or a part of it."`
	Remind  holdsRemind  `cmd:"" help:"Send the mail about the deadline of a hold to the caller now."`
}

// A holdRow is a hold as --json and --csv print it. Times are the caller's.
type holdRow struct {
	HoldID    holdfast.TransactionID   `json:"holdId"`
	CallerID  party.CallerID           `json:"callerId"`
	Reference holdfast.CallerReference `json:"reference"`
	State     payment.HoldState        `json:"state"`
	Amount    dollars                  `json:"amount"`
	Open      dollars                  `json:"open"`
	Settled   dollars                  `json:"settled"`
	Released  dollars                  `json:"released"`
	Refunded  dollars                  `json:"refunded"`
	Deadline  time.Time                `json:"deadline,omitzero"`
	Created   time.Time                `json:"created"`
	left      time.Duration            // until the deadline; zero if there is none
}

func describeHoldOf(h payment.Hold, now time.Time) holdRow {
	root := h.Root()
	row := holdRow{
		HoldID: root.ID, CallerID: root.Caller, Reference: root.Reference, State: h.State(), Amount: dollars(h.Amount()),
		Open: dollars(h.Open()), Settled: dollars(h.Settled()), Released: dollars(h.Released()),
		Refunded: dollars(h.Refunded()), Deadline: h.Deadline(), Created: root.Received,
	}
	if !row.Deadline.IsZero() {
		row.left = row.Deadline.Sub(now).Truncate(time.Second)
	}
	return row
}

// cells is a row of a table for people.
func (r holdRow) cells() []string {
	deadline, left := "", ""
	if !r.Deadline.IsZero() {
		deadline, left = r.Deadline.Format(shortLayout), inDays(r.left)
	}
	return []string{
		string(r.HoldID), string(r.CallerID), string(r.Reference), string(r.State), r.Amount.String(), r.Open.String(),
		deadline, left,
	}
}

// record is a row of a CSV file.
func (r holdRow) record() []string {
	left := ""
	if !r.Deadline.IsZero() {
		left = fmt.Sprint(int64(r.left / time.Second))
	}
	return []string{
		string(r.HoldID), string(r.CallerID), string(r.Reference), string(r.State), decimal(r.Amount), decimal(r.Open),
		decimal(r.Settled), decimal(r.Released), decimal(r.Refunded), timeCell(r.Deadline), timeCell(r.Created), left,
	}
}

var holdHeadings = []string{
	"hold_id", "caller_id", "reference", "state", "amount", "open", "settled", "released", "refunded", "deadline", "created",
	"seconds_left",
}

// decimal is an amount without its currency, as spreadsheets read it.
func decimal(d dollars) string { return money.Amount(d).Decimal() }

func (o listOutput) printHolds(w world, rows []holdRow) error {
	return printList(w, o, rows, holdHeadings,
		[]string{"HOLD", "CALLER", "REFERENCE", "STATE", "AMOUNT", "OPEN", "DEADLINE", "LEFT"})
}

type holdsDueVerb struct {
	storeFlags
	Caller string        `help:"List the holds of this caller only." placeholder:"ID"`
	Within time.Duration `help:"List holds whose deadline is within this time." default:"48h" placeholder:"DURATION"`
	Max    int           `help:"List at most this many." default:"1000" placeholder:"ROWS"`
	listOutput
}

// Validate is called by kong. A wrong value ends with exitMisused.
func (v holdsDueVerb) Validate() error {
	if v.Within <= 0 {
		return errors.New("--within: give a duration above zero, such as 48h")
	}
	return checkMax(v.Max)
}

func (v holdsDueVerb) Run(ctx context.Context, w world) error {
	db, callers, err := v.openForAll(ctx, v.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	real := processor.Micro(w.Now())
	var rows []holdRow
	more := false
	for _, c := range callers {
		now := c.Now(real)
		found, rest, err := listHolds(ctx, db.Reader, store.HoldListing{
			Caller: c.ID, Now: now,
			HoldFilter: payment.HoldFilter{State: payment.HoldHeld, DeadlineTo: now.Add(v.Within)},
		}, v.Max)
		if err != nil {
			return err
		}
		for _, h := range found {
			rows = append(rows, describeHoldOf(h, now))
		}
		more = more || rest
	}
	slices.SortStableFunc(rows, func(a, b holdRow) int { return int(a.left/time.Second) - int(b.left/time.Second) })
	if len(rows) > v.Max {
		rows, more = rows[:v.Max], true
	}
	return sayMore(w, v.Max, more, v.printHolds(w, rows))
}

type holdsList struct {
	storeFlags
	Caller    string                   `help:"List the holds of this caller, if there are several." placeholder:"ID"`
	State     payment.HoldState        `help:"List only these: pending, held, settling, settled, released, expired or failed." enum:"pending,held,settling,settled,released,expired,failed," default:"" placeholder:"STATE"`
	Reference holdfast.CallerReference `help:"List only the hold with this reference." placeholder:"REF"`
	Max       int                      `help:"List at most this many." default:"20" placeholder:"ROWS"`
	listOutput
}

// Validate is called by kong. A wrong value ends with exitMisused.
func (v holdsList) Validate() error { return checkMax(v.Max) }

func (v holdsList) Run(ctx context.Context, w world) error {
	db, c, err := v.openFor(ctx, v.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	now := c.Now(processor.Micro(w.Now()))
	holds, more, err := listHolds(ctx, db.Reader, store.HoldListing{
		Caller: c.ID, Now: now, HoldFilter: payment.HoldFilter{State: v.State, Reference: v.Reference},
	}, v.Max)
	if err != nil {
		return err
	}
	rows := make([]holdRow, len(holds))
	for i, h := range holds {
		rows[i] = describeHoldOf(h, now)
	}
	return sayMore(w, v.Max, more, v.printHolds(w, rows))
}

// listHolds reads at most limit holds of a listing, and whether there are more.
func listHolds(
	ctx context.Context, r store.Reader, l store.HoldListing, limit int,
) (holds []payment.Hold, more bool, err error) {
	var after store.HoldCursor
	for len(holds) <= limit {
		err := r.View(ctx, func(tx *store.ReadTx) error {
			page, next, err := tx.Holds(l, after, limit+1-len(holds))
			holds, after = append(holds, page...), next
			return err
		})
		if err != nil {
			return nil, false, err
		}
		if !after.Begun() {
			break
		}
	}
	if len(holds) > limit {
		return holds[:limit], true, nil
	}
	return holds, false, nil
}

type holdsShow struct {
	storeFlags
	Caller string                 `help:"Choose this caller, if there are several." placeholder:"ID"`
	ID     holdfast.TransactionID `arg:"" help:"Choose the hold by its id."`
	JSON   bool                   `name:"json" help:"Print one line of JSON."`
}

// A holdDetail is everything about a hold, as --json prints it.
type holdDetail struct {
	holdRow
	Members  []memberAnswer  `json:"members"`
	Parts    []memberAnswer  `json:"parts"`
	Warnings []warningAnswer `json:"warnings"`
}

// A memberAnswer is a Reserve of a hold, or a settle of a part.
type memberAnswer struct {
	TransactionID holdfast.TransactionID   `json:"transactionId"`
	Link          payment.Link             `json:"link,omitempty"`
	Of            holdfast.TransactionID   `json:"of,omitempty"`
	Reference     holdfast.CallerReference `json:"reference"`
	State         payment.State            `json:"state"`
	Amount        dollars                  `json:"amount"`
	Deadline      time.Time                `json:"deadline,omitzero"`
	Received      time.Time                `json:"received"`
}

// A warningAnswer is a warning that was given.
type warningAnswer struct {
	TransactionID holdfast.TransactionID `json:"transactionId"`
	Before        string                 `json:"before"`
	Due           time.Time              `json:"due"`
}

func describeMember(t payment.Transaction) memberAnswer {
	return memberAnswer{
		TransactionID: t.ID, Link: t.Link, Of: t.Parent, Reference: t.Reference, State: t.State, Amount: dollars(t.Amount),
		Deadline: t.Deadline, Received: t.Received,
	}
}

func (v holdsShow) Run(ctx context.Context, w world) error {
	db, c, err := v.openFor(ctx, v.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	detail, err := detailOfHold(ctx, db.Reader, c, v.ID, processor.Micro(w.Now()))
	switch {
	case err != nil:
		return err
	case v.JSON:
		return printJSON(w.Out, detail)
	}
	return printFacts(w.Out, detail.facts())
}

// detailOfHold reads everything about a hold at a real time.
func detailOfHold(
	ctx context.Context, r store.Reader, c party.Caller, id holdfast.TransactionID, real time.Time,
) (detail holdDetail, err error) {
	now := c.Now(real)
	err = r.View(ctx, func(tx *store.ReadTx) error {
		detail = holdDetail{Members: []memberAnswer{}, Parts: []memberAnswer{}, Warnings: []warningAnswer{}}
		h, found, err := tx.Hold(c.ID, id)
		if err != nil {
			return err
		}
		if !found {
			return fmt.Errorf("the caller %s has no hold %s", c.ID, oneLine(string(id)))
		}
		h = h.AsOf(now)
		detail.holdRow = describeHoldOf(h, now)
		for _, t := range h.Parts {
			detail.Parts = append(detail.Parts, describeMember(t))
		}
		for _, t := range h.Members {
			detail.Members = append(detail.Members, describeMember(t))
			all, err := tx.WarningsOf(c.ID, t.ID)
			if err != nil {
				return err
			}
			for _, one := range all {
				detail.Warnings = append(detail.Warnings, warningAnswer{t.ID, inDays(one.Before.Round(time.Second)), one.At})
			}
		}
		return nil
	})
	return detail, err
}

func (d holdDetail) facts() []fact {
	deadline := moment(d.Deadline)
	if deadline != "" && d.left > 0 {
		deadline += ", in " + inDays(d.left)
	}
	facts := []fact{
		{"hold", string(d.HoldID)},
		{"reference", string(d.Reference)},
		{"state", string(d.State)},
		{"amount", d.Amount.String()},
		{"open", d.Open.String()},
		{"settled", d.Settled.String()},
		{"released", d.Released.String()},
		{"refunded", d.Refunded.String()},
		{"deadline", deadline},
		{"created", moment(d.Created)},
	}
	for _, m := range d.Members[min(1, len(d.Members)):] {
		facts = append(facts, fact{strings.ToLower(string(m.Link)), m.line()})
	}
	for _, m := range d.Parts {
		facts = append(facts, fact{"part", m.line()})
	}
	for _, one := range d.Warnings {
		facts = append(facts, fact{"warned", one.Before + " before, " + moment(one.Due)})
	}
	return facts
}

func (m memberAnswer) line() string {
	return strings.Join([]string{moment(m.Received), string(m.TransactionID), m.Amount.String(), string(m.State)}, " ")
}
