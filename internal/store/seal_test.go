package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// secretOf is the plain secret of an access key in these tests.
func secretOf(i int) string { return fmt.Sprintf("a-secret-to-look-for-%019d", i) }

const (
	privateKey = "a private key to look for"
	linkKey    = "a key of links, to-look-for"
)

func addSecrets(t *testing.T, db *store.DB, from, to int) {
	t.Helper()
	err := db.Update(t.Context(), func(tx *store.Tx) error {
		for i := from; i < to; i++ {
			id := party.CallerID(fmt.Sprint("C", i))
			if err := tx.InsertCaller(party.Caller{ID: id, Sandbox: true, Created: holdfasttest.Start}); err != nil {
				return err
			}
			key := party.AccessKey{ID: fmt.Sprint("K", i), Secret: holdfast.NewSecretKey(secretOf(i)), Caller: id}
			if err := tx.InsertAccessKey(key); err != nil {
				return err
			}
		}
		if from > 0 {
			return nil
		}
		if err := tx.InsertNetworkAccount(networkAccount("N0", payment.NetworkTest)); err != nil {
			return err
		}
		if err := tx.InsertWebhookEndpoint(store.WebhookEndpoint{
			Endpoint: payment.Endpoint{ID: "W0", Caller: "C0", URL: "https://shop.example/", Created: holdfasttest.Start},
			Secrets:  []store.WebhookSecret{{Key: holdfast.NewSecretKey(webhookSecret)}},
		}); err != nil {
			return err
		}
		if err := tx.InsertLinkKey(holdfast.NewSecretKey(linkKey), holdfasttest.Start); err != nil {
			return err
		}
		return tx.InsertSigningKey(store.SigningKey{
			Path: "/certs/x", PrivateKey: []byte(privateKey), Created: holdfasttest.Start,
		}, 0)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The secrets of the network accounts in these tests.
const (
	networkKey  = "rk_test_to-look-for"
	eventSecret = "whsec_to-look-for"
	// webhookSecret signs events that go to an endpoint.
	webhookSecret = "whsec_of-an-endpoint-to-look-for"
)

func networkAccount(id payment.NetworkAccountID, mode payment.NetworkMode) store.NetworkAccount {
	return store.NetworkAccount{
		NetworkAccount: payment.NetworkAccount{
			ID: id, Kind: payment.NetworkStripe, Mode: mode, Owner: "P", Name: string(id), PerSecond: 1,
			Fees: payment.FeeRate{Fixed: money.Micros(0)}, Created: holdfasttest.Start,
		},
		Secrets: store.NewNetworkSecrets(networkKey, eventSecret),
	}
}

// readable fails the test unless the first secrets can be read.
func readable(t *testing.T, db *store.DB, to int) {
	t.Helper()
	for i := range to {
		_, key, found, err := db.CallerByKey(t.Context(), fmt.Sprint("K", i))
		if err != nil || !found || string(key.Secret.Reveal()) != secretOf(i) {
			t.Fatalf("key %d is %q, %v, %v", i, key.Secret.Reveal(), found, err)
		}
	}
	err := db.View(t.Context(), func(tx *store.ReadTx) error {
		_, key, found, err := tx.CallerByKey("K0")
		if err != nil || !found || string(key.Secret.Reveal()) != secretOf(0) {
			return fmt.Errorf("key 0 is %q, %v, %w", key.Secret.Reveal(), found, err)
		}
		signing, err := tx.SigningKeys()
		if err == nil && (len(signing) != 1 || string(signing[0].PrivateKey) != privateKey) {
			err = fmt.Errorf("the signing keys are %v", signing)
		}
		if err != nil {
			return err
		}
		account, found, err := tx.NetworkAccount("N0")
		if err != nil || !found || account.Secrets.Key() != networkKey ||
			!slices.Equal(account.Secrets.Events(), []string{eventSecret}) {
			return fmt.Errorf("the network account is %v, %v, %w", account.ID, found, err)
		}
		hook, found, err := tx.WebhookEndpoint("C0", "W0")
		if err != nil || !found || len(hook.Secrets) != 1 || string(hook.Secrets[0].Key.Reveal()) != webhookSecret {
			return fmt.Errorf("the webhook endpoint is %v, %v, %w", hook.ID, found, err)
		}
		links, found, err := tx.LinkKey()
		if err == nil && (!found || string(links.Reveal()) != linkKey) {
			err = fmt.Errorf("the key of links is %q, %v", links.Reveal(), found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// traces counts the plain secrets in the files of an SQLite store.
func traces(t *testing.T, address string) (count int) {
	t.Helper()
	files, err := filepath.Glob(address + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		count += bytes.Count(text, []byte("to-look-for")) + bytes.Count(text, []byte(privateKey))
	}
	return count
}

// plainRows counts the plain secrets in the tables.
func plainRows(t *testing.T, address string) (count int) {
	t.Helper()
	rows, err := raw(t, address).QueryContext(t.Context(),
		`SELECT secret FROM access_keys UNION ALL SELECT private_key FROM signing_keys
			UNION ALL SELECT secret FROM link_keys
			UNION ALL SELECT credentials FROM network_accounts UNION ALL SELECT event_secrets FROM network_accounts`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var secret []byte
		if err := rows.Scan(&secret); err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(secret, []byte("look")) {
			count++
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return count
}

func newSealKey(t *testing.T) *store.SealKey {
	t.Helper()
	key, err := store.NewSealKey()
	if err != nil {
		t.Fatal(err)
	}
	return &key
}

// with opens a store with a key, which may be nil, and closes it after use.
func with(t *testing.T, address string, key *store.SealKey, use func(*store.DB)) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Address: address, SealKey: key})
	if err != nil {
		t.Fatal(err)
	}
	use(db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

func refusedWith(t *testing.T, address string, key *store.SealKey, want error) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Address: address, SealKey: key})
	if err == nil {
		db.Close()
	}
	if !errors.Is(err, want) {
		t.Errorf("opened with %v, want %v", err, want)
	}
	if key != nil && err != nil && strings.Contains(err.Error(), key.Reveal()) {
		t.Errorf("the key is in %v", err)
	}
}

// alone runs a change of the sealing. It tries again while PostgreSQL still lists
// the sessions of a store that the test has just closed.
func alone(change func() error) (err error) {
	for range 1000 {
		if err = change(); !errors.Is(err, store.ErrInUse) {
			break
		}
	}
	return err
}

// A store is sealed, sealed again with another key, and made plain again. At
// each step exactly one key opens it.
func TestSeal(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at, first, second := address(t), newSealKey(t), newSealKey(t)
			with(t, at, nil, func(db *store.DB) { addSecrets(t, db, 0, 100) })
			if name == "SQLite" { // deleted secrets are still in the file
				if _, err := raw(t, at).ExecContext(t.Context(),
					`DELETE FROM access_keys WHERE access_key_id LIKE 'K9%'`); err != nil {
					t.Fatal(err)
				}
				if had := traces(t, at); had < 100 {
					t.Fatalf("%d secrets are found in a plain store", had)
				}
			}
			refusedWith(t, at, first, store.ErrNotSealed)
			with(t, at, nil, func(db *store.DB) {
				if err := alone(func() error { return db.Seal(t.Context(), *first) }); err != nil {
					t.Fatal(err)
				}
			})
			if left := traces(t, at); name == "SQLite" && left > 0 {
				t.Errorf("%d plain secrets are left in the files", left)
			}
			refusedWith(t, at, nil, store.ErrSealed)
			refusedWith(t, at, second, store.ErrSealed)
			with(t, at, first, func(db *store.DB) {
				readable(t, db, 9)
				addSecrets(t, db, 100, 101)
				if err := alone(func() error { return db.Seal(t.Context(), *second) }); err != nil {
					t.Fatal(err)
				}
			})
			if plain := plainRows(t, at); plain > 0 {
				t.Errorf("%d rows are plain", plain)
			}
			refusedWith(t, at, first, store.ErrSealed)
			with(t, at, second, func(db *store.DB) {
				readable(t, db, 9)
				if err := alone(func() error { return db.Unseal(t.Context()) }); err != nil {
					t.Fatal(err)
				}
			})
			refusedWith(t, at, second, store.ErrNotSealed)
			with(t, at, nil, func(db *store.DB) { readable(t, db, 9) })
		})
	}
}

// A new store that is opened with a key is sealed from the beginning.
func TestANewStoreIsSealed(t *testing.T) {
	for name, address := range holdfasttest.EmptyAddresses(t) {
		t.Run(name, func(t *testing.T) {
			at, key := address(t), newSealKey(t)
			for range 2 {
				with(t, at, key, func(*store.DB) {})
			}
			with(t, at, key, func(db *store.DB) {
				addSecrets(t, db, 0, 10)
				readable(t, db, 10)
			})
			if plain := plainRows(t, at); plain > 0 {
				t.Errorf("%d rows are plain", plain)
			}
			if left := traces(t, at); name == "SQLite" && left > 0 {
				t.Errorf("%d plain secrets are in the files", left)
			}
			refusedWith(t, at, nil, store.ErrSealed)
		})
	}
}

// Interrupted sealing leaves a store that can be read, either as before or
// sealed. Sealing again finishes the work.
func TestSealingIsCutShort(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at, key := address(t), newSealKey(t)
			with(t, at, nil, func(db *store.DB) { addSecrets(t, db, 0, 10) })
			with(t, at, nil, func(db *store.DB) { // stopped before the commit
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if err := alone(func() error { return db.Seal(ctx, *key) }); err == nil {
					t.Error("sealed although it was stopped")
				}
			})
			with(t, at, nil, func(db *store.DB) { // stopped after the commit
				readable(t, db, 10)
				db.LeaveUnclean()
				if err := alone(func() error { return db.Seal(t.Context(), *key) }); err == nil {
					t.Error("sealed although it was stopped")
				}
			})
			with(t, at, key, func(db *store.DB) {
				readable(t, db, 10)
				if !db.Unclean {
					t.Error("the store is reported as clean")
				}
				if err := alone(func() error { return db.Seal(t.Context(), *key) }); err != nil {
					t.Fatal(err)
				}
			})
			if left := traces(t, at); name == "SQLite" && left > 0 {
				t.Errorf("%d plain secrets are left in the files", left)
			}
			with(t, at, key, func(db *store.DB) {
				readable(t, db, 10)
				if db.Unclean {
					t.Error("the store is reported as unclean")
				}
			})
		})
	}
}

