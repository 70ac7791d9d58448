package https_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/https"
)

// A desk is a folder with a certificate, and the Files that use it.
type desk struct {
	*https.Files
	t         *testing.T
	clock     *holdfasttest.Clock
	authority *holdfasttest.Authority
	log       bytes.Buffer
}

const host = "pay.example.test"

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, clock: holdfasttest.NewClock()}
	d.authority = holdfasttest.NewAuthority(t, d.clock.Now())
	dir := t.TempDir()
	d.Files = &https.Files{
		Cert: filepath.Join(dir, "cert.pem"), Key: filepath.Join(dir, "key.pem"), Host: host,
		Now: d.clock.Now, Log: slog.New(slog.NewTextHandler(&d.log, nil)),
	}
	return d
}

// issue makes a certificate that is valid for a number of days.
func (d *desk) issue(days int, names ...string) (cert, key []byte) {
	now := d.clock.Now()
	return d.authority.Issue(d.t, now, now.AddDate(0, 0, days), names...)
}

func (d *desk) write(cert, key []byte) {
	d.t.Helper()
	for name, text := range map[string][]byte{d.Cert: cert, d.Key: key} {
		if err := os.WriteFile(name, text, 0o600); err != nil {
			d.t.Fatal(err)
		}
	}
}

// shown is the serial number of the certificate that a client sees.
func (d *desk) shown() int64 {
	d.t.Helper()
	state, err := d.handshake(&tls.Config{ServerName: host})
	if err != nil {
		d.t.Fatal(err)
	}
	return state.PeerCertificates[0].SerialNumber.Int64()
}

// handshake connects a client to a server that uses the certificate.
func (d *desk) handshake(client *tls.Config) (tls.ConnectionState, error) {
	client.RootCAs, client.Time = d.authority.Pool(), d.clock.Now
	here, there := net.Pipe()
	defer here.Close()
	defer there.Close()
	go tls.Server(there, d.TLS()).HandshakeContext(d.t.Context()) //nolint:errcheck // the client reports it
	conn := tls.Client(here, client)
	err := conn.HandshakeContext(d.t.Context())
	return conn.ConnectionState(), err
}

func (d *desk) logged() string {
	defer d.log.Reset()
	return d.log.String()
}

func TestFilesAreReadAgain(t *testing.T) {
	d := newDesk(t)
	d.write(d.issue(90, host))
	if err := d.Load(); err != nil {
		t.Fatal(err)
	}
	first := d.shown()
	if said := d.logged(); !strings.Contains(said, "certificate read") || strings.Contains(said, "refuse") {
		t.Errorf("a valid certificate is logged as %s", said)
	}
	d.Reload()
	if said := d.logged(); said != "" {
		t.Errorf("unchanged files are logged as %s", said)
	}

	cert, key := d.issue(90, host)
	expired, expiredKey := d.authority.Issue(t, d.clock.Now().AddDate(0, 0, -90), d.clock.Now().Add(-time.Minute), host)
	future, futureKey := d.authority.Issue(t, d.clock.Now().Add(time.Hour), d.clock.Now().AddDate(0, 0, 90), host)
	for _, bad := range []struct {
		name      string
		cert, key []byte
		why       string
	}{
		{"half renewed", cert, readAll(t, d.Key), "private key does not match"},
		{"empty", nil, nil, "failed to find any PEM data"},
		{"no PEM", []byte("hello"), key, "failed to find any PEM data"},
		{"cut short", cert[:len(cert)/2], key, "failed to find any PEM data"},
		{"the two exchanged", key, cert, "may have been switched"},
		{"too large", bytes.Repeat([]byte("x"), 1<<20+1), key, "too large"},
		{"ended", expired, expiredKey, "it expired on"},
		{"not begun", future, futureKey, "it is not valid before"},
	} {
		d.write(bad.cert, bad.key)
		d.Reload()
		if said := d.logged(); !strings.Contains(said, bad.why) || !strings.Contains(said, "the old one is kept") {
			t.Errorf("%s: logged as %s, want %q", bad.name, said, bad.why)
		}
		d.Reload()
		if said := d.logged(); said != "" {
			t.Errorf("%s: logged again as %s", bad.name, said)
		}
		if got := d.shown(); got != first {
			t.Errorf("%s: clients see certificate %d, want the old one, %d", bad.name, got, first)
		}
	}
	if err := os.Remove(d.Key); err != nil {
		t.Fatal(err)
	}
	d.Reload()
	d.Reload()
	if said := d.logged(); strings.Count(said, "no such file") != 1 {
		t.Errorf("a missing key is logged as %s", said)
	}

	d.write(cert, key)
	d.Reload()
	if got := d.shown(); got == first {
		t.Error("the new certificate is not used")
	}
	if said := d.logged(); strings.Contains(said, "PRIVATE KEY") || !strings.Contains(said, "certificate read") {
		t.Errorf("the new certificate is logged as %s", said)
	}

	d.write(future, futureKey)
	d.Reload()
	d.clock.Advance(2 * time.Hour)
	d.Reload()
	if got := d.shown(); got == first {
		t.Error("a certificate that has become valid is not used")
	}
}

