package payment_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// The largest and smallest values that pipelines accept, and the next ones that
// they refuse.
func TestPipelineBounds(t *testing.T) {
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, row := range []struct {
		pipeline    payment.Pipeline
		name        string
		taken, fail string
	}{
		{payment.PipelineSingleUse, "transactionAmount", "0.02", "0.01"},
		{payment.PipelineSingleUse, "transactionAmount", "10000.00", "10000.01"},
		{payment.PipelineSingleUse, "paymentReason", x(2048), x(2049)},
		{payment.PipelineSingleUse, "recipientToken", x(65), x(66)},
		{payment.PipelineMultiUse, "globalAmountLimit", "0.01", "0"},
		{payment.PipelineMultiUse, "transactionAmount", "100.00", "100.01"}, // all payments together may be 100
		{payment.PipelineMultiUse, "validityExpiry", "1", "0"},
		{payment.PipelineMultiUse, "validityExpiry", "253370764799", "253370764800"}, // the last second of 9998
		{payment.PipelineMultiUse, "validityExpiry", "1970-01-01T00:00:01Z", "1970-01-01T00:00:00Z"},
		{payment.PipelineMultiUse, "validityExpiry", "9998-12-31T23:59:59Z", "9999-01-01T00:00:00Z"},
		{payment.PipelineRecipient, "callerReferenceRefund", x(128), x(129)},
		{payment.PipelineMultiUse, "callerReference", x(128), x(129)},
	} {
		if _, end := read(row.pipeline, row.name, row.taken); end != nil {
			t.Errorf("%s %.40s is refused: %v", row.name, row.taken, end)
		}
		if _, end := read(row.pipeline, row.name, row.fail); end == nil || !strings.Contains(end.Message, row.name) {
			t.Errorf("%s %.40s is accepted: %v", row.name, row.fail, end)
		}
	}
	largest := []string{"globalAmountLimit", "20000", "transactionAmount"}
	if _, end := read(payment.PipelineMultiUse, append(largest, "10000.00")...); end != nil {
		t.Errorf("the largest amount: %v", end)
	}
	if _, end := read(payment.PipelineMultiUse, append(largest, "10000.01")...); end == nil {
		t.Error("more than the largest amount is accepted")
	}
	for host, want := range map[string]bool{"az.AZ:09": true, "a`": false, "a{": false, "a@": false, "a/": false} {
		if payment.PlainHost(host) != want {
			t.Errorf("PlainHost(%q) is %v", host, !want)
		}
	}
}

func TestBalanceReaches(t *testing.T) {
	for _, p := range payment.Pipelines {
		r := payment.PipelineRequest{Pipeline: p, Amount: money.Cents(5_00)}
		once := p == payment.PipelineSingleUse || p == payment.PipelineRecurring
		if !r.BalanceReaches(money.Cents(5_00)) || r.BalanceReaches(money.Cents(4_99)) == once ||
			r.BalanceReaches(money.Cents(0)) {
			t.Errorf("%s: BalanceReaches is wrong", p)
		}
	}
}

func TestAgreementsMakeTokens(t *testing.T) {
	agreed := func(p payment.Pipeline, changed ...string) payment.Installation {
		r, end := read(p, changed...)
		if end != nil {
			t.Fatal(end)
		}
		return payment.Agreement{
			Request: r, IDs: [3]holdfast.TokenID{"K1", "K2", "K3"}, Caller: good().Caller, Party: "P2",
			Instrument: good().Instrument, Now: now,
		}.Install()
	}
	if k := agreed(payment.PipelineMultiUse).Tokens[0]; !k.Expires.Equal(now.Add(365*24*time.Hour)) ||
		k.Recipient != "P1" {
		t.Errorf("a multi-use token expires at %v and pays %q", k.Expires, k.Recipient)
	}
	if k := agreed(payment.PipelineMultiUse, "recipientTokenList", "R1").Tokens[0]; k.Recipient != "" ||
		len(k.Recipients) != 1 {
		t.Errorf("a token for other recipients pays %q", k.Recipient)
	}
	for p, want := range map[payment.Pipeline][]string{
		payment.PipelineSingleUse: {"callerReference"}, payment.PipelineRecipient: {"callerReference"},
		payment.PipelineSetupPrepaid:  {"callerReferenceSender", "callerReferenceFunding"},
		payment.PipelineSetupPostpaid: {"callerReferenceSender", "callerReferenceSettlement"},
	} {
		r, _ := read(p)
		var names []string
		for _, n := range r.References() {
			names = append(names, n.Name)
		}
		if strings.Join(names, " ") != strings.Join(want, " ") {
			t.Errorf("%s has the references %v", p, names)
		}
	}
}

