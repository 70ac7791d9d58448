package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	pebble "github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// An authority is Pebble, the ACME server that Let's Encrypt's own tests use, on
// this machine. It finds every host here.
type authority struct {
	directory string
	trusted   *x509.CertPool // for what it gives
}

// startAuthority starts an authority that sends its challenges to these ports.
// The test's processes then trust its address.
func startAuthority(t *testing.T, plainPort, tlsPort int) authority {
	t.Helper()
	t.Setenv("PEBBLE_VA_NOSLEEP", "1")
	t.Setenv("PEBBLE_WFE_NONCEREJECT", "20") // percent of good requests that are to be sent again
	log := slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	kept := pebble.NewMemoryStore()
	issuing := ca.New(log, kept, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: 90 * 24 * 60 * 60}})
	asking := va.New(log, plainPort, tlsPort, true, startNames(t, here), kept)
	front := wfe.New(log, kept, asking, issuing, []string{"authority.example.test"}, true, false, 0, 0)

	now := time.Now()
	root := holdfasttest.NewAuthority(t, now)
	pair, err := tls.X509KeyPair(root.Issue(t, now.Add(-time.Hour), now.AddDate(0, 0, 1), "127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(front.Handler())
	server.Config.ErrorLog = log
	server.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
	server.StartTLS()
	t.Cleanup(server.Close)
	t.Setenv("SSL_CERT_FILE", writeFile(t, "root.pem", root.PEM))

	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(issuing.GetRootCert(0).PEM()) {
		t.Fatal("the authority has no certificate")
	}
	return authority{directory: server.URL + wfe.DirectoryPath, trusted: trusted}
}

// here is an address of every host.
func here(string) []net.IP { return []net.IP{net.IPv4(127, 0, 0, 1)} }

// startNames starts a name server. find returns the addresses of a host, none if
// there is no such host.
func startNames(t *testing.T, find func(host string) []net.IP) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", freePort)
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{Listener: listener, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, question *dns.Msg) {
		answer := new(dns.Msg).SetReply(question)
		for _, q := range question.Question {
			found := find(strings.TrimSuffix(q.Name, "."))
			if len(found) == 0 {
				answer.Rcode = dns.RcodeNameError
			}
			for _, ip := range found {
				header := dns.RR_Header{Name: q.Name, Rrtype: q.Qtype, Class: dns.ClassINET}
				switch v4 := ip.To4(); {
				case q.Qtype == dns.TypeA && v4 != nil:
					answer.Answer = append(answer.Answer, &dns.A{Hdr: header, A: v4})
				case q.Qtype == dns.TypeAAAA && v4 == nil:
					answer.Answer = append(answer.Answer, &dns.AAAA{Hdr: header, AAAA: ip})
				}
			}
		}
		w.WriteMsg(answer) //nolint:errcheck // the one who asks tells
	})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		server.ActivateAndServe() //nolint:errcheck // it ends with the listener
	}()
	t.Cleanup(func() { listener.Close(); <-ended })
	return listener.Addr().String()
}

func TestACME(t *testing.T) {
	for name, row := range map[string]struct{ plainWrong, tlsWrong bool }{
		"by TLS":        {plainWrong: true},
		"by plain HTTP": {tlsWrong: true},
	} {
		t.Run(name, func(t *testing.T) {
			listen, plain, nobody := freeAddress(t), freeAddress(t), freeAddress(t)
			reached := map[bool]string{false: plain, true: nobody}[row.plainWrong]
			reachedTLS := map[bool]string{false: listen, true: nobody}[row.tlsWrong]
			authority := startAuthority(t, port(t, reached), port(t, reachedTLS))
			dir := t.TempDir()
			serve := []string{
				"serve", "--listen", listen, "--store", filepath.Join(dir, "s.db"), "--http-redirect", plain,
				"--acme", "pay.example.test,fps.example.test", "--acme-agree", "--acme-directory", authority.directory,
				"--acme-email", "ops@example.test",
			}
			_, end := startVerb(t, serve...)
			first := map[string]string{}
			for _, host := range []string{"pay.example.test", "fps.example.test"} {
				eventually(t, "a certificate for "+host, func() bool {
					first[host] = certificateShown(listen, host, authority.trusted)
					return first[host] != ""
				})
			}
			got := ask(t, clientOf(listen, &tls.Config{RootCAs: authority.trusted}), http.MethodGet,
				"https://pay.example.test/healthz", "")
			if got.status != http.StatusOK || got.header.Get("Strict-Transport-Security") == "" {
				t.Errorf("answered with %d and %v", got.status, got.header)
			}
			// A client that names no host, or an unknown one, gets the first host's
			// certificate.
			for _, host := range []string{"", "fps.amazonaws.com"} {
				if got := certificateShown(listen, host, nil); got != first["pay.example.test"] {
					t.Errorf("who asks for %q is shown certificate %s, want %s", host, got, first["pay.example.test"])
				}
			}
			got = ask(t, clientOf(plain, nil), http.MethodGet, "http://pay.example.test/", "")
			if to := got.header.Get("Location"); to != "https://pay.example.test/" {
				t.Errorf("plain HTTP is sent to %q", to)
			}
			if err := end(); err != nil {
				t.Fatal(err)
			}
			// Stored certificates are used again, and only their owner can read them.
			startVerb(t, serve...)
			eventually(t, "the certificate of last time", func() bool {
				return certificateShown(listen, "pay.example.test", authority.trusted) == first["pay.example.test"]
			})
			if info, err := os.Stat(filepath.Join(dir, "acme", "certificates")); err != nil || info.Mode().Perm() != 0o700 {
				t.Errorf("the folder of the keys: %v (%v)", info, err)
			}
		})
	}
}

// A server that cannot reach the authority starts all the same, and stops when
// it is told to.
func TestACMEWithoutAuthority(t *testing.T) {
	listen, end := startVerb(
		t, "serve", "--listen", freePort, "--store", filepath.Join(t.TempDir(), "s.db"),
		"--acme", "pay.example.test", "--acme-agree", "--acme-directory", "https://"+freeAddress(t)+"/dir",
	)
	if got := certificateShown(listen, "pay.example.test", nil); got != "" {
		t.Errorf("certificate %s came from nowhere", got)
	}
	if err := end(); err != nil {
		t.Error(err)
	}
}

// certificateShown is the serial number of the certificate that a client gets
// for a host. It is empty if the certificate is not trusted; nil trusts any.
func certificateShown(listen, host string, trusted *x509.CertPool) string {
	conn, err := tls.Dial("tcp", listen, &tls.Config{
		ServerName: host, RootCAs: trusted, InsecureSkipVerify: trusted == nil,
	})
	if err != nil {
		return ""
	}
	defer conn.Close()
	return fmt.Sprint(conn.ConnectionState().PeerCertificates[0].SerialNumber)
}

func port(t *testing.T, address string) int {
	t.Helper()
	_, digits, err := net.SplitHostPort(address)
	if err != nil {
		t.Fatal(err)
	}
	number, err := strconv.Atoi(digits)
	if err != nil {
		t.Fatal(err)
	}
	return number
}
