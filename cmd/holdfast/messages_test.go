package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"net/http"
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

// reply loads an address and follows no redirect.
func reply(t *testing.T, address string) (status int, location string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return answer.StatusCode, answer.Header.Get("Location")
}

// buy takes an order to the payment pages and, if it is to be paid, through them.
func (p *process) buy(product string, pays bool) (order string) {
	p.t.Helper()
	b := newBrowser(p.t)
	b.Open(p.answer.Shop + "products/" + product)
	b.submit(postForms(p.t, b.Page)[0])
	b.Open(p.answer.Shop + "cart")
	if !pays {
		b.StopAt = p.answer.Endpoint + "cobranded-ui/"
		b.submitTo("/pay")
		db, err := sql.Open("sqlite", filepath.Join(p.answer.DataDir, shopFile))
		if err != nil {
			p.t.Fatal(err)
		}
		defer db.Close()
		err = db.QueryRow(`SELECT order_id FROM orders WHERE checkout_url = ?`, b.Left).Scan(&order)
		if err != nil {
			p.t.Fatalf("the order of %s: %v", b.Left, err)
		}
		return order
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

// Another caller of the same server can move no order of the shop, whatever it has
// the server sign and whichever reference it uses.
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

	t.Run("a return with another caller's token", func(t *testing.T) {
		address := mallory.walk(unpaid, demo.answer.Shop+"orders/"+unpaid+"/paid")
		if status, location := reply(t, address); status != http.StatusSeeOther || location != "/orders/"+unpaid {
			t.Errorf("the shop answers %s with %d to %s", address, status, location)
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
		demo.wantOrder(unpaid, "AwaitingApproval")
	})

	t.Run("another caller's hold with an order's reference", func(t *testing.T) {
		held, err := mallory.client.Reserve(t.Context(), holdfast.ReserveRequest{
			SenderTokenID:   mallory.tokenFrom(mallory.walk("mine", "http://127.0.0.1:4711/return")),
			CallerReference: holdfast.CallerReference(paid), TransactionAmount: money.Cents(100),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := mallory.client.Cancel(t.Context(),
			holdfast.CancelRequest{TransactionID: held.TransactionID}); err != nil {
			t.Fatal(err)
		}
		demo.wantOrder(paid, "ToShip")
		demo.wantOrder(unpaid, "AwaitingApproval")
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
