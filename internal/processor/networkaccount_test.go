package processor_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// account adds a test account of the world's owner.
func account(t *testing.T, w *holdfasttest.World, name string, isDefault bool) store.NetworkAccount {
	t.Helper()
	a, err := w.Processor.CreateNetworkAccount(t.Context(), processor.NewNetworkAccount{
		NetworkAccount: payment.NetworkAccount{
			Kind: payment.NetworkStripe, Mode: payment.NetworkTest, Owner: w.Owner.ID, Name: name, Default: isDefault,
		},
		Secrets: store.NewNetworkSecrets("rk_test_51abcdefghij"+name, "whsec_abcdefghijklmnop1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func saysNo(t *testing.T, what string, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}

func sameCaller(c party.Caller) (party.Caller, error) { return c, nil }

// An account is stored with its defaults and read again. Its owner has one
// default of each mode. Two accounts do not share a name.
func TestNetworkAccounts(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		one, two := account(t, w, "one", true), account(t, w, "two", true)
		if one.PerSecond != 10 || one.ID == "" || !one.Created.Equal(w.Clock.Now()) {
			t.Errorf("made %+v", one.NetworkAccount)
		}
		read := func() (all []store.NetworkAccount) {
			t.Helper()
			err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
				all, err = tx.NetworkAccounts()
				return err
			})
			if err != nil || len(all) != 2 {
				t.Fatalf("read %v, %v", all, err)
			}
			return all
		}
		all := read()
		if all[0].Default || !all[1].Default || all[1].NetworkAccount != two.NetworkAccount {
			t.Errorf("read %+v", all)
		}
		if got, found := processor.DefaultNetwork(all, w.Owner.ID, payment.NetworkTest); !found || got.ID != two.ID {
			t.Errorf("the default is %v, %t", got.ID, found)
		}
		if got, found := processor.DefaultNetwork(all, w.Buyer.ID, payment.NetworkTest); found {
			t.Errorf("another party's default is %v", got.ID)
		}
		_, err := w.Processor.CreateNetworkAccount(t.Context(), processor.NewNetworkAccount{
			NetworkAccount: one.NetworkAccount, Secrets: one.Secrets,
		})
		saysNo(t, "the same name", err, "there is an account with the name one already")
		_, err = w.Processor.ChangeNetworkAccount(t.Context(), two.ID, false,
			func(a store.NetworkAccount) (store.NetworkAccount, error) {
				a.Name = "one"
				return a, nil
			})
		saysNo(t, "renaming to a taken name", err, "there is an account with the name one already")

		// Two accounts that are one at the network would hear of each other's payments.
		_, err = w.Processor.ChangeNetworkAccount(t.Context(), two.ID, false,
			func(a store.NetworkAccount) (store.NetworkAccount, error) {
				a.Secrets = one.Secrets
				return a, nil
			})
		saysNo(t, "a key that is used", err, "the account one has this key already")
		remote := func(a store.NetworkAccount) (store.NetworkAccount, error) {
			a.Remote = "acct_1"
			return a, nil
		}
		_, err = w.Processor.ChangeNetworkAccount(t.Context(), one.ID, false, remote)
		saysNo(t, "an account at the network", err, "")
		_, err = w.Processor.ChangeNetworkAccount(t.Context(), two.ID, false, remote)
		saysNo(t, "the same account at the network", err, "the account one is this account at the network already")

		// A new key ends a stop; another setting does not.
		change := func(by func(*store.NetworkAccount)) store.NetworkAccount {
			t.Helper()
			a, err := w.Processor.ChangeNetworkAccount(t.Context(), one.ID, false,
				func(a store.NetworkAccount) (store.NetworkAccount, error) {
					by(&a)
					return a, nil
				})
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		change(func(a *store.NetworkAccount) { a.Stopped = "the key was revoked" })
		if a := change(func(a *store.NetworkAccount) { a.PerSecond = 3 }); a.Stopped == "" {
			t.Error("another setting ended the stop")
		}
		change(func(a *store.NetworkAccount) {
			a.Secrets = store.NewNetworkSecrets("rk_test_51abcdefghik", a.Secrets.Events()...)
		})
		if a := read()[0]; a.Stopped != "" || a.Secrets.Key() != "rk_test_51abcdefghik" || len(a.Secrets.Events()) != 1 {
			t.Errorf("after a new key, the account is stopped by %q", a.Stopped)
		}

		live := processor.NewNetworkAccount{NetworkAccount: one.NetworkAccount}
		live.Name, live.Mode, live.Secrets = "live", payment.NetworkLive, store.NewNetworkSecrets("rk_live_51abcdefghij")
		if _, err := w.Processor.CreateNetworkAccount(t.Context(), live); !errors.Is(err, store.ErrPlainStore) {
			t.Errorf("a live account in a plain store: %v", err)
		}
	})
}

// What a caller has decides which network it may still change to, and what an
// account has decides whether it may be removed.
func TestUseNetworkAndRemove(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		one := account(t, w, "one", false)
		use := func(what string, id payment.NetworkAccountID, want string) party.Caller {
			t.Helper()
			c, err := w.Processor.UseNetwork(t.Context(), w.Shop.ID, id, false, sameCaller)
			saysNo(t, what, err, want)
			return c
		}
		if c := use("a caller that has nothing", one.ID, ""); !c.Sandbox || !c.Guests || !c.HoldOnPage ||
			c.Network != one.ID {
			t.Errorf("the caller is %+v", c)
		}
		saysNo(t, "an account that is used", w.Processor.RemoveNetworkAccount(t.Context(), one.ID, false),
			"callers that use it: 1")
		use("back to the sandbox", "", "")
		token := w.Authorize("20.00")
		use("with a token of the sandbox", one.ID, "tokens with cards that are not kept at this account")
		held, err := w.Reserve(token, "12.00", "order-1")
		if err != nil {
			t.Fatal(err)
		}
		use("with a hold", one.ID, "payments that are not over")
		if _, err := w.Cancel(held.ID); err != nil {
			t.Fatal(err)
		}
		decided(w, held.ID, payment.StepRelease)
		use("when all is over", one.ID, "")
		saysNo(t, "an account that does not exist", func() error {
			_, err := w.Processor.UseNetwork(t.Context(), w.Shop.ID, "N0", false, sameCaller)
			return err
		}(), "N0 is missing")

		// A card that is kept at the account.
		kept := payment.Instrument{
			ID: "I-kept", Owner: w.Buyer.ID, Method: w.Card.Method, Brand: "Visa", Last4: "4242", ExpiryMonth: 12,
			ExpiryYear: 2031, NetworkRef: "pm_1", Customer: "cus_1", Account: one.ID, Created: w.Clock.Now(),
		}
		if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertInstrument(kept) }); err != nil {
			t.Fatal(err)
		}
		w.AuthorizeWith(kept, "5.00")
		two := account(t, w, "two", false)
		use("with a token of the account", two.ID, "tokens with cards that are not kept at this account")
		use("the same account", one.ID, "")
		var need payment.NetworkNeed
		err = db.View(t.Context(), func(tx *store.ReadTx) (err error) {
			need, err = tx.NetworkNeed(one.ID, w.Clock.Now())
			return err
		})
		if want := (payment.NetworkNeed{Callers: 1, Tokens: 1}); err != nil || need != want {
			t.Errorf("the account is needed by %+v, %v, want %+v", need, err, want)
		}
		w.Clock.Advance(payment.SingleUseLife)
		use("when the token is over", "", "")
		saysNo(t, "the account", w.Processor.RemoveNetworkAccount(t.Context(), one.ID, false), "")
		saysNo(t, "the account again", w.Processor.RemoveNetworkAccount(t.Context(), one.ID, false), "is missing")
	})
}

// The operator sees why a network refuses a key, until the network accepts it or
// the account has another key.
func TestNetworkStopped(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		a := account(t, w, "one", true)
		stopped := func() string {
			t.Helper()
			read, found, err := db.NetworkAccount(t.Context(), a.ID)
			if err != nil || !found || read.Secrets.Key() == "" {
				t.Fatalf("read %v, %v", found, err)
			}
			return read.Stopped
		}
		for _, why := range []string{"refused", "refused", "", "refused"} {
			w.Processor.NetworkStopped(t.Context(), a, why)
			if stopped() != why {
				t.Errorf("stopped because of %q, want %q", stopped(), why)
			}
		}
		_, err := w.Processor.ChangeNetworkAccount(t.Context(), a.ID, false,
			func(a store.NetworkAccount) (store.NetworkAccount, error) {
				a.Secrets = store.NewNetworkSecrets("rk_test_51jihgfedcba", a.Secrets.Events()...)
				return a, nil
			})
		if err != nil || stopped() != "" {
			t.Errorf("a new key: %v, stopped because of %q", err, stopped())
		}
		w.Processor.NetworkStopped(t.Context(), a, "refused")
		if stopped() != "" {
			t.Errorf("the old key stops the account: %s", stopped())
		}
	})
}
