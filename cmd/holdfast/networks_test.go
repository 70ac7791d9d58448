package main

import (
	"database/sql"
	"errors"
	"log/slog"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/mail"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

const (
	testKey = "rk_test_51abcdefghijklmnop"
	liveKey = "rk_live_51abcdefghijklmnop"
)

// addNetwork stores an account as an operator's command would, without its
// checks.
func addNetwork(t *testing.T, db *store.DB, id payment.NetworkAccountID, mode payment.NetworkMode, key string) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		return tx.InsertNetworkAccount(store.NetworkAccount{
			NetworkAccount: payment.NetworkAccount{
				ID: id, Kind: payment.NetworkStripe, Mode: mode, Owner: "P", Name: strings.ToLower(string(id)), PerSecond: 1,
				Fees: payment.FeeRate{Fixed: money.Micros(0)}, Created: time.Now(),
			},
			Secrets: store.NewNetworkSecrets(key),
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func sealedStore(t *testing.T) *store.DB {
	t.Helper()
	key, err := store.NewSealKey()
	if err != nil {
		t.Fatal(err)
	}
	address := filepath.Join(t.TempDir(), "s.db")
	db, err := store.Open(t.Context(), store.Config{Address: address, SealKey: &key})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// serverOf is a server of a store that is not started.
func serverOf(db *store.DB, inbox bool) *server {
	return &server{
		Store: db, PublicURL: &url.URL{Scheme: "https", Host: "pay.example.com", Path: "/"},
		Network: &sandbox.Network{Now: time.Now}, Mail: &mail.Sender{Inbox: inbox}, Now: time.Now,
		Log: slog.New(slog.DiscardHandler), Ended: newEnding(),
	}
}

// A server does not start with an account that it cannot serve safely.
func TestAccountsThatAServerRefuses(t *testing.T) {
	plain := func(t *testing.T) *store.DB {
		t.Helper()
		db, err := openStore(t.Context(), store.Config{Address: filepath.Join(t.TempDir(), "s.db")})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { db.Close() })
		return db
	}
	for what, row := range map[string]struct {
		open      func(*testing.T) *store.DB
		mode      payment.NetworkMode
		key       string
		inbox     bool
		want      string
		movesReal bool
	}{
		"a test account, with an inbox": {plain, payment.NetworkTest, testKey, true, "", false},
		"a live account":                {sealedStore, payment.NetworkLive, liveKey, false, "", true},
		"a test key in a live account": {
			sealedStore, payment.NetworkLive, testKey, false,
			"this is a test key, but the account is a live account", false,
		},
		"a live key in a test account": {
			plain, payment.NetworkTest, liveKey, false,
			"this is a live key, but the account is a test account", false,
		},
		"a full key is a matter of add": {plain, payment.NetworkTest, "sk_test_51abcdefghijklmnop", false, "", false},
		"a live account, with an inbox": {
			sealedStore, payment.NetworkLive, liveKey, true, "an inbox is for a sandbox",
			false,
		},
		"a key that is none of Stripe's": {
			plain, payment.NetworkTest, "secret-that-is-none", false,
			"this is no key of Stripe", false,
		},
	} {
		t.Run(what, func(t *testing.T) {
			db := row.open(t)
			addNetwork(t, db, "N1", row.mode, row.key)
			live, err := serverOf(db, row.inbox).checkNetworks(t.Context())
			switch {
			case row.want == "" && (err != nil || live != row.movesReal):
				t.Errorf("live is %t, %v", live, err)
			case row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)):
				t.Errorf("%v, want %q", err, row.want)
			case err != nil && strings.Contains(err.Error(), row.key):
				t.Errorf("the key is in %v", err)
			}
		})
	}
}

// Real money is taken only over https. A test account is served without it.
func TestALiveServerHasAnHTTPSAddress(t *testing.T) {
	for address, good := range map[string]bool{
		"https://pay.example.com/": true, "http://pay.example.com/": false, "http://127.0.0.1:8010/": false,
	} {
		db := sealedStore(t)
		s := serverOf(db, false)
		public, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		s.PublicURL = public
		addNetwork(t, db, "N1", payment.NetworkTest, testKey)
		if _, err := s.checkNetworks(t.Context()); err != nil {
			t.Errorf("%s with a test account: %v", address, err)
		}
		addNetwork(t, db, "N2", payment.NetworkLive, liveKey)
		_, err = s.checkNetworks(t.Context())
		refused := err != nil && strings.Contains(err.Error(), "give an https address with --public-url")
		if good && err != nil || !good && !refused {
			t.Errorf("%s with a live account: %v", address, err)
		}
	}
}

// The key of a live account that somebody put into a plain store by hand is
// refused.
func TestALiveKeyInAPlainStoreIsRefused(t *testing.T) {
	address := filepath.Join(t.TempDir(), "s.db")
	db, err := openStore(t.Context(), store.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	addNetwork(t, db, "N1", payment.NetworkTest, liveKey)
	raw, err := sql.Open("sqlite", address)
	if err != nil {
		t.Fatal(err)
	}
	defer raw.Close()
	if _, err := raw.ExecContext(t.Context(), `UPDATE network_accounts SET mode = 'live'`); err != nil {
		t.Fatal(err)
	}
	if _, err := serverOf(db, false).checkNetworks(t.Context()); !errors.Is(err, store.ErrPlainStore) {
		t.Errorf("a live account in a plain store: %v", err)
	}
}

// A server that was started without a live account does not ask one. It serves
// test accounts that are added later.
func TestALiveAccountNeedsANewStart(t *testing.T) {
	db := sealedStore(t)
	s := serverOf(db, false)
	live, err := s.checkNetworks(t.Context())
	if err != nil || live {
		t.Fatalf("live is %t, %v", live, err)
	}
	addNetwork(t, db, "N1", payment.NetworkTest, testKey)
	addNetwork(t, db, "N2", payment.NetworkLive, liveKey)
	before := s.router(live)
	if _, err := before.Account(t.Context(), "N1"); err != nil {
		t.Errorf("a test account: %v", err)
	}
	if _, err := before.Account(t.Context(), "N2"); !errors.Is(err, card.ErrNotServed) {
		t.Errorf("a live account that was added later: %v", err)
	}
	if _, err := before.Account(t.Context(), "N3"); !errors.Is(err, card.ErrNoAccount) {
		t.Errorf("an account that does not exist: %v", err)
	}
	if live, err = s.checkNetworks(t.Context()); err != nil || !live {
		t.Fatalf("live is %t, %v", live, err)
	}
	if _, err := s.router(live).Account(t.Context(), "N2"); err != nil {
		t.Errorf("a live account after a new start: %v", err)
	}
}
