package processor_test

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// receipt writes a receipt as one line.
func receipt(r payment.Receipt) (subject, text string) {
	if r.About == payment.ReceiptApproved {
		return strings.TrimSpace(string(r.About) + " " + string(r.Token.Type) + " " + r.Token.Amount.String()),
			string(r.Token.ID)
	}
	amount := r.Transaction.Current()
	if r.About == payment.ReceiptReleased {
		amount = r.Released
	}
	line := string(r.About) + " " + amount.String() + " " + string(r.Instrument.Method)
	if r.Held.Positive() {
		return line + ", held " + r.Held.String(), string(r.Transaction.ID)
	}
	if r.About == payment.ReceiptReleased {
		return line, string(r.Transaction.ID)
	}
	if rest := r.Transaction.Released(); rest.Positive() {
		line += ", rest " + rest.String()
	}
	return line, string(r.Transaction.ID)
}

// told returns the subjects of the mails to a party that wait in the store, the
// oldest first.
func told(w *holdfasttest.World, to string) string {
	w.T.Helper()
	var mails []store.Mail
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		mails, err = tx.Mails("", 100)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	var subjects []string
	for _, m := range slices.Backward(mails) {
		if m.To == to && m.Text != "" && m.Outcome == store.MailWaiting {
			subjects = append(subjects, m.Subject)
		}
	}
	return strings.Join(subjects, "; ")
}

func TestReceipts(t *testing.T) {
	for name, row := range map[string]struct {
		do   func(w *holdfasttest.World)
		want string
	}{
		"a hold alone":   {func(w *holdfasttest.World) { w.Reserved("32.00", "order") }, ""},
		"a hold settled": {func(w *holdfasttest.World) { settled(w, "32.00") }, "charged USD 32.00 CC"},
		"settled for less": {
			func(w *holdfasttest.World) { settled(w, "30.00") }, "charged USD 30.00 CC, rest USD 2.00",
		},
		"a hold cancelled": {func(w *holdfasttest.World) {
			if _, err := w.Cancel(w.Reserved("32.00", "order").ID); err != nil {
				w.T.Fatal(err)
			}
		}, "released USD 32.00 CC"},
		"a hold expired": {func(w *holdfasttest.World) {
			w.Reserved("32.00", "order")
			w.Clock.Advance(8 * 24 * time.Hour)
			for range 2 {
				if _, err := w.Processor.Sweep(w.T.Context()); err != nil {
					w.T.Fatal(err)
				}
			}
		}, "released USD 32.00 CC"},
		"a part of a hold released, and the rest settled": {func(w *holdfasttest.World) {
			hold := w.Reserved("32.00", "order").ID
			released(w, hold, "12.00")
			if _, err := w.Settle(hold, "20.00"); err != nil {
				w.T.Fatal(err)
			}
		}, "released USD 12.00 CC, held USD 20.00; charged USD 20.00 CC"},
		"parts of a hold released, and less than the rest settled": {func(w *holdfasttest.World) {
			hold := w.Reserved("32.00", "order").ID
			released(w, hold, "2.00")
			released(w, hold, "10.00")
			final := processor.SettleHold{Hold: hold, Amount: holdfasttest.USD("15.00"), Final: true}
			if _, err := w.Processor.SettleHold(w.T.Context(), w.Shop, nil, final); err != nil {
				w.T.Fatal(err)
			}
		}, "released USD 2.00 CC, held USD 30.00; released USD 10.00 CC, held USD 20.00; " +
			"charged USD 15.00 CC, rest USD 5.00"},
		"a part of a hold released, and then the rest": {func(w *holdfasttest.World) {
			hold := w.Reserved("32.00", "order").ID
			released(w, hold, "12.00")
			released(w, hold, "20.00")
		}, "released USD 12.00 CC, held USD 20.00; released USD 20.00 CC"},
		"a part of a hold released, a part settled, and the rest expired": {func(w *holdfasttest.World) {
			hold := w.Reserved("32.00", "order").ID
			released(w, hold, "12.00")
			part := processor.SettleHold{Hold: hold, Amount: holdfasttest.USD("15.00")}
			if _, err := w.Processor.SettleHold(w.T.Context(), w.Shop, nil, part); err != nil {
				w.T.Fatal(err)
			}
			w.Clock.Advance(8 * 24 * time.Hour)
			if _, err := w.Processor.Sweep(w.T.Context()); err != nil {
				w.T.Fatal(err)
			}
		}, "released USD 12.00 CC, held USD 20.00; charged USD 15.00 CC; released USD 5.00 CC"},
		"a part of a raised hold released, which ends one of its members": {func(w *holdfasttest.World) {
			root := heldWith(w, lasting(w, "100.00", 9), "20.00")
			if _, err := raise(w, root.ID, "30.00", "more"); err != nil {
				w.T.Fatal(err)
			}
			released(w, root.ID, "35.00")
			released(w, root.ID, "15.00")
		}, "released USD 35.00 CC, held USD 15.00; released USD 15.00 CC"},
		"declined": {func(w *holdfasttest.World) {
			w.Network.Next(holdfasttest.Reply{Decline: holdfast.CodeTransactionDenied})
			_, _ = w.Reserve(w.Authorize("32.00"), "32.00", "order")
		}, ""},
		"by card": {func(w *holdfasttest.World) { w.Paid("5.00", "order") }, "charged USD 5.00 CC"},
		"from the balance": {func(w *holdfasttest.World) {
			w.Deposit(w.Buyer.ID, "10.00")
			paid(w, w.AuthorizeWith(w.Balance(), "5.00"), "5.00", "order")
		}, "charged USD 5.00 ABT"},
		"asked for twice": {func(w *holdfasttest.World) {
			token := w.Authorize("5.00")
			paid(w, token, "5.00", "order")
			paid(w, token, "5.00", "order")
		}, "charged USD 5.00 CC"},
		"refunded": {func(w *holdfasttest.World) {
			if _, err := w.Refund(w.Paid("5.00", "order").ID, "2.00", "refund"); err != nil {
				w.T.Fatal(err)
			}
		}, "charged USD 5.00 CC; refunded USD 2.00 CC"},
		"a prepaid balance filled, and spent in small payments": {func(w *holdfasttest.World) {
			a, spends, funds := w.Aggregate(holdfast.MethodPrepaid, "100.00")
			_, err := w.Processor.FundPrepaid(w.T.Context(), w.Shop, holdfast.FundPrepaidRequest{
				SenderTokenID: funds, PrepaidInstrumentID: a.ID, FundingAmount: money.Cents(10_00), CallerReference: "fund",
			})
			if err != nil {
				w.T.Fatal(err)
			}
			for _, ref := range []holdfast.CallerReference{"a", "b", "c"} {
				paid(w, spends, "0.10", ref)
			}
		}, "charged USD 10.00 CC"},
		"an unverified address": {func(w *holdfasttest.World) {
			w.Change(w.Buyer.ID, func(p *party.Party) { p.EmailVerified, p.VerifyBy = false, w.Clock.Now().Add(time.Hour) })
			w.Paid("5.00", "order")
		}, ""},
		"the caller writes to its buyers itself": {func(w *holdfasttest.World) {
			w.Shop = w.ChangeCaller(w.Shop.ID, func(c *party.Caller) { c.BuyerMails = false })
			settled(w, "32.00")
		}, ""},
		"where no mail is sent": {func(w *holdfasttest.World) {
			w.Processor.Receipts = nil
			w.Paid("5.00", "order")
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				w.Processor.Receipts = receipt
				row.do(w)
				want(w, told(w, w.Buyer.Email), row.want)
				want(w, told(w, w.Owner.Email), "")
			})
		})
	}
}

