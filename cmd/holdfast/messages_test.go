package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// A stranger is another caller of the demo's server, with its own keys.
type stranger struct {
	*process
	id     holdfast.CallerID
	client *holdfast.Client
}

// newStranger makes one while the demo runs.
func newStranger(t *testing.T, p *process, dir string) *stranger {
	t.Helper()
	password := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(password, []byte("a few plain words\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run := func(args ...string) string {
		t.Helper()
		out, code := holdfastCommand(t, append(args, "--data", dir, "--json")...)
		if code != 0 {
			t.Fatalf("%q: exit code %d\n%s", args, code, out)
		}
		return out
	}
	run("party", "create", "--name", "Mallory", "--email", "mallory@example.com", "--password-file", password)
	var made callerAnswer
	if err := json.Unmarshal([]byte(run("caller", "create", "--owner", "mallory@example.com", "--name", "Mallory")),
		&made); err != nil {
		t.Fatal(err)
	}
	client := p.client()
	client.AccessKeyID, client.SecretKey = made.AccessKeyID, holdfast.NewSecretKey(made.SecretAccessKey)
	return &stranger{p, made.CallerID, client}
}

// link signs a Co-Branded request with any parameters, also such as the SDK
// would not make.
func (s *stranger) link(pairs ...string) string {
	s.t.Helper()
	p := holdfast.Params{
		{Name: "callerKey", Value: s.client.AccessKeyID},
		{Name: "signatureVersion", Value: "2"},
		{Name: "signatureMethod", Value: "HmacSHA256"},
		{Name: "pipelineName", Value: "SingleUse"},
	}
	for i := 0; i < len(pairs); i += 2 {
		p = append(p, holdfast.Param{Name: pairs[i], Value: pairs[i+1]})
	}
	u, err := url.Parse(s.client.CoBranded)
	if err != nil {
		s.t.Fatal(err)
	}
	signature, err := holdfast.SignHMAC(s.client.SecretKey, holdfast.HmacSHA256,
		holdfast.StringToSign(http.MethodGet, holdfast.SignedHost(u), u.EscapedPath(), p))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.client.CoBranded + "?" + append(p, holdfast.Param{Name: "signature", Value: signature}).Encode()
}

// walk takes the buyer through the stranger's pipeline and returns the return
// URL.
func (s *stranger) walk(reference, returnURL string) string {
	s.t.Helper()
	link, err := s.client.SingleUseURL(holdfast.SingleUseRequest{
		CallerReference: holdfast.CallerReference(reference), ReturnURL: returnURL, TransactionAmount: money.Cents(100),
		Reserve: true,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	b := newBrowser(s.t)
	b.StopAt = returnURL
	b.Open(link)
	b.authorise(s.answer.BuyerEmail, s.answer.BuyerPassword)
	return b.Left
}

// reply sends one request that follows no redirect.
func reply(t *testing.T, verb, address, body string) (status int, location, page string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), verb, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("Location"), string(text)
}

// buy takes an order to the payment pages and, if it is to be paid, through them.
func (p *process) buy(product string, pays bool) (order string) {
	p.t.Helper()
	b := newBrowser(p.t)
	b.Open(p.answer.Shop + "products/" + product)
	b.submit(postForms(p.t, b.Page)[0])
	b.Open(p.answer.Shop + "cart")
	if !pays {
		b.StopAt = p.answer.CoBranded
		b.submitTo("/pay")
		u, err := url.Parse(b.Left)
		if err != nil {
			p.t.Fatal(err)
		}
		return u.Query().Get("callerReference")
	}
	b.submitTo("/pay")
	b.authorise(p.answer.BuyerEmail, p.answer.BuyerPassword)
	return strings.TrimPrefix(b.At.Path, "/orders/")
}

func (p *process) wantOrder(order, state string) {
	p.t.Helper()
	b := newBrowser(p.t)
	b.Open(p.answer.Shop + benchPath + "/orders/" + order)
	if !strings.Contains(b.Page, `data-state="`+state+`"`) {
		p.t.Fatalf("order %s is not %s:\n%s", order, state, b.Page)
	}
}

// The whole attack: a server, its shop, and a second caller that signs anything
// with its own key.
func TestForeignMessagesMoveNoOrder(t *testing.T) {
	dir := t.TempDir()
	demo := startDemo(t, dir)
	mallory := newStranger(t, demo, dir)
	paid, unpaid := demo.buy("mug", true), demo.buy("vase", false)
	eventually(t, "the order is paid", func() bool {
		b := newBrowser(t)
		b.Open(demo.answer.Shop + benchPath + "/orders/" + paid)
		return strings.Contains(b.Page, `data-state="ToShip"`)
	})
	db, err := sql.Open("sqlite", filepath.Join(dir, shopFile))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var transaction string
	if err := db.QueryRow(`SELECT transaction_id FROM orders WHERE order_id = ?`, paid).Scan(&transaction); err != nil {
		t.Fatal(err)
	}
	ipn, back := demo.answer.Shop+"ipn", demo.answer.Shop+"return"
	cancelled := url.Values{
		"notificationType": {"TransactionStatus"}, "transactionId": {transaction}, "transactionStatus": {"CANCELLED"},
		"status": {"CANCELLED"}, "statusCode": {"Canceled"}, "operation": {"RESERVE"}, "callerReference": {paid},
	}

	t.Run("a redirect that would be a notification", func(t *testing.T) {
		status, location, _ := reply(t, http.MethodGet,
			mallory.link("returnURL", ipn+"?"+cancelled.Encode(), "callerReference", "x", "transactionAmount", "bad"), "")
		if status != http.StatusBadRequest || location != "" {
			t.Errorf("a returnURL with a notification's fields is answered with %d to %s", status, location)
		}
		// In the request, these fields are not given back.
		var pairs []string
		for name, values := range cancelled {
			pairs = append(pairs, name, values[0])
		}
		_, location, _ = reply(t, http.MethodGet,
			mallory.link(append(pairs, "returnURL", ipn, "transactionAmount", "bad")...), "")
		_, signed, found := strings.Cut(location, "?")
		if !found || !strings.HasPrefix(location, ipn) {
			t.Fatalf("a bad amount leads to %q", location)
		}
		for name := range cancelled {
			if name != "callerReference" && name != "status" && strings.Contains(signed, name+"=") {
				t.Errorf("%s came back signed: %s", name, signed)
			}
		}
		if status, _, _ := reply(t, http.MethodPost, ipn, signed); status != http.StatusForbidden {
			t.Errorf("the shop answers the redirect, sent as a form, with %d", status)
		}
		demo.wantOrder(paid, "ToShip")
	})

	t.Run("a return URL with another caller's token", func(t *testing.T) {
		_, location, _ := reply(t, http.MethodGet,
			mallory.link("returnURL", back, "callerReference", unpaid, "transactionAmount", "bad"), "")
		for _, address := range []string{location, mallory.walk(unpaid, back)} {
			if status, _, page := reply(t, http.MethodGet, address, ""); status != http.StatusBadRequest ||
				!strings.Contains(page, `id="refused"`) {
				t.Errorf("the shop answers %s with %d", address, status)
			}
			for _, v := range []holdfast.Verifier{
				{Client: demo.client()}, {Client: demo.client(), CallerID: holdfast.CallerID(demo.answer.CallerID)},
			} {
				_, err := v.ParseReturn(t.Context(), address)
				if unverified, ok := errors.AsType[*holdfast.UnverifiedError](err); !ok || unverified.Unanswered {
					t.Errorf("the SDK reads %s: %v", address, err)
				}
			}
			if got, err := (holdfast.Verifier{Client: mallory.client}).ParseReturn(t.Context(), address); err != nil ||
				got.CallerID != mallory.id {
				t.Errorf("its own caller reads %+v, %v", got, err)
			}
		}
		demo.wantOrder(unpaid, "AwaitingAuthorisation")
	})

	t.Run("another caller's notification", func(t *testing.T) {
		held, err := mallory.client.Reserve(t.Context(), holdfast.ReserveRequest{
			SenderTokenID:   mallory.tokenFrom(mallory.walk("mine", "http://127.0.0.1:4711/return")),
			CallerReference: holdfast.CallerReference(paid), TransactionAmount: money.Cents(100), OverrideIPNURL: ipn,
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mallory.client.Cancel(t.Context(),
			holdfast.CancelRequest{TransactionID: held.TransactionID, OverrideIPNURL: ipn}); err != nil {
			t.Fatal(err)
		}
		server, err := sql.Open("sqlite", filepath.Join(dir, serverFile))
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
		eventually(t, "the shop refuses the notifications", func() bool {
			var refused int
			err := server.QueryRow(`SELECT count(*) FROM deliveries WHERE caller_id = ? AND last_result = '403 Forbidden'`,
				mallory.id).Scan(&refused)
			return err == nil && refused == 2 // RESERVED and CANCELLED
		})
		demo.wantOrder(paid, "ToShip")
		demo.wantOrder(unpaid, "AwaitingAuthorisation")
	})
	booksAreRight(t, dir)
}

// tokenFrom reads a token off the stranger's own return URL.
func (s *stranger) tokenFrom(address string) holdfast.TokenID {
	s.t.Helper()
	got, err := holdfast.Verifier{CallerID: s.id, Client: s.client}.ParseReturn(s.t.Context(), address)
	if err != nil || !got.Authorised() {
		s.t.Fatalf("%s: %+v, %v", address, got, err)
	}
	return got.TokenID
}
