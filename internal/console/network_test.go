package console_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const networkKey = "rk_test_51abcdefghijkl"

// account adds an account at a card network.
func (s *site) account(name string, owner party.ID) store.NetworkAccount {
	s.t.Helper()
	a, err := s.Processor.CreateNetworkAccount(s.t.Context(), processor.NewNetworkAccount{
		NetworkAccount: payment.NetworkAccount{
			Kind: payment.NetworkStripe, Mode: payment.NetworkTest, Owner: owner, Name: name,
		},
		Secrets: store.NewNetworkSecrets(networkKey+name, "whsec_abcdefghijklmnop1"),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// The settings show what the network has last said, and a member may test the account.
func TestNetworkAccountPage(t *testing.T) {
	s := newSite(t)
	a := s.account("fen", s.Owner.ID)
	_, err := s.Processor.UseNetwork(t.Context(), s.Shop.ID, a.ID, false,
		func(c party.Caller) (party.Caller, error) { return c, nil })
	if err != nil {
		t.Fatal(err)
	}
	b, support := s.as(party.RoleOwner, s.Shop.ID), s.as(party.RoleSupport, s.Shop.ID)
	settings, test := s.caller("settings"), s.caller("settings/network/test")
	b.get(settings).want("fen", "Not asked yet", "Never", "holdfast network check fen").wantNot("Test now")
	b.post(test, url.Values{}).wantStatus(http.StatusNotFound)

	note := func(h store.NetworkHealth) {
		t.Helper()
		if err := s.DB.NoteNetworkHealth(t.Context(), a.ID, h); err != nil {
			t.Fatal(err)
		}
	}
	at := s.Clock.Now().Truncate(time.Minute)
	note(store.NetworkHealth{Answered: at})
	b.get(settings).want("Works", at.UTC().Format("2006-01-02 15:04"))
	note(store.NetworkHealth{Failed: at.Add(time.Minute), Failure: "POST /v1/payment_intents: no answer"})
	note(store.NetworkHealth{Answered: at.Add(-time.Hour), Failed: at.Add(-time.Hour), Failure: "older"}) // another server
	b.get(settings).want("Fails", "POST /v1/payment_intents: no answer").wantNot("older")

	answer, refused := console.NetworkTest{Mode: payment.NetworkTest}, error(nil)
	s.console.TestNetwork = func(context.Context, payment.NetworkAccountID) (console.NetworkTest, error) {
		return answer, refused
	}
	b.get(settings).want("Test now").wantNot(networkKey)
	b.post(test, url.Values{}).wantStatus(http.StatusOK).want("Test of the account fen", "Works", "All that are needed")
	answer.Missing, answer.Problems = []string{"Refunds: write"}, []string{"The key lacks these rights: Refunds: write."}
	b.post(test, url.Values{}).want("Has problems", "Missing: Refunds: write", "The key lacks these rights").
		wantNot(networkKey)
	answer = console.NetworkTest{Failed: true}
	b.post(test, url.Values{}).wantStatus(http.StatusOK).want("No answer", "could not be asked in time")
	refused = holdfast.Errorf(holdfast.InvalidParams, "the account was tested just now; wait ten seconds")
	b.post(test, url.Values{}).wantStatus(http.StatusConflict).want("wait ten seconds")
	support.get(settings).want("fen").wantNot("Test now")
	support.post(test, url.Values{}).wantStatus(http.StatusForbidden)
}

// An owner of the server makes a caller with the settings that the command has.
func TestNewCallerWithSettings(t *testing.T) {
	s := newSite(t)
	a, foreign := s.account("fen", s.Owner.ID), s.account("moor", s.Buyer.ID)
	const path = "server/callers/new"
	b := s.as(party.RoleOwner, "")
	form := b.fill(path, "name", "Third shop", "owner", s.Owner.Email, "network", string(a.ID), "zone", "Europe/Madrid",
		"ipn-url", "https://shop.example.com/ipn", "wait", "10s", "guests", "no", "guest-limit", "50", "warnings", "24h",
		"pending-first", "yes", "signature-v1", "yes", "buyer-mails", "yes")
	b.want("fen (test)", `value="48h,24h,6h,1h"`)
	b.post(path, form).wantStatus(http.StatusOK).want("New caller: Third shop", "Before the first payment",
		"holdfast network check fen --ring").wantNot(networkKey)
	var made party.Caller
	s.view(func(tx *store.ReadTx) error {
		all, err := tx.CallersOf(s.Owner.ID)
		made = all[len(all)-1]
		return err
	})
	if made.Network != a.ID || made.Zone != "Europe/Madrid" || made.Wait != 10*time.Second || made.Guests ||
		!made.HoldOnPage || !made.PendingFirst || !made.SignatureV1 || !made.BuyerMails || made.WarningMails ||
		made.Warnings != "24h" || !made.Sandbox || made.GuestLimit.String() != "USD 50.00" {
		t.Errorf("the caller is %+v", made)
	}
	for field, wrong := range map[string]string{
		"network": string(foreign.ID), "zone": "Mars", "ipn-url": "ftp://x", "warnings": "soon", "guest-limit": "x",
		"wait": "1h",
	} {
		form := b.fill(path, "name", "Fourth shop", "owner", s.Owner.Email)
		form.Set(field, wrong)
		b.post(path, form).wantStatus(http.StatusUnprocessableEntity).want("Fourth shop")
	}
	form = b.fill(path, "name", "Market", "owner", s.Owner.Email, "network", string(a.ID), "marketplace", "yes")
	b.post(path, form).wantStatus(http.StatusUnprocessableEntity).want("A marketplace cannot use")
	form = b.fill(path, "name", "x", "owner", s.Owner.Email, "network", "N0")
	b.post(path, form).wantStatus(http.StatusBadRequest)
}

// The settings say what is missing before the first payment.
func TestLacks(t *testing.T) {
	s := newSite(t)
	b := s.as(party.RoleOwner, "")
	b.get(s.caller("settings")).wantNot("Before the first payment")
	for _, k := range s.accessKeys() {
		if _, err := s.Processor.RevokeAccessKey(t.Context(), k.ID); err != nil {
			t.Fatal(err)
		}
	}
	s.ChangeCaller(s.Shop.ID, func(c *party.Caller) { c.IPNURL = "" })
	b.get(s.caller("settings")).want("Before the first payment", "no key that works", "No program hears of payments")
}

// An owner or an operator chooses another account of the caller's owner, while nothing is
// open. The audit log has the accounts.
func TestChoosingTheNetworkAccount(t *testing.T) {
	s := newSite(t)
	mine, foreign := s.account("fen", s.Owner.ID), s.account("other", s.Buyer.ID)
	path := s.caller("settings/network")
	b := s.as(party.RoleOperator, s.Shop.ID)
	b.get(s.caller("settings")).want("Change the network account")
	b.get(path).wantStatus(http.StatusOK).want("Account now", "Built-in sandbox", "fen, Sandbox", "Open holds").wantNot("other,")
	s.as(party.RoleDeveloper, s.Shop.ID).get(path).wantStatus(http.StatusForbidden)
	stale := b.hidden(b.fill(path, "account", ""), "seen")
	form := b.hidden(b.fill(path, "account", string(mine.ID)), "seen")
	entries := holdfasttest.Logged(t, s.DB.Reader, func() {
		b.post(path, form).wantStatus(http.StatusOK).want("The network account was changed.", "fen")
	})
	if len(entries) != 1 || entries[0].Before["network"] != "" || entries[0].After["network"] != string(mine.ID) {
		t.Errorf("the audit log has %+v", entries)
	}
	if got := s.shopNow(); got.Network != mine.ID {
		t.Errorf("the caller uses %q", got.Network)
	}
	b.post(path, stale).wantStatus(http.StatusConflict).want("Somebody else")
	b.post(path, b.hidden(b.fill(path, "account", string(foreign.ID)), "seen")).wantStatus(http.StatusBadRequest)
	b.post(path, b.hidden(b.fill(path, "account", ""), "seen")).wantStatus(http.StatusOK)
	// A hold that is open keeps the account where it is.
	s.Reserved("42.50", "order-1")
	b.post(path, b.hidden(b.fill(path, "account", string(mine.ID)), "seen")).wantStatus(http.StatusConflict).
		want("not over", "Open holds")
	if got := s.shopNow(); got.Network != "" {
		t.Errorf("with an open hold, the caller uses %q", got.Network)
	}
}

// A live account needs a confirmation.
func TestALiveAccountIsConfirmed(t *testing.T) {
	key, err := store.NewSealKey()
	if err != nil {
		t.Fatal(err)
	}
	db, err := store.Open(t.Context(), store.Config{Address: t.TempDir() + "/holdfast.db", SealKey: &key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s := newSiteOn(t, db)
	a, err := s.Processor.CreateNetworkAccount(t.Context(), processor.NewNetworkAccount{
		NetworkAccount: payment.NetworkAccount{
			Kind: payment.NetworkStripe, Mode: payment.NetworkLive, Owner: s.Owner.ID, Name: "real",
		},
		Secrets: store.NewNetworkSecrets("rk_live_51abcdefghijkl", "whsec_abcdefghijklmnop1"),
	})
	if err != nil {
		t.Fatal(err)
	}
	path := s.caller("settings/network")
	b := s.as(party.RoleOwner, s.Shop.ID)
	b.get(path).want("real, Live")
	b.post(path, b.hidden(b.fill(path, "account", string(a.ID)), "seen")).wantStatus(http.StatusUnprocessableEntity).
		want("Real money moves on this account. Please confirm")
	if got := s.shopNow(); got.Network != "" || !got.Sandbox {
		t.Errorf("the caller is %+v", got)
	}
	b.post(path, b.hidden(b.fill(path, "account", string(a.ID), "live", "yes"), "seen")).wantStatus(http.StatusOK)
	if got := s.shopNow(); got.Network != a.ID || got.Sandbox {
		t.Errorf("the caller is %+v", got)
	}
}