// A server that goes on running while its store is sealed does not mistake a
// sealed secret for a plain one. On PostgreSQL, sealing is refused while a
// server runs.
func TestSealingUnderARunningServer(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at, key := address(t), newSealKey(t)
			running := holdfasttest.Open(t, at)
			addSecrets(t, running, 0, 1)
			with(t, at, nil, func(db *store.DB) {
				err := db.Seal(t.Context(), *key)
				if name == "PostgreSQL" {
					if !errors.Is(err, store.ErrInUse) {
						t.Errorf("sealed under a running server: %v", err)
					}
					return
				}
				if err != nil {
					t.Fatal(err)
				}
			})
			_, got, found, err := running.CallerByKey(t.Context(), "K0")
			if name == "PostgreSQL" {
				readable(t, running, 1)
			} else if !errors.Is(err, store.ErrSealed) || found {
				t.Errorf("the running server read %q, %v, %v", got.Secret.Reveal(), found, err)
			}
		})
	}
}

// A sealed secret that was moved to another row cannot be unsealed.
func TestASealedSecretIsItsRows(t *testing.T) {
	for name, address := range holdfasttest.EmptyAddresses(t) {
		t.Run(name, func(t *testing.T) {
			at, key := address(t), newSealKey(t)
			with(t, at, key, func(db *store.DB) { addSecrets(t, db, 0, 2) })
			swap := `
				UPDATE access_keys SET secret = (SELECT secret FROM access_keys WHERE access_key_id = 'K0')
				WHERE access_key_id = 'K1'`
			if _, err := raw(t, at).ExecContext(t.Context(), swap); err != nil {
				t.Fatal(err)
			}
			with(t, at, key, func(db *store.DB) {
				if _, _, found, err := db.CallerByKey(t.Context(), "K1"); !errors.Is(err, store.ErrSealed) || found {
					t.Errorf("another row's secret was read: %v, %v", found, err)
				}
			})
		})
	}
}

