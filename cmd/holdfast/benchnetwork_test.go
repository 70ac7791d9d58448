package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/card/stripe"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// networkLoadEnv runs TestNetworkLoad, which takes some minutes and an idle
// machine: HOLDFAST_TEST_NETWORK_LOAD=60s go test ./cmd/holdfast -run NetworkLoad -v
const networkLoadEnv = "HOLDFAST_TEST_NETWORK_LOAD"

const (
	loadConnections = 64
	loadPerSecond   = 20
	loadAnswer      = 300 * time.Millisecond // of the fake
	stormHolds      = 100_000
	stormNeeded     = 2_000                // of them need a release: the network would hold on for days
	noise           = 2 * time.Millisecond // below it, times say nothing on a busy machine
)

// A networkLoad is a live server whose card network is a fake.
type networkLoad struct {
	t      *testing.T
	fake   *stripefake.Server
	db     *store.DB
	file   string
	caller party.Caller
	key    party.AccessKey
	tokens []holdfast.TokenID
	client *holdfast.Client
	orders atomic.Int64
}

// TestNetworkLoad measures a live server with a network that answers after 300 ms
// and takes 25 requests a second at each endpoint: how many holds it places for 64
// connections, and what a storm of expiring holds does to it.
func TestNetworkLoad(t *testing.T) {
	lasts, err := time.ParseDuration(os.Getenv(networkLoadEnv))
	if err != nil {
		t.Skipf("%s is not set to a duration", networkLoadEnv)
	}
	l := newNetworkLoad(t)
	setExpiry := l.storm()
	expireAt := time.Now().Add(3 * lasts)
	setExpiry(expireAt)
	l.serve()
	usual := l.statuses(lasts / 2)
	t.Logf("status requests alone: %s", usual)
	before := l.measure("64 connections", lasts)
	time.Sleep(time.Until(expireAt)) // a measurement, not a test
	during := l.measure("64 connections while 100,000 holds expire", lasts)
	want := loadPerSecond * 95.0 / 100
	for _, m := range []measured{before, during} {
		if m.rate < want {
			t.Errorf("%s: %.1f holds/s, want %.1f", m.doing, m.rate, want)
		}
	}
	if before.statuses.p99 > 2*max(usual.p99, noise) {
		t.Errorf("status requests under load: %s, alone: %s", before.statuses, usual)
	}
}

type latencies struct {
	count    int
	p50, p99 time.Duration
}

func (l latencies) String() string {
	return fmt.Sprintf("%d, p50 %v, p99 %v", l.count, l.p50.Round(10*time.Microsecond), l.p99.Round(10*time.Microsecond))
}

// statuses asks 100 times a second for the status of a transaction that does not
// exist. Each refusal reads the store.
func (l *networkLoad) statuses(lasts time.Duration) latencies {
	var took []time.Duration
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	until := time.After(lasts)
	for {
		select {
		case <-until:
			slices.Sort(took)
			return latencies{len(took), took[len(took)/2], took[len(took)*99/100]}
		case <-tick.C:
		}
		began := time.Now()
		_, err := l.client.GetTransactionStatus(l.t.Context(), noTransaction)
		if _, refused := errors.AsType[*holdfast.Error](err); err != nil && !refused {
			l.t.Error(err)
		}
		took = append(took, time.Since(began))
	}
}

// noTransaction is the id of no transaction.
var noTransaction = holdfast.TransactionID("1" + strings.Repeat("0", 34))

type measured struct {
	doing    string
	rate     float64
	pending  int64
	statuses latencies
}

