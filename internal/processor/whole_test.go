package processor_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A payment that is written in one commit leaves the same rows as one in
// several commits.
func TestAWholePaymentIsLikeOthers(t *testing.T) {
	for name, row := range map[string]struct {
		kind     payment.Kind
		declined bool
		want     payment.State
	}{
		"a hold":             {payment.KindReserve, false, payment.Reserved},
		"a declined hold":    {payment.KindReserve, true, payment.Failure},
		"a payment":          {payment.KindPay, false, payment.Success},
		"a declined payment": {payment.KindPay, true, payment.Failure},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				ask := w.Pay
				if row.kind == payment.KindReserve {
					ask = w.Reserve
				}
				decline := func() {
					if row.declined {
						w.Network.Next(holdfasttest.Reply{Decline: holdfast.CodeTransactionDenied})
					}
				}
				const value = "42.50"
				token := w.Authorize(value)
				decline()
				separate, err := ask(token, value, "order-1")
				if err != nil || separate.State != row.want {
					t.Fatalf("in several commits: %s, %v", separate.State, err)
				}
				used := tokenOf(w, token)
				used.ID, used.Reference, used.UsedBy = w.IDs.Token(), "cart-whole", ""
				decline()
				owner := reread(w, w.Owner.ID)
				whole, err := w.Processor.Whole(t.Context(), processor.Whole{
					Kind: row.kind, Caller: w.Shop, Owner: owner, Sender: w.Buyer, Recipient: owner, Card: w.Card, Token: used,
					Request: holdfast.ReserveRequest{CallerReference: "order-2", TransactionAmount: holdfasttest.USD(value)},
				})
				if err != nil {
					t.Fatal(err)
				}
				w.CheckBooks()
				if diff := cmp.Diff(left(w, separate.ID), left(w, whole.ID)); diff != "" {
					t.Errorf("in several commits -, in one commit +:\n%s", diff)
				}
				again, err := ask(used.ID, value, "order-2")
				if err != nil || again.ID != whole.ID {
					t.Errorf("sent again: %s, %v, want %s", again.ID, err, whole.ID)
				}
			})
		})
	}
}

// left returns all rows that a payment has left in the store, without the ids
// and the balance that differ between payments.
func left(w *holdfasttest.World, id holdfast.TransactionID) (rows []string) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) error {
		paid, _, err := tx.Transaction(w.Shop.ID, id)
		if err != nil {
			return err
		}
		history, err := tx.History(w.Shop.ID, id)
		if err != nil {
			return err
		}
		postings, err := tx.Postings(w.Shop.ID, id)
		if err != nil {
			return err
		}
		attempts, err := tx.Attempts(w.Shop.ID, id)
		if err != nil {
			return err
		}
		told, err := tx.Notifications(w.Shop.ID, string(id))
		if err != nil {
			return err
		}
		token, _, err := tx.TokenFor(w.Shop.ID, paid.Token)
		if err != nil {
			return err
		}
		request, _, err := tx.Request(w.Shop.ID, paid.Reference)
		names := strings.NewReplacer(string(id), "ID", string(paid.Token), "TOKEN", string(paid.Reference), "ORDER",
			string(token.Reference), "CART")
		paid.RecipientBalance, request.Digest = money.Amount{}, payment.Digest{}
		for _, some := range []any{paid, history, postings, attempts, told, token, request} {
			rows = append(rows, names.Replace(fmt.Sprintf("%+v", some)))
		}
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return rows
}

// A payment from a balance, or one that counts against a limit, cannot be
// written in one commit.
func TestPaymentsThatCannotBeWhole(t *testing.T) {
	for name, prepare := range map[string]func(*holdfasttest.World) payment.Instrument{
		"paid from a balance": func(w *holdfasttest.World) payment.Instrument {
			w.Deposit(w.Buyer.ID, "100")
			return w.Balance()
		},
		"against a limit": func(w *holdfasttest.World) payment.Instrument {
			w.Buyer.SendingLimit = holdfasttest.USD("1000")
			return w.Card
		},
	} {
		t.Run(name, func(t *testing.T) {
			story(t, func(w *holdfasttest.World) {
				with := prepare(w)
				used := tokenOf(w, w.AuthorizeWith(with, "42.50"))
				used.ID, used.Reference = w.IDs.Token(), "cart-whole"
				owner := reread(w, w.Owner.ID)
				whole, err := w.Processor.Whole(t.Context(), processor.Whole{
					Kind: payment.KindPay, Caller: w.Shop, Owner: owner, Sender: w.Buyer, Recipient: owner, Card: with, Token: used,
					Request: holdfast.ReserveRequest{CallerReference: "order-1", TransactionAmount: holdfasttest.USD("42.50")},
				})
				if err == nil {
					t.Errorf("written as %s", whole.ID)
				}
				w.CheckBooks()
			})
		})
	}
}

func tokenOf(w *holdfasttest.World, id holdfast.TokenID) (t payment.Token) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		t, _, err = tx.Token(id)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return t
}