// The key of a live account is stored only in a sealed store, and the store then
// stays sealed. The secrets of an account are bound to its row.
func TestLiveKeysAreSealed(t *testing.T) {
	for name, address := range holdfasttest.EmptyAddresses(t) {
		t.Run(name, func(t *testing.T) {
			at, key := address(t), newSealKey(t)
			insert := func(a store.NetworkAccount) func(*store.DB) error {
				return func(db *store.DB) error {
					return db.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertNetworkAccount(a) })
				}
			}
			live := insert(networkAccount("N1", payment.NetworkLive))
			with(t, at, nil, func(db *store.DB) {
				if err := live(db); !errors.Is(err, store.ErrPlainStore) || strings.Contains(err.Error(), networkKey) {
					t.Errorf("a live account in a plain store: %v", err)
				}
				if err := alone(func() error { return db.Seal(t.Context(), *key) }); err != nil {
					t.Fatal(err)
				}
			})
			with(t, at, key, func(db *store.DB) {
				if err := errors.Join(live(db), insert(networkAccount("N2", payment.NetworkTest))(db)); err != nil {
					t.Fatal(err)
				}
				err := alone(func() error { return db.Unseal(t.Context()) })
				if err == nil || !strings.Contains(err.Error(), "stored only in a sealed store: N1") {
					t.Errorf("unsealing with a live account: %v", err)
				}
			})
			swap := `
				UPDATE network_accounts SET credentials = (SELECT credentials FROM network_accounts WHERE account_id = 'N2')
				WHERE account_id = 'N1'`
			if _, err := raw(t, at).ExecContext(t.Context(), swap); err != nil {
				t.Fatal(err)
			}
			with(t, at, key, func(db *store.DB) {
				err := db.View(t.Context(), func(tx *store.ReadTx) error {
					_, _, err := tx.NetworkAccount("N1")
					return err
				})
				if !errors.Is(err, store.ErrSealed) {
					t.Errorf("another account's key was read: %v", err)
				}
			})
		})
	}
}

