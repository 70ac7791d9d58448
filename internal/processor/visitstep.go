package processor

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A visitStep is a visit with what it takes to decide on it.
type visitStep struct {
	*store.ReadTx
	asked  Asked
	tx     *store.Tx // nil where nothing is to be changed
	visit  payment.Visit
	caller party.Caller
	real   time.Time
	mails  bool // mail can be sent
}

// now is the caller's time.
func (s visitStep) now() time.Time { return s.caller.Now(s.real) }

func (s visitStep) ended(v payment.Visit, end *payment.PipelineEnd) payment.Visit {
	if end == nil {
		return v
	}
	return v.End(end.Status, end.Message, s.real)
}

// cannotStart tells what stands against a request before anybody was asked.
func (s visitStep) cannotStart() (*payment.PipelineEnd, error) {
	if end := s.asked.Request.CheckTimes(s.now()); end != nil {
		return end, nil
	}
	end, err := s.referenceTaken()
	if err != nil {
		return nil, err
	}
	if end != nil {
		// The sender may have agreed already, and the caller not know it.
		_, agreed, err := s.agreedBefore()
		if agreed {
			end = nil
		}
		return end, err
	}
	return s.cannotBe()
}

// cannotConfirm tells what has come up since the visit began.
func (s visitStep) cannotConfirm(v payment.Visit) (*payment.PipelineEnd, error) {
	if end, err := s.accountProblem(v); err != nil || end != nil {
		return end, err
	}
	if end, err := s.cannotBe(); err != nil || end != nil {
		return end, err
	}
	// In another tab the party may have agreed or given up already, and the caller
	// been told.
	return s.referenceTaken()
}

// cannotBe tells what is wrong with the tokens that a request names.
func (s visitStep) cannotBe() (*payment.PipelineEnd, error) {
	if s.asked.Request.Edited == "" {
		return s.asked.Request.CheckPayees(s.caller, s.asked.Payees, s.now()), nil
	}
	edited := s.asked.Edited
	if edited.Aggregate != "" {
		a, found, err := s.Aggregate(edited.Aggregate)
		if err != nil || !found {
			return nil, errors.Join(err, missing(found, "instrument", string(edited.Aggregate)+" of token"))
		}
		edited = a.Lasting(edited) // what is owed can be paid with another card, however late
	}
	if end := edited.CanEdit(s.caller.ID, s.now()); end != nil {
		return end, nil
	}
	sender, err := partyOf(s.ReadTx, s.asked.Edited.Sender)
	if err == nil && sender.Standing == party.Closed {
		return payment.NoAccount(), nil
	}
	return nil, err
}

// referenceTaken tells whether a token has one of the caller's references, or
// somebody gave the pipeline up under it.
func (s visitStep) referenceTaken() (*payment.PipelineEnd, error) {
	for _, r := range s.asked.Request.References() {
		_, taken, err := s.TokenByReference(s.caller.ID, r.Reference)
		if err != nil {
			return nil, err
		}
		if taken {
			return payment.Malformed(r.Name), nil
		}
	}
	if s.caller.ReuseCancelled {
		return nil, nil
	}
	abandoned, err := s.Abandoned(s.caller.ID, s.asked.Request.Reference)
	if err == nil && abandoned {
		return payment.Restarted(), nil
	}
	return nil, err
}

// accountProblem tells why the visit's party cannot agree to what is asked. A
// newcomer who has yet to verify an e-mail address, and can, is ErrUnproved.
func (s visitStep) accountProblem(v payment.Visit) (*payment.PipelineEnd, error) {
	who, err := partyOf(s.ReadTx, v.Sender)
	if err != nil {
		return nil, err
	}
	if s.asked.Request.Edited != "" {
		if end := s.asked.Edited.CanBeEditedBy(who); end != nil {
			return end, nil
		}
	}
	for _, payee := range s.asked.Payees {
		if end := s.asked.Request.AccountProblem(who, payee.Party); end != nil {
			return end, nil
		}
	}
	if who.Standing == party.Active && who.Newcomer() && s.mails && s.asked.Request.Unproved(who, s.real) {
		return nil, ErrUnproved
	}
	return s.asked.Request.OwnProblem(who, s.real), nil
}

// instrument reads the sender's choice, which must be one that the caller takes.
func (s visitStep) instrument(sender party.ID, choice payment.InstrumentID) (payment.Instrument, error) {
	i, found, err := s.Instrument(sender, choice)
	if err == nil && (!found || !s.asked.Request.Allows(i, s.now())) {
		err = holdfast.Errorf(holdfast.InvalidPaymentInstrument, "this payment method cannot be used here")
	}
	return i, err
}

// agreedBefore finds an earlier visit in which the very same request was agreed
// to, of a caller that wants it answered again, and whose token can still be
// used.
func (s visitStep) agreedBefore() (earlier payment.Visit, found bool, err error) {
	if !s.caller.Resume {
		return earlier, false, nil
	}
	earlier, found, err = s.Agreed(s.caller.ID, s.visit.Reference)
	if err != nil || !found || earlier.SignatureV1 != s.visit.SignatureV1 {
		return earlier, false, err
	}
	if same, err := sameParams(earlier.Params, s.visit.Params); err != nil || !same {
		return earlier, false, err
	}
	t, found, err := s.TokenByReference(s.caller.ID, s.visit.Reference)
	return earlier, found && t.Status(s.now()) == holdfast.TokenActive, err
}

// resumed ends a visit with what its sender had agreed to before. Somebody else
// learns only that the reference is taken.
func (s visitStep) resumed(v payment.Visit) (payment.Visit, bool, error) {
	earlier, found, err := s.agreedBefore()
	if err != nil || !found {
		return v, false, err
	}
	if earlier.Sender != v.Sender {
		return s.ended(v, payment.Malformed(s.asked.Request.References()[0].Name)), true, nil
	}
	v.Instrument, v.Address, v.Answer = earlier.Instrument, earlier.Address, earlier.Answer
	return v.End(earlier.Status, "", s.real), true, nil
}

// sameParams reports whether two requests have the same parameters, in any
// order.
func sameParams(a, b string) (bool, error) {
	one, err := holdfast.ParseParams(a)
	if err != nil {
		return false, err
	}
	other, err := holdfast.ParseParams(b)
	if err != nil {
		return false, err
	}
	byName := func(x, y holdfast.Param) int {
		if x.Name != y.Name {
			return strings.Compare(x.Name, y.Name)
		}
		return strings.Compare(x.Value, y.Value)
	}
	slices.SortFunc(one, byName)
	slices.SortFunc(other, byName)
	return slices.Equal(one, other), nil
}
