package shop

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/holdfast-pay/holdfast/money"
)

// packingRefund pays back all or a part of the charge of a parcel. It first asks the
// payment service for refunds that other programs made.
func (s *Shop) packingRefund(w http.ResponseWriter, r *http.Request) error {
	id := OrderID(r.PathValue("id"))
	o, err := orderByID(r.Context(), s.db, id)
	if err != nil {
		return err
	}
	refuse := func(status int, why string) error { return s.refuse(w, r, status, id, "Not refunded: "+why) }
	f, complaint := refundIn(r, o)
	if complaint != "" {
		return refuse(http.StatusUnprocessableEntity, complaint)
	}
	ctx := context.WithoutCancel(r.Context())
	asking, done := context.WithTimeout(ctx, atOnceMax)
	defer done()
	if _, err := s.ask(asking, o); err != nil {
		s.log.WarnContext(ctx, "asking for the refunds of an order", "order", id, "err", err)
		return refuse(http.StatusServiceUnavailable,
			"the payment service could not be asked how much of the charge is left. Try again in a minute.")
	}
	complaint, err = s.askRefund(ctx, id, f)
	if err != nil {
		return err
	}
	if complaint != "" {
		return refuse(http.StatusConflict, complaint)
	}
	s.atOnce(ctx, "refunding", id, s.refund)
	all, err := refundsOf(ctx, s.db, id)
	if err != nil {
		return err
	}
	failed := func(had Refund) bool { return had.Position == f.Position && had.failed() }
	if slices.ContainsFunc(all, failed) {
		return refuse(http.StatusConflict, "the payment service refused it. The log below says why.")
	}
	return seeOther(w, r, packingPath(id))
}

// refundIn reads the form for a refund. The complaint says what is wrong with it.
func refundIn(r *http.Request, o Order) (f Refund, complaint string) {
	f.Reason = formText(r, "reason")
	if utf8.RuneCountInString(f.Reason) > reasonMax {
		return f, "the reason is too long. One sentence is enough."
	}
	var err error
	f.Position, err = strconv.ParseInt(r.PostFormValue("refund"), 10, 64)
	if err != nil || f.Position < 1 {
		return f, "the form was incomplete. Load this page again."
	}
	paid := o.payments()
	i := slices.IndexFunc(paid, func(p Part) bool { return strconv.FormatInt(p.Number, 10) == r.PostFormValue("parcel") })
	if i < 0 {
		return f, "choose a parcel that was charged."
	}
	f.PaymentID = paid[i].PaymentID
	f.Amount, err = money.Parse(dollarsTyped(r.PostFormValue("amount")), money.USD)
	switch {
	case err != nil:
		return f, err.Error() + "."
	case !f.Amount.Positive():
		return f, "enter an amount above zero."
	}
	return f, ""
}
