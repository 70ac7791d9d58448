package cobranded_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/apidoc"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A docExample is a link and the result of following it to its end.
type docExample struct {
	back holdfast.Params // of the return URL
	text string          // as on the page
}

const docHost = "pay.example.test"

// docExamples walks through each pipeline once.
func docExamples(t *testing.T) map[payment.Pipeline]docExample {
	t.Helper()
	s := newSite(t)
	s.knownKey()
	s.pages.Hosts = append(s.pages.Hosts, docHost)
	s.shop.CoBranded = "https://" + docHost + holdfast.CoBrandedPath
	other, err := s.Processor.AddCard(t.Context(), s.Buyer.ID, card.Details{
		Number: card.NewNumber("5555555555554444"), SecurityCode: card.NewNumber("123"),
		ExpiryMonth: 6, ExpiryYear: 2032, Holder: "Ann Buyer",
	}, false)
	if err != nil {
		t.Fatal(err)
	}
	const back = "https://shop.example.test/thanks"
	examples := map[payment.Pipeline]docExample{}
	walk := func(pipeline payment.Pipeline, link string, err error, confirm func()) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		s.get(strings.Replace(link, "https://"+docHost, s.server.URL, 1))
		if strings.HasSuffix(s.at.url.Path, "/sign-in") {
			s.signIn()
		}
		confirm()
		s.wantBackAny()
		examples[pipeline] = s.docExample(link, s.at.back)
	}
	confirm := func() {
		s.wantPage("confirm")
		s.submit()
	}

	link, err := s.shop.SingleUseURL(holdfast.SingleUseRequest{
		CallerReference: "order-4711-pay", ReturnURL: back + "?order=4711",
		TransactionAmount: usd("42.50"), Reserve: true, PaymentReason: "Two mugs",
		ItemTotal: usd("36.00"), Shipping: usd("4.00"), Tax: usd("2.50"), CollectEmailAddress: true,
	})
	walk(payment.PipelineSingleUse, link, err, confirm)
	link, err = s.shop.MultiUseURL(holdfast.MultiUseRequest{
		CallerReference: "table-9", ReturnURL: back, GlobalAmountLimit: usd("200.00"),
		TransactionAmount: usd("50.00"), AmountType: holdfast.AmountMaximum,
		UsageLimits: []holdfast.UsageTerms{{Count: 10, Period: "1 Month"}}, PaymentReason: "Table service",
	})
	walk(payment.PipelineMultiUse, link, err, confirm)
	edited := examples[payment.PipelineMultiUse].back.Get("tokenID")
	link, err = s.shop.RecurringURL(holdfast.RecurringRequest{
		CallerReference: "club-7", ReturnURL: back,
		TransactionAmount: usd("10.00"), RecurringPeriod: "1 Month", PaymentReason: "Tea club",
	})
	walk(payment.PipelineRecurring, link, err, confirm)
	link, err = s.shop.SetupPrepaidURL(holdfast.SetupPrepaidRequest{
		CallerReferenceSender: "gift-1", CallerReferenceFunding: "gift-1-funding", ReturnURL: back + "?gift=1",
		FundingAmount: usd("100.00"), PaymentReason: "Gift card",
	})
	walk(payment.PipelineSetupPrepaid, link, err, confirm)
	link, err = s.shop.SetupPostpaidURL(holdfast.SetupPostpaidRequest{
		CallerReferenceSender: "tab-1", CallerReferenceSettlement: "tab-1-settlement", ReturnURL: back + "?tab=1",
		CreditLimit: usd("100.00"), GlobalAmountLimit: usd("1000.00"), PaymentReason: "Café tab",
	})
	walk(payment.PipelineSetupPostpaid, link, err, confirm)
	link, err = s.shop.EditTokenURL(holdfast.EditTokenRequest{
		CallerReference: "table-9-new-card", TokenID: holdfast.TokenID(edited), ReturnURL: back,
	})
	walk(payment.PipelineEditToken, link, err, func() {
		s.wantPage("payment")
		s.submit("instrument", string(other.ID))
		confirm()
	})
	seller := s.Party("Sal Potter", "sal@example.test")
	s.Change(seller.ID, func(p *party.Party) { p.Business = true })
	s.newBrowser()
	link, err = s.shop.RecipientURL(holdfast.RecipientRequest{
		CallerReference: "seller-3", CallerReferenceRefund: "seller-3-refunds", ReturnURL: back + "?seller=3",
		RecipientPaysFee: true, MaxFixedFee: usd("1.00"), MaxVariableFee: "10", PaymentReason: "Selling on the market",
	})
	s.Buyer = seller // the user who signs in
	walk(payment.PipelineRecipient, link, err, confirm)
	return examples
}

// knownKey gives the shop the same access key in every run.
func (s *site) knownKey() {
	s.t.Helper()
	secret := holdfast.NewSecretKey("fps-test-secret-0123456789abcdefghijklmn")
	s.Key = party.AccessKey{ID: "FPSTESTACCESSKEY0001", Secret: secret, Caller: s.Shop.ID}
	err := s.DB.Update(s.t.Context(), func(tx *store.Tx) error { return tx.InsertAccessKey(s.Key) })
	if err != nil {
		s.t.Fatal(err)
	}
	s.shop.AccessKeyID, s.shop.SecretKey = s.Key.ID, s.Key.Secret
}

// docExample records a link and its return URL. It omits the signature of the
// return URL, whose key is new in each run.
func (s *site) docExample(link string, back *url.URL) docExample {
	s.t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		s.t.Fatal(err)
	}
	sent, err := holdfast.ParseParams(u.RawQuery)
	if err != nil {
		s.t.Fatal(err)
	}
	returned, err := holdfast.ParseParams(back.RawQuery)
	if err != nil {
		s.t.Fatal(err)
	}
	for i := range returned {
		if returned[i].Name == "signature" {
			returned[i].Value = "…"
		}
	}
	text := "The link's parameters, before they are encoded:\n\n" + apidoc.Block("", docLines(sent)) +
		"\nThe link, signed with the secret access key `" + string(s.Key.Secret.Reveal()) + "`:\n\n" +
		apidoc.Block("", link) +
		"\nThe return URL's parameters, after they are decoded, without the server's signature:\n\n" +
		apidoc.Block("", back.Scheme+"://"+back.Host+back.Path+"\n"+docLines(returned))
	return docExample{back: returned, text: text}
}

func docLines(p holdfast.Params) string {
	var b strings.Builder
	for _, param := range p {
		b.WriteString(param.Name + "=" + param.Value + "\n")
	}
	return b.String()
}
