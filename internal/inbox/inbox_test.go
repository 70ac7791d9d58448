package inbox_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/inbox"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// ask sends a request of a browser on this machine. change, if not nil, changes
// it before.
func ask(db *store.DB, address string, change func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, address, nil)
	r.RemoteAddr, r.Host = "127.0.0.1:55555", "127.0.0.1:8010"
	if change != nil {
		change(r)
	}
	w := httptest.NewRecorder()
	(&inbox.Server{Store: db.Reader, Log: slog.New(slog.DiscardHandler)}).Handler().ServeHTTP(w, r)
	return w
}

func write(t *testing.T, db *store.DB, mails ...party.Mail) {
	t.Helper()
	for i, m := range mails {
		m.Created = holdfasttest.Start.Add(time.Duration(i) * time.Minute)
		if err := db.Update(t.Context(), func(tx *store.Tx) error { return tx.InsertMail(m) }); err != nil {
			t.Fatal(err)
		}
	}
}

func wantPage(t *testing.T, w *httptest.ResponseRecorder, want ...string) {
	t.Helper()
	if w.Code != http.StatusOK {
		t.Fatalf("answered %d:\n%s", w.Code, w.Body)
	}
	for _, part := range want {
		if !strings.Contains(w.Body.String(), part) {
			t.Errorf("the page lacks %s:\n%s", part, w.Body)
		}
	}
}

func TestInbox(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		wantPage(t, ask(db, "/inbox/", nil), "<h1>Inbox</h1>", "There are no e-mails yet.")
		write(t, db,
			party.Mail{
				ID: "M1", To: "ann@example.com", Subject: "Your address",
				Text: "Hello,\n\nopen https://pay.example.com/verify?a=1&b=2.\n",
			},
			party.Mail{ID: "M2", To: "bob@example.com", Subject: "Your password", Text: "It was changed.\n"},
		)
		list := ask(db, "/inbox/", nil)
		wantPage(t, list, `<a href="/inbox/M1">Your address</a>`, "To ann@example.com · November 23, 2026, 10:15 AM")
		if body := list.Body.String(); strings.Index(body, "/inbox/M1") < strings.Index(body, "/inbox/M2") {
			t.Error("the newest mail is not the first")
		}
		wantPage(t, ask(db, "/inbox/M1", nil), "<h1>Your address</h1>",
			"<pre>Hello,\n\nopen <a href=\"https://pay.example.com/verify?a=1&amp;b=2\"",
			">https://pay.example.com/verify?a=1&amp;b=2</a>.\n</pre>")
		for address, change := range map[string]func(*http.Request){
			"/inbox/M3": nil, "/inbox/M1/": nil, "/inbox/M1/x": nil,
		} {
			if w := ask(db, address, change); w.Code != http.StatusNotFound {
				t.Errorf("%s is answered with %d", address, w.Code)
			}
		}
		if w := ask(db, "/inbox/",
			func(r *http.Request) { r.Method = http.MethodPost }); w.Code != http.StatusMethodNotAllowed {
			t.Errorf("a form is answered with %d", w.Code)
		}
	})
}

func TestInboxInOtherLanguages(t *testing.T) {
	db := holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t))
	write(t, db, party.Mail{ID: "M1", To: "ann@example.com", Subject: "Hola", Text: "Hola"})
	for language, want := range map[string][]string{
		"de": {`lang="de"`, "Posteingang", "An ann@example.com · 23. November 2026, 10:15"},
		"es": {`lang="es"`, "Bandeja de entrada", "Para ann@example.com · 23 de noviembre de 2026, 10:15"},
	} {
		for _, address := range []string{"/inbox/", "/inbox/M1"} {
			wantPage(t, ask(db, address, func(r *http.Request) { r.Header.Set("Accept-Language", language) }), want[0], want[2])
		}
		wantPage(t, ask(db, "/inbox/", func(r *http.Request) { r.Header.Set("Accept-Language", language) }), want[1])
	}
}