func TestCheckPayees(t *testing.T) {
	payee := payment.Payee{Named: "K3", Found: true, Token: payment.Token{ID: "K3", Caller: "C1", Use: payment.UseReceive}}
	with := func(spoil func(*payment.Payee)) payment.Payee {
		p := payee
		spoil(&p)
		return p
	}
	cards := []holdfast.PaymentMethod{holdfast.MethodCC}
	market, plain := party.Caller{ID: "C1", Marketplace: true}, party.Caller{ID: "C1"}
	single, multi := payment.PipelineSingleUse, payment.PipelineMultiUse
	for name, row := range map[string]struct {
		caller   party.Caller
		payee    payment.Payee
		pipeline payment.Pipeline
		methods  []holdfast.PaymentMethod
		want     string // part of the message; empty when all is well
	}{
		"the owner":      {plain, payment.Payee{}, single, cards, ""},
		"a seller":       {market, payee, single, cards, ""},
		"no marketplace": {plain, payee, single, cards, "not registered as a marketplace"},
		"not there":      {market, with(func(p *payment.Payee) { p.Found = false }), single, cards, "[recipientToken]"},
		"not there, of a list": {
			market, with(func(p *payment.Payee) { p.Found = false }), multi, cards,
			"[recipientTokenList]",
		},
		"another caller's": {
			market, with(func(p *payment.Payee) { p.Token.Caller = "C2" }), single, cards,
			"[recipientToken]",
		},
		"cancelled": {
			market, with(func(p *payment.Payee) { p.Token.Cancelled = true }), single, cards,
			"[recipientToken]",
		},
		"no way to pay":  {market, payee, single, nil, "[paymentMethod]"},
		"nothing to pay": {plain, payment.Payee{}, payment.PipelineRecipient, nil, ""},
	} {
		end := payment.PipelineRequest{Pipeline: row.pipeline, Methods: row.methods}.CheckPayees(row.caller,
			[]payment.Payee{row.payee}, now)
		if (end == nil) != (row.want == "") || end != nil && !strings.Contains(end.Message, row.want) {
			t.Errorf("%s: %v, want %q", name, end, row.want)
		}
	}
}

func TestDepositBounds(t *testing.T) {
	for cents, want := range map[int64]holdfast.Code{
		0: holdfast.AmountOutOfRange, 1: "", 10_000_00: "", 10_000_01: holdfast.AmountOutOfRange,
	} {
		c, err := payment.Deposit(party.Caller{ID: "C1", Owner: "P1", Sandbox: true}, payment.Transaction{
			ID: "1T1", Recipient: "P2", Amount: money.Cents(cents), Received: now,
		})
		if code(err) != want {
			t.Errorf("%d cents: %v", cents, err)
		}
		if err == nil {
			wantBalances(t, c.Postings, map[ledger.AccountID]int64{ledger.Network: -cents, ledger.Party("P2"): cents})
		}
	}
	if _, err := payment.Deposit(party.Caller{},
		payment.Transaction{Amount: money.Cents(1)}); code(err) != holdfast.AccessFailure {
		t.Errorf("a live caller: %v", err)
	}
}

