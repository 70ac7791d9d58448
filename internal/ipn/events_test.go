package ipn_test

import (
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// An event is one way a payment, a refund or a token can go.
type event struct {
	name string
	play func(w *holdfasttest.World)
}

var events = []event{
	{"reserved and settled for less", func(w *holdfasttest.World) {
		r := w.Reserved("25.00", "order-1")
		w.Clock.Advance(time.Hour)
		played(w)(w.Settle(r.ID, "4"))
	}},
	{"a Reserve that is answered with Pending", func(w *holdfasttest.World) {
		w.Processor.Wait = -1
		w.Network.Next(holdfasttest.Reply{Deaf: true})
		played(w)(w.Reserve(w.Authorize("25.00"), "25.00", "order-1"))
		w.Clock.Advance(time.Minute)
		if _, err := w.Processor.Resolve(w.T.Context()); err != nil {
			w.T.Error(err)
		}
	}},
	{"a caller that is told of PENDING for every Reserve", func(w *holdfasttest.World) {
		if _, err := w.Processor.ChangeCaller(w.T.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
			c.PendingNotice = true
			return c, nil
		}); err != nil {
			w.T.Fatal(err)
		}
		w.Reserved("25.00", "order-1")
	}},
	{"declined", func(w *holdfasttest.World) {
		decline(w)
		played(w)(w.Reserve(w.Authorize("25.00"), "25.00", "order-1"))
	}},
	{"reserved, then the capture is declined", func(w *holdfasttest.World) {
		r := w.Reserved("25.00", "order-1")
		decline(w)
		played(w)(w.Settle(r.ID, ""))
	}},
	{"cancelled by the caller", func(w *holdfasttest.World) {
		r := w.Reserved("25.00", "order-1")
		played(w)(w.Cancel(r.ID))
	}},
	{"not settled in seven days", func(w *holdfasttest.World) {
		w.Reserved("25.00", "order-1")
		w.Clock.Advance(7*24*time.Hour + time.Minute)
		swept(w)
	}},
	{"paid by card", func(w *holdfasttest.World) { w.Paid("25.00", "order-1") }},
	{"paid by balance", func(w *holdfasttest.World) {
		w.Deposit(w.Buyer.ID, "25.00")
		played(w)(w.Pay(w.AuthorizeWith(w.Balance(), "25.00"), "25.00", "order-1"))
	}},
	{"a payment is declined", func(w *holdfasttest.World) {
		decline(w)
		played(w)(w.Pay(w.Authorize("25.00"), "25.00", "order-1"))
	}},
	{"a payment that nobody answers for is cancelled", func(w *holdfasttest.World) {
		played(w)(w.Cancel(unanswered(w).ID))
	}},
	{"a payment that nobody answers for runs out of time", func(w *holdfasttest.World) {
		unanswered(w)
		w.Clock.Advance(7*24*time.Hour + time.Minute)
		swept(w)
	}},
	{"refunded in part", func(w *holdfasttest.World) {
		paid := w.Paid("25.00", "order-1")
		w.Clock.Advance(time.Hour)
		played(w)(w.Refund(paid.ID, "4", "refund-1"))
	}},
	{"a refund is declined", func(w *holdfasttest.World) {
		paid := w.Paid("25.00", "order-1")
		decline(w)
		played(w)(w.Refund(paid.ID, "", "refund-1"))
	}},
	{"a prepaid instrument is funded, and spent without a word", func(w *holdfasttest.World) {
		a, spends, funds := w.Aggregate(holdfast.MethodPrepaid, "100.00")
		played(w)(w.Processor.FundPrepaid(w.T.Context(), w.Shop, holdfast.FundPrepaidRequest{
			SenderTokenID: funds, PrepaidInstrumentID: a.ID, FundingAmount: holdfasttest.USD("25"), CallerReference: "fund-1",
		}))
		played(w)(w.Pay(spends, "4", "order-1"))
	}},
	{"a debt is made, settled and written off", func(w *holdfasttest.World) {
		a, spends, settles := w.Aggregate(holdfast.MethodDebt, "100.00")
		played(w)(w.Pay(spends, "25", "order-1"))
		played(w)(w.Processor.SettleDebt(w.T.Context(), w.Shop, holdfast.SettleDebtRequest{
			SenderTokenID: settles, CreditInstrumentID: a.ID, SettlementAmount: holdfasttest.USD("20"),
			CallerReference: "settle-1",
		}))
		played(w)(w.Processor.WriteOffDebt(w.T.Context(), w.Shop, holdfast.WriteOffDebtRequest{
			CreditInstrumentID: a.ID, AdjustmentAmount: holdfasttest.USD("5"), CallerReference: "write-1",
		}))
	}},
	{"a marketplace's payment: its fee without a word, and the buyer's address left out", func(w *holdfasttest.World) {
		w.Shop.Marketplace = true
		if _, err := w.Processor.ChangeCaller(w.T.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
			c.Marketplace = true
			return c, nil
		}); err != nil {
			w.T.Fatal(err)
		}
		seller := w.Party("Sal Potter", "sal@example.test")
		w.Change(seller.ID, func(p *party.Party) { p.Business = true })
		recipient := w.Token(payment.Token{
			Use: payment.UseReceive, Type: holdfast.TokenUnrestricted, Recipient: seller.ID, PaysFee: true,
			FeeCeiling: &payment.FeeCeiling{Fixed: holdfasttest.USD("5")},
		})
		played(w)(w.Processor.Pay(w.T.Context(), w.Shop, holdfast.PayRequest{
			SenderTokenID: w.Token(payment.Token{
				Instrument: w.Card.ID, Method: w.Card.Method, Recipients: []holdfast.TokenID{recipient},
			}),
			RecipientTokenID: recipient, TransactionAmount: holdfasttest.USD("25"), MarketplaceFixedFee: holdfasttest.USD("5"),
			CallerReference: "order-1",
		}))
	}},
	{"a token is cancelled", func(w *holdfasttest.World) {
		token := w.Token(payment.Token{
			Type: holdfast.TokenMultiUse, Instrument: w.Card.ID, Method: w.Card.Method, Reference: "club-1", Reason: "Tea club",
		})
		if err := w.Processor.CancelToken(w.T.Context(), w.Shop, holdfast.CancelTokenRequest{TokenID: token}); err != nil {
			w.T.Fatal(err)
		}
	}},
	{"all goes to another address", func(w *holdfasttest.World) {
		const other = "http://elsewhere.example.test/ipn" // where nobody listens in these tests
		paid := w.Paid("25.00", "order-1")
		played(w)(w.Processor.Refund(w.T.Context(), w.Shop, holdfast.RefundRequest{
			TransactionID: paid.ID, CallerReference: "refund-1", OverrideIPNURL: other,
		}))
	}},
}

// played fails the test if an action failed.
func played(w *holdfasttest.World) func(payment.Transaction, error) {
	return func(_ payment.Transaction, err error) {
		w.T.Helper()
		if err != nil {
			w.T.Error(err)
		}
	}
}

func decline(w *holdfasttest.World) {
	w.Network.Next(holdfasttest.Reply{Decline: holdfast.CodeTransactionDenied})
}

func swept(w *holdfasttest.World) {
	w.T.Helper()
	if _, err := w.Processor.Sweep(w.T.Context()); err != nil {
		w.T.Error(err)
	}
}

// unanswered is a payment that the network does not answer.
func unanswered(w *holdfasttest.World) payment.Transaction {
	w.T.Helper()
	w.Processor.Wait = time.Millisecond
	w.Network.Next(holdfasttest.Reply{Deaf: true})
	t, err := w.Pay(w.Authorize("25.00"), "25.00", "order-1")
	played(w)(t, err)
	return t
}