// A stranger's markup in a mail is shown as text.
func TestHostileMails(t *testing.T) {
	db := holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t))
	write(t, db, party.Mail{
		ID: "M1/../x?y", To: `"><script>alert(1)</script>@example.com`, Subject: `<img src=x onerror=alert(1)>`,
		Text: `<script>alert(1)</script> javascript:alert(1) https://evil.test/"onclick="alert(1) http://a.test/')`,
	})
	list := ask(db, "/inbox/", nil)
	wantPage(t, list, `href="/inbox/M1%2F..%2Fx%3Fy"`)
	shown := ask(db, "/inbox/M1%2F..%2Fx%3Fy", nil)
	wantPage(t, shown, `<a href="https://evil.test/" rel="noreferrer">https://evil.test/</a>`,
		`<a href="http://a.test/" rel="noreferrer">`)
	for _, w := range []*httptest.ResponseRecorder{list, shown} {
		for _, never := range []string{"<script", "<img", `href="javascript`} {
			if strings.Contains(w.Body.String(), never) {
				t.Errorf("the page has %s:\n%s", never, w.Body)
			}
		}
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || w.Header().Get("Cache-Control") != "no-store" ||
			w.Header().Get("X-Frame-Options") != "DENY" {
			t.Errorf("the page is sent with %v", w.Header())
		}
	}
}

// Mails have links that sign their reader in, so only this machine can read
// them.
func TestOnlyThisMachineReads(t *testing.T) {
	db := holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t))
	write(t, db, party.Mail{ID: "M1", To: "ann@example.com", Subject: "Hi", Text: "Hi"})
	for _, row := range []struct {
		remote, local, host string
		want                int
	}{
		{"127.0.0.1:5555", "127.0.0.1", "127.0.0.1:8010", http.StatusOK},
		{"[::1]:5555", "::1", "[::1]:8010", http.StatusOK},
		{"127.0.0.1:5555", "127.0.0.1", "localhost:8010", http.StatusOK},
		{"[::ffff:127.0.0.1]:5555", "127.0.0.1", "127.0.0.1", http.StatusOK},
		{"192.0.2.7:5555", "192.0.2.7", "192.0.2.7:8010", http.StatusOK}, // the machine's own address
		{"192.0.2.8:5555", "192.0.2.7", "192.0.2.7:8010", http.StatusNotFound},
		{"192.0.2.8:5555", "192.0.2.7", "127.0.0.1:8010", http.StatusNotFound},
		{"127.0.0.1:5555", "127.0.0.1", "pay.example.com", http.StatusNotFound}, // a proxy
		{"127.0.0.1:5555", "127.0.0.1", "evil.test:8010", http.StatusNotFound},  // DNS rebinding
		{"127.0.0.1:5555", "127.0.0.1", "localhost.evil.test", http.StatusNotFound},
		{"127.0.0.1:5555", "127.0.0.1", "", http.StatusNotFound},
		{"nonsense", "127.0.0.1", "127.0.0.1:8010", http.StatusNotFound},
	} {
		for _, address := range []string{"/inbox/", "/inbox/M1"} {
			w := ask(db, address, func(r *http.Request) {
				r.RemoteAddr, r.Host = row.remote, row.host
				local := &net.TCPAddr{IP: net.ParseIP(row.local), Port: 8010}
				*r = *r.WithContext(context.WithValue(r.Context(), http.LocalAddrContextKey, local))
			})
			if w.Code != row.want {
				t.Errorf("%s from %s by the name %q: %d, want %d", address, row.remote, row.host, w.Code, row.want)
			}
			if w.Code != http.StatusOK && strings.Contains(w.Body.String(), "ann@") {
				t.Errorf("%s from %s by the name %q shows\n%s", address, row.remote, row.host, w.Body)
			}
		}
	}
}

// A proxy on this machine passes on requests of strangers, even if it names the
// host localhost.
func TestProxiesDoNotRead(t *testing.T) {
	db := holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t))
	for name, value := range map[string]string{
		"Forwarded": "for=192.0.2.8", "Via": "1.1 proxy", "X-Forwarded-For": "192.0.2.8",
		"X-Forwarded-Host": "pay.example.com", "X-Forwarded-Proto": "https", "X-Real-IP": "192.0.2.8",
		"cf-connecting-ip": "192.0.2.8",
	} {
		if w := ask(db, "/inbox/", func(r *http.Request) { r.Header.Set(name, value) }); w.Code != http.StatusNotFound {
			t.Errorf("with %s: answered %d", name, w.Code)
		}
	}
	wantPage(t, ask(db, "/inbox/", func(r *http.Request) { r.Header.Set("X-Requested-With", "test") }))
}
