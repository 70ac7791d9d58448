package processor_test

import (
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A moneyAction is an action that moves money, and how it is tested.
type moneyAction struct {
	name, verb string
	prepare    func(w *holdfasttest.World) ready
	step       payment.Step  // that the network is asked; empty if only the books change
	ends       payment.State // if all goes well
	// keyed actions have a CallerReference. Settle and Cancel are identified by
	// their transaction.
	keyed bool
	// other is the answer to a different request under the same reference, and
	// later is the answer to the same request after seven days. No code means a
	// new transaction, or for actions that are not keyed, the same one.
	other, later holdfast.Code
}

// ready holds the requests that a world was prepared for: one that succeeds, a
// different one under the same reference, and one with a final refusal.
type ready struct {
	request, other, refused []byte
	refusal                 holdfast.Code
	about                   holdfast.TransactionID // of a request that is not keyed, and of a renewal
}

func (a moneyAction) ask(w *holdfasttest.World, request []byte) (payment.Transaction, error) {
	return verbs[a.verb](w.Processor, w.T.Context(), w.Shop, request)
}

func encode(w *holdfasttest.World, request any) []byte {
	w.T.Helper()
	text, err := json.Marshal(request)
	if err != nil {
		w.T.Fatal(err)
	}
	return text
}

// asked makes the three requests from one that can be changed in two ways.
func asked[R any](w *holdfasttest.World, request R, other, refused func(*R), refusal holdfast.Code) ready {
	w.T.Helper()
	o, r := request, request
	other(&o)
	refused(&r)
	return ready{request: encode(w, request), other: encode(w, o), refused: encode(w, r), refusal: refusal}
}

var moneyActions = []moneyAction{
	{
		name: "Reserve", verb: "Reserve", step: payment.StepAuthorize, ends: payment.Reserved, keyed: true,
		other: holdfast.DuplicateRequest, later: holdfast.SameTokenIDUsedMultipleTimes,
		prepare: func(w *holdfasttest.World) ready {
			return asked(w, holdfast.ReserveRequest{
				SenderTokenID: w.Authorize("42.50"), TransactionAmount: holdfasttest.USD("42.50"), CallerReference: "r",
			},
				func(r *holdfast.ReserveRequest) { r.TransactionAmount = holdfasttest.USD("42.49") },
				func(r *holdfast.ReserveRequest) { r.TransactionAmount = holdfasttest.USD("42.51") }, holdfast.IncompatibleTokens)
		},
	},
	{
		name: "Pay by card", verb: "Pay", step: payment.StepCharge, ends: payment.Success, keyed: true,
		other: holdfast.DuplicateRequest, later: holdfast.SameTokenIDUsedMultipleTimes,
		prepare: func(w *holdfasttest.World) ready { return payment42(w, w.Authorize("42.50")) },
	},
	{
		name: "Pay by balance", verb: "Pay", ends: payment.Success, keyed: true,
		other: holdfast.DuplicateRequest, later: holdfast.SameTokenIDUsedMultipleTimes,
		prepare: func(w *holdfasttest.World) ready {
			w.Deposit(w.Buyer.ID, "100.00")
			return payment42(w, w.AuthorizeWith(w.Balance(), "42.50"))
		},
	},
	{
		name: "Pay by a token for many uses", verb: "Pay", step: payment.StepCharge, ends: payment.Success, keyed: true,
		other: holdfast.DuplicateRequest,
		prepare: func(w *holdfasttest.World) ready {
			return payment42(w, w.Token(payment.Token{
				Type: holdfast.TokenMultiUse, Instrument: w.Card.ID, Method: w.Card.Method, AmountType: holdfast.AmountMaximum,
				Amount: holdfasttest.USD("42.50"),
			}, payment.Limit{Kind: payment.LimitCount, Value: 2}))
		},
	},
	{
		name: "Settle", verb: "Settle", step: payment.StepCapture, ends: payment.Success,
		other: holdfast.InvalidTransactionState,
		prepare: func(w *holdfasttest.World) ready {
			reserve := w.Reserved("42.50", "order")
			r := asked(w, holdfast.SettleRequest{ReserveTransactionID: reserve.ID, TransactionAmount: holdfasttest.USD("42.50")},
				func(r *holdfast.SettleRequest) { r.TransactionAmount = holdfasttest.USD("42.49") },
				func(r *holdfast.SettleRequest) { r.TransactionAmount = holdfasttest.USD("42.51") },
				holdfast.SettleAmountGreaterThanReserveAmount)
			r.about = reserve.ID
			return r
		},
	},
	{
		name: "Cancel", verb: "Cancel", step: payment.StepRelease, ends: payment.Cancelled,
		other: holdfast.InvalidTransactionState, later: holdfast.InvalidTransactionState,
		prepare: func(w *holdfasttest.World) ready {
			reserve := w.Reserved("42.50", "order")
			paid := w.Paid("1.00", "paid")
			r := asked(w, holdfast.CancelRequest{TransactionID: reserve.ID},
				func(r *holdfast.CancelRequest) { r.Description = "changed my mind" },
				func(r *holdfast.CancelRequest) { r.TransactionID = paid.ID }, holdfast.InvalidTransactionState)
			r.about = reserve.ID
			return r
		},
	},
	{
		name: "Refund to a card", verb: "Refund", step: payment.StepReturn, ends: payment.Success, keyed: true,
		other: holdfast.DuplicateRequest,
		prepare: func(w *holdfasttest.World) ready {
			return refundOf(w, w.Paid("42.50", "order").ID)
		},
	},
	{
		name: "Refund to a balance", verb: "Refund", ends: payment.Success, keyed: true,
		other: holdfast.DuplicateRequest,
		prepare: func(w *holdfasttest.World) ready {
			w.Deposit(w.Buyer.ID, "100.00")
			paid, err := w.Pay(w.AuthorizeWith(w.Balance(), "42.50"), "42.50", "order")
			if err != nil {
				w.T.Fatal(err)
			}
			return refundOf(w, paid.ID)
		},
	},
	{
		name: "FundPrepaid", verb: "FundPrepaid", step: payment.StepCharge, ends: payment.Success, keyed: true,
		other: holdfast.DuplicateRequest,
		prepare: func(w *holdfasttest.World) ready {
			a, spends, funds := w.Aggregate(holdfast.MethodPrepaid, "100.00")
			return asked(w, holdfast.FundPrepaidRequest{
				SenderTokenID: funds, PrepaidInstrumentID: a.ID, FundingAmount: holdfasttest.USD("42.50"), CallerReference: "r",
			},
				func(r *holdfast.FundPrepaidRequest) { r.FundingAmount = holdfasttest.USD("42.49") },
				func(r *holdfast.FundPrepaidRequest) { r.SenderTokenID = spends }, holdfast.InvalidSenderRoleForAccountType)
		},
	},
	{
		name: "Pay by prepaid balance", verb: "Pay", ends: payment.Success, keyed: true,
		other: holdfast.DuplicateRequest,
		prepare: func(w *holdfasttest.World) ready {
			a, spends, funds := w.Aggregate(holdfast.MethodPrepaid, "100.00")
			_, err := w.Processor.FundPrepaid(w.T.Context(), w.Shop, holdfast.FundPrepaidRequest{
				SenderTokenID: funds, PrepaidInstrumentID: a.ID, FundingAmount: holdfasttest.USD("100.00"), CallerReference: "fund",
			})
			if err != nil {
				w.T.Fatal(err)
			}
			r := payment42(w, spends)
			r.refused, r.refusal = encode(w, holdfast.PayRequest{
				SenderTokenID: funds, TransactionAmount: holdfasttest.USD("42.50"), CallerReference: "r",
			}), holdfast.InvalidSenderRoleForAccountType
			return r
		},
	},
	{
		name: "SettleDebt", verb: "SettleDebt", step: payment.StepCharge, ends: payment.Success, keyed: true,
		other: holdfast.DuplicateRequest,
		prepare: func(w *holdfasttest.World) ready {
			a, _, settles := indebted(w)
			return asked(w, holdfast.SettleDebtRequest{
				SenderTokenID: settles, CreditInstrumentID: a.ID, SettlementAmount: holdfasttest.USD("42.50"), CallerReference: "r",
			},
				func(r *holdfast.SettleDebtRequest) { r.SettlementAmount = holdfasttest.USD("42.49") },
				func(r *holdfast.SettleDebtRequest) { r.SettlementAmount = holdfasttest.USD("90.01") },
				holdfast.SettleAmountGreaterThanDebt)
		},
	},
	{
		name: "WriteOffDebt", verb: "WriteOffDebt", ends: payment.Success, keyed: true,
		other: holdfast.DuplicateRequest,
		prepare: func(w *holdfasttest.World) ready {
			a, _, _ := indebted(w)
			return asked(w, holdfast.WriteOffDebtRequest{
				CreditInstrumentID: a.ID, AdjustmentAmount: holdfasttest.USD("42.50"), CallerReference: "r",
			},
				func(r *holdfast.WriteOffDebtRequest) { r.AdjustmentAmount = holdfasttest.USD("42.49") },
				func(r *holdfast.WriteOffDebtRequest) { r.AdjustmentAmount = holdfasttest.USD("90.01") },
				holdfast.SettleAmountGreaterThanDebt)
		},
	},
	{
		name: "CancelSubscriptionAndRefund", verb: "CancelSubscriptionAndRefund", step: payment.StepReturn,
		ends: payment.Success, keyed: true,
		other: holdfast.DuplicateRequest,
		prepare: func(w *holdfasttest.World) ready {
			sub := w.Token(payment.Token{
				Type: holdfast.TokenRecurring, Instrument: w.Card.ID, Method: w.Card.Method,
				Period:     payment.Period{N: 1, Unit: payment.Month},
				AmountType: holdfast.AmountExact, Amount: holdfasttest.USD("90.00"),
			}, payment.Limit{Kind: payment.LimitCount, Value: 1, Period: payment.Period{N: 1, Unit: payment.Month}})
			if _, err := w.Pay(sub, "90.00", "month-1"); err != nil {
				w.T.Fatal(err)
			}
			return asked(w, holdfast.CancelSubscriptionAndRefundRequest{
				SubscriptionID: sub, RefundAmount: holdfasttest.USD("42.50"), CallerReference: "r",
			},
				func(r *holdfast.CancelSubscriptionAndRefundRequest) { r.RefundAmount = holdfasttest.USD("42.49") },
				func(r *holdfast.CancelSubscriptionAndRefundRequest) { r.RefundAmount = holdfasttest.USD("90.01") },
				holdfast.RefundAmountExceeded)
		},
	},
}

// payment42 prepares a Pay of 42.50 with a token that allows no more.
func payment42(w *holdfasttest.World, token holdfast.TokenID) ready {
	w.T.Helper()
	return asked(w, holdfast.PayRequest{
		SenderTokenID: token, TransactionAmount: holdfasttest.USD("42.50"), CallerReference: "r",
	},
		func(r *holdfast.PayRequest) { r.TransactionAmount = holdfasttest.USD("42.49") },
		func(r *holdfast.PayRequest) { r.TransactionAmount = holdfasttest.USD("42.51") }, holdfast.IncompatibleTokens)
}

// refundOf prepares a Refund of ten dollars.
func refundOf(w *holdfasttest.World, id holdfast.TransactionID) ready {
	w.T.Helper()
	return asked(w, holdfast.RefundRequest{
		TransactionID: id, RefundAmount: holdfasttest.USD("10.00"), CallerReference: "r",
	},
		func(r *holdfast.RefundRequest) { r.RefundAmount = holdfasttest.USD("9.99") },
		func(r *holdfast.RefundRequest) { r.RefundAmount = holdfasttest.USD("42.51") }, holdfast.RefundAmountExceeded)
}

// indebted makes a credit instrument with a debt of ninety dollars.
func indebted(w *holdfasttest.World) (a payment.AggregateInstrument, spends, settles holdfast.TokenID) {
	w.T.Helper()
	a, spends, settles = w.Aggregate(holdfast.MethodDebt, "100.00")
	if _, err := w.Pay(spends, "90.00", "bought"); err != nil {
		w.T.Fatal(err)
	}
	return a, spends, settles
}

// The answers to a repeated request, for each action that moves money and in
// each situation. TestKilledInTheMiddleNothingIsLostAndNothingDoubled repeats
// the requests after a crash.
func TestIdempotency(t *testing.T) {
	for _, action := range moneyActions {
		for situation, test := range map[string]func(*testing.T, *holdfasttest.World, moneyAction, ready){
			"first, and again":        again,
			"concurrent":              concurrent,
			"after a decided refusal": afterRefusal,
			"after in doubt":          afterDoubt,
			"other payload":           otherPayload,
			"after seven days":        afterSevenDays,
		} {
			t.Run(action.name+", "+situation, func(t *testing.T) {
				t.Parallel()
				story(t, func(w *holdfasttest.World) {
					test(w.T.(*testing.T), w, action, action.prepare(w))
					w.CheckBooks()
				})
			})
		}
	}
}

// effects are the effects at the network without the releases of holds that a
// renewal has replaced.
func (a moneyAction) effects(all []string) []string {
	return slices.DeleteFunc(all, func(effect string) bool {
		return a.verb == "RenewHold" && strings.Contains(effect, "/"+string(payment.StepRelease)+" ")
	})
}

// once checks that, since before, the network was asked the action's question
// exactly one time, or never if the action asks nothing.
func (a moneyAction) once(w *holdfasttest.World, before []string, id holdfast.TransactionID) {
	w.T.Helper()
	var want, got []string
	if a.step != "" {
		want = []string{string(id) + "/" + string(a.step)}
	}
	for _, effect := range a.effects(w.Network.Effects()[len(before):]) {
		key, _, _ := strings.Cut(effect, " ")
		got = append(got, key)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.T.Errorf("at the network (-want +got):\n%s", diff)
	}
}

// done sends the first request, which must succeed.
func (a moneyAction) done(w *holdfasttest.World, r ready) payment.Transaction {
	w.T.Helper()
	first, err := a.ask(w, r.request)
	if err != nil || first.State != a.ends {
		w.T.Fatalf("first: %s, %v; want %s", first.State, err, a.ends)
	}
	if a.verb == "Cancel" {
		decided(w, first.ID, a.step)
	}
	return first
}

// repeated sends the request again and wants the first answer.
func (a moneyAction) repeated(w *holdfasttest.World, r ready, first payment.Transaction) {
	w.T.Helper()
	next, err := a.ask(w, r.request)
	if a.verb == "Cancel" {
		w.WantCode(err, holdfast.InvalidTransactionState)
		return
	}
	if err != nil || next.ID != first.ID || next.State != w.Transaction(first.ID).State {
		w.T.Fatalf("again: %s %s, %v; want %s as it stands", next.ID, next.State, err, first.ID)
	}
}

func again(_ *testing.T, w *holdfasttest.World, a moneyAction, r ready) {
	before := w.Network.Effects()
	first := a.done(w, r)
	for range 3 {
		a.repeated(w, r, first)
	}
	a.once(w, before, first.ID)
}

func concurrent(t *testing.T, w *holdfasttest.World, a moneyAction, r ready) {
	before := w.Network.Effects()
	const callers = 8
	answers, errs := make([]payment.Transaction, callers), make([]error, callers)
	var asking sync.WaitGroup
	for i := range callers {
		asking.Go(func() { answers[i], errs[i] = a.ask(w, r.request) })
	}
	asking.Wait()
	var id holdfast.TransactionID
	for i, answer := range answers {
		if errs[i] != nil {
			continue
		}
		if id == "" {
			id = answer.ID
		}
		if answer.ID != id {
			t.Errorf("answered with %s and with %s", id, answer.ID)
		}
	}
	refused := slices.IndexFunc(errs, func(err error) bool { return err != nil })
	if a.verb == "Cancel" { // one cancels, and the others are refused
		if n := len(slices.DeleteFunc(slices.Clone(errs), func(err error) bool { return err != nil })); n != 1 {
			t.Fatalf("%d cancelled: %v", n, errs)
		}
	} else if refused >= 0 {
		t.Fatalf("refused: %v", errs[refused])
	}
	if a.step != "" {
		decided(w, id, a.step)
	}
	a.repeated(w, r, w.Transaction(id))
	a.once(w, before, id)
}

func afterRefusal(t *testing.T, w *holdfasttest.World, a moneyAction, r ready) {
	before := w.Network.Effects()
	_, first := a.ask(w, r.refused)
	w.WantCode(first, r.refusal)
	_, again := a.ask(w, r.refused)
	if again == nil || first.Error() != again.Error() {
		t.Errorf("refused with %q, and then with %q", first, again)
	}
	if !a.keyed {
		a.done(w, r)
		return
	}
	// The reference is used up, as documented: a corrected request needs a new
	// one.
	_, err := a.ask(w, r.request)
	w.WantCode(err, holdfast.DuplicateRequest)
	if after := w.Network.Effects(); len(after) != len(before) {
		t.Errorf("the network was asked: %v", after[len(before):])
	}
}

func afterDoubt(t *testing.T, w *holdfasttest.World, a moneyAction, r ready) {
	if a.step == "" {
		a.done(w, r) // the network is not asked, so nothing is in doubt
		return
	}
	before := w.Network.Effects()
	impatient(w)
	w.Network.Next(holdfasttest.Reply{Step: a.step, Lost: true})
	first, err := a.ask(w, r.request)
	pending := payment.Pending
	switch a.verb {
	case "Settle", "SettleHoldByCall":
		pending = payment.Settling
	case "Cancel":
		pending = payment.Cancelled // at once, without the network
	}
	if err != nil || first.State != pending {
		t.Fatalf("in doubt: %s, %v; want %s", first.State, err, pending)
	}
	a.repeated(w, r, first)
	later(w)
	decided(w, first.ID, a.step)
	w.WantState(first.ID, a.ends)
	a.repeated(w, r, first)
	a.once(w, before, first.ID)
}

func otherPayload(_ *testing.T, w *holdfasttest.World, a moneyAction, r ready) {
	before := w.Network.Effects()
	first := a.done(w, r)
	_, err := a.ask(w, r.other)
	w.WantCode(err, a.other)
	a.repeated(w, r, first)
	a.once(w, before, first.ID)
}

func afterSevenDays(t *testing.T, w *holdfasttest.World, a moneyAction, r ready) {
	first := a.done(w, r)
	w.Clock.Advance(payment.ReferenceLife - time.Microsecond)
	a.repeated(w, r, first)
	w.Clock.Advance(time.Microsecond)
	next, err := a.ask(w, r.request)
	switch {
	case a.later != "":
		w.WantCode(err, a.later)
	case err != nil:
		t.Fatal(err)
	case a.keyed == (next.ID == first.ID):
		t.Errorf("answered with %s, the first was %s", next.ID, first.ID)
	}
	if stored := w.Transaction(first.ID); stored.ID != first.ID {
		t.Errorf("the first transaction is gone")
	}
}
