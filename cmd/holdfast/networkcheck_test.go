package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/stripe"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/networkdoor"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A checkStand is a running server with a test account at a fake of Stripe, which
// delivers its events.
type checkStand struct {
	t       *testing.T
	fake    *stripefake.Server
	db      *store.DB
	address string // of the store
	public  string // of the server
}

func newCheckStand(t *testing.T, serves bool) *checkStand {
	t.Helper()
	c := &checkStand{t: t, fake: holdfasttest.StripeFake(t, time.Now), address: filepath.Join(t.TempDir(), "s.db")}
	var err error
	if c.db, err = openStore(t.Context(), store.Config{Address: c.address}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.db.Close() })
	listener, err := listen(t.Context(), "--listen", freePort)
	if err != nil {
		t.Fatal(err)
	}
	public := &url.URL{Scheme: "http", Host: listener.Addr().String(), Path: "/"}
	c.public = public.String()
	account := store.NetworkAccount{
		NetworkAccount: payment.NetworkAccount{
			ID: "N1", Kind: payment.NetworkStripe, Mode: payment.NetworkTest, Owner: "P", Name: "fen", BaseURL: c.fake.URL(),
			PerSecond: 100, Fees: payment.FeeRate{Fixed: money.Micros(0)}, Created: time.Now(),
		},
		Secrets: store.NewNetworkSecrets(stripefake.TestKey, c.fake.Subscribe(c.public+"networks/N1/events", false)),
	}
	if err := c.db.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertNetworkAccount(account) }); err != nil {
		t.Fatal(err)
	}
	if !serves {
		listener.Close()
		return c
	}
	s := serverOf(c.db, false)
	s.PublicURL, s.Mail = public, nil
	if err := s.start(t.Context(), listener); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.stop)
	ctx, cancel := context.WithCancel(context.Background())
	var delivering sync.WaitGroup
	delivering.Go(func() { c.fake.Run(ctx) })
	t.Cleanup(func() {
		cancel()
		delivering.Wait()
	})
	return c
}

// check runs the command and compares what it prints.
func (c *checkStand) check(what string, want int, patterns []string, args ...string) {
	c.t.Helper()
	out, code := holdfastCommand(c.t, append([]string{"network", "check", "fen", "--store", c.address}, args...)...)
	if code != want {
		c.t.Errorf("%s: exit code %d, want %d\n%s", what, code, want, out)
	}
	for _, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(out) {
			c.t.Errorf("%s: %q is not in\n%s", what, pattern, out)
		}
	}
	if secret := regexp.MustCompile(`[rs]k_(test|live)_|whsec_`).FindString(out); secret != "" {
		c.t.Errorf("%s: %s… is in\n%s", what, secret, out)
	}
}

