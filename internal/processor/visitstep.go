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

// A visitStep is a visit with all that is needed to decide its next step.
type visitStep struct {
	*store.ReadTx
	asked  Asked
	tx     *store.Tx // nil if the step only reads
	visit  payment.Visit
	caller party.Caller
	real   time.Time
	mails  bool // the server sends mail
	// agreed is when the sender agreed to the request, if that was earlier. The e-mail
	// address must have been verified in time for it.
	agreed time.Time
}

// now returns the caller's time.
func (s visitStep) now() time.Time { return s.caller.Now(s.real) }

// end returns a visit with its end recorded.
func (s visitStep) end(v payment.Visit, status holdfast.ReturnStatus, message string) payment.Visit {
	at := s.real
	if v.IsCheckout() {
		at = s.now()
	}
	return v.End(status, message, at)
}

func (s visitStep) ended(v payment.Visit, end *payment.PipelineEnd) payment.Visit {
	if end == nil {
		return v
	}
	return s.end(v, end.Status, end.Message)
}

// cannotStart returns the reason for which a request is refused before anybody
// signs in, or nil.
func (s visitStep) cannotStart() (*payment.PipelineEnd, error) {
	if end := s.asked.Request.CheckTimes(s.now()); end != nil {
		return end, nil
	}
	end, err := s.referenceTaken()
	if err != nil {
		return nil, err
	}
	if end != nil {
		// The sender may have agreed already, and the caller may not know it.
		_, agreed, err := s.agreedBefore()
		if agreed {
			end = nil
		}
		return end, err
	}
	return s.cannotBe()
}

// cannotConfirm returns a reason against the visit that has come up since it
// began, or nil.
func (s visitStep) cannotConfirm(v payment.Visit) (*payment.PipelineEnd, error) {
	if end, err := s.accountProblem(v); err != nil || end != nil {
		return end, err
	}
	if end, err := s.cannotBe(); err != nil || end != nil {
		return end, err
	}
	// The party may have agreed or given up in another tab, and the caller may
	// know it already.
	return s.referenceTaken()
}

// cannotBe returns what is wrong with the tokens that a request names, or nil.
func (s visitStep) cannotBe() (*payment.PipelineEnd, error) {
	if end := s.asked.Request.CheckNetwork(s.caller); end != nil {
		return end, nil
	}
	if s.asked.Request.Edited == "" {
		return s.asked.Request.CheckPayees(s.caller, s.asked.Payees, s.now()), nil
	}
	edited := s.asked.Edited
	if edited.Aggregate != "" {
		a, found, err := s.Aggregate(edited.Aggregate)
		if err != nil || !found {
			return nil, errors.Join(err, missing(found, "instrument", string(edited.Aggregate)+" of token"))
		}
		edited = a.Lasting(edited) // a debt can be settled with another card even after the expiry
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

// referenceTaken returns an end if a token has one of the CallerReferences, or
// if a sender gave the pipeline up under the first.
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

// accountProblem returns the reason for which the visit's party cannot agree to
// the request, or nil. A new user who still has to verify the e-mail address
// gets ErrUnproved, if the server sends mail.
func (s visitStep) accountProblem(v payment.Visit) (*payment.PipelineEnd, error) {
	account, err := partyOf(s.ReadTx, v.Sender)
	if err != nil {
		return nil, err
	}
	if s.asked.Request.Edited != "" {
		if end := s.asked.Edited.CanBeEditedBy(account); end != nil {
			return end, nil
		}
	}
	for _, payee := range s.asked.Payees {
		if end := s.asked.Request.AccountProblem(account, payee.Party); end != nil {
			return end, nil
		}
	}
	at := s.real
	if !s.agreed.IsZero() {
		at = s.agreed
	}
	if account.Standing == party.Active && account.Newcomer() && s.mails && s.asked.Request.Unproved(account, at) {
		return nil, ErrUnproved
	}
	return s.asked.Request.OwnProblem(account, at), nil
}

// instrument reads the instrument that the sender has chosen. The caller must
// accept it.
func (s visitStep) instrument(sender party.ID, choice payment.InstrumentID) (payment.Instrument, error) {
	i, found, err := s.Instrument(sender, choice)
	if err == nil && (!found || !s.asked.Request.Allows(i, s.now())) {
		err = holdfast.Errorf(holdfast.InvalidPaymentInstrument, "this payment method cannot be used here")
	}
	return i, err
}

// agreedBefore finds an earlier visit in which a sender agreed to exactly the
// same request. It applies only to callers that want the answer repeated, and
// only if the token can still be used. It does not apply to checkouts.
func (s visitStep) agreedBefore() (earlier payment.Visit, found bool, err error) {
	if !s.caller.Resume || s.visit.IsCheckout() {
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

// underWay finds an open visit with the same request and the same sender as v. A
// checkout has no other visit.
func (s visitStep) underWay(v payment.Visit) (open payment.Visit, found bool, err error) {
	if v.IsCheckout() {
		return open, false, nil
	}
	tx := s.Unlocked("the visit that is found is only shown, or it is written")
	all, err := tx.OpenVisits(v, s.real.Add(-visitReuse), visitsCompared)
	if err != nil {
		return open, false, err
	}
	for _, one := range all {
		if same, err := sameParams(one.Params, v.Params); err != nil || same {
			return one, same, err
		}
	}
	return open, false, nil
}

// resumed ends a visit with the answer of the earlier one, if the same sender
// agreed to it. Another sender learns only that the reference is taken.
func (s visitStep) resumed(v payment.Visit) (payment.Visit, bool, error) {
	earlier, found, err := s.agreedBefore()
	if err != nil || !found {
		return v, false, err
	}
	if earlier.Sender != v.Sender {
		return s.ended(v, payment.Malformed(s.asked.Request.References()[0].Name)), true, nil
	}
	v.Instrument, v.Address, v.Answer = earlier.Instrument, earlier.Address, earlier.Answer
	return s.end(v, earlier.Status, ""), true, nil
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
