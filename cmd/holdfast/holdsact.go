package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/url"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// holdFlags name a hold that a command changes.
type holdFlags struct {
	storeFlags
	Caller    string                 `help:"Choose this caller, if there are several." placeholder:"ID"`
	PublicURL string                 `name:"public-url" help:"Write mails to buyers with links to the server at this address. Without it, they get no mail about this change." env:"HOLDFAST_PUBLIC_URL" placeholder:"URL"`
	ID        holdfast.TransactionID `arg:"" help:"Choose the hold by its id."`
	JSON      bool                   `name:"json" help:"Print one line of JSON."`
}

// onceFlags let a command be repeated that did not say how it ended.
type onceFlags struct {
	holdFlags
	Key string `name:"idempotency-key" help:"Repeat the command that had this key, without doing it twice; by default a key is made up." placeholder:"KEY"`
}

// call is the call of a command. Its key is printed before anything happens, so that
// a user who stops the program knows how to repeat the command.
func (f onceFlags) call(w world, verb string, request any) (*processor.Call, error) {
	key := f.Key
	if key == "" {
		key = verb + "-" + rand.Text()
		fmt.Fprintf(w.Err, "If you do not know the outcome, repeat the command with --idempotency-key %s.\n", key)
	}
	return processor.ByPerson(key, "holdfast holds "+verb+" "+string(f.ID), request)
}

