package store_test

import (
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

var blob = regexp.MustCompile(`X'([0-9a-f]*)'`)

// A database of the first version is migrated with all its data. The books are
// right, and open transactions go on.
func TestADatabaseOfVersion1IsTakenOver(t *testing.T) {
	text, err := os.ReadFile("testdata/version1.sql")
	if err != nil {
		t.Fatal(err)
	}
	for name, address := range holdfasttest.EmptyAddresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			if err := store.MigrateTo(t.Context(), at, 1); err != nil {
				t.Fatal(err)
			}
			rows := string(text)
			if name == "PostgreSQL" {
				rows = blob.ReplaceAllString(rows, `'\x$1'`)
			}
			db := raw(t, at)
			for row := range strings.Lines(rows) {
				if strings.HasPrefix(row, "--") {
					continue
				}
				if _, err := db.ExecContext(t.Context(), row); err != nil {
					t.Fatalf("%v in %s", err, row)
				}
			}
			var log strings.Builder
			opened, err := store.Open(t.Context(), store.Config{Address: at, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { opened.Close() })
			if text := log.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "party=P0005") ||
				strings.Contains(text, "@") {
				t.Errorf("the log has %q", text)
			}
			renewedEmailKeys(t, opened)
			takenOver(t, opened)
		})
	}
}

// Parties are found by the keys that this program computes. An address whose key
// another party has stays as it is.
func renewedEmailKeys(t *testing.T, db *store.DB) {
	for email, want := range map[string]party.ID{
		"ann@example.test":             "P0002",
		"Kim@B\u00dcCHER.example":      "P0004",
		"kim@xn--bcher-kva.example":    "P0004",
		"eve@b\u00fccher.example":      "P0006",
		"kay@b\u00fccher.example":      "P0007",
		"\u212aay@b\u00fccher.example": "P0008",
	} {
		err := db.View(t.Context(), func(tx *store.ReadTx) error {
			p, _, err := tx.PartyByEmail(email)
			if p.ID != want {
				t.Errorf("%+q is the address of %q, want %q", email, p.ID, want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

func takenOver(t *testing.T, db *store.DB) {
	holdfasttest.CheckBooks(t, db)
	clock := holdfasttest.NewClock()
	clock.Advance(time.Hour)
	network := &holdfasttest.Network{}
	p := processor.New(db, processor.Config{Network: network, Now: clock.Now, Log: slog.New(slog.DiscardHandler)})
	t.Cleanup(p.Close)

	var shop party.Caller
	var owner party.Party
	var all []payment.Transaction
	var balance int64
	err := db.View(t.Context(), func(tx *store.ReadTx) error {
		callers, err := tx.Callers()
		if err != nil {
			return err
		}
		shop = callers[0]
		if owner, _, err = tx.Party(shop.Owner); err != nil {
			return err
		}
		if balance, err = tx.AccountBalance(ledger.Party(string(owner.ID)), true); err != nil {
			return err
		}
		all, err = tx.Next(&store.Listing{Caller: shop.ID, From: holdfasttest.Start, To: clock.Now(), Ascending: true}, 100)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if !owner.Business || !owner.Verified || balance != 38_540_000 { // 40.00 less the fee of 1.46
		t.Errorf("the owner is %+v with a balance of %d", owner, balance)
	}
	byReference := map[holdfast.CallerReference]payment.Transaction{}
	for _, one := range all {
		byReference[one.Reference] = one
	}
	if len(byReference) != 6 {
		t.Fatalf("there are %d transactions", len(all))
	}

	if _, err := p.Resolve(t.Context()); err != nil {
		t.Fatal(err)
	}
	held, pending := byReference["reserved"], byReference["pending"]
	for reference, want := range map[holdfast.CallerReference]payment.State{
		"settled": payment.Success, "reserved": payment.Reserved, "cancelled": payment.Cancelled, "declined": payment.Failure,
		"pending": payment.Reserved, "settling": payment.Success,
	} {
		var now payment.Transaction
		err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
			now, _, err = tx.Transaction(shop.ID, byReference[reference].ID)
			return err
		})
		if err != nil || now.State != want {
			t.Errorf("%s is %s, %v; want %s", reference, now.State, err, want)
		}
	}
	if effects := network.Effects(); !slices.Contains(effects, string(pending.ID)+"/Authorize USD 6.00") {
		t.Errorf("the network was asked for %v", effects)
	}
	s, err := p.Settle(t.Context(), shop, holdfast.SettleRequest{ReserveTransactionID: held.ID})
	if err != nil || s.State != payment.Success {
		t.Errorf("settling what was held: %s, %v", s.State, err)
	}
	// A refused request is refused again, and a repeated request is not carried
	// out twice.
	_, err = p.Reserve(t.Context(), shop, holdfast.ReserveRequest{
		SenderTokenID: held.Token, TransactionAmount: holdfasttest.USD("20.00"), CallerReference: "reserved",
	})
	if err != nil {
		t.Errorf("the same reserve again: %v", err)
	}
	refund, err := p.Refund(t.Context(), shop, holdfast.RefundRequest{
		TransactionID: byReference["settled"].ID, CallerReference: "back",
	})
	if err != nil || refund.State != payment.Success || refund.Amount != holdfasttest.USD("40.00") {
		t.Errorf("refunding what was settled: %+v, %v", refund, err)
	}
	holdfasttest.CheckBooks(t, db)
}