func readAll(t *testing.T, name string) []byte {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestFilesAtTheStart(t *testing.T) {
	d := newDesk(t)
	if err := d.Load(); err == nil || !strings.Contains(err.Error(), "cert.pem: no such file") {
		t.Errorf("without files: %v", err)
	}
	cert, _ := d.issue(90, host)
	_, other := d.issue(90, host)
	d.write(cert, other)
	if err := d.Load(); err == nil || !strings.Contains(err.Error(), "private key does not match") {
		t.Errorf("with somebody else's key: %v", err)
	}
	d.write(d.issue(90, "other.example.test"))
	if err := d.Load(); err != nil || !strings.Contains(d.logged(), "refuse the certificate at the public address") {
		t.Errorf("with a certificate for another host: %v, want a warning", err)
	}
	d.write(d.issue(1, host))
	d.clock.Advance(48 * time.Hour)
	if err := d.Load(); err != nil || !strings.Contains(d.logged(), "it expired on") {
		t.Errorf("with an expired certificate: %v, want a warning", err)
	}
}

func TestRunLooksAtTheFiles(t *testing.T) {
	d := newDesk(t)
	d.write(d.issue(90, host))
	if err := d.Load(); err != nil {
		t.Fatal(err)
	}
	first := d.shown()
	d.Every = time.Millisecond
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	ended := make(chan struct{})
	go func() { d.Run(ctx); close(ended) }()
	d.write(d.issue(90, host))
	for d.shown() == first {
		if ctx.Err() != nil {
			t.Fatal("the new certificate is not seen")
		}
	}
	cancel()
	<-ended
}

func TestProtocols(t *testing.T) {
	d := newDesk(t)
	d.write(d.issue(90, host))
	if err := d.Load(); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name   string
		client *tls.Config
		want   string // empty means refused
	}{
		{"the newest", &tls.Config{}, "TLS 1.3, no protocol"},
		{"TLS 1.2", &tls.Config{MaxVersion: tls.VersionTLS12}, "TLS 1.2, no protocol"},
		{"TLS 1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, ""},
		{"TLS 1.0", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, ""},
		{
			"no authenticated encryption",
			&tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}}, "",
		},
		{"HTTP/2", &tls.Config{NextProtos: []string{"h2", "http/1.1"}}, "TLS 1.3, h2"},
		{"HTTP/1.1", &tls.Config{NextProtos: []string{"http/1.1"}}, "TLS 1.3, http/1.1"},
		{"HTTP/1.0", &tls.Config{NextProtos: []string{"http/1.0"}}, "TLS 1.3, http/1.0"},
	} {
		t.Run(row.name, func(t *testing.T) {
			row.client.ServerName = host
			state, err := d.handshake(row.client)
			got := ""
			if err == nil {
				protocol := state.NegotiatedProtocol
				if protocol == "" {
					protocol = "no protocol"
				}
				got = fmt.Sprintf("%s, %s", tls.VersionName(state.Version), protocol)
			}
			if got != row.want {
				t.Errorf("got %q (%v), want %q", got, err, row.want)
			}
		})
	}
}

// A key that others can read is refused at the start. A renewed one is used,
// and the log says that the next start will refuse it.
func TestAKeyThatOthersCanRead(t *testing.T) {
	d := newDesk(t)
	shared := errors.New("others can read it")
	d.CheckKey = func(string) error { return shared }
	d.write(d.issue(90, host))
	if err := d.Load(); !errors.Is(err, shared) {
		t.Errorf("loading: %v", err)
	}
	d.CheckKey = nil
	if err := d.Load(); err != nil {
		t.Fatal(err)
	}
	first := d.shown()
	d.CheckKey = func(path string) error {
		if path != d.Key {
			t.Errorf("%s is checked", path)
		}
		return shared
	}
	d.write(d.issue(90, host))
	d.Reload()
	d.Reload()
	if d.shown() == first {
		t.Error("the renewed certificate is not used")
	}
	if got := strings.Count(d.logged(), "the next start will refuse it"); got != 1 {
		t.Errorf("it is logged %d times", got)
	}
}