func TestInstrumentsBetweenTwo(t *testing.T) {
	prepaid := payment.AggregateInstrument{ID: "G1", Sender: "P2", Recipient: "P1", Method: holdfast.MethodPrepaid}
	debt := prepaid
	debt.Method = holdfast.MethodDebt
	find := func(a payment.AggregateInstrument, found bool, m holdfast.PaymentMethod, owner party.ID) error {
		return payment.FindAggregate(a, found, m, "G1", owner)
	}
	for name, row := range map[string]struct {
		err   error
		want  holdfast.Code
		words string
	}{
		"the recipient's": {find(prepaid, true, holdfast.MethodPrepaid, "P1"), "", ""},
		"the sender's":    {find(prepaid, true, holdfast.MethodPrepaid, "P2"), "", ""},
		"another's": {
			find(prepaid, true, holdfast.MethodPrepaid, "P3"), holdfast.InstrumentAccessDenied,
			"no party to the instrument",
		},
		"not there": {find(prepaid, false, holdfast.MethodPrepaid, "P1"), holdfast.InvalidParams, "PrepaidInstrumentId : G1"},
		"no debt":   {find(prepaid, true, holdfast.MethodDebt, "P1"), holdfast.InvalidParams, "CreditInstrumentId : G1"},
	} {
		if code(row.err) != row.want || row.err != nil && !strings.Contains(row.err.Error(), row.words) {
			t.Errorf("%s: %v", name, row.err)
		}
	}
	if prepaid.Account() != ledger.Prepaid("G1") || debt.Account() != ledger.Debt("G1") {
		t.Errorf("the accounts are %s and %s", prepaid.Account(), debt.Account())
	}
	in := onCredit()
	in.Aggregate.Limit = money.Cents(30_00)
	if _, err := payment.Pay(in.Input, holdfast.PayRequest(in.Request)); err != nil {
		t.Errorf("all of the credit: %v", err)
	}
	balance, card, bank := payment.Instrument{Method: holdfast.MethodABT}, good().Instrument, payment.Instrument{
		Method: holdfast.MethodACH, Brand: "Bank", Last4: "6789",
	}
	for _, row := range [][2]string{
		{balance.Name(), "Account balance"},
		{card.Name(), "Visa ending in 4242"},
		{bank.Name(), "Bank ending in 6789"},
		{card.Expiry(), "12/2026"},
		{bank.Expiry(), ""},
	} {
		if row[0] != row[1] {
			t.Errorf("%q, want %q", row[0], row[1])
		}
	}
}

// A refund of a payment from an instrument goes back to the instrument. If a
// prepaid balance can no longer be spent, the refund goes to the sender's
// account.
func TestRefundsOntoInstruments(t *testing.T) {
	pay := func(in asked) payment.Transaction {
		c, err := payment.Pay(in.Input, holdfast.PayRequest(in.Request))
		if err != nil {
			t.Fatal(err)
		}
		return c.After
	}
	credit, prepaid := onCredit(), ofBalance()
	for name, row := range map[string]struct {
		asked
		spoil   func(*payment.RefundInput)
		want    holdfast.Code
		method  holdfast.PaymentMethod
		balance int64 // on the instrument afterwards
	}{
		"a debt": {credit, func(*payment.RefundInput) {}, "", holdfast.MethodDebt, 5_00},
		"all that is open": {
			credit, func(in *payment.RefundInput) { in.Aggregate.Pending = money.Cents(5_00) },
			"", holdfast.MethodDebt, 5_00,
		},
		"more than is open": {
			credit, func(in *payment.RefundInput) { in.Aggregate.Pending = money.Cents(5_01) },
			holdfast.RefundAmountExceeded, "", 0,
		},
		"a balance": {prepaid, func(*payment.RefundInput) {}, "", holdfast.MethodPrepaid, 25_00},
		"of a recipient with nothing": {
			prepaid, func(in *payment.RefundInput) { in.RecipientBalance = money.Cents(0) }, "",
			holdfast.MethodPrepaid, 25_00,
		},
		"a balance that is over": {
			prepaid, func(in *payment.RefundInput) { in.Aggregate.Expires = now }, "",
			holdfast.MethodABT, 0,
		},
		"over, and not covered": {prepaid, func(in *payment.RefundInput) {
			in.Aggregate.Expires, in.RecipientBalance = now, money.Cents(9_99)
		}, holdfast.InsufficientBalance, "", 0},
	} {
		in := refunding(pay(row.asked))
		in.Aggregate, in.Movers = row.Aggregate, row.Movers
		in.Aggregate.Balance, in.Aggregate.Pending = money.Cents(15_00), money.Cents(0)
		row.spoil(&in)
		c, err := payment.Refund(in, holdfast.RefundRequest{})
		if code(err) != row.want {
			t.Errorf("%s: %v, want %q", name, err, row.want)
			continue
		}
		if err != nil {
			continue
		}
		if c.After.Method != row.method || c.After.State != payment.Success || (c.Aggregate != nil) != (row.balance > 0) {
			t.Errorf("%s: the refund is by %s, onto %+v", name, c.After.Method, c.Aggregate)
		} else if c.Aggregate != nil && c.Aggregate.After.Balance != money.Cents(row.balance) {
			t.Errorf("%s: the balance is %v", name, c.Aggregate.After.Balance)
		}
	}
	window := payment.RefundWindow
	if window != 2160*time.Hour {
		t.Errorf("payments can be refunded for %v, not for 90 days", window)
	}
}

