package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type approvalVerb struct {
	List    approvalList    `cmd:"" help:"List settles, refunds and higher limits that wait for a second person."`
	Decline approvalDecline `cmd:"" help:"Decline a settle, a refund or a higher limit that waits."`
}

type approvalList struct {
	storeFlags
	Caller string `help:"List those of this caller only." placeholder:"ID"`
	All    bool   `help:"List also those that were decided, or that nobody decided in time, the newest first."`
	Max    int    `help:"List at most this many of each caller." default:"100" placeholder:"ROWS"`
	listOutput
}

// Validate is called by kong. A wrong value ends with exitMisused.
func (v approvalList) Validate() error { return checkMax(v.Max) }

func (approvalList) Help() string {
	return `A settle or a refund above the limit of its caller (holdfast caller set --approve-above) waits until another
member of the console approves it. So does a higher limit that an owner has asked for in the console. An approval can be
decided on for seven days. The object of a limit is its caller, and its amount is the new limit: 0 removes the limit.`
}

// An approvalRow is an approval as --json and --csv print it. Its times are real time.
type approvalRow struct {
	ApprovalID party.ApprovalID     `json:"approvalId"`
	CallerID   party.CallerID       `json:"callerId"`
	Action     party.ApprovalAction `json:"action"`
	Object     string               `json:"object"`
	Amount     dollars              `json:"amount"`
	State      string               `json:"state"` // "waiting", "approved", "declined", "unneeded" or "over"
	AskedBy    string               `json:"askedBy"`
	AskedAt    time.Time            `json:"askedAt"`
	Until      time.Time            `json:"until"`
	DecidedBy  string               `json:"decidedBy,omitempty"`
	DecidedAt  time.Time            `json:"decidedAt,omitzero"`
}

func (r approvalRow) cells() []string {
	return []string{
		string(r.ApprovalID), string(r.CallerID), string(r.Action), r.Object, r.Amount.String(), r.State, r.AskedBy,
		r.Until.UTC().Format(shortLayout), r.DecidedBy,
	}
}

func (r approvalRow) record() []string {
	return []string{
		string(r.ApprovalID), string(r.CallerID), string(r.Action), r.Object, decimal(r.Amount), r.State, r.AskedBy,
		timeCell(r.AskedAt), timeCell(r.Until), r.DecidedBy, timeCell(r.DecidedAt),
	}
}

