package cobranded_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// payingSite returns a site whose network accepts the buyer's card.
func payingSite(t *testing.T, db *store.DB) *site {
	t.Helper()
	s := newSiteOn(t, db)
	s.Processor.Network = s.Network
	return s
}

// asked returns the link of a pipeline with the parameters that all tests
// share.
func (s *site) asked(pipeline payment.Pipeline, pairs ...string) string {
	return s.signed(append(params("pipelineName", string(pipeline), "returnURL", shopURL, "version", "2009-01-09"),
		params(pairs...)...))
}

// agree takes the buyer from a link to the end. It signs in if asked, and
// confirms.
func (s *site) agree(link string) {
	s.t.Helper()
	s.get(link)
	if strings.HasSuffix(s.at.url.Path, "/sign-in") {
		s.signIn()
	}
	if s.at.back == nil {
		s.wantPage("confirm")
		s.submit()
	}
}

// agreed is agree with a card. It must succeed.
func (s *site) agreed(pipeline payment.Pipeline, pairs ...string) holdfast.Params {
	s.t.Helper()
	s.agree(s.asked(pipeline, pairs...))
	return s.wantBack(holdfast.ReturnSuccessCC).Params
}

// wantToken fails the test unless a token is as expected, except for its
// Installed.
func (s *site) wantToken(id string, want payment.Token) payment.Token {
	s.t.Helper()
	got := s.token(holdfast.TokenID(id))
	want.ID, want.Caller, want.Installed = got.ID, s.Shop.ID, s.CallerNow()
	if diff := gocmp.Diff(want, got); diff != "" {
		s.t.Errorf("token (-want +got):\n%s", diff)
	}
	return got
}

func (s *site) limits(id holdfast.TokenID) (all []payment.Limit) {
	s.t.Helper()
	if err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Limits(string(s.Shop.ID), string(id))
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return all
}

func (s *site) aggregate(id string) (a payment.AggregateInstrument) {
	s.t.Helper()
	if err := s.DB.View(s.t.Context(), func(tx *store.ReadTx) (err error) {
		a, _, err = tx.Aggregate(payment.AggregateID(id))
		return err
	}); err != nil {
		s.t.Fatal(err)
	}
	return a
}

// answered returns the names of the answer's fields, without the request's own
// parameters and the signature.
func answered(p holdfast.Params) (names []string) {
	for _, name := range []string{
		"status", "tokenID", "refundTokenID", "prepaidInstrumentID", "prepaidSenderTokenID", "fundingTokenID",
		"creditInstrumentID", "creditSenderTokenID", "settlementTokenID", "callerReference", "expiry", "errorMessage",
	} {
		if _, ok := p.Lookup(name); ok {
			names = append(names, name)
		}
	}
	return names
}

func wantAnswered(t *testing.T, p holdfast.Params, want ...string) {
	t.Helper()
	if diff := gocmp.Diff(want, answered(p)); diff != "" {
		t.Errorf("what came back (-want +got):\n%s", diff)
	}
}

func seconds(at time.Time) string { return strconv.FormatInt(at.Unix(), 10) }

func TestMultiUse(t *testing.T) { holdfasttest.Databases(t, multiUse) }

func multiUse(t *testing.T, db *store.DB) {
	s := payingSite(t, db)
	starts := s.CallerNow().Truncate(time.Second).Add(24 * time.Hour)
	s.get(s.asked(payment.PipelineMultiUse, "callerReference", "multi-1", "globalAmountLimit", "20", "transactionAmount",
		"15", "amountType", "Maximum", "usageLimitType1", "Count", "usageLimitValue1", "1", "usageLimitPeriod1", "1 Day",
		"paymentReason", "Coffee", "validityStart", seconds(starts)))
	s.signIn()
	for _, text := range []string{
		"Kiln & Co", "Coffee", "Each payment, at most", "$15.00", "In total, at most", "$20.00",
		"at most one payment per day", "Nothing is charged on this page.", "Approve these payments",
	} {
		s.wantText(text)
	}
	s.submit()
	back := s.wantBack(holdfast.ReturnSuccessCC).Params
	wantAnswered(t, back, "status", "tokenID", "callerReference", "expiry")
	token := s.wantToken(back.Get("tokenID"), payment.Token{
		Use: payment.UsePay, Type: holdfast.TokenMultiUse, Reference: "multi-1", Reason: "Coffee", FriendlyName: "Coffee",
		Sender: s.Buyer.ID, Recipient: s.Owner.ID, Instrument: s.Card.ID, Method: holdfast.MethodCC,
		Amount: usd("15"), AmountType: holdfast.AmountMaximum, Starts: starts, Expires: starts.Add(365 * 24 * time.Hour),
	})

	_, err := s.Pay(token.ID, "5", "early")
	s.WantCode(err, holdfast.IncompatibleTokens)
	s.Clock.Advance(25 * time.Hour)
	_, err = s.Pay(token.ID, "15.01", "large")
	s.WantCode(err, holdfast.IncompatibleTokens)
	if _, err = s.Pay(token.ID, "12", "first"); err != nil {
		t.Fatal(err)
	}
	_, err = s.Pay(token.ID, "1", "twice a day")
	s.WantCode(err, holdfast.TokenUsageError)
	s.Clock.Advance(24 * time.Hour)
	_, err = s.Pay(token.ID, "8.01", "over the whole")
	s.WantCode(err, holdfast.TokenUsageError)
	if _, err = s.Pay(token.ID, "8", "the rest"); err != nil {
		t.Error(err)
	}
}