// No formatter, logger or encoder prints the secrets of a network account.
func TestNetworkSecretsHide(t *testing.T) {
	a := networkAccount("N1", payment.NetworkLive)
	var logged bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(handler).Info("account", "a", a, "secrets", a.Secrets, "pointer", &a)
	}
	encoded, err := json.Marshal(a.NetworkAccount)
	if err != nil {
		t.Fatal(err)
	}
	_, err = json.Marshal(a) // a function cannot be encoded
	shown := fmt.Sprintf("%v %+v %#v %s %q %v %v %s %v", a, a, a, a.Secrets, a.Secrets, &a, a.Secrets, encoded, err)
	if shown += logged.String(); strings.Contains(shown, "look-for") {
		t.Errorf("a secret is printed: %s", shown)
	}
}

func TestReadSealKey(t *testing.T) {
	key := newSealKey(t)
	got, err := store.ReadSealKey(strings.NewReader("# public key: " + key.Name() + "\n\n" + key.Reveal() + "\n"))
	if err != nil || got.Name() != key.Name() {
		t.Errorf("read %v, %v", got, err)
	}
	for _, text := range []string{
		"", "# nothing\n", "AGE-SECRET-KEY-1BROKEN\n", key.Reveal() + "\n" + key.Reveal() + "\n",
		strings.ToLower(key.Reveal()) + "x",
	} {
		got, err := store.ReadSealKey(strings.NewReader(text))
		if err == nil || text != "" && strings.Contains(err.Error(), "BROKEN") {
			t.Errorf("%q is read as %v, %v", text, got, err)
		}
	}
	if shown := fmt.Sprintf("%v %+v %#v", *key, *key, *key); strings.Contains(shown, key.Reveal()) {
		t.Errorf("the key is printed: %s", shown)
	}
}
