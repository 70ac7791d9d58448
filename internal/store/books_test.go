package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A check of the books finds every manual change of a row, and names the row.
func TestBooksNameTheRowThatWasTouched(t *testing.T) {
	for name, row := range map[string]struct{ statement, want string }{
		"a posting's amount": {
			`UPDATE steps SET postings = replace(postings, ',40000000]', ',40000001]')`,
			"/1 is USD 40.00",
		},
		"a posting's account":            {`UPDATE steps SET postings = replace(postings, '"held"', '"fees"')`, "postings"},
		"a step that reports would miss": {`UPDATE steps SET late = 1 WHERE seq = 1`, "reports look for it in the wrong place"},
		"postings deleted":               {`UPDATE steps SET postings = NULL WHERE seq = 2`, "/2/1 is missing"},
		"a posting more": {
			`UPDATE steps SET postings = '[["network","held",5000000]]' WHERE seq = 1`,
			"/1/1 is not part of any step",
		},
		"postings that are no JSON": {
			`UPDATE steps SET postings = 'x' WHERE seq = 2`, "/2 has postings that cannot be read",
		},
		"postings that are null": {
			`UPDATE steps SET postings = 'null' WHERE seq = 2`, "/2 has postings that cannot be read",
		},
		"a posting without an amount": {
			`UPDATE steps SET postings = '[["network","held"]]' WHERE seq = 2`, "/2 has postings that cannot be read",
		},
		"a posting of no number": {
			`UPDATE steps SET postings = '[["network","held","much"]]' WHERE seq = 2`, "/2 has postings that cannot be read",
		},
		"a step of nobody": {`
			INSERT INTO steps (caller_id, transaction_id, seq, at, amount, before_state, verb, after_state, status_code,
				notify_url, notify_at, leased_until, told)
			VALUES ('C0001', 'nobody', 1, 0, 5, 'None', 'Pay', 'Pending', '', '', 0, 0, 0)`, "steps nobody"},
		"a state":               {`UPDATE transactions SET state = 'Cancelled' WHERE state = 'Reserved'`, "transactions"},
		"an amount":             {`UPDATE transactions SET amount = amount + 10000 WHERE state = 'Reserved'`, "postings"},
		"a transaction deleted": {`DELETE FROM transactions WHERE state = 'Success'`, "steps"},
		"a step deleted":        {`DELETE FROM steps WHERE seq = 2`, "steps"},
		"a token freed":         {`UPDATE tokens SET used_by = ''`, "tokens"},
		"an answer deleted": {
			`UPDATE transactions SET answers = 'Authorize:Approved' WHERE state = 'Success'`,
			"question Capture is not Approved",
		},
		"a question closed":     {`UPDATE transactions SET asking = ''`, "question Charge is not open"},
		"a question opened":     {`UPDATE transactions SET asking = 'Capture'`, "question Capture is open"},
		"a request misdirected": {`UPDATE requests SET transaction_id = 'nobody'`, "requests nobody"},
		"a step's amount":       {`UPDATE steps SET amount = amount + 1 WHERE seq = 1`, "steps"},
		"a sender":              {`UPDATE transactions SET sender = 'PX'`, "transactions"},
		"a token's amount":      {`UPDATE tokens SET amount = 1 WHERE amount > 0`, "tokens"},
		"a request deleted":     {`DELETE FROM requests WHERE reference = 'order-1'`, "requests"},
		"a request repointed": {`
			UPDATE requests
			SET transaction_id = (SELECT transaction_id FROM transactions WHERE reference = 'order-2')`, "requests"},
		"a party deleted":  {`DELETE FROM parties WHERE name = 'Ann Buyer'`, "parties"},
		"a caller deleted": {`DELETE FROM callers`, "transactions"},
		"a kind": {
			`UPDATE transactions SET kind = 'FundPrepaid' WHERE kind = 'Pay' AND method = 'CC'`,
			"postings",
		},
		"a balance":         {`UPDATE balances SET micro = micro + 1`, "balances party:"},
		"a balance deleted": {`DELETE FROM balances WHERE account LIKE 'owed:%'`, "balances owed:"},
		"a refund's total": {
			`UPDATE transactions SET refunded = refunded + 10000 WHERE refunded > 0`,
			"the refunded amount",
		},
		"a fee given back": {
			`UPDATE transactions SET fee_returned = fee_returned + 10000 WHERE fee_returned > 0`,
			"the returned fee",
		},
		"a marketplace's fee given back": {
			`UPDATE transactions SET commission_returned = commission_returned + 10000 WHERE commission > 0 AND kind = 'Pay'`,
			"the returned marketplace fee",
		},
		"a refund deleted": {`DELETE FROM transactions WHERE kind = 'Refund'`, "the refunded amount"},
		"a marketplace's fee": {
			`UPDATE transactions SET commission = commission + 10000 WHERE commission > 0`,
			"the marketplace fee",
		},
		"a marketplace's fee deleted": {`DELETE FROM transactions WHERE kind = 'Commission'`, "the marketplace fee"},
		"a payment deleted": {
			`DELETE FROM transactions WHERE kind = 'Pay' AND refunded > 0`,
			"belongs to a payment that does not exist",
		},
		"what sets money aside": {
			`UPDATE transactions SET sets_aside = 1 - COALESCE(sets_aside, 0) WHERE reference = 'aside'`,
			"postings",
		},
		"what is going back": {
			`UPDATE steps SET postings = replace(postings, '"outgoing"', '"fees"')`, "/outgoing",
		},
		"an instrument's balance": {`UPDATE aggregate_instruments SET balance = balance + 1`, "balances prepaid:"},
		"what is being funded":    {`UPDATE aggregate_instruments SET pending = 5`, "pending amount"},
		"an instrument deleted":   {`DELETE FROM aggregate_instruments`, "belongs to an instrument that does not exist"},
		"a token that spends":     {`UPDATE tokens SET cancelled = 1 WHERE method = 'Prepaid'`, "nobody can spend"},
		"what a token may spend": {
			`INSERT INTO usage_limits (scope, subject, slot, kind, value, period, start, window_start, used_count, used_amount)
			SELECT caller_id, token_id, 0, 'Amount', 48000000, '', 0, 0, 0, 0 FROM tokens WHERE method = 'Prepaid'`,
			"nobody can spend",
		},
		"a token that settles": {`UPDATE tokens SET cancelled = 1 WHERE token_use = 'Settle'`, "nobody can settle"},
		"what a token may settle": {
			`INSERT INTO usage_limits (scope, subject, slot, kind, value, period, start, window_start, used_count, used_amount)
			SELECT caller_id, token_id, 0, 'Amount', 30000000, '', 0, 0, 1, 10000001 FROM tokens WHERE token_use = 'Settle'`,
			"nobody can settle",
		},
		"a card that settles": {`UPDATE instruments SET removed = 1`, "nobody can settle"},
		"a count of steps":    {`UPDATE transactions SET steps = steps + 1 WHERE kind = 'Refund'`, "counts"},
		"when it is due":      {`UPDATE transactions SET due = 0 WHERE state = 'Reserved'`, "not due at its deadline"},
		"what parts have taken": {
			`UPDATE transactions SET taken = taken - 10000, settled = settled - 10000 WHERE taken > 0`,
			"the amount settled in parts",
		},
		"a part deleted":  {`DELETE FROM transactions WHERE kind = 'Part'`, "the amount settled in parts"},
		"a part's amount": {`UPDATE transactions SET amount = amount + 10000 WHERE kind = 'Part'`, "postings"},
		"what was released in parts": {
			`UPDATE transactions SET lowered = lowered + 10000`, "the amount released in parts",
		},
		"the fees of parts": {`UPDATE transactions SET fee = fee + 10000 WHERE taken > 0`, "the fees of the parts"},
		"a part of no hold": {
			`UPDATE transactions SET parent = 'nobody' WHERE kind = 'Part'`, "belongs to a payment that does not exist",
		},
		"the release after parts": {
			`UPDATE transactions SET asking = '', answers = 'Authorize:Approved' WHERE taken > 0`,
			"question Release is missing",
		},
		"the amount of a release": {
			`UPDATE steps SET amount = amount + 10000 WHERE verb = 'Lower'`, "the amount released in parts",
		},
		"the postings of a release": {
			`UPDATE steps SET postings = NULL WHERE verb = 'Lower'`, "is missing: USD 5.00 from held to network",
		},
		"the postings of a hold's end": {
			`UPDATE steps SET postings = NULL WHERE verb = 'Close'`, "is missing: USD 15.00 from held to network",
		},
		"a notification of nobody": {`
			INSERT INTO deliveries (caller_id, subject, seq, about, url, receiver, overrides, body, created, next_at,
				leased_until, tries, last_result, outcome, done)
			VALUES ('C0001', 'nobody', 1, 'Transaction', '', '', 0, '', 0, 0, 0, 0, '', 'Waiting', 0)`, "deliveries nobody"},
	} {
		for engine, address := range holdfasttest.Addresses(t) {
			t.Run(name+" on "+engine, func(t *testing.T) {
				t.Parallel()
				at := address(t)
				w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
				busy(t, w)
				if _, err := raw(t, at).ExecContext(t.Context(), row.statement); err != nil {
					t.Fatal(err)
				}
				report, err := w.DB.CheckBooks(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var found []string
				for _, f := range report.Findings {
					found = append(found, f.Table+" "+f.Row+" "+f.Problem)
				}
				if !strings.Contains(strings.Join(found, "\n"), row.want) {
					t.Fatalf("found %q, want %q", found, row.want)
				}
				if found := audited(t, w); !strings.Contains(strings.Join(found, "\n"), row.want) {
					t.Errorf("the audit found %q, want %q", found, row.want)
				}
			})
		}
	}
}

// Rows that agree with each other may still leave an account below zero. A
// check of the books names the account.
func TestBooksNameTheAccountBelowZero(t *testing.T) {
	const forget = `FROM transactions WHERE kind = 'Deposit' AND recipient = '%s'`
	for name, row := range map[string]struct {
		statements []string // %s is the party's id
		want       string
	}{
		// The buyer has spent money that was never in the account.
		"a party": {[]string{
			`DELETE FROM steps WHERE transaction_id IN (SELECT transaction_id ` + forget + `)`,
			`UPDATE balances SET micro = micro - 50000000 WHERE account = 'party:%s'`,
			`DELETE ` + forget,
		}, "balances party:%s (sandbox) account is below zero, at USD -10.00"},
		"what is set aside": {
			[]string{`UPDATE balances SET account = 'set-aside:%s', micro = -1 WHERE account = 'party:%s'`},
			"balances C0001/set-aside:%s account is below zero",
		},
		"what is due": {
			[]string{`UPDATE balances SET account = 'due:%s', micro = -1 WHERE account = 'party:%s'`},
			"balances C0001/due:%s account is below zero",
		},
		"what is owed": {
			[]string{`UPDATE balances SET account = 'owed:%s', micro = 1 WHERE account = 'party:%s'`},
			"balances C0001/owed:%s account is above zero",
		},
		"what is held": {
			[]string{`UPDATE steps SET postings = '[["held","party:%s",50000000]]' WHERE postings LIKE '%,"party:%s",50000000]%'`},
			"balances C0001/held account is below zero",
		},
		"what is going out": {
			[]string{`UPDATE steps SET postings = '[["outgoing","party:%s",50000000]]' WHERE postings LIKE '%,"party:%s",50000000]%'`},
			"balances C0001/outgoing account is below zero",
		},
	} {
		for engine, address := range holdfasttest.Addresses(t) {
			t.Run(name+" on "+engine, func(t *testing.T) {
				t.Parallel()
				at := address(t)
				w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
				w.Deposit(w.Buyer.ID, "50.00")
				if _, err := w.Pay(w.AuthorizeWith(w.Balance(), "10.00"), "10.00", "order"); err != nil {
					t.Fatal(err)
				}
				id := string(w.Buyer.ID)
				for _, statement := range row.statements {
					if _, err := raw(t, at).ExecContext(t.Context(), strings.ReplaceAll(statement, "%s", id)); err != nil {
						t.Fatal(err)
					}
				}
				report, err := w.DB.CheckBooks(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				found := make([]string, 0, len(report.Findings))
				for _, f := range report.Findings {
					found = append(found, f.Table+" "+f.Row+" "+f.Problem)
				}
				if want := strings.ReplaceAll(row.want, "%s", id); !strings.Contains(strings.Join(found, "\n"), want) {
					t.Fatalf("found %q, want %q", found, want)
				}
				if name == "a party" && len(found) > 1 {
					t.Errorf("the rows do not agree with each other: %q", found)
				}
				if len(audited(t, w)) == 0 {
					t.Error("the audit found nothing")
				}
			})
		}
	}
}

// audited runs a pass of the audit, and returns what it has found.
func audited(t *testing.T, w *holdfasttest.World) (found []string) {
	t.Helper()
	w.Clock.Advance(time.Minute) // then no transaction is too young for the sums
	if mine, err := w.Processor.AuditPass(t.Context()); err != nil || !mine {
		t.Fatalf("the pass ended with %v, %v", mine, err)
	}
	err := w.DB.View(t.Context(), func(tx *store.ReadTx) error {
		all, err := tx.Violations(true)
		for _, v := range all {
			found = append(found, v.Table+" "+v.Row+" "+v.Problem)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// busy makes a transaction of every kind in the books.
func busy(t *testing.T, w *holdfasttest.World) {
	t.Helper()
	settled := w.Reserved("42.50", "order-1")
	if _, err := w.Settle(settled.ID, "40.00"); err != nil {
		t.Fatal(err)
	}
	w.Reserved("20.00", "order-2")
	if _, err := w.Refund(w.Paid("10.00", "order-3").ID, "4.00", "refund-3"); err != nil {
		t.Fatal(err)
	}

	inParts(w)
	instrument, spends, funds := w.Aggregate(holdfast.MethodPrepaid, "100.00")
	_, err := w.Processor.FundPrepaid(t.Context(), w.Shop, holdfast.FundPrepaidRequest{
		SenderTokenID: funds, PrepaidInstrumentID: instrument.ID, FundingAmount: holdfasttest.USD("50.00"),
		CallerReference: "fund",
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Pay(spends, "1.00", "order-4"); err != nil {
		t.Fatal(err)
	}

	_, owes, _ := w.Aggregate(holdfast.MethodDebt, "100.00")
	if _, err := w.Pay(owes, "20.00", "owed"); err != nil {
		t.Fatal(err)
	}

	if _, err := w.Processor.ChangeCaller(t.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
		c.Marketplace = true
		return c, nil
	}); err != nil {
		t.Fatal(err)
	}
	w.Shop.Marketplace = true
	seller := w.Party("Sal", "sal@example.test")
	w.Change(seller.ID, func(p *party.Party) { p.Business = true })
	recipient := w.Token(payment.Token{
		Use: payment.UseReceive, Type: holdfast.TokenUnrestricted, Recipient: seller.ID, PaysFee: true,
		FeeCeiling: &payment.FeeCeiling{Fixed: holdfasttest.USD("5.00")},
	})
	sold, err := w.Processor.Pay(t.Context(), w.Shop, holdfast.PayRequest{
		SenderTokenID: w.Token(payment.Token{
			Instrument: w.Card.ID, Method: w.Card.Method, AmountType: holdfast.AmountMaximum, Amount: holdfasttest.USD("30.00"),
			Recipients: []holdfast.TokenID{recipient},
		}),
		RecipientTokenID: recipient, TransactionAmount: holdfasttest.USD("30.00"), CallerReference: "sold",
		MarketplaceFixedFee: holdfasttest.USD("5.00"),
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Processor.Wait = time.Millisecond
	w.Deposit(w.Owner.ID, "10.00")
	w.Network.Next(holdfasttest.Reply{Step: payment.StepCharge, Lost: true}) // stays open
	if _, err := w.Market(false).Pay("30.00", "", "aside"); err != nil {
		t.Fatal(err)
	}
	w.Network.Next(holdfasttest.Reply{Step: payment.StepReturn, Lost: true}) // and so does this
	_, err = w.Processor.Refund(t.Context(), w.Shop, holdfast.RefundRequest{
		TransactionID: sold.ID, RefundAmount: holdfasttest.USD("3.00"), CallerReference: "returned",
		MarketplaceRefundPolicy: holdfast.RefundMasterAndMarketplace,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.CheckBooks()
}

// inParts settles a hold of 50.00 in two parts, releases a part of it, and the rest
// at the end.
func inParts(w *holdfasttest.World) {
	w.T.Helper()
	r := w.Reserved("50.00", "order-5")
	settle := func(value string, final bool) error {
		_, err := w.Processor.SettleHold(w.T.Context(), w.Shop, nil, processor.SettleHold{
			Hold: r.ID, Amount: holdfasttest.USD(value), Final: final,
		})
		return err
	}
	lower := func(value string) error {
		_, err := w.Processor.ReleaseHold(w.T.Context(), w.Shop, nil, processor.ReleaseHold{
			Hold: r.ID, Amount: holdfasttest.USD(value),
		})
		return err
	}
	if err := errors.Join(settle("10.00", false), lower("5.00"), settle("20.00", true)); err != nil {
		w.T.Fatal(err)
	}
	w.WantState(r.ID, payment.Success)
}
