package ipn_test

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// The result of a failed delivery names none of our addresses.
func TestWordsWithoutAddresses(t *testing.T) {
	own, there := &net.TCPAddr{IP: net.IPv4(10, 1, 2, 3), Port: 40123}, &net.TCPAddr{IP: net.IPv4(10, 0, 0, 9), Port: 443}
	for _, row := range []struct {
		err  error
		want string
	}{
		{
			&net.DNSError{Err: "no such host", Name: "shop.example", Server: "10.0.0.2:53", IsNotFound: true},
			"the host name has no address",
		},
		{
			&net.DNSError{Err: "i/o timeout", Name: "shop.example", Server: "10.0.0.2:53", IsTimeout: true},
			"the host name could not be resolved in time",
		},
		{
			&net.DNSError{Err: "server misbehaving", Name: "shop.example", Server: "10.0.0.2:53"},
			"the host name could not be resolved",
		},
		{
			&net.OpError{Op: "dial", Net: "tcp", Addr: there, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
			"connection refused",
		},
		{&net.OpError{Op: "read", Net: "tcp", Source: own, Addr: there, Err: syscall.ECONNRESET}, "connection reset by peer"},
		{&net.OpError{Op: "proxyconnect", Net: "tcp", Addr: there, Err: errors.New("not today")}, "not today"},
		{errors.New("lookup failed on [fe80::1%eth0]:53 and 10.0.0.2:53"), "lookup failed on an address and an address"},
	} {
		for _, err := range []error{row.err, fmt.Errorf("sending: %w", row.err)} {
			got := ipn.WithoutAddresses(err)
			if !strings.HasSuffix(got, row.want) || strings.Contains(got, "10.") {
				t.Errorf("%v is said as %q, want %q", err, got, row.want)
			}
		}
	}
}

// Notifications, to https addresses as well, go through the configured proxy.
// Addresses that are refused without a proxy are refused with one.
func TestProxy(t *testing.T) {
	var connects, plain atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodConnect && r.Host == "shop.example.test:443":
			connects.Add(1)
			w.WriteHeader(http.StatusBadGateway)
		case r.URL.Host == "shop.example.test":
			plain.Add(1)
		default:
			t.Errorf("the proxy is asked for %s %s", r.Method, r.URL)
		}
	}))
	defer proxy.Close()
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := newShop(t, keyedWorldStore(t))
	sender := s.newSender(s.DB)
	sender.AllowPrivate, sender.Proxy = false, at
	for i, row := range []struct {
		address, want string
		outcome       store.NotificationOutcome
	}{
		{"http://shop.example.test/ipn", "", store.NotificationDelivered},
		{"https://shop.example.test/ipn", "Bad Gateway", store.NotificationWaiting},
		{"http://127.0.0.1/ipn", "not sent: the address is not public", store.NotificationWaiting},
	} {
		s.sendTo(row.address)
		id := s.pending(holdfast.CallerReference(fmt.Sprint("order-", i)))
		s.Clock.Advance(3 * time.Second)
		if _, err := sender.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := s.owed(id)[0]; n.Outcome != row.outcome || n.LastResult != row.want {
			t.Errorf("%s: the notification is %s with %q, want %s with %q", row.address, n.Outcome, n.LastResult, row.outcome,
				row.want)
		}
	}
	if connects.Load() != 1 || plain.Load() != 1 {
		t.Errorf("the proxy got %d CONNECT and %d plain requests", connects.Load(), plain.Load())
	}
}

func TestMayBePublic(t *testing.T) {
	for host, want := range map[string]bool{
		"shop.example.com": true, "shop.example.com.": true, "93.184.216.34": true, "2606:2800:220:1:248:1893:25c8:1": true,
		"0xdeadbeef.example": true, "127.0.0.1": false, "10.0.0.1": false, "::1": false, "::ffff:10.0.0.1": false,
		"169.254.169.254": false, "localhost": false, "LOCALHOST.": false, "a.localhost": false, "127.1": false,
		"2130706433": false, "0x7f000001": false, "0X7f.1": false, "1.0x1": false,
	} {
		if got := ipn.MayBePublic(host); got != want {
			t.Errorf("%s: %v, want %v", host, got, want)
		}
	}
}