// measure sends Reserves on all connections, and reports the holds that the
// network placed in a second.
func (l *networkLoad) measure(doing string, lasts time.Duration) measured {
	ctx, cancel := context.WithCancel(l.t.Context())
	defer cancel()
	var pending atomic.Int64
	var asking sync.WaitGroup
	for i := range loadConnections {
		asking.Go(func() {
			for ctx.Err() == nil {
				result, err := l.client.Reserve(ctx, holdfast.ReserveRequest{
					SenderTokenID: l.tokens[i], TransactionAmount: money.Cents(1000),
					CallerReference: holdfast.CallerReference(fmt.Sprint("order-", l.orders.Add(1))),
				})
				switch {
				case ctx.Err() != nil:
				case err != nil:
					l.t.Errorf("%s: %v", doing, err)
					return
				case result.Status == holdfast.StatusPending:
					pending.Add(1)
				}
			}
		})
	}
	time.Sleep(5 * time.Second) // until all connections wait for the network
	counted := l.counts()
	began := time.Now()
	m := measured{doing: doing, statuses: l.statuses(lasts)}
	took := time.Since(began)
	now := l.counts()
	cancel()
	asking.Wait()
	m.pending = pending.Load()
	m.rate = float64(now[confirmEndpoint]-counted[confirmEndpoint]) / took.Seconds()
	for endpoint := range now {
		now[endpoint] -= counted[endpoint]
	}
	l.t.Logf("%s for %v: %.1f holds/s, %d of all answers Pending; status requests: %s; requests to the network: %v",
		doing, took.Round(time.Second), m.rate, m.pending, m.statuses, now)
	return m
}

const confirmEndpoint = "POST /v1/payment_intents/{id}/confirm"

// counts are the requests to the fake so far.
func (l *networkLoad) counts() map[string]int {
	all := map[string]int{}
	for _, endpoint := range []string{
		"POST /v1/payment_intents", confirmEndpoint, "POST /v1/payment_intents/{id}/cancel",
		"GET /v1/payment_intents/{id}", "GET /v1/payment_intents", "GET /v1/events",
	} {
		all[endpoint] = l.fake.Count(endpoint)
	}
	return all
}

func newNetworkLoad(t *testing.T) *networkLoad {
	t.Helper()
	l := &networkLoad{t: t, file: filepath.Join(t.TempDir(), "s.db")}
	fake, err := stripefake.Start(time.Now)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = fake.Close() })
	fake.Set(func(s *stripefake.Settings) { s.Quiet = true })
	l.fake = fake
	sealKey, err := store.NewSealKey()
	if err != nil {
		t.Fatal(err)
	}
	if l.db, err = openStore(t.Context(), store.Config{Address: l.file, SealKey: &sealKey}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.db.Close() })
	l.cast()
	return l
}

