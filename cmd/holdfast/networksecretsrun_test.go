package main

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/money"
)

// single is a link for one payment, for which a Reserve follows.
func (r *secretRun) single(dollars int64) string {
	r.t.Helper()
	link, err := r.client.SingleUseURL(holdfast.SingleUseRequest{
		CallerReference: r.reference(), ReturnURL: backToShop, TransactionAmount: money.Cents(dollars * 100), Reserve: true,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return link
}

// signIn signs the newest buyer in, and submits pages until the browser leaves the
// server.
func (r *secretRun) signIn(b *browser) {
	r.t.Helper()
	b.authorise(r.buyer.Email, callerPassword)
	if b.Left == "" {
		r.t.Fatalf("the browser is at %s:\n%s", b.At, b.Page)
	}
}

// buyAsGuest pays without an account: the first card is declined on the page. This
// buyer also types the card's number into the fields for the name and the address.
func (r *secretRun) buyAsGuest() {
	r.t.Helper()
	b := r.browse(r.single(20))
	b.submitTo("/cobranded-ui/actions/guest")
	if b.Left == "" {
		b.submitTo("/cobranded-ui/actions/confirm")
	}
	r.typesName, r.typesEmail = nameOfDigits, goodCard+"@cards.example"
	token := r.typed(b, declinedCard, goodCard)
	r.typesName, r.typesEmail = "", ""
	held := r.reserve(token, 20)
	_, err := r.client.Settle(r.t.Context(), holdfast.SettleRequest{
		ReserveTransactionID: held, TransactionAmount: money.Cents(1500),
	})
	r.note(err)
	r.becomes(held, holdfast.StatusSuccess)
	refund, err := r.client.Refund(r.t.Context(), holdfast.RefundRequest{
		TransactionID: held, RefundAmount: money.Cents(500), CallerReference: r.reference(),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	r.becomes(refund.TransactionID, holdfast.StatusSuccess)
}

// keepCard keeps a card of a new buyer for many payments.
func (r *secretRun) keepCard(number string) holdfast.TokenID {
	r.t.Helper()
	r.newBuyer()
	link, err := r.client.MultiUseURL(holdfast.MultiUseRequest{
		CallerReference: r.reference(), ReturnURL: backToShop, GlobalAmountLimit: money.Cents(100_000),
		TransactionAmount: money.Cents(10_000), AmountType: holdfast.AmountMaximum,
	})
	if err != nil {
		r.t.Fatal(err)
	}
	b := r.browse(link)
	r.signIn(b)
	page := regexp.MustCompile(`cs_[A-Za-z0-9_]+`).FindString(b.Left)
	next, err := r.fake.Submit(page, stripefake.Typed{Name: "Ann Buyer", Email: "ann@cards.example", Number: number})
	if err != nil {
		r.t.Fatal(err)
	}
	if strings.HasPrefix(next, r.fake.URL()) {
		next = r.passBank(next)
	}
	b.StopAt, b.Left = backToShop, ""
	b.Open(next)
	r.signIn(b) // what is left: the page that confirms
	at, err := url.Parse(b.Left)
	if err != nil || at.Query().Get("tokenID") == "" {
		r.t.Fatalf("the shop gets %q", b.Left)
	}
	return holdfast.TokenID(at.Query().Get("tokenID"))
}

func (r *secretRun) reserve(token holdfast.TokenID, dollars int64) holdfast.TransactionID {
	r.t.Helper()
	result, err := r.client.Reserve(r.t.Context(), holdfast.ReserveRequest{
		SenderTokenID: token, TransactionAmount: money.Cents(dollars * 100), CallerReference: r.reference(),
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return result.TransactionID
}

// becomes waits for a status.
func (r *secretRun) becomes(id holdfast.TransactionID, want holdfast.TransactionStatus) {
	r.t.Helper()
	becomes(r.t, r.client, id, want)
}

// troubles lets the network fail in every way.
func (r *secretRun) troubles(token holdfast.TokenID) {
	r.t.Helper()
	const confirm = "/v1/payment_intents/*/confirm"
	var held []holdfast.TransactionID
	for _, trouble := range []stripefake.Trouble{
		stripefake.LoseRequest, stripefake.LoseReply, stripefake.Conflict, stripefake.LockTimeout,
		stripefake.Unavailable, stripefake.CutBody, stripefake.HTML,
	} {
		r.fake.Next(http.MethodPost, confirm, trouble)
		held = append(held, r.reserve(token, 10))
	}
	for _, id := range held {
		r.becomes(id, holdfast.StatusReserved)
	}
}

// declines keeps cards that the network declines at each payment.
func (r *secretRun) declines() {
	r.t.Helper()
	r.becomes(r.reserve(r.keepCard(noCharges), 10), holdfast.StatusFailure)
	r.becomes(r.reserve(r.keepCard(asksBank), 10), holdfast.StatusFailure)
}

// withTheBank pays with a kept card whose bank asks the buyer.
func (r *secretRun) withTheBank() {
	r.t.Helper()
	b := r.browse(r.single(30))
	for _, f := range postForms(r.t, b.Page) {
		if f.asksPassword {
			f.fields.Set("email", r.buyer.Email)
			f.fields.Set("password", callerPassword)
			b.submit(f)
			break
		}
	}
	kept := regexp.MustCompile(`name="instrument" value="(I[0-9A-Z]+)"`).FindStringSubmatch(b.Page)
	if kept == nil {
		r.t.Fatalf("no card is offered:\n%s", b.Page)
	}
	choice := postForms(r.t, b.Page)[0] // nothing is chosen: the card was declined before
	choice.fields.Set("instrument", kept[1])
	b.submit(choice)
	b.submitTo("/cobranded-ui/actions/confirm")
	bank := r.bank().FindString(b.Page)
	if bank == "" {
		r.t.Fatalf("%s does not lead to the bank:\n%s", b.At, b.Page)
	}
	r.becomes(r.reserve(r.returned(b, r.passBank(bank)), 30), holdfast.StatusReserved)
}

// bank matches the address of the bank's page. It has a client secret, and is for
// the buyer alone.
func (r *secretRun) bank() *regexp.Regexp {
	return regexp.MustCompile(regexp.QuoteMeta(r.fake.URL()) + `/3ds/[A-Za-z0-9_/]+`)
}

// afterwards lets the network take money back, and release and capture holds by
// hand.
func (r *secretRun) afterwards() {
	r.t.Helper()
	holds := r.fake.Holds()
	if len(holds) < 4 {
		r.t.Fatalf("the fake holds %v", holds)
	}
	r.note(r.fake.Cancel(holds[0].Intent))
	r.note(r.fake.Capture(holds[1].Intent, holds[1].Amount))
	for _, pi := range r.fake.Objects("payment_intent") {
		if id, ok := pi["id"].(string); ok && pi["status"] == "succeeded" {
			r.note(r.fake.Warn(id))
			_, err := r.fake.Dispute(id, "fraudulent", false)
			r.note(err)
		}
	}
	eventually(r.t, "the dispute is known", func() bool {
		out := r.command("network", "disputes")
		return strings.Contains(out, "dp_") || strings.Contains(out, "du_")
	})
}

// strangers sends what the server refuses.
func (r *secretRun) strangers() {
	r.t.Helper()
	client := http.Client{Transport: r}
	post := func(address, kind, body string, header ...string) {
		r.t.Helper()
		request, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, address, strings.NewReader(body))
		if err != nil {
			r.t.Fatal(err)
		}
		request.Header.Set("Content-Type", kind)
		for i := 0; i < len(header); i += 2 {
			request.Header.Set(header[i], header[i+1])
		}
		answer, err := client.Do(request)
		if err != nil {
			r.t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode < http.StatusBadRequest {
			r.t.Errorf("%s takes %s: %d", address, body, answer.StatusCode)
		}
	}
	events := r.public.JoinPath(eventsPath(r.caller.Network)).String()
	forged := `{"id":"evt_1","object":"event","data":{"object":{"id":"pi_1","client_secret":"pi_1_secret_forged"}}}`
	post(events, "application/json", forged)
	post(events, "application/json", forged, "Stripe-Signature", fmt.Sprintf("t=%d,v1=00", time.Now().Unix()))
	r.newBuyer()
	b := r.browse(r.single(20))
	r.signIn(b) // to the network's page
	fields := url.Values{"number": {goodCard}, "expiry": {"12/31"}, "code": {"123"}, "holder": {"Ann"}}
	post(r.public.JoinPath("cobranded-ui/actions/card").String(), "application/x-www-form-urlencoded", fields.Encode())
	_, err := r.client.Reserve(r.t.Context(), holdfast.ReserveRequest{
		SenderTokenID: holdfast.TokenID(strings.Repeat("A", 64)), TransactionAmount: money.Cents(1000),
		CallerReference: r.reference(), CallerDescription: "card " + goodCard,
	})
	if _, refused := errors.AsType[*holdfast.Error](err); !refused {
		r.t.Errorf("an unknown token: %v", err)
	}
}

// command runs a command on the sealed store, and keeps what it prints.
func (r *secretRun) command(args ...string) string {
	r.t.Helper()
	out, _ := holdfastCommand(r.t, append(args, "--store", r.address, "--seal-key", r.sealKey)...)
	fmt.Fprintf(&r.bodies, "\n%q\n%s", args, out)
	return out
}

func (r *secretRun) commands() {
	r.t.Helper()
	for _, args := range [][]string{
		{"network", "list"},
		{"network", "list", "--json"},
		{"network", "show", "fen"},
		{"network", "attention"},
		{"network", "disputes", "--json"},
		{"network", "check", "fen", "--public-url", r.public.String()},
		{"network", "reconcile", "fen"},
		{"caller", "list", "--json"},
		{"mail", "list"},
		{"network", "set", "fen", "--key-file", "/dev/null"},
		{"network", "set", "fen", "--per-second", "0"},
	} {
		r.command(args...)
	}
}

// search looks for secrets in everything that the run has let out.
func (r *secretRun) search() {
	r.t.Helper()
	secret := regexp.MustCompile(`_secret_[A-Za-z0-9]{4,}|\b[rs]k_(test|live)_[A-Za-z0-9]+|whsec_[A-Za-z0-9]+`)
	places := map[string]string{
		"the log": r.log.to.String(), "an answer": r.bodies.to.String(), "an error": r.errors.to.String(),
		"the dump": r.dump(),
	}
	files, err := filepath.Glob(r.address + "*")
	if err != nil {
		r.t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			r.t.Fatal(err)
		}
		places[filepath.Base(file)] = string(text)
	}
	for place, text := range places {
		if len(text) == 0 && place != "an error" && !strings.HasSuffix(place, ".lock") {
			r.t.Errorf("%s is empty", place)
		}
		for _, at := range secret.FindAllStringIndex(text, 3) {
			r.t.Errorf("a secret is in %s: %q", place, text[max(0, at[0]-200):min(len(text), at[1]+20)])
		}
		for _, word := range r.secrets {
			if at := strings.Index(text, word); at >= 0 {
				r.t.Errorf("%q is in %s: %q", word, place, text[max(0, at-200):min(len(text), at+40)])
			}
		}
	}
}

// dump is every value of every table, as text.
func (r *secretRun) dump() string {
	r.t.Helper()
	raw, err := sql.Open("sqlite", r.address)
	if err != nil {
		r.t.Fatal(err)
	}
	defer raw.Close()
	var text strings.Builder
	for _, table := range column(r.t, raw, `SELECT name FROM sqlite_master WHERE type = 'table'`) {
		for _, name := range column(r.t, raw, `SELECT name FROM pragma_table_info('`+table+`')`) {
			for _, value := range column(r.t, raw, `SELECT CAST("`+name+`" AS TEXT) FROM "`+table+`" WHERE "`+name+
				`" IS NOT NULL`) {
				fmt.Fprintf(&text, "%s.%s = %s\n", table, name, value)
			}
		}
	}
	return text.String()
}

func column(t testing.TB, db *sql.DB, query string) (all []string) {
	t.Helper()
	rows, err := db.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer rows.Close()
	for rows.Next() {
		var value string
		if err := rows.Scan(&value); err != nil {
			t.Fatal(err)
		}
		all = append(all, value)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}