// A refund spends from the recipient, and also from the marketplace if it gives
// back a part of its fee.
func TestARefundSpendsFromTheRecipient(t *testing.T) {
	for policy, want := range map[holdfast.RefundPolicy]int{
		holdfast.RefundMasterOnly: 1, holdfast.RefundMasterAndMarketplace: 2,
	} {
		c, err := payment.Refund(refunding(paid(money.Cents(50_00), money.Cents(6_00))), holdfast.RefundRequest{
			MarketplaceRefundPolicy: policy,
		})
		if err != nil || len(c.Spends) != want || c.Spends[0] != "P3" || want == 2 && c.Spends[1] != "P1" {
			t.Errorf("%s spends from %v, %v", policy, c.Spends, err)
		}
	}
}

func TestActivityFilters(t *testing.T) {
	paid := payment.Transaction{
		Kind: payment.KindPay, Sender: "P1", Recipient: "P2", Owner: "P3", State: payment.Success, Method: holdfast.MethodCC,
		Received: now,
	}
	deposit := payment.Transaction{
		Kind: payment.KindDeposit, Sender: "P1", Recipient: "P1", Owner: "P3", State: payment.Success,
		Method: holdfast.MethodABT, Received: now,
	}
	for name, row := range map[string]struct {
		payment.Activity
		payment.Transaction
		want bool
	}{
		"one's own": {payment.Activity{Account: "P1"}, paid, true},
		"another's": {payment.Activity{Account: "P4"}, paid, false},
		"a payment": {payment.Activity{
			Account: "P1", Filter: payment.ActivityFilter{Operation: holdfast.OperationPay},
		}, paid, true},
		"not a refund": {payment.Activity{
			Account: "P1", Filter: payment.ActivityFilter{Operation: holdfast.OperationRefund},
		}, paid, false},
		"by card": {payment.Activity{
			Account: "P1", Filter: payment.ActivityFilter{Method: holdfast.MethodCC},
		}, paid, true},
		"not by the balance": {payment.Activity{
			Account: "P1", Filter: payment.ActivityFilter{Method: holdfast.MethodABT},
		}, paid, false},
		"as sender": {payment.Activity{
			Account: "P1", Filter: payment.ActivityFilter{Roles: []holdfast.Role{holdfast.RoleSender}},
		}, paid, true},
		"not as recipient": {payment.Activity{
			Account: "P1", Filter: payment.ActivityFilter{Roles: []holdfast.Role{holdfast.RoleRecipient}},
		}, paid, false},
		"as caller": {payment.Activity{
			Account: "P3", Filter: payment.ActivityFilter{Roles: []holdfast.Role{holdfast.RoleCaller}},
		}, paid, true},
		"a deposit, by a caller":  {payment.Activity{Account: "P1"}, deposit, false},
		"a deposit, by its owner": {payment.Activity{Account: "P1", Own: true}, deposit, true},
		"a deposit of another's":  {payment.Activity{Account: "P3", Own: true}, deposit, false},
	} {
		row.Filter.BatchMax = 1
		if row.Add(row.Transaction); (len(row.Rows) == 1) != row.want {
			t.Errorf("%s: selected %v", name, len(row.Rows) == 1)
		}
	}
}

// If an approval comes after the hold was cancelled or has expired, the hold is
// released. A late decline changes nothing.
func TestAnswersThatComeLate(t *testing.T) {
	c, err := payment.Reserve(good().Input, good().Request)
	if err != nil {
		t.Fatal(err)
	}
	cancelled, err := c.After.Cancel("", now)
	if err != nil {
		t.Fatal(err)
	}
	if late := cancelled.After.Outcome(*c.Ask, approved, now); late.Ask == nil || late.Ask.Step != payment.StepRelease ||
		late.Ask.Authorization != "auth" || late.Moved() {
		t.Errorf("a late approval makes %+v", late)
	}
	if late := cancelled.After.Outcome(*c.Ask, declined, now); late.Stepped() || late.After.Asking != "" ||
		late.After.Answers != "Authorize:Declined" {
		t.Errorf("a late decline makes %+v", late)
	}
	done := c.After.Outcome(*c.Ask, declined, now)
	if done.After.State != payment.Failure || done.After.StatusCode != holdfast.CodeTransactionDenied ||
		!done.After.Completed.Equal(now) {
		t.Errorf("after a decline it is %s with %s", done.After.State, done.After.StatusCode)
	}
	if again := done.After.Outcome(*c.Ask, approved, now); !again.Empty() {
		t.Errorf("an approval after a decline makes %+v", again)
	}
}