// A receipt has a link to its own page, and the reference of the order also if it is
// about a refund or about a part of a raised hold.
func TestAReceiptNamesItsOrder(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		var sent []payment.Receipt
		w.Processor.Receipts = func(r payment.Receipt) (string, string) {
			sent = append(sent, r)
			return "receipt", "text"
		}
		if err := w.Processor.PrepareReceipts(t.Context()); err != nil {
			t.Fatal(err)
		}
		hold := w.Reserved("32.00", "order-4711")
		parts, err := w.Processor.SettleHold(t.Context(), w.Shop, nil, processor.SettleHold{
			Hold: hold.ID, Amount: holdfasttest.USD("10.00"), Reference: "parcel-1",
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Refund(parts[0].ID, "2.00", "refund-1"); err != nil {
			t.Fatal(err)
		}
		if len(sent) != 2 {
			t.Fatalf("%d receipts were written, want 2", len(sent))
		}
		for _, r := range sent {
			want(w, r.Reference, "order-4711")
			shown, order, err := w.Processor.ReceiptBy(t.Context(), r.Page)
			if err != nil || shown.ID != r.Transaction.ID || order != "order-4711" {
				t.Errorf("the link of %s shows %s of %s, %v", r.Transaction.ID, shown.ID, order, err)
			}
		}
		w.Clock.Advance(3 * 366 * 24 * time.Hour)
		for name, link := range map[string]string{
			"an old one": sent[0].Page, "a forged one": sent[0].Page + "x", "none": "",
		} {
			if _, _, err := w.Processor.ReceiptBy(t.Context(), link); !errors.Is(err, identity.ErrLinkOver) {
				t.Errorf("%s: %v, want ErrLinkOver", name, err)
			}
		}
	})
}