// cast makes the account, the caller, and a buyer with a card and a token for each
// connection.
func (l *networkLoad) cast() {
	l.t.Helper()
	w := world{Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	p, ctx := clerk(l.db, w), l.t.Context()
	people := map[string]party.Party{}
	for _, name := range []string{"shop", "ann"} {
		made, err := p.Identity.CreateParty(ctx, identity.NewParty{
			Name: name, Email: name + "@example.com", Password: "long enough to keep",
		})
		if err != nil {
			l.t.Fatal(err)
		}
		people[name] = made
	}
	now := processor.Micro(time.Now())
	account := store.NetworkAccount{
		NetworkAccount: payment.NetworkAccount{
			ID: "N1", Kind: payment.NetworkStripe, Mode: payment.NetworkLive, Owner: people["shop"].ID, Name: "live",
			BaseURL: l.fake.URL(), PerSecond: loadPerSecond, Fees: payment.FeeRate{Fixed: money.Micros(0)}, Created: now,
		},
		Secrets: store.NewNetworkSecrets(stripefake.LiveKey),
	}
	if err := l.db.Update(ctx, func(tx *store.Tx) error { return tx.InsertNetworkAccount(account) }); err != nil {
		l.t.Fatal(err)
	}
	var err error
	l.caller, l.key, err = p.CreateCaller(ctx, processor.NewCaller{
		Owner: people["shop"].ID, Name: "Shop", Network: account.ID, Live: true,
	})
	if err != nil {
		l.t.Fatal(err)
	}
	kept, ids := l.kept(account, people["ann"]), processor.RandomIDs{Now: time.Now}
	instrument := payment.Instrument{
		ID: "I1", Owner: people["ann"].ID, Method: holdfast.MethodCC, Brand: "Visa", Last4: "4242", ExpiryMonth: 12,
		ExpiryYear: now.Year() + 5, NetworkRef: kept.Ref, Account: account.ID, Customer: kept.Customer, Created: now,
	}
	err = l.db.Update(ctx, func(tx *store.Tx) error {
		if err := tx.InsertInstrument(instrument); err != nil {
			return err
		}
		for i := range loadConnections {
			token := payment.Token{
				ID: ids.Token(), Caller: l.caller.ID, Use: payment.UsePay, Type: holdfast.TokenMultiUse,
				Reference: holdfast.CallerReference(fmt.Sprint("cart-", i)), FriendlyName: "Mugs", Sender: instrument.Owner,
				Recipient: l.caller.Owner, Instrument: instrument.ID, Method: holdfast.MethodCC, Installed: now,
				Expires: now.AddDate(1, 0, 0),
			}
			l.tokens = append(l.tokens, token.ID)
			if installed, err := tx.Install(payment.Installation{Tokens: []payment.Token{token}}); err != nil || !installed {
				return fmt.Errorf("a token is not installed: %w", err)
			}
		}
		return nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
}

// post sends a request of the merchant to the fake.
func (l *networkLoad) post(path, form, key string) (made struct{ ID string }) {
	l.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(form))
	r.Header.Set("Authorization", "Bearer "+stripefake.UnrestrictedLive)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Idempotency-Key", key)
	r.Header.Set("Stripe-Version", stripe.APIVersion)
	w := httptest.NewRecorder()
	l.fake.ServeHTTP(w, r)
	if err := json.Unmarshal(w.Body.Bytes(), &made); err != nil || w.Code != http.StatusOK {
		l.t.Fatalf("%s: %d %s", path, w.Code, w.Body)
	}
	return made
}

func (l *networkLoad) kept(account store.NetworkAccount, buyer party.Party) payment.StoredCard {
	l.t.Helper()
	client := stripe.New(stripe.Config{Account: account.NetworkAccount, Secrets: account.Secrets, Now: time.Now})
	customer, err := client.Customer(l.t.Context(), card.Holder{
		Account: account.ID, Party: string(buyer.ID), Name: buyer.Name, Email: buyer.Email,
	})
	if err != nil {
		l.t.Fatal(err)
	}
	id := l.post("/v1/payment_methods", "type=card&card[token]=tok_visa", "pm").ID
	l.post("/v1/payment_methods/"+id+"/attach", "customer="+customer, "attach")
	return payment.StoredCard{Account: account.ID, Ref: id, Customer: customer}
}

// storm places one hold by the rules and copies its rows. The returned function
// sets when the holds expire. Of most of them the network lets go an hour later;
// the others are real at the fake, for days.
func (l *networkLoad) storm() (setExpiry func(time.Time)) {
	l.t.Helper()
	s := &server{Store: l.db, Network: &sandbox.Network{Now: time.Now}, Now: time.Now}
	p := processor.New(l.db, processor.Config{
		Network: s.router(true), Now: time.Now, Log: slog.New(slog.DiscardHandler), Live: true,
	})
	s.Processor = p
	defer p.Close()
	held, err := p.Reserve(l.t.Context(), l.caller, holdfast.ReserveRequest{
		SenderTokenID: l.tokens[0], TransactionAmount: money.Cents(1000), CallerReference: "pattern",
	})
	if err != nil || held.State != payment.Reserved {
		l.t.Fatalf("the first hold is %s, %v", held.State, err)
	}
	raw, err := sql.Open("sqlite", l.file)
	if err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() { raw.Close() })
	exec := func(query string, args ...any) {
		l.t.Helper()
		if _, err := raw.ExecContext(l.t.Context(), query, args...); err != nil {
			l.t.Fatalf("%s: %v", query, err)
		}
	}
	for _, table := range []string{"transactions", "steps", "network_payments"} {
		list := strings.Join(columnsOf(l.t, raw, table), ", ")
		copied := strings.Replace(list, "transaction_id", `'1S' || printf('%033d', n)`, 1)
		exec(`WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < $1)
			INSERT INTO `+table+` (`+list+`) SELECT `+copied+` FROM `+table+`, counted WHERE transaction_id = $2`,
			stormHolds, string(held.ID))
	}
	var customer, method string
	if err := raw.QueryRowContext(l.t.Context(),
		`SELECT customer, network_ref FROM instruments WHERE instrument_id = 'I1'`).
		Scan(&customer, &method); err != nil {
		l.t.Fatal(err)
	}
	form := url.Values{
		"metadata[holdfast_caller]": {string(l.caller.ID)},
		"amount":                    {"1000"}, "currency": {"usd"}, "customer": {customer}, "payment_method": {method},
		"payment_method_types[]": {"card"}, "capture_method": {"manual"}, "confirm": {"true"}, "off_session": {"true"},
	}
	for n := 1; n <= stormNeeded; n++ {
		of := fmt.Sprintf("1S%033d", n)
		form.Set("metadata[holdfast_key]", of+"/Authorize")
		id := l.post("/v1/payment_intents", form.Encode(), "hold-"+of).ID
		exec(`UPDATE network_payments SET reference = $1 WHERE transaction_id = $2`, id, of)
		exec(`UPDATE transactions SET authorization_ref = $1 WHERE transaction_id = $2`, id, of)
	}
	return func(at time.Time) {
		exec(`UPDATE transactions SET due = $1, deadline = $1 WHERE transaction_id LIKE '1S%'`, at.UnixMicro())
		exec(`UPDATE network_payments SET hold_until = $1 WHERE transaction_id > $2 AND transaction_id LIKE '1S%'`,
			at.Add(time.Hour).UnixMicro(), fmt.Sprintf("1S%033d", stormNeeded))
	}
}

// serve starts the server. From then on the fake is as slow and as strict as
// Stripe.
func (l *networkLoad) serve() {
	l.t.Helper()
	l.fake.Set(func(s *stripefake.Settings) {
		s.PerSecond, s.Before = 25, func(*http.Request) { time.Sleep(loadAnswer) }
	})
	listener, err := listen(l.t.Context(), "--listen", freePort)
	if err != nil {
		l.t.Fatal(err)
	}
	// A live caller needs an https address; the requests go past the proxy that has it.
	public := &url.URL{Scheme: "https", Host: listener.Addr().String(), Path: "/"}
	var logged bytes.Buffer
	s := &server{
		Store: l.db, PublicURL: public, Network: &sandbox.Network{Now: time.Now}, Now: time.Now, Ended: newEnding(),
		Log: slog.New(slog.NewTextHandler(&lockedWriter{to: &logged}, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}
	if err := s.start(l.t.Context(), listener); err != nil {
		l.t.Fatal(err)
	}
	l.t.Cleanup(func() {
		s.stop()
		if text := logged.String(); text != "" {
			l.t.Logf("the log begins with %.2000s", text)
		}
	})
	l.client = &holdfast.Client{
		Endpoint: "http://" + public.Host + "/", AccessKeyID: l.key.ID, SecretKey: l.key.Secret, Now: time.Now,
		HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 2 * loadConnections}},
	}
}

type lockedWriter struct {
	mu sync.Mutex
	to *bytes.Buffer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}

// columnsOf are the names of a table's columns.
func columnsOf(t *testing.T, db *sql.DB, table string) (columns []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), `SELECT name FROM pragma_table_info($1)`, table)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			t.Fatal(err)
		}
		columns = append(columns, name)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return columns
}