func (v approvalList) Run(ctx context.Context, w world) error {
	db, callers, err := v.openForAll(ctx, v.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	now := processor.Micro(w.Now())
	var rows []approvalRow
	more := false
	err = db.View(ctx, func(tx *store.ReadTx) error {
		rows, more = nil, false
		for _, c := range callers {
			all, err := v.read(tx, c.ID, now)
			if err != nil {
				return err
			}
			more = more || len(all) > v.Max
			for _, a := range all[:min(len(all), v.Max)] {
				row, err := describeApproval(tx, a, now)
				if err != nil {
					return err
				}
				rows = append(rows, row)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = printList(w, v.listOutput, rows,
		[]string{
			"approval_id", "caller_id", "action", "object", "amount", "state", "asked_by", "asked_at", "until", "decided_by",
			"decided_at",
		},
		[]string{"APPROVAL", "CALLER", "ACTION", "OBJECT", "AMOUNT", "STATE", "ASKED BY", "UNTIL", "DECIDED BY"})
	return sayMore(w, v.Max, more, err)
}

// read reads one more than are wanted.
func (v approvalList) read(tx *store.ReadTx, of party.CallerID, now time.Time) ([]party.Approval, error) {
	if v.All {
		return tx.Approvals(of, "", v.Max+1)
	}
	return tx.OpenApprovals(of, now.Add(-party.ApprovalLife), v.Max+1)
}

func describeApproval(tx *store.ReadTx, a party.Approval, now time.Time) (approvalRow, error) {
	row := approvalRow{
		ApprovalID: a.ID, CallerID: a.Caller, Action: a.Action, Object: a.Object, Amount: dollars(a.Amount), State: "over",
		AskedAt: a.AskedAt, Until: a.Until(), DecidedAt: a.DecidedAt,
	}
	switch {
	case a.State == party.ApprovalApproved:
		row.State = "approved"
	case a.State == party.ApprovalDeclined:
		row.State = "declined"
	case a.State == party.ApprovalUnneeded:
		row.State = "unneeded"
	case a.Open(now):
		row.State = "waiting"
	}
	wanted, err := processor.WantedIn(a)
	if err != nil {
		return row, err
	}
	asker, _, err := tx.Party(a.AskedBy)
	if err != nil {
		return row, err
	}
	decider, _, err := tx.Party(a.DecidedBy)
	row.AskedBy, row.DecidedBy = asker.Email, decider.Email
	if a.AskedBy == "" {
		row.AskedBy = "command of " + wanted.By
	}
	if a.DecidedBy == "" && a.State != party.ApprovalAsked && a.State != party.ApprovalLapsed {
		row.DecidedBy = "command"
	}
	return row, err
}

type approvalDecline struct {
	storeFlags
	Caller string           `help:"Choose this caller, if there are several." placeholder:"ID"`
	ID     party.ApprovalID `arg:"" help:"Decline the one with this id, which holdfast approval list shows."`
	JSON   bool             `name:"json" help:"Print one line of JSON."`
}

func (approvalDecline) Help() string {
	return `No money moves, and the member who has asked gets a mail. There is no command that approves: the second person
must be a member of the console, who has given a second factor. A user of this machine may be the same person who asked.`
}

func (v approvalDecline) Run(ctx context.Context, w world) error {
	db, caller, err := v.openFor(ctx, v.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	p, _, err := mailingClerk(ctx, db, w)
	if err != nil {
		return err
	}
	if err := p.DeclineApproval(ctx, caller.ID, v.ID, ""); err != nil {
		return err
	}
	var row approvalRow
	err = db.View(ctx, func(tx *store.ReadTx) error {
		a, _, err := tx.Approval(caller.ID, v.ID)
		if err != nil {
			return err
		}
		row, err = describeApproval(tx, a, processor.Micro(w.Now()))
		return err
	})
	switch {
	case err != nil:
		return err
	case v.JSON:
		return printJSON(w.Out, row)
	}
	if row.Action == party.ApproveLimit {
		_, err = fmt.Fprintf(w.Out, "the new limit that %s has asked for is declined; the limit stays\n", row.AskedBy)
		return err
	}
	_, err = fmt.Fprintf(w.Out, "the %s of %s that %s has asked for is declined; no money has moved\n", row.Action,
		row.Amount, row.AskedBy)
	return err
}

// mailLinks is the address to which the links in mails lead: that of a server that runs
// and sends mails. It is nil if there is none.
func mailLinks(ctx context.Context, r store.Reader, now time.Time) (*url.URL, error) {
	var all []store.Server
	err := r.View(ctx, func(tx *store.ReadTx) (err error) {
		all, err = tx.Servers()
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, s := range all {
		if s.Live(now) && s.Mails != "" {
			return url.Parse(s.Mails)
		}
	}
	return nil, nil
}

// mailingClerk is a clerk that writes letters, if a running server sends them.
func mailingClerk(ctx context.Context, db *store.DB, w world) (p *processor.Processor, mails bool, err error) {
	p = clerk(db, w)
	links, err := mailLinks(ctx, db.Reader, w.Now())
	if err != nil || links == nil {
		return p, false, err
	}
	p.Identity.Letters = account.Letters{Public: links}.Write
	return p, true, nil
}

// askSecond asks for the approval that a command needs, if that is why it was refused. It
// returns the refusal in words, or nil if a member has approved the same command.
func (f holdFlags) askSecond(
	ctx context.Context, w world, p *processor.Processor, a party.Approval, wanted processor.Wanted, refusal error,
) error {
	needed, ok := errors.AsType[*processor.ApprovalNeededError](refusal)
	if !ok {
		return refusal
	}
	actor := commandActor()
	wanted.By = or(actor.Name, actor.ID)
	a.Object, a.Amount = string(f.ID), needed.Amount
	a, err := p.AskApproval(ctx, needed.Call, a, wanted)
	if err != nil {
		return err
	}
	public, err := f.public()
	if err != nil {
		return err
	}
	page := strings.TrimSuffix(public, "/") + account.ConsoleRoot + "c/" + url.PathEscape(string(a.Caller)) +
		"/approvals/" + url.PathEscape(string(a.ID))
	switch {
	case a.State == party.ApprovalApproved:
		fmt.Fprintf(w.Err, "A member approved it on %s, and it was carried out then.\n",
			a.DecidedAt.UTC().Format(shortLayout))
		return nil
	case a.State == party.ApprovalDeclined:
		return fmt.Errorf("it was declined on %s (approval %s), so no money moves; to ask again, give another "+
			"--idempotency-key", a.DecidedAt.UTC().Format(shortLayout), a.ID)
	case !a.Open(processor.Micro(w.Now())):
		return fmt.Errorf("nobody approved it in time (approval %s); to ask again, give another --idempotency-key", a.ID)
	}
	return fmt.Errorf("nothing has moved yet: %s is above the caller's limit of %s, so a member of the console must "+
		"approve it by %s, on the page %s", needed.Amount, needed.Above, a.Until().UTC().Format(shortLayout), page)
}
