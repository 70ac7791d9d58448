package main

import (
	"context"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// networkRowsMax is how many rows of each account a listing has at most.
const networkRowsMax = 1000

// networkListFlags name one account, or all.
type networkListFlags struct {
	storeFlags
	Account string `arg:"" optional:"" help:"Choose the account by its name or its id; by default all."`
	listOutput
}

// accounts are the accounts that are meant.
func (f networkListFlags) accounts(ctx context.Context, r store.Reader) ([]store.NetworkAccount, error) {
	all, err := r.NetworkAccounts(ctx)
	if err != nil || f.Account == "" {
		return all, err
	}
	one, err := chooseNetwork(all, f.Account)
	return []store.NetworkAccount{one}, err
}

type networkPayment struct {
	storeFlags
	ID   holdfast.TransactionID `arg:"" help:"Choose the transaction by its id."`
	JSON bool                   `name:"json" help:"Print one line of JSON."`
}

func (v networkPayment) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	known, err := networkPaymentOf(ctx, db.Reader, v.ID)
	if err != nil {
		return err
	}
	a := describeNetworkPayment(known)
	if v.JSON {
		return printJSON(w.Out, a)
	}
	return printFacts(w.Out, a.facts())
}

// networkPaymentOf finds what is known of a transaction at its card network,
// whatever caller it belongs to.
func networkPaymentOf(
	ctx context.Context, r store.Reader, id holdfast.TransactionID,
) (known payment.NetworkPayment, err error) {
	found := false
	err = r.View(ctx, func(tx *store.ReadTx) error {
		callers, err := tx.Callers()
		for _, c := range callers {
			if err != nil || found {
				break
			}
			known, found, err = tx.NetworkPayment(c.ID, id)
		}
		return err
	})
	if err == nil && !found {
		err = fmt.Errorf("no card network knows a transaction %s: there is none, it is in the sandbox, or nothing was asked "+
			"yet", quote(string(id)))
	}
	return known, err
}

// A networkPaymentAnswer is what is known of a transaction at its card network,
// as --json prints it.
type networkPaymentAnswer struct {
	TransactionID      holdfast.TransactionID   `json:"transactionId,omitempty"`
	PageHoldID         payment.PageHoldID       `json:"pageHoldId,omitempty"` // of a hold that no payment has used yet
	CallerID           party.CallerID           `json:"callerId"`
	AccountID          payment.NetworkAccountID `json:"accountId"`
	Reference          string                   `json:"reference,omitempty"`
	Charge             string                   `json:"charge,omitempty"`
	Status             string                   `json:"status,omitempty"`
	HoldUntil          time.Time                `json:"holdUntil,omitzero"`
	AuthorizationCode  string                   `json:"authorizationCode,omitempty"`
	NetworkTransaction string                   `json:"networkTransaction,omitempty"`
	DeclineCode        string                   `json:"declineCode,omitempty"`
	Advice             string                   `json:"advice,omitempty"`
	RequestID          string                   `json:"requestId,omitempty"`
	FailedAt           time.Time                `json:"failedAt,omitzero"`
	Attention          string                   `json:"attention,omitempty"`
	Updated            time.Time                `json:"updated"`
}

func describeNetworkPayment(p payment.NetworkPayment) networkPaymentAnswer {
	return networkPaymentAnswer{
		TransactionID: p.Transaction, CallerID: p.Caller, AccountID: p.Account, Reference: p.Reference, Charge: p.Charge,
		Status: p.Status, HoldUntil: p.HoldUntil, AuthorizationCode: p.AuthorizationCode,
		NetworkTransaction: p.NetworkTransaction, DeclineCode: p.DeclineCode, Advice: p.Advice, RequestID: p.RequestID,
		FailedAt: p.FailedAt, Attention: p.Attention, Updated: p.Updated,
	}
}

func describePageHold(h payment.PageHold) networkPaymentAnswer {
	return networkPaymentAnswer{
		PageHoldID: h.ID, CallerID: h.Caller, AccountID: h.Account, Reference: h.Reference, HoldUntil: h.HoldUntil,
		DeclineCode: h.DeclineCode, Attention: h.Finding, Updated: h.Created,
	}
}

func (a networkPaymentAnswer) facts() []fact {
	return []fact{
		{"transaction", string(a.TransactionID)},
		{"caller", string(a.CallerID)},
		{"account", string(a.AccountID)},
		{"network's id", a.Reference},
		{"charge", a.Charge},
		{"network's status", a.Status},
		{"network holds until", moment(a.HoldUntil)},
		{"authorisation code", a.AuthorizationCode},
		{"card scheme's id", a.NetworkTransaction},
		{"decline code", a.DeclineCode},
		{"advice", a.Advice},
		{"request id", a.RequestID},
		{"return without outcome since", moment(a.FailedAt)},
		{"attention", a.Attention},
		{"updated", moment(a.Updated)},
	}
}

type networkAttention struct{ networkListFlags }

// An attentionRow is a payment, or a hold of a page, that a person must look at.
type attentionRow networkPaymentAnswer

func (r attentionRow) id() string { return or(string(r.TransactionID), string(r.PageHoldID)) }

func (r attentionRow) cells() []string {
	return []string{r.id(), string(r.CallerID), r.Reference, r.Updated.UTC().Format(shortLayout), r.Attention}
}

func (r attentionRow) record() []string {
	return []string{
		r.id(), string(r.CallerID), string(r.AccountID), r.Reference, r.Status, timeCell(r.Updated), r.Attention,
	}
}

