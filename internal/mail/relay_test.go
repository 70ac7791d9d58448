package mail_test

import (
	"bufio"
	"fmt"
	"net"
	netmail "net/mail"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/mail"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// relayTo is the relay of a test's mail server.
func relayTo(o *holdfasttest.PostOffice, clock *holdfasttest.Clock) *mail.Relay {
	return &mail.Relay{
		Host: "127.0.0.1", Port: o.Port, User: o.User, Password: holdfast.NewSecretKey(o.Password),
		From: netmail.Address{Name: "Holdfast", Address: "pay@holdfast.example"},
		Now:  clock.Now, Roots: o.Authority.Pool(),
	}
}

func TestSecurity(t *testing.T) {
	const user, password = "holdfast", "correct horse"
	for _, row := range []struct {
		name   string
		office func(*holdfasttest.PostOffice) // before it opens
		tls    bool                           // from the first byte
		relay  func(*mail.Relay)
		want   string // nothing arrives, and this is why
	}{
		{name: "STARTTLS"},
		{name: "TLS from the first byte", tls: true, relay: func(r *mail.Relay) { r.Security = mail.TLS }},
		{
			name: "plain", office: func(o *holdfasttest.PostOffice) { o.TLSConfig = nil },
			relay: func(r *mail.Relay) { r.Security = mail.Plain },
		},
		{name: "signed in", office: func(o *holdfasttest.PostOffice) { o.User, o.Password = user, password }},
		{
			name: "signed in, TLS from the first byte", tls: true,
			office: func(o *holdfasttest.PostOffice) { o.User, o.Password = user, password },
			relay:  func(r *mail.Relay) { r.Security = mail.TLS },
		},
		{
			name: "no STARTTLS", office: func(o *holdfasttest.PostOffice) { o.TLSConfig = nil },
			want: "does not support STARTTLS",
		},
		{name: "somebody else's certificate", relay: func(r *mail.Relay) { r.Roots = nil }, want: "x509: "},
		{
			name: "a certificate for another host", relay: func(r *mail.Relay) { r.Host = "localhost" },
			want: "wanted to match localhost",
		},
		{
			name: "TLS where there is none", relay: func(r *mail.Relay) { r.Security = mail.TLS },
			want: "first record does not look like a TLS handshake",
		},
		{
			name: "wrong password", office: func(o *holdfasttest.PostOffice) { o.User, o.Password = user, "another" },
			relay: func(r *mail.Relay) { r.Password = holdfast.NewSecretKey(password) }, want: "SMTP AUTH failed: 535 5.7.8",
		},
		{
			name: "signing in without TLS", office: func(o *holdfasttest.PostOffice) {
				o.User, o.Password, o.TLSConfig, o.AllowInsecureAuth = user, password, nil, true
			},
			relay: func(r *mail.Relay) { r.Security = mail.Plain }, want: "unencrypted",
		},
		{name: "nobody there", relay: func(r *mail.Relay) { r.Port = 1 }, want: "connection refused"},
	} {
		t.Run(row.name, func(t *testing.T) {
			clock := holdfasttest.NewClock()
			o := holdfasttest.NewPostOffice(t, clock.Now())
			if row.office != nil {
				row.office(o)
			}
			o.Open(t, row.tls)
			relay := relayTo(o, clock)
			if row.relay != nil {
				row.relay(relay)
			}
			m := party.Mail{ID: "M1", To: "ann@example.com", Subject: "Hi", Text: secret, Created: clock.Now()}
			err, check := relay.Send(t.Context(), m), relay.Check(t.Context())
			if row.want == "" {
				if err != nil || check != nil {
					t.Fatalf("sending ends in %v, checking in %v", err, check)
				}
				if arrived := o.Arrived(); len(arrived) != 1 || arrived[0].Encrypted == (relay.Security == mail.Plain) {
					t.Errorf("arrived: %+v", arrived)
				}
				return
			}
			for _, err := range []error{err, check} {
				if err == nil || !strings.Contains(err.Error(), row.want) || strings.Contains(err.Error(), password) {
					t.Errorf("ends in %v, want %s", err, row.want)
				}
			}
			if diff := cmp.Diff([]string(nil), o.Said()); diff != "" {
				t.Errorf("said to somebody who is not to be trusted (-want +got):\n%s", diff)
			}
		})
	}
}

// A mail server that accepts the connection and does not answer delays nobody
// for long.
func TestSilentRelay(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	relay := &mail.Relay{
		Host: "127.0.0.1", Port: listener.Addr().(*net.TCPAddr).Port, From: netmail.Address{Address: "pay@holdfast.example"},
		Now: holdfasttest.NewClock().Now, Timeout: 50 * time.Millisecond,
	}
	for _, security := range []mail.Security{mail.StartTLS, mail.TLS, mail.Plain} {
		relay.Security = security
		err := relay.Send(t.Context(), party.Mail{ID: "M1", To: "ann@example.com", Subject: "Hi", Text: secret})
		if err == nil || !strings.Contains(err.Error(), "timeout") && !strings.Contains(err.Error(), "deadline exceeded") {
			t.Errorf("security %d: ends in %v", security, err)
		}
	}
}

func TestCheckFrom(t *testing.T) {
	for address, want := range map[string]bool{
		"pay@example.com": true, "pay+shop@mail.example.com": true, "pay@xn--bcher-kva.example": true,
		"": false, "pay": false, "pay@": false, "@example.com": false, "pay@bücher.example": false,
		"jürgen@example.com": false, "Pay <pay@example.com>": false, "pay@example.com\r\nBcc: eve@example.com": false,
		"pay@[127.0.0.1]": false,
	} {
		if err := mail.CheckFrom(address); (err == nil) != want {
			t.Errorf("%q: %v, want it taken: %v", address, err, want)
		}
	}
}

// A relay that is slow at every step, but at no step too slow, does not get
// more time than a mail has. Otherwise its lease would end, and another server
// would send it, too.
func TestATimeForTheWholeMail(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	const timeout, step = 300 * time.Millisecond, 200 * time.Millisecond
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		lines := bufio.NewScanner(conn)
		for answer := "220 relay ready"; ; answer = "250 fine" {
			time.Sleep(step) // of the network, which no clock moves
			if _, err := conn.Write([]byte(answer + "\r\n")); err != nil || !lines.Scan() {
				return
			}
		}
	}()
	at, ok := listener.Addr().(*net.TCPAddr)
	if !ok {
		t.Fatal("no TCP")
	}
	clock := holdfasttest.NewClock()
	r := &mail.Relay{
		Host: "127.0.0.1", Port: at.Port, Security: mail.Plain, From: netmail.Address{Address: "pay@holdfast.example"},
		Now: clock.Now, Timeout: timeout,
	}
	if err := r.Check(t.Context()); err == nil {
		t.Errorf("a relay that took %v to let us in was waited for %v", 2*step, timeout)
	}
}

// The error's text does not name the name server.
func TestShortNamesNoResolver(t *testing.T) {
	err := fmt.Errorf("dialing: %w", &net.DNSError{
		Err: "no such host", Name: "mail.example.com", Server: "10.0.0.2:53", IsNotFound: true,
	})
	if got, want := mail.Short(err), "dialing: lookup mail.example.com: no such host"; got != want {
		t.Errorf("it is said as %q, want %q", got, want)
	}
}
