package cobranded_test

import (
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func TestEditToken(t *testing.T) { holdfasttest.Databases(t, editToken) }

func editToken(t *testing.T, db *store.DB) {
	s := payingSite(t, db)
	old := s.token(holdfast.TokenID(s.agreed(payment.PipelineMultiUse, "callerReference", "multi-1", "globalAmountLimit",
		"20", "usageLimitType1", "Count", "usageLimitValue1", "2", "usageLimitPeriod1", "1 Day", "paymentReason",
		"Coffee").Get("tokenID")))
	if _, err := s.Pay(old.ID, "12", "before"); err != nil {
		t.Fatal(err)
	}
	edit := func(reference string) {
		t.Helper()
		s.get(s.asked(payment.PipelineEditToken, "callerReference", reference, "tokenId", string(old.ID)))
		s.wantPage("payment") // the sender asked for it
	}
	edit("edit-1")
	s.submit() // its instrument is already selected
	s.wantText("Coffee")
	s.submit()
	back := s.wantBack(holdfast.ReturnTokenUnchanged).Params
	if back.Get("tokenID") != string(old.ID) {
		t.Errorf("an unchanged token comes back as %s", back.Get("tokenID"))
	}

	s.Deposit(s.Buyer.ID, "100")
	edit("edit-2")
	s.wantText("$100.00 available")
	s.submit("instrument", string(s.Balance().ID))
	s.wantText("Pay with this from now on")
	s.submit()
	back = s.wantBack(holdfast.ReturnSuccessABT).Params
	wantAnswered(t, back, "status", "tokenID", "callerReference")
	want := old
	want.OldToken, want.Reference, want.Starts = old.ID, "edit-2", old.Installed
	want.Instrument, want.Method = s.Balance().ID, holdfast.MethodABT
	edited := s.wantToken(back.Get("tokenID"), want)
	if len(s.limits(edited.ID)) != len(s.limits(old.ID)) {
		t.Errorf("limits %v, before %v", s.limits(edited.ID), s.limits(old.ID))
	}
	_, err := s.Pay(old.ID, "1", "with the old one")
	s.WantCode(err, holdfast.TokenNotActiveSender)
	_, err = s.Pay(edited.ID, "8.01", "more than is left")
	s.WantCode(err, holdfast.TokenUsageError)
	if _, err = s.Pay(edited.ID, "7", "after"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Pay(edited.ID, "1", "a third time that day")
	s.WantCode(err, holdfast.TokenUsageError)
}

func TestEditTokenRefusals(t *testing.T) { holdfasttest.Databases(t, editTokenRefusals) }

func editTokenRefusals(t *testing.T, db *store.DB) {
	s := payingSite(t, db)
	multi := holdfast.TokenID(s.agreed(payment.PipelineMultiUse, "callerReference", "multi-1", "globalAmountLimit",
		"20").Get("tokenID"))
	n := 0
	edit := func(id holdfast.TokenID, pairs ...string) {
		t.Helper()
		n++
		s.get(s.asked(payment.PipelineEditToken,
			append([]string{"callerReference", "edit-" + strconv.Itoa(n), "tokenID", string(id)}, pairs...)...))
	}
	single := s.Authorize("5")
	other := s.Token(payment.Token{Use: payment.UseReceive, Type: holdfast.TokenUnrestricted, Recipient: s.Owner.ID})
	for _, id := range []holdfast.TokenID{"NOSUCH", single, other} {
		edit(id)
		s.wantBack(holdfast.ReturnInvalidToken)
	}
	edit(multi, "paymentMethod", "ACH")
	s.press("decline")
	s.wantBack(holdfast.ReturnPaymentError)

	s.newBrowser()
	bea := s.Party("Bea", "bea@example.test")
	edit(multi)
	if strings.Contains(s.at.body, "Create an account") {
		t.Error("the page for editing a token offers to sign up")
	}
	s.submit("email", bea.Email, "password", holdfasttest.Password)
	s.wantBack(holdfast.ReturnOthersToken)

	s.newBrowser()
	edit(multi)
	s.signIn()
	s.submit()
	s.wantPage("confirm")
	if err := s.Processor.CancelToken(t.Context(), s.Shop, holdfast.CancelTokenRequest{TokenID: multi}); err != nil {
		t.Fatal(err)
	}
	s.submit()
	s.wantBack(holdfast.ReturnInvalidToken)

	recurring := s.agreed(payment.PipelineRecurring, "callerReference", "sub", "transactionAmount", "5", "recurringPeriod",
		"1 Month")
	s.SetStanding(s.Buyer.ID, party.Closed)
	edit(holdfast.TokenID(recurring.Get("tokenID")))
	s.wantBack(holdfast.ReturnNoAccount)
}