func (v networkAttention) Run(ctx context.Context, w world) error {
	return listOfNetworks(ctx, w, v.networkListFlags,
		func(tx *store.ReadTx, a store.NetworkAccount) ([]attentionRow, error) {
			all, err := tx.NetworkAttention(a.ID, networkRowsMax)
			if err != nil {
				return nil, err
			}
			held, err := tx.PageHoldAttention(a.ID, networkRowsMax)
			var rows []attentionRow
			for _, p := range all {
				rows = append(rows, attentionRow(describeNetworkPayment(p)))
			}
			for _, h := range held {
				rows = append(rows, attentionRow(describePageHold(h)))
			}
			return rows, err
		}, []string{"id", "caller_id", "account_id", "reference", "status", "since", "why"},
		[]string{"TRANSACTION", "CALLER", "NETWORK'S ID", "SINCE", "WHY"})
}

// listOfNetworks reads the rows of each account that is meant, and then prints them.
func listOfNetworks[R listRow](
	ctx context.Context, w world, f networkListFlags, read func(*store.ReadTx, store.NetworkAccount) ([]R, error),
	names, headings []string,
) error {
	db, err := f.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	accounts, err := f.accounts(ctx, db.Reader)
	if err != nil {
		return err
	}
	var rows []R
	err = db.View(ctx, func(tx *store.ReadTx) error {
		rows = nil
		for _, a := range accounts {
			some, err := read(tx, a)
			if err != nil {
				return err
			}
			rows = append(rows, some...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return printList(w, f.listOutput, rows, names, headings)
}

type networkClear struct {
	storeFlags
	ID   holdfast.TransactionID `arg:"" help:"Choose the transaction, or the hold of a page, by its id."`
	JSON bool                   `name:"json" help:"Print one line of JSON."`
}

func (v networkClear) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	held, isHold, err := pageHoldOf(ctx, db.Reader, v.ID)
	switch {
	case err != nil:
		return err
	case isHold:
		return v.acknowledge(ctx, w, clerk(db, w), held)
	}
	known, err := networkPaymentOf(ctx, db.Reader, v.ID)
	if err != nil {
		return err
	}
	if err := clerk(db, w).ClearAttention(ctx, known.Caller, known.Transaction); err != nil {
		return err
	}
	known.Attention = ""
	if v.JSON {
		return printJSON(w.Out, describeNetworkPayment(known))
	}
	_, err = fmt.Fprintf(w.Out, "Transaction %s can be settled and cancelled again.\n", v.ID)
	return err
}

// pageHoldOf finds a hold of a page by its id.
func pageHoldOf(
	ctx context.Context, r store.Reader, id holdfast.TransactionID,
) (h payment.PageHold, found bool, err error) {
	err = r.View(ctx, func(tx *store.ReadTx) (err error) {
		h, found, err = tx.PageHold(payment.PageHoldID(id))
		return err
	})
	return h, found, err
}

// acknowledge says that a person knows why a hold of a page needs attention.
func (v networkClear) acknowledge(ctx context.Context, w world, p *processor.Processor, h payment.PageHold) error {
	if err := p.AcknowledgePageHold(ctx, h.ID); err != nil {
		return err
	}
	h.Finding = ""
	if v.JSON {
		return printJSON(w.Out, describePageHold(h))
	}
	_, err := fmt.Fprintf(w.Out, "Hold %s raises no alarm for this reason again.\n", h.ID)
	return err
}

type networkDisputes struct{ networkListFlags }

func (v networkDisputes) Run(ctx context.Context, w world) error {
	return listOfNetworks(ctx, w, v.networkListFlags,
		func(tx *store.ReadTx, a store.NetworkAccount) ([]disputeAnswer, error) {
			all, err := tx.OpenDisputes(a.ID, networkRowsMax)
			var rows []disputeAnswer
			for _, d := range all {
				rows = append(rows, describeDispute(d))
			}
			return rows, err
		}, []string{
			"dispute_id", "account_id", "caller_id", "transaction_id", "amount", "reason", "status", "answer_by", "booked_by",
			"opened",
		}, []string{"ANSWER BY", "DISPUTE", "TRANSACTION", "AMOUNT", "REASON", "STATUS", "KIND"})
}

func (a disputeAnswer) cells() []string {
	kind, due := "dispute", "-"
	if a.BookedBy == "" {
		kind = "inquiry"
	}
	if !a.AnswerBy.IsZero() {
		due = a.AnswerBy.Format(shortLayout)
	}
	return []string{due, a.DisputeID, string(a.TransactionID), a.Amount.String(), a.Reason, a.Status, kind}
}

func (a disputeAnswer) record() []string {
	return []string{
		a.DisputeID, string(a.AccountID), string(a.CallerID), string(a.TransactionID), decimal(a.Amount), a.Reason, a.Status,
		timeCell(a.AnswerBy), string(a.BookedBy), timeCell(a.Opened),
	}
}

// A disputeAnswer is a dispute as --json prints it.
type disputeAnswer struct {
	DisputeID     string                   `json:"disputeId"`
	AccountID     payment.NetworkAccountID `json:"accountId"`
	CallerID      party.CallerID           `json:"callerId"`
	TransactionID holdfast.TransactionID   `json:"transactionId"`
	Amount        dollars                  `json:"amount"`
	Reason        string                   `json:"reason"`
	Status        string                   `json:"status"`
	AnswerBy      time.Time                `json:"answerBy,omitzero"`
	BookedBy      holdfast.TransactionID   `json:"bookedBy,omitempty"` // empty for an inquiry
	Opened        time.Time                `json:"opened"`
}

func describeDispute(d payment.Dispute) disputeAnswer {
	return disputeAnswer{
		DisputeID: d.ID, AccountID: d.Account, CallerID: d.Caller, TransactionID: d.Transaction, Amount: dollars(d.Amount),
		Reason: d.Reason, Status: d.Status, AnswerBy: d.Due, BookedBy: d.Booked, Opened: d.Opened,
	}
}
