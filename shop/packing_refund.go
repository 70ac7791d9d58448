package shop

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/holdfast-pay/holdfast/money"
)

// packingRefund pays back all or a part of the charge. It first asks the
// payment service for refunds that other programs made.
func (s *Shop) packingRefund(w http.ResponseWriter, r *http.Request) error {
	id := OrderID(r.PathValue("id"))
	if _, err := orderByID(r.Context(), s.db, id); err != nil {
		return err
	}
	refuse := func(status int, why string) error { return s.refuse(w, r, status, id, "Not refunded: "+why) }
	reason := strings.Join(strings.Fields(r.PostFormValue("reason")), " ")
	if utf8.RuneCountInString(reason) > cancelTextMax {
		return refuse(http.StatusUnprocessableEntity, "the reason is too long. One sentence is enough.")
	}
	n, err := strconv.ParseInt(r.PostFormValue("refund"), 10, 64)
	if err != nil || n < 1 {
		return refuse(http.StatusUnprocessableEntity, "the form was incomplete. Load this page again.")
	}
	amount, err := money.Parse(dollarsTyped(r.PostFormValue("amount")), money.USD)
	switch {
	case err != nil:
		return refuse(http.StatusUnprocessableEntity, err.Error()+".")
	case !amount.Positive():
		return refuse(http.StatusUnprocessableEntity, "enter an amount above zero.")
	}
	if !s.lookQuickly(r.Context(), id) {
		return refuse(http.StatusServiceUnavailable,
			"the payment service could not be asked how much of the charge is left. Try again in a minute.")
	}
	ctx := context.WithoutCancel(r.Context())
	complaint, err := s.askRefund(ctx, id, n, amount, reason)
	if err != nil {
		return err
	}
	if complaint != "" {
		return s.refuse(w, r, http.StatusConflict, id, complaint)
	}
	s.atOnce(ctx, "Refund", id, s.refund)
	all, err := refundsOf(ctx, s.db, id)
	if err != nil {
		return err
	}
	failed := func(f Refund) bool { return f.Position == n && f.Status == RefundFailure }
	if slices.ContainsFunc(all, failed) {
		return refuse(http.StatusConflict, "the payment service refused it. The log below says why.")
	}
	return seeOther(w, r, packingPath(id))
}

// lookQuickly looks for refunds within packingAskTimeout, because a packer
// waits for the page. It reports whether the payment service answered.
func (s *Shop) lookQuickly(ctx context.Context, id OrderID) bool {
	asking, done := context.WithTimeout(ctx, packingAskTimeout)
	defer done()
	if err := s.lookForRefunds(asking, id); err != nil {
		s.log.WarnContext(ctx, "looking for refunds", "order", id, "err", err)
		return false
	}
	return true
}