// act opens the store, lets do change the hold, and prints the hold as it is then.
// done are the transactions that do has made or changed; a failed one ends the
// command with exitFailed.
func (f holdFlags) act(
	ctx context.Context, w world,
	do func(*processor.Processor, party.Caller) (done []payment.Transaction, err error),
) error {
	db, caller, err := f.openFor(ctx, f.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	p, err := f.holdClerk(ctx, db, w)
	if err != nil {
		return err
	}
	done, err := do(p, caller)
	p.Close() // a release is asked in the background
	if err != nil {
		return err
	}
	err = f.tell(ctx, w, db.Reader, p, caller)
	for _, t := range done {
		if err == nil && t.State == payment.Failure {
			err = fmt.Errorf("the card network declined it: %s", t.StatusMessage)
		}
	}
	return err
}

// tell prints the hold, or the payment that was taken without one.
func (f holdFlags) tell(
	ctx context.Context, w world, r store.Reader, p *processor.Processor, caller party.Caller,
) error {
	var of processor.Case
	err := r.View(ctx, func(tx *store.ReadTx) (err error) {
		of, _, err = p.CaseOf(tx, caller.ID, f.ID)
		return err
	})
	switch {
	case err != nil:
		return err
	case !of.IsHold() && f.JSON:
		return printJSON(w.Out, describePayment(of))
	case !of.IsHold():
		return printFacts(w.Out, caseFacts(of))
	}
	detail, err := detailOfHold(ctx, r, caller, f.ID, processor.Micro(w.Now()))
	if err != nil {
		return err
	}
	if f.JSON {
		return printJSON(w.Out, detail)
	}
	return printFacts(w.Out, detail.facts())
}

// A paymentAnswer is a payment that was taken without a hold, as --json prints it.
type paymentAnswer struct {
	PaymentID holdfast.TransactionID   `json:"paymentId"`
	CallerID  party.CallerID           `json:"callerId"`
	Reference holdfast.CallerReference `json:"reference"`
	State     payment.State            `json:"state"`
	Amount    dollars                  `json:"amount"`
	Refunded  dollars                  `json:"refunded"`
}

func describePayment(of processor.Case) paymentAnswer {
	t := of.Payment
	return paymentAnswer{t.ID, of.Caller.ID, t.Reference, t.State, dollars(t.Amount), dollars(t.Refunded)}
}

// holdClerk is a processor that moves money: it asks the sandbox and card networks.
func (f holdFlags) holdClerk(ctx context.Context, db *store.DB, w world) (*processor.Processor, error) {
	config := processor.Config{Now: w.Now, Log: w.Log}
	public, err := f.public()
	if err != nil {
		return nil, err
	}
	if public != "" {
		address, err := url.Parse(public)
		if err != nil {
			return nil, misuseError{fmt.Errorf("--public-url: %w", err)}
		}
		config.Receipts = account.Letters{Public: address}.Receipt
	}
	links, err := mailLinks(ctx, db.Reader, w.Now())
	if err != nil {
		return nil, err
	}
	if links != nil {
		config.People.Letters = account.Letters{Public: links}.Write
	}
	s := &server{Store: db, Network: &sandbox.Network{Now: w.Now}, Now: w.Now, Log: w.Log}
	config.Network = s.router(true)
	s.Processor = processor.New(db, config)
	return s.Processor, nil
}

// public is the address of the server, or empty if it is not known.
func (f holdFlags) public() (string, error) {
	if f.Data == "" {
		return f.PublicURL, nil
	}
	kept, _, err := readDemo(f.Data)
	return "http://" + kept.Listen + "/", err
}

type holdsSettle struct {
	onceFlags
	Amount    *dollars                 `help:"Take this much; by default all that is open." placeholder:"40.00"`
	Final     bool                     `help:"Release the rest of the hold."`
	Reference holdfast.CallerReference `help:"Name the payment; by default after the idempotency key." placeholder:"REF"`
}

const secondPerson = `Above the limit of the caller (holdfast caller set --approve-above), the command moves nothing: it asks, and a member
of the console who may do the same approves or declines it within seven days. holdfast approval list shows what waits.`

func (holdsSettle) Help() string { return secondPerson }

func (v holdsSettle) Run(ctx context.Context, w world) error {
	r := processor.SettleHold{Hold: v.ID, Amount: amountOf(v.Amount), Final: v.Final, Reference: v.Reference}
	call, err := v.call(w, "settle", r)
	if err != nil {
		return err
	}
	return v.act(ctx, w, func(p *processor.Processor, c party.Caller) ([]payment.Transaction, error) {
		done, err := p.SettleHold(ctx, c, call, r)
		return done, v.askSecond(ctx, w, p, party.Approval{Caller: c.ID, Action: party.ApproveSettle},
			processor.Wanted{Final: v.Final, Reference: v.Reference}, err)
	})
}

// amountOf is the amount of a flag. It is not given if the flag is not.
func amountOf(flag *dollars) money.Amount {
	return money.Amount(*cmp.Or(flag, new(dollars)))
}

type holdsRelease struct {
	onceFlags
	Amount *dollars `help:"Release this much; by default all that is open, which ends the hold." placeholder:"40.00"`
	Reason string   `help:"Record this reason." placeholder:"TEXT"`
}

func (v holdsRelease) Run(ctx context.Context, w world) error {
	r := processor.ReleaseHold{Hold: v.ID, Amount: amountOf(v.Amount), Reason: v.Reason}
	call, err := v.call(w, "release", r)
	if err != nil {
		return err
	}
	return v.act(ctx, w, func(p *processor.Processor, c party.Caller) ([]payment.Transaction, error) {
		return p.ReleaseHold(ctx, c, call, r)
	})
}

type holdsRefund struct {
	onceFlags
	Amount       *dollars      `help:"Refund this much; by default all that was paid and not refunded." placeholder:"40.00"`
	Reason       string        `help:"Record this reason." placeholder:"TEXT"`
	RefundWindow time.Duration `help:"Accept refunds for this long after a payment, as the server does; below zero for ever." default:"90d" env:"HOLDFAST_REFUND_WINDOW" placeholder:"DURATION"`
}

// Help is the help of the verb.
func (holdsRefund) Help() string {
	return secondPerson + `

The id is that of the hold, or of a payment that was taken without a hold. See holdfast find.

Examples:

    holdfast holds refund --store holdfast.db 1MIT4PX0K7Q2
    holdfast holds refund --store holdfast.db 1MIT4PX0K7Q2 --amount 21.25 --reason 'one of two broken'
`
}

func (v holdsRefund) Run(ctx context.Context, w world) error {
	r := processor.RefundHold{Hold: v.ID, Amount: amountOf(v.Amount), Description: v.Reason}
	call, err := v.call(w, "refund", r)
	if err != nil {
		return err
	}
	hold, err := v.isHold(ctx)
	if err != nil {
		return err
	}
	return v.act(ctx, w, func(p *processor.Processor, c party.Caller) ([]payment.Transaction, error) {
		p.RefundWindow = v.RefundWindow
		var done []payment.Transaction
		var err error
		if hold {
			done, err = p.RefundHold(ctx, c, call, r)
		} else {
			done, err = one(p.RefundPayment(ctx, c, call, processor.RefundPayment{
				Payment: r.Hold, Amount: r.Amount, Description: r.Description,
			}))
		}
		return done, v.askSecond(ctx, w, p, party.Approval{Caller: c.ID, Action: party.ApproveRefund},
			processor.Wanted{Hold: hold, Reason: v.Reason}, err)
	})
}

// isHold reports whether the id is that of a hold, and not of a payment that was taken
// without one.
func (f holdFlags) isHold(ctx context.Context) (hold bool, err error) {
	db, caller, err := f.openFor(ctx, f.Caller)
	if err != nil {
		return false, err
	}
	defer db.Close()
	err = db.View(ctx, func(tx *store.ReadTx) error {
		_, hold, err = tx.HoldRoot(caller.ID, f.ID)
		return err
	})
	return hold, err
}

type holdsRaise struct {
	onceFlags
	Amount    dollars                  `help:"Hold this much in addition." required:"" placeholder:"10.00"`
	Reference holdfast.CallerReference `help:"Name the raise; by default after the idempotency key." placeholder:"REF"`
}

func (v holdsRaise) Run(ctx context.Context, w world) error {
	r := processor.RaiseHold{Hold: v.ID, Amount: money.Amount(v.Amount), Reference: v.Reference}
	call, err := v.call(w, "raise", r)
	if err != nil {
		return err
	}
	return v.act(ctx, w, func(p *processor.Processor, c party.Caller) ([]payment.Transaction, error) {
		return one(p.RaiseHold(ctx, c, call, r))
	})
}

func one(t payment.Transaction, err error) ([]payment.Transaction, error) {
	return []payment.Transaction{t}, err
}

type holdsRenew struct {
	onceFlags
	Reference holdfast.CallerReference `help:"Name the renewal; by default after the idempotency key." placeholder:"REF"`
}

func (v holdsRenew) Run(ctx context.Context, w world) error {
	r := processor.RenewHold{Hold: v.ID, Reference: v.Reference}
	call, err := v.call(w, "renew", r)
	if err != nil {
		return err
	}
	return v.act(ctx, w, func(p *processor.Processor, c party.Caller) ([]payment.Transaction, error) {
		return one(p.RenewHold(ctx, c, call, r))
	})
}

type holdsRemind struct{ holdFlags }

func (v holdsRemind) Run(ctx context.Context, w world) error {
	err := v.act(ctx, w, func(p *processor.Processor, c party.Caller) ([]payment.Transaction, error) {
		_, err := p.RemindOfHold(ctx, c, v.ID)
		return nil, err
	})
	if err == nil {
		fmt.Fprintln(w.Err, "The server writes the mail now, or 15 minutes after its last mail about deadlines.")
	}
	return err
}