// released releases an amount of a hold.
func released(w *holdfasttest.World, hold holdfast.TransactionID, value string) {
	w.T.Helper()
	_, err := w.Processor.ReleaseHold(w.T.Context(), w.Shop, nil, processor.ReleaseHold{
		Hold: hold, Amount: holdfasttest.USD(value),
	})
	if err != nil {
		w.T.Fatal(err)
	}
}

// settled settles a hold of 32 dollars for an amount.
func settled(w *holdfasttest.World, value string) {
	w.T.Helper()
	if _, err := w.Settle(w.Reserved("32.00", "order").ID, value); err != nil {
		w.T.Fatal(err)
	}
}

func paid(w *holdfasttest.World, token holdfast.TokenID, value string, ref holdfast.CallerReference) {
	w.T.Helper()
	if _, err := w.Pay(token, value, ref); err != nil {
		w.T.Fatal(err)
	}
}

// Two servers find the same expired holds: the sender gets one mail for each.
func TestTwoServersTellOnce(t *testing.T) {
	for engine, address := range holdfasttest.Addresses(t) {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			at := address(t)
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			w.Processor.Receipts = receipt
			other := processor.New(holdfasttest.Open(t, at), processor.Config{
				Network: w.Network, Now: w.Clock.Now, IDs: w.IDs, Receipts: receipt,
				Log: slog.New(slog.DiscardHandler),
			})
			t.Cleanup(other.Close)
			for _, ref := range []holdfast.CallerReference{"a", "b", "c", "d"} {
				w.Reserved("1.00", ref)
			}
			w.Clock.Advance(8 * 24 * time.Hour)
			var sweeping sync.WaitGroup
			for _, p := range []*processor.Processor{w.Processor, other} {
				sweeping.Go(func() {
					if _, err := p.Sweep(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			sweeping.Wait()
			want(w, told(w, w.Buyer.Email), strings.TrimSuffix(strings.Repeat("released USD 1.00 CC; ", 4), "; "))
		})
	}
}

// A party that agrees on the pages gets one mail, however many tokens that
// makes.
func TestApprovalsAreTold(t *testing.T) {
	for name, row := range map[string]struct {
		asked []string
		want  string
	}{
		"one payment": {
			[]string{"pipelineName", "SingleUse", "callerReference", "order-1", "transactionAmount", "5"},
			"approved SingleUse USD 5.00",
		},
		"regular payments": {[]string{
			"pipelineName", "Recurring", "callerReference", "order-1", "transactionAmount", "9.99", "recurringPeriod", "1 Month",
		}, "approved Recurring USD 9.99"},
		"a prepaid balance": {[]string{
			"pipelineName", "SetupPrepaid", "callerReferenceSender", "s", "callerReferenceFunding", "f", "fundingAmount", "20",
		}, "approved"},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				w.Processor.Receipts = receipt
				id := visit(w, row.asked...)
				v, err := w.Processor.EnterVisit(t.Context(), id, w.Buyer.ID)
				if err != nil {
					t.Fatal(err)
				}
				if v, err = w.Processor.ConfirmVisit(t.Context(), id, w.Buyer.ID,
					processor.Shown{Instrument: v.Instrument, Address: v.Address}); err != nil || v.Answer == "" {
					t.Fatalf("the visit is %+v, %v", v, err)
				}
				if got := told(w, w.Buyer.Email); !strings.HasPrefix(got, row.want) || strings.Contains(got, ";") {
					t.Errorf("told %q, want %s once", got, row.want)
				}
			})
		})
	}
}

// The sender gets a mail when an approval replaces another, and none when the
// approval does not change.
func TestAnEditedApprovalIsTold(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Processor.Receipts = receipt
		token := w.Token(payment.Token{
			Type: holdfast.TokenMultiUse, Instrument: w.Card.ID, Method: w.Card.Method, AmountType: holdfast.AmountMaximum,
			Amount: holdfasttest.USD("9.99"),
		})
		if same, err := edit(w, w.Processor, token, w.Card.ID); err != nil || same != token {
			t.Fatalf("without a change the token is %s, %v", same, err)
		}
		want(w, told(w, w.Buyer.Email), "")
		if next, err := edit(w, w.Processor, token, w.Balance().ID); err != nil || next == token {
			t.Fatalf("after the change the token is %s, %v", next, err)
		}
		want(w, told(w, w.Buyer.Email), "approved MultiUse USD 9.99")
	})
}
