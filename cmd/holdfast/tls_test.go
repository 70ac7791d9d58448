package main

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/money"
)

// clientOf sends every request to one listener, whatever its host, and follows
// no redirect.
func clientOf(listen string, trust *tls.Config) *http.Client {
	dial := func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, listen)
	}
	return &http.Client{
		Transport:     &http.Transport{DialContext: dial, TLSClientConfig: trust, ForceAttemptHTTP2: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// An answered is an answer that was read to its end.
type answered struct {
	status int
	proto  string
	header http.Header
	body   string
}

func ask(t *testing.T, client *http.Client, verb, address, body string) answered {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), verb, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answered{status: answer.StatusCode, proto: answer.Proto, header: answer.Header, body: string(text)}
}

// paths has one path of each door, with answers of all kinds.
var paths = []string{
	"/", "/?Action=Pay", "/nothing", "/healthz", "/sandbox/clock", "/certs/none.pem", "/doc/2010-08-28/AmazonFPS.xsd",
	"/cobranded-ui/actions/start", "/cobranded-ui/nothing", "/inbox/",
}

// strict returns each path's Strict-Transport-Security header.
func strict(t *testing.T, client *http.Client, address string) map[string]string {
	t.Helper()
	said := map[string]string{}
	for _, path := range paths {
		said[path] = ask(t, client, http.MethodGet, address+path, "").header.Get("Strict-Transport-Security")
	}
	return said
}

// writeFile writes a file into a folder of the test's own.
func writeFile(t *testing.T, name string, text []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestServeSpeaksTLS(t *testing.T) {
	now := time.Now()
	authority := holdfasttest.NewAuthority(t, now)
	cert, key := authority.Issue(t, now.Add(-time.Hour), now.AddDate(0, 0, 1), "pay.example.test")
	plain, address := freeAddress(t), filepath.Join(t.TempDir(), "s.db")
	listen, _ := startVerb(
		t, "serve", "--listen", freePort, "--store", address, "--public-url", "https://pay.example.test",
		"--tls-cert", writeFile(t, "cert.pem", cert), "--tls-key", writeFile(t, "key.pem", key), "--http-redirect", plain,
	)
	client := clientOf(listen, &tls.Config{RootCAs: authority.Pool()})
	for path, said := range strict(t, client, "https://pay.example.test") {
		if said != "max-age=31536000" {
			t.Errorf("%s says %q to browsers", path, said)
		}
	}
	if got := ask(t, client, http.MethodGet, "https://pay.example.test/healthz", ""); got.proto != "HTTP/2.0" ||
		got.status != http.StatusOK {
		t.Errorf("answered by %s with %d", got.proto, got.status)
	}
	// A program that speaks plain HTTP to the TLS port gets a clear error.
	got := ask(t, clientOf(listen, nil), http.MethodPost, "http://pay.example.test/", "Action=Pay")
	if got.status != http.StatusBadRequest || !strings.Contains(got.body, "HTTPS server") {
		t.Errorf("plain HTTP is answered with %d %q", got.status, got.body)
	}
	unsafe := clientOf(plain, nil)
	got = ask(t, unsafe, http.MethodGet, "http://other.example.test/cobranded-ui/actions/start?a=b", "")
	if to := got.header.Get("Location"); got.status != http.StatusMovedPermanently ||
		to != "https://pay.example.test/cobranded-ui/actions/start?a=b" {
		t.Errorf("plain HTTP is sent with %d to %s", got.status, to)
	}
	got = ask(t, unsafe, http.MethodPost, "http://pay.example.test/", "Action=Pay")
	if got.status != http.StatusForbidden || got.header.Get("Location") != "" ||
		!strings.Contains(got.body, "https://pay.example.test/") {
		t.Errorf("a post by plain HTTP is answered with %d %q", got.status, got.body)
	}
	for path, said := range strict(t, unsafe, "http://pay.example.test") {
		if said != "" {
			t.Errorf("%s says %q by plain HTTP", path, said)
		}
	}
}

// A proxy in front may speak TLS; then the server itself speaks plain HTTP.
func TestStrictFollowsThePublicAddress(t *testing.T) {
	for public, want := range map[string]string{
		"https://pay.example.test": "max-age=31536000", "http://pay.example.test": "",
	} {
		listen, _ := startVerb(t, "serve", "--listen", freePort, "--store", filepath.Join(t.TempDir(), "s.db"),
			"--public-url", public)
		for path, said := range strict(t, clientOf(listen, nil), "http://pay.example.test") {
			if said != want {
				t.Errorf("behind %s, %s says %q to browsers, want %q", public, path, said, want)
			}
		}
	}
}

// Caller and server agree on the signed text, and a browser keeps its session.
func TestCallersAndBrowsersComeByTLS(t *testing.T) {
	now := time.Now()
	authority := holdfasttest.NewAuthority(t, now)
	cert, key := authority.Issue(t, now.Add(-time.Hour), now.AddDate(0, 0, 1), "127.0.0.1")
	address := filepath.Join(t.TempDir(), "s.db")
	caller := newCaller(t, address)
	listen, _ := startVerb(
		t, "serve", "--listen", freePort, "--store", address,
		"--tls-cert", writeFile(t, "cert.pem", cert), "--tls-key", writeFile(t, "key.pem", key),
	)
	client := &holdfast.Client{
		Endpoint: "https://" + listen + "/", CoBranded: "https://" + listen + holdfast.CoBrandedPath,
		AccessKeyID: caller.AccessKeyID, SecretKey: holdfast.NewSecretKey(caller.SecretAccessKey),
		HTTP: clientOf(listen, &tls.Config{RootCAs: authority.Pool()}),
	}
	if _, err := client.Clock(t.Context()); err != nil {
		t.Error(err)
	}
	const returnURL = "https://shop.example.test/return"
	link, err := client.SingleUseURL(holdfast.SingleUseRequest{
		CallerReference: "order-1-pay", ReturnURL: returnURL, TransactionAmount: money.Cents(4250),
	})
	if err != nil {
		t.Fatal(err)
	}
	buyer := newBrowser(t)
	buyer.Client.Transport, buyer.StopAt = client.HTTP.Transport, returnURL
	buyer.Open(link)
	buyer.authorise(callerEmail, callerPassword)
	back, err := holdfast.Verifier{Client: client}.ParseReturn(t.Context(), buyer.Left)
	if err != nil || back.Status != holdfast.ReturnAccountProblem { // the shop's owner does not pay itself
		t.Errorf("the return says %s (%v)", back.Status, err)
	}
	var names []string
	for _, c := range buyer.Client.Jar.Cookies(buyer.At) {
		names = append(names, c.Name)
	}
	slices.Sort(names)
	if want := []string{"__Host-holdfast", "__Host-holdfast-known"}; !slices.Equal(names, want) {
		t.Errorf("the browser has the cookies %v, want %v", names, want)
	}
}