func TestMultiUseLivesAYear(t *testing.T) {
	s := newSite(t)
	for reference, expiry := range map[string]time.Duration{
		"": 365 * 24 * time.Hour, "5 years": 5 * 365 * 24 * time.Hour,
	} {
		pairs := []string{"callerReference", "multi" + reference, "globalAmountLimit", "20"}
		want := s.CallerNow().Add(expiry)
		if reference != "" {
			want = want.Truncate(time.Second)
			pairs = append(pairs, "validityExpiry", seconds(want))
		}
		back := s.agreed(payment.PipelineMultiUse, pairs...)
		if got := s.token(holdfast.TokenID(back.Get("tokenID"))).Expires; !got.Equal(want) {
			t.Errorf("the token expires %v, want %v", got, want)
		}
	}
}

func TestRecurring(t *testing.T) { holdfasttest.Databases(t, recurring) }

func recurring(t *testing.T, db *store.DB) {
	s := payingSite(t, db)
	s.get(s.asked(payment.PipelineRecurring, "callerReference", "sub-1", "transactionAmount", "9.99", "recurringPeriod",
		"1 Month", "validityStart", seconds(s.CallerNow()), "validityExpiry", seconds(s.CallerNow().Add(100*24*time.Hour))))
	s.signIn()
	for _, text := range []string{"$9.99", "once every month", "Until", "asks you to approve regular payments"} {
		s.wantText(text)
	}
	s.submit()
	back := s.wantBack(holdfast.ReturnSuccessCC).Params
	wantAnswered(t, back, "status", "tokenID", "callerReference", "expiry")
	now := s.CallerNow().Truncate(time.Second)
	token := s.wantToken(back.Get("tokenID"), payment.Token{
		Use: payment.UsePay, Type: holdfast.TokenRecurring, Reference: "sub-1", FriendlyName: "Recurring token",
		Sender: s.Buyer.ID, Recipient: s.Owner.ID, Instrument: s.Card.ID, Method: holdfast.MethodCC,
		Amount: usd("9.99"), AmountType: holdfast.AmountExact, Period: payment.Period{N: 1, Unit: payment.Month},
		Starts: now, Expires: now.Add(100 * 24 * time.Hour),
	})
	if _, err := s.Pay(token.ID, "9.99", "first"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Pay(token.ID, "9.99", "again")
	s.WantCode(err, holdfast.TokenUsageError)
	s.Clock.Advance(31 * 24 * time.Hour)
	_, err = s.Pay(token.ID, "9.98", "another amount")
	s.WantCode(err, holdfast.IncompatibleTokens)
	if _, err := s.Pay(token.ID, "9.99", "second"); err != nil {
		t.Error(err)
	}
	s.Clock.Advance(70 * 24 * time.Hour)
	_, err = s.Pay(token.ID, "9.99", "after the end")
	s.WantCode(err, holdfast.IncompatibleTokens)
}

// marketplace makes the shop a marketplace, and Sam a seller there who has
// accepted its terms.
func (s *site) marketplace(pairs ...string) (sam party.Party, recipientToken holdfast.TokenID) {
	s.t.Helper()
	s.change(func(c party.Caller) party.Caller { c.Marketplace = true; return c })
	sam = s.Party("Sam Seller", "sam@example.test")
	s.Change(sam.ID, func(p *party.Party) { p.Business = true })
	s.newBrowser()
	s.get(s.asked(payment.PipelineRecipient,
		append([]string{"callerReference", "sam", "recipientPaysFee", "True"}, pairs...)...))
	s.submit("email", sam.Email, "password", holdfasttest.Password)
	s.wantPage("confirm")
	s.submit()
	recipientToken = s.wantBack(holdfast.ReturnSuccessRecipient).TokenID
	s.newBrowser()
	return sam, recipientToken
}

func TestRecipient(t *testing.T) { holdfasttest.Databases(t, recipient) }

func recipient(t *testing.T, db *store.DB) {
	s := payingSite(t, db)
	s.get(s.asked(payment.PipelineRecipient, "callerReference", "seller-1", "callerReferenceRefund", "seller-1-refund",
		"recipientPaysFee", "True",
		"maxFixedFee", "0.50", "maxVariableFee", "5", "paymentMethod", "CC,ABT"))
	s.wantText("Sign in to be paid")
	s.signIn()
	s.wantPage("confirm") // a seller does not choose a payment method
	for _, text := range []string{
		"at most $0.50 plus 5%", "paid by you", "card, balance", "You are not charged.", "Accept these terms",
	} {
		s.wantText(text)
	}
	s.submit()
	back := s.wantBack(holdfast.ReturnSuccessRecipient).Params
	wantAnswered(t, back, "status", "tokenID", "refundTokenID", "callerReference")
	rate := s.token(holdfast.TokenID(back.Get("tokenID"))).FeeCeiling.Variable
	if rate.Percent() != "5" {
		t.Errorf("the ceiling is %s %%", rate.Percent())
	}
	s.wantToken(back.Get("tokenID"), payment.Token{
		Use: payment.UseReceive, Type: holdfast.TokenUnrestricted, Reference: "seller-1", FriendlyName: "Unrestricted token",
		Recipient: s.Buyer.ID, Methods: []holdfast.PaymentMethod{holdfast.MethodCC, holdfast.MethodABT},
		FeeCeiling: &payment.FeeCeiling{Fixed: usd("0.50"), Variable: rate}, PaysFee: true,
		RefundToken: holdfast.TokenID(back.Get("refundTokenID")),
	})
	s.wantToken(back.Get("refundTokenID"), payment.Token{
		Use: payment.UseRefund, Type: holdfast.TokenUnrestricted, Reference: "seller-1-refund",
		FriendlyName: "Unrestricted token",
		Recipient:    s.Buyer.ID,
	})
	for _, pairs := range [][]string{
		{"callerReference", "seller-1-refund"},
		{"callerReference", "seller-2", "callerReferenceRefund", "seller-1"},
	} {
		s.get(s.asked(payment.PipelineRecipient, append(pairs, "recipientPaysFee", "False")...))
		s.wantBack(holdfast.ReturnCallerError)
	}
}

func TestMarketplacePayment(t *testing.T) { holdfasttest.Databases(t, marketplacePayment) }

func marketplacePayment(t *testing.T, db *store.DB) {
	s := payingSite(t, db)
	sam, recipientToken := s.marketplace()
	s.get(s.asked(payment.PipelineSingleUse, "callerReference", "m-1", "transactionAmount", "10",
		"recipientToken", string(recipientToken), "isRecipientCobranding", "True"))
	s.wantText("Sam Seller, through Kiln & Co")
	s.wantText("Cancel and return to Kiln & Co")
	s.signIn()
	s.wantText("Paid to")
	s.submit()
	back := s.wantBack(holdfast.ReturnSuccessCC)
	s.wantToken(string(back.TokenID), payment.Token{
		Use: payment.UsePay, Type: holdfast.TokenSingleUse, Reference: "m-1", FriendlyName: "Single-use payment of USD 10.00",
		Sender: s.Buyer.ID, Recipients: []holdfast.TokenID{recipientToken}, Instrument: s.Card.ID, Method: holdfast.MethodCC,
		Amount: usd("10"), AmountType: holdfast.AmountMaximum, Expires: s.CallerNow().Add(3 * time.Hour),
	})
	paid, err := s.Processor.Pay(t.Context(), s.Shop, holdfast.PayRequest{
		SenderTokenID: back.TokenID, RecipientTokenID: recipientToken, TransactionAmount: usd("10"), CallerReference: "pay-1",
	})
	if err != nil {
		t.Fatal(err)
	}
	if s.Transaction(paid.ID).Recipient != sam.ID {
		t.Errorf("the payment went to %s", s.Transaction(paid.ID).Recipient)
	}

	all := []string{string(recipientToken)}
	for _, name := range []string{"Tess", "Uma"} {
		seller := s.Party(name, name+"@example.test")
		all = append(all, string(s.Token(payment.Token{
			Use: payment.UseReceive, Type: holdfast.TokenUnrestricted, Recipient: seller.ID,
		})))
	}
	s.get(s.asked(payment.PipelineMultiUse, "callerReference", "m-2", "globalAmountLimit", "10",
		"recipientTokenList", strings.Join(all, ","), "isRecipientCobranding", "True"))
	s.wantText("Sam Seller and 2 others, through Kiln & Co")
	s.wantText("Sam Seller, Tess, Uma") // among the terms

	s.Change(sam.ID, func(p *party.Party) { p.Name = s.Shop.Name })
	s.get(s.asked(payment.PipelineSingleUse, "callerReference", "m-3", "transactionAmount", "10",
		"recipientToken", string(recipientToken), "isRecipientCobranding", "True"))
	s.wantText("Kiln & Co")
	if strings.Contains(s.at.body, "through") || strings.Contains(s.at.body, "Paid to") {
		t.Errorf("one shop has two names:\n%s", s.at.body)
	}
}

func TestMarketplaceRefusals(t *testing.T) { holdfasttest.Databases(t, marketplaceRefusals) }

func marketplaceRefusals(t *testing.T, db *store.DB) {
	s := payingSite(t, db)
	sam, recipientToken := s.marketplace("paymentMethod", "CC,ABT")
	n := 0
	ask := func(pairs ...string) {
		t.Helper()
		n++
		s.get(s.asked(payment.PipelineSingleUse, append([]string{
			"callerReference", "m-" + strconv.Itoa(n), "transactionAmount", "10", "recipientToken", string(recipientToken),
		}, pairs...)...))
	}
	ask("paymentMethod", "ACH") // Sam does not accept bank accounts
	if back := s.wantBack(holdfast.ReturnCallerError); !strings.Contains(back.ErrorMessage, "[paymentMethod]") {
		t.Errorf("message is %q", back.ErrorMessage)
	}
	ask()
	s.signIn()
	s.wantPage("confirm") // by card, the default
	s.get(s.server.URL + "/cobranded-ui/actions/payment?visit=" + s.at.url.Query().Get("visit"))
	if strings.Contains(s.at.body, "bank account") {
		t.Error("the page offers a bank account, which the seller does not accept")
	}

	s.Change(sam.ID, func(p *party.Party) { p.Business = false })
	ask("paymentMethod", "CC")
	s.wantPage("sign-in") // a personal account cannot be paid by card
	s.signIn()
	s.wantBack(holdfast.ReturnAccountProblem)
	ask()
	s.wantPage("payment") // it can be paid from a balance
	if strings.Contains(s.at.body, "Visa") {
		t.Error("the page offers a card for paying a personal account")
	}

	s.newBrowser()
	ask()
	s.submit("email", sam.Email, "password", holdfasttest.Password)
	s.wantBack(holdfast.ReturnAccountProblem) // one account cannot be both

	for _, bad := range []string{"NOSUCH", string(s.Authorize("1"))} {
		s.get(s.asked(payment.PipelineMultiUse, "callerReference", "bad", "globalAmountLimit", "10",
			"recipientTokenList", string(recipientToken)+","+bad))
		if back := s.wantBack(holdfast.ReturnCallerError); !strings.Contains(back.ErrorMessage, "[recipientTokenList]") {
			t.Errorf("message is %q", back.ErrorMessage)
		}
	}
	s.change(func(c party.Caller) party.Caller { c.Marketplace = false; return c })
	ask()
	s.wantBack(holdfast.ReturnNotMarketplace)
}

func TestSetupPrepaid(t *testing.T) { holdfasttest.Databases(t, setupPrepaid) }

func setupPrepaid(t *testing.T, db *store.DB) {
	s := payingSite(t, db)
	s.get(s.asked(payment.PipelineSetupPrepaid, "callerReferenceSender", "spend-1", "callerReferenceFunding", "fund-1",
		"fundingAmount", "50"))
	s.signIn()
	for _, text := range []string{
		"Balance, at most", "$50.00", "Top up with", "Visa ending in 4242", "Set up the balance",
		"never more than $50.00, and you can spend it at Kiln & Co",
	} {
		s.wantText(text)
	}
	s.submit()
	back := s.wantBack(holdfast.ReturnSuccessCC).Params
	wantAnswered(t, back, "status", "prepaidInstrumentID", "prepaidSenderTokenID", "fundingTokenID", "expiry")
	instrument := s.aggregate(back.Get("prepaidInstrumentID"))
	if len(instrument.ID) != 64 || instrument.Limit != usd("50") || instrument.Sender != s.Buyer.ID ||
		instrument.Recipient != s.Owner.ID {
		t.Errorf("instrument %+v", instrument)
	}
	spends := s.wantToken(back.Get("prepaidSenderTokenID"), payment.Token{
		Use: payment.UsePay, Type: holdfast.TokenMultiUse, Reference: "spend-1", FriendlyName: "MultiUse token",
		Sender: s.Buyer.ID, Recipient: s.Owner.ID, Method: holdfast.MethodPrepaid, Aggregate: instrument.ID,
	})
	funds := s.wantToken(back.Get("fundingTokenID"), payment.Token{
		Use: payment.UseFund, Type: holdfast.TokenMultiUse, Reference: "fund-1", FriendlyName: "MultiUse token",
		Sender: s.Buyer.ID, Recipient: s.Owner.ID, Instrument: s.Card.ID, Method: holdfast.MethodCC, Aggregate: instrument.ID,
	})
	fund := func(value string, ref holdfast.CallerReference) error {
		_, err := s.Processor.FundPrepaid(t.Context(), s.Shop, holdfast.FundPrepaidRequest{
			SenderTokenID: funds.ID, PrepaidInstrumentID: instrument.ID, FundingAmount: usd(value), CallerReference: ref,
		})
		return err
	}
	s.WantCode(fund("50.01", "too much"), holdfast.PrepaidFundingLimitExceeded)
	if err := fund("50", "full"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Pay(spends.ID, "20", "spent"); err != nil {
		t.Fatal(err)
	}
	_, err := s.Pay(spends.ID, "30.01", "more than is left")
	s.WantCode(err, holdfast.InsufficientBalance)
}

func TestSetupPostpaid(t *testing.T) { holdfasttest.Databases(t, setupPostpaid) }

func setupPostpaid(t *testing.T, db *store.DB) {
	s := payingSite(t, db)
	s.get(s.asked(payment.PipelineSetupPostpaid, "callerReferenceSender", "spend-1", "callerReferenceSettlement",
		"settle-1", "creditLimit", "50", "globalAmountLimit", "60", "usageLimitType1", "Amount", "usageLimitValue1", "40",
		"usageLimitPeriod1", "1 Day"))
	s.signIn()
	for _, text := range []string{
		"You may owe, at most", "$50.00", "Charged in total, at most", "$60.00", "at most $40.00 per day",
		"Pay what you owe with",
	} {
		s.wantText(text)
	}
	s.submit()
	back := s.wantBack(holdfast.ReturnSuccessCC).Params
	wantAnswered(t, back, "status", "creditInstrumentID", "creditSenderTokenID", "settlementTokenID", "expiry")
	instrument := s.aggregate(back.Get("creditInstrumentID"))
	spends, settles := holdfast.TokenID(back.Get("creditSenderTokenID")), holdfast.TokenID(back.Get("settlementTokenID"))
	_, err := s.Pay(spends, "40.01", "over the day's limit")
	s.WantCode(err, holdfast.TokenUsageError)
	if _, err := s.Pay(spends, "40", "first"); err != nil {
		t.Fatal(err)
	}
	s.Clock.Advance(24 * time.Hour)
	_, err = s.Pay(spends, "10.01", "over the credit")
	s.WantCode(err, holdfast.AccountLimitsExceeded)
	settle := func(value string, ref holdfast.CallerReference) error {
		_, err := s.Processor.SettleDebt(t.Context(), s.Shop, holdfast.SettleDebtRequest{
			SenderTokenID: settles, CreditInstrumentID: instrument.ID, SettlementAmount: usd(value), CallerReference: ref,
		})
		return err
	}
	if err := settle("40", "settled"); err != nil {
		t.Fatal(err)
	}
	// The debt cannot grow above the amount that the settlement token can still
	// settle.
	_, err = s.Pay(spends, "20.01", "over the whole")
	s.WantCode(err, holdfast.TokenUsageError)
	if _, err := s.Pay(spends, "20", "second"); err != nil {
		t.Fatal(err)
	}
	if err := settle("20", "the last"); err != nil {
		t.Error(err)
	}
}

func TestSetupsTakeTheCallerAlone(t *testing.T) {
	s := newSite(t)
	for reference, pipeline := range map[string]payment.Pipeline{
		"Funding": payment.PipelineSetupPrepaid, "Settlement": payment.PipelineSetupPostpaid,
	} {
		pairs := []string{
			"callerReferenceSender", "s-" + reference, "callerReference" + reference, "o-" + reference,
			"fundingAmount", "50", "creditLimit", "50", "globalAmountLimit", "60",
		}
		s.agreed(pipeline, pairs...)
		pairs[1] = "new-" + reference // the other reference is still used
		s.get(s.asked(pipeline, pairs...))
		if back := s.wantBack(holdfast.ReturnCallerError); !strings.Contains(back.ErrorMessage, "[callerReference"+reference+
			"]") {
			t.Errorf("message is %q", back.ErrorMessage)
		}
	}
}
