package processor

import (
	"context"
	"errors"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// What the pages need of cards, so that they need not know card networks.
type (
	NewCard          = card.Details
	CardRefusedError = card.RefusedError
)

// NewCardNumber hides digits that somebody typed.
func NewCardNumber(digits string) card.Number { return card.NewNumber(digits) }

// Errors of visits that are not ends of the pipeline: the page is shown again.
var (
	ErrNoVisit   = errors.New("there is no such visit")
	ErrNotSender = errors.New("the visit is another sender's")
	ErrNotShown  = errors.New("what was confirmed is not what was shown")
	// ErrUnproved: the sender can go on once the e-mail address is verified.
	ErrUnproved = errors.New("the sender's e-mail address is not verified yet")
)

// StartVisit begins a pipeline for a request that was read. It ends at once, with
// a *payment.PipelineEnd, when what it names cannot be agreed to, when one of
// the caller's references has a token already, or when somebody had given the
// pipeline up. A request that was signed by version 1 is answered so.
func (p *Processor) StartVisit(
	ctx context.Context, caller party.Caller, r payment.PipelineRequest, params holdfast.Params, signatureV1 bool,
) (payment.Visit, error) {
	return p.startVisit(ctx, caller, r, p.newVisit(caller, r, params, signatureV1), false)
}

func (p *Processor) newVisit(
	caller party.Caller, r payment.PipelineRequest, params holdfast.Params, signatureV1 bool,
) payment.Visit {
	return payment.Visit{
		ID: payment.VisitID(p.ids().Other("V")), Caller: caller.ID, Reference: r.Reference,
		Params: params.Encode(), SignatureV1: signatureV1, Key: p.ids().Secret(visitKeySize), Created: p.now(),
	}
}

// startVisit adds v, or reads the visit under way of the same request where that
// will do.
func (p *Processor) startVisit(
	ctx context.Context, caller party.Caller, r payment.PipelineRequest, v payment.Visit, reuse bool,
) (payment.Visit, error) {
	made := v
	err := p.Store.Update(ctx, func(tx *store.Tx) error {
		v = made
		asked, err := askedOf(&tx.ReadTx, caller, r)
		if err != nil {
			return err
		}
		s := visitStep{ReadTx: &tx.ReadTx, tx: tx, asked: asked, visit: v, caller: caller, real: p.now()}
		if end, err := s.cannotStart(); err != nil || end != nil {
			return errors.Join(err, asError(end))
		}
		if reuse {
			open, found, err := tx.VisitUnderWay(v, p.now().Add(-visitReuse))
			if err != nil || found {
				v = open
				return err
			}
		}
		return tx.InsertVisit(v)
	})
	return v, err
}

const (
	visitKeySize = 32
	// visitReuse is for how long a visit is handed out again when the same link is
	// opened: to anybody while nobody has signed in to it, and to its sender.
	visitReuse = time.Hour
)

// OpenVisit is StartVisit, and hands out a visit of the very same request that
// nobody has signed in to yet: a link that is opened over and over makes one visit.
// What such a visit shows is what the link says, and whoever signs in first has it
// for themselves; see EnterVisit.
func (p *Processor) OpenVisit(
	ctx context.Context, caller party.Caller, r payment.PipelineRequest, params holdfast.Params, signatureV1 bool,
) (payment.Visit, error) {
	v := payment.Visit{Caller: caller.ID, Reference: r.Reference, Params: params.Encode(), SignatureV1: signatureV1}
	var found bool
	err := p.Store.View(ctx, func(tx *store.ReadTx) error {
		asked, err := askedOf(tx, caller, r)
		if err != nil {
			return err
		}
		s := visitStep{ReadTx: tx, asked: asked, visit: v, caller: caller, real: p.now()}
		if end, err := s.cannotStart(); err != nil || end != nil {
			return errors.Join(err, asError(end))
		}
		v, found, err = tx.VisitUnderWay(v, p.now().Add(-visitReuse))
		return err
	})
	if err != nil || found {
		return v, err
	}
	return p.startVisit(ctx, caller, r, p.newVisit(caller, r, params, signatureV1), true)
}

// asError is an end on its way to the door, or nil.
func asError(end *payment.PipelineEnd) error {
	if end == nil {
		return nil
	}
	return end
}

const (
	// visitLife is how long a visit can be gone on with, and how long a browser
	// that comes back to a finished one is sent on its way again.
	visitLife  = 30 * 24 * time.Hour
	forgetsMax = 1000 // visits in one batch of ForgetVisits
)

// ForgetVisits removes visits too old to be gone on with, one bounded batch, and
// reports how many: every link that somebody opens makes one.
func (p *Processor) ForgetVisits(ctx context.Context) (forgotten int, err error) {
	before := p.now().Add(-visitLife)
	var old bool
	err = p.Store.View(ctx, func(tx *store.ReadTx) error {
		old, err = tx.HasOldVisits(before)
		return err
	})
	if err != nil || !old {
		return 0, err
	}
	err = p.Store.Update(ctx, func(tx *store.Tx) error {
		removed, err := tx.ForgetVisits(before, forgetsMax)
		forgotten = int(removed)
		return err
	})
	return forgotten, err
}

// changeVisit lets change say what becomes of a visit. One that has ended is
// returned as it is: asking twice is asking once.
func (p *Processor) changeVisit(
	ctx context.Context, id payment.VisitID, change func(visitStep) (payment.Visit, error),
) (after payment.Visit, err error) {
	err = p.Store.Update(ctx, func(tx *store.Tx) error {
		v, found, err := tx.Visit(id)
		if err != nil {
			return err
		}
		if !found {
			return ErrNoVisit
		}
		if after = v; v.Over() {
			return nil
		}
		s := visitStep{ReadTx: &tx.ReadTx, tx: tx, visit: v, real: p.now(), mails: p.Letters != nil}
		if s.caller, err = callerOf(&tx.ReadTx, v.Caller); err != nil {
			return err
		}
		if s.asked, err = ReadAsked(&tx.ReadTx, s.caller, v); err != nil {
			return err
		}
		if after, err = change(s); err != nil || after == v {
			return err
		}
		return tx.UpdateVisit(after)
	})
	return after, err
}

// EnterVisit makes a party the visit's sender, unless it has another one already:
// that is ErrNotSender. A party that has lately begun a visit of the same request, and
// not ended it, is led back to that one, and the other one waits for somebody else: so
// a link that is opened over and over makes two visits at most. From then on only the sender's browser
// holds the visit's key. EnterVisit also chooses the party's default instrument if the caller takes
// it, unless it was declined at its last use or is a balance that does not reach. A
// party that cannot pay ends the visit; one that has to verify its e-mail address
// first is ErrUnproved.
func (p *Processor) EnterVisit(ctx context.Context, id payment.VisitID, sender party.ID) (payment.Visit, error) {
	return p.changeVisit(ctx, id, func(s visitStep) (payment.Visit, error) {
		v := s.visit
		if v.Sender != "" && v.Sender != sender {
			return v, ErrNotSender
		}
		if v.Sender == "" {
			v.Sender, v.Instrument, v.Address = sender, "", ""
			open, found, err := s.VisitUnderWay(v, s.real.Add(-visitReuse))
			if err != nil {
				return v, err
			}
			if v.Key = p.ids().Secret(visitKeySize); found {
				v = open
			}
		}
		if end, err := s.accountProblem(v); err != nil || end != nil {
			return s.ended(v, end), err
		}
		if again, over, err := s.resumed(v); err != nil || over {
			return again, err
		}
		if v.Instrument != "" || !s.asked.Request.Pays() || s.asked.Request.Edited != "" {
			return v, nil // chosen already, not asked for, or asked for on purpose
		}
		all, err := s.Instruments(sender)
		if err != nil {
			return v, err
		}
		for _, i := range all {
			if !i.Default || !s.asked.Request.Allows(i, s.now()) {
				continue
			}
			if _, declined, err := ReadDecline(s.ReadTx, s.caller.Sandbox, i, s.real); err != nil || declined {
				return v, err
			}
			if i.Method == holdfast.MethodABT {
				balance, err := ReadBalance(s.ReadTx, sender, s.caller.Sandbox)
				if err != nil || !s.asked.Request.BalanceReaches(balance) {
					return v, err
				}
			}
			v.Instrument = i.ID
		}
		return v, nil
	})
}

// AccountProblem tells why a party could not agree to what a visit asks, or is
// nil; one that has to verify its e-mail address first is ErrUnproved. It changes
// nothing.
func (p *Processor) AccountProblem(
	ctx context.Context, v payment.Visit, who party.ID,
) (end *payment.PipelineEnd, err error) {
	err = p.Store.View(ctx, func(tx *store.ReadTx) error {
		s := visitStep{ReadTx: tx, visit: v, real: p.now(), mails: p.Letters != nil}
		if s.caller, err = callerOf(tx, v.Caller); err != nil {
			return err
		}
		if s.asked, err = ReadAsked(tx, s.caller, v); err != nil {
			return err
		}
		v.Sender = who
		end, err = s.accountProblem(v)
		return err
	})
	return end, err
}

// LeaveVisit takes the sender out of a visit, for another one to sign in.
func (p *Processor) LeaveVisit(ctx context.Context, id payment.VisitID) (payment.Visit, error) {
	return p.changeVisit(ctx, id, func(s visitStep) (payment.Visit, error) {
		v := s.visit
		v.Sender, v.Instrument, v.Address = "", "", ""
		return v, nil
	})
}

// ChooseInstrument has the sender pay with one of its instruments. One that
// the caller does not take is InvalidPaymentInstrument.
func (p *Processor) ChooseInstrument(
	ctx context.Context, id payment.VisitID, sender party.ID, choice payment.InstrumentID,
) (payment.Visit, error) {
	return p.changeVisit(ctx, id, func(s visitStep) (payment.Visit, error) {
		v := s.visit
		if v.Sender != sender {
			return v, ErrNotSender
		}
		if _, err := s.instrument(sender, choice); err != nil {
			return v, err
		}
		v.Instrument = choice
		return v, nil
	})
}

// EndVisit ends a visit without a token.
func (p *Processor) EndVisit(ctx context.Context, id payment.VisitID, end *payment.PipelineEnd) (payment.Visit, error) {
	return p.changeVisit(ctx, id, func(s visitStep) (payment.Visit, error) { return s.ended(s.visit, end), nil })
}