// change changes the account.
func (c *checkStand) change(by func(*store.NetworkAccount)) {
	c.t.Helper()
	err := c.db.Update(c.t.Context(), func(tx *store.Tx) error {
		a, _, err := tx.NetworkAccount("N1")
		if err != nil {
			return err
		}
		by(&a)
		return tx.UpdateNetworkAccount(a)
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

// The command checks the key, and the way of a message from the network to the
// server, both ways. It says what it did not test.
func TestNetworkCheck(t *testing.T) {
	c := newCheckStand(t, true)
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	c.check("a good account", 0, []string{
		`key +restricted`, `rights +all`, `API version +2\d{3}-`, `clock ahead +-?[01]s`, `not tested +whether the account may take money`,
		`not tested +whether the server takes signed messages`, `not tested +whether a message of the network arrives`,
	})
	c.check("with messages", 0, []string{
		`events address +takes signed messages, and refuses others`, `network's message +arrived after `,
	}, "--public-url", c.public, "--ring")
	if held := c.fake.Holds(); len(held) > 0 {
		t.Errorf("a check has held %v", held)
	}
	for _, e := range eventsOf(t, c.db) {
		if c.fake.Object(e.Object)["status"] != "canceled" {
			t.Errorf("an event about %s was kept: %+v", e.Object, e)
		}
	}
	c.check("as JSON", 0, []string{`"restrictedKey":true,.*"missingRights":\[\],.*"problems":\[\],"notTested":\[`}, "--json")
	c.check("another server", 1, []string{`PROBLEM +The address .* cannot be reached`}, "--public-url", "http://127.0.0.1:1/")
	c.check("an address without a server of ours", 1, []string{`PROBLEM +The address .* does not take a message`},
		"--public-url", other.URL)
	old := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, networkdoor.NotServed, http.StatusServiceUnavailable)
	}))
	defer old.Close()
	c.check("a server that must be started again", 1, []string{`PROBLEM +The server was started .*: restart the server`},
		"--public-url", old.URL)

	// A secret that is not the network's: the server takes its own, but no message of
	// the network.
	good := eventSecrets(t, c.db)
	c.change(func(a *store.NetworkAccount) {
		a.Secrets = store.NewNetworkSecrets(stripefake.TestKey, "whsec_anotherendpoint1234")
	})
	eventually(t, "the server has read the account again", func() bool {
		out, _ := holdfastCommand(t, "network", "check", "fen", "--store", c.address, "--public-url", c.public)
		return strings.Contains(out, "takes signed")
	})
	c.check("the secret of another endpoint", 1, []string{
		`events address +takes signed`, `PROBLEM +No message of the network arrived within 500ms`,
	}, "--public-url", c.public, "--ring", "--within", "500ms")
	c.change(func(a *store.NetworkAccount) { a.Secrets = store.NewNetworkSecrets(stripefake.TestKey) })
	c.check("no secret", 0, []string{`events address +no event secret: the server asks`}, "--public-url", c.public)

	less := stripefake.HoldfastRights()
	delete(less, "payout")
	c.fake.SetKey("rk_test_lessrights", less)
	c.change(func(a *store.NetworkAccount) { a.Secrets = store.NewNetworkSecrets("rk_test_lessrights", good...) })
	c.check("a right is missing", 1, []string{`rights +missing: Payouts: read`, `PROBLEM +The key lacks these rights: Payouts: read`})
	c.fake.RevokeKey("rk_test_lessrights")
	c.check("a revoked key", 1, []string{`PROBLEM +Stripe does not know the key, or it was revoked`})
	c.change(func(a *store.NetworkAccount) { a.Secrets = store.NewNetworkSecrets(stripefake.LiveKey, good...) })
	c.check("a key of the other mode", 1, []string{`PROBLEM +The key is for live mode, but the account is for test mode`})
	c.change(func(a *store.NetworkAccount) {
		a.Secrets = store.NewNetworkSecrets(stripefake.UnrestrictedKey, good...)
	})
	c.check("a full key", 1, []string{`key +full`, `network's id +acct_`, `PROBLEM +The key may do everything`})
}

func eventsOf(t *testing.T, db *store.DB) (all []store.NetworkEvent) {
	t.Helper()
	err := db.View(t.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.NetworkEvents("N1", "", 100)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func eventSecrets(t *testing.T, db *store.DB) []string {
	t.Helper()
	a, _, err := db.NetworkAccount(t.Context(), "N1")
	if err != nil {
		t.Fatal(err)
	}
	return a.Secrets.Events()
}

// After a restore, the store learns what the network has told since the backup,
// once.
func TestNetworkRestored(t *testing.T) {
	c := newCheckStand(t, false)
	account, _, err := c.db.NetworkAccount(t.Context(), "N1")
	if err != nil {
		t.Fatal(err)
	}
	client, err := networkClient(account, stripe.Config{Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.Ring(t.Context()); err != nil {
		t.Fatal(err)
	}
	since := time.Now().Add(-time.Hour).UTC().Format(time.RFC3339)
	for _, want := range []string{`^1 event since then that the store did not know\.`, `^0 events since then`} {
		if out := onStore(t, c.address, "network", "restored", "--since", since); !regexp.MustCompile(want).MatchString(out) {
			t.Errorf("restored prints %q, want %q", out, want)
		}
	}
	for since, want := range map[string]string{
		"2020-01-01": "for 30 days only", "2099-01-01": "in the future", "yesterday": "give a day",
	} {
		out, code := holdfastCommand(t, "network", "restored", "--since", since, "--store", c.address)
		if code != exitMisused || !strings.Contains(out, want) {
			t.Errorf("--since %s: exit code %d, %s", since, code, out)
		}
	}
}
