// Package egress has the HTTP client for addresses that callers choose, such as
// those of notifications and webhooks. It reaches public addresses only, follows
// no redirect, and its errors give nothing away about the server's network.
package egress

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"time"
)

const (
	headerBytesMax  = 32 << 10
	dialTimeout     = 5 * time.Second
	idleConnTimeout = 30 * time.Second
)

// A Config says how a client works.
type Config struct {
	Timeout      time.Duration // of one request with its answer
	AllowPrivate bool          // lets requests go to private, loopback and link-local addresses
	Proxy        *url.URL      // http, https or socks5: what all requests go through; nil means none
	IdleMax      int           // connections to one host that are kept for the next request
}

// NewClient makes a client that follows no redirect, uses no proxy of the
// environment and, unless AllowPrivate, connects to public addresses only. It
// checks the resolved address just before it connects, because a name may resolve
// differently a moment later.
//
// With a proxy, the proxy resolves names and must refuse private addresses.
// Only addresses written as numbers, and localhost, are refused here.
func NewClient(c Config) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    dialTimeout,
		MaxResponseHeaderBytes: headerBytesMax,
		MaxIdleConnsPerHost:    c.IdleMax,
		MaxIdleConns:           2 * c.IdleMax,
		IdleConnTimeout:        idleConnTimeout,
		ForceAttemptHTTP2:      true,
	}
	switch {
	case c.Proxy != nil:
		transport.Proxy = func(r *http.Request) (*url.URL, error) {
			if !c.AllowPrivate && !mayBePublic(r.URL.Hostname()) {
				return nil, errPrivate
			}
			return c.Proxy, nil
		}
	case !c.AllowPrivate:
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return checkPublic(address) }
	}
	return &http.Client{
		Timeout: c.Timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse
		},
		Transport: transport,
	}
}

// mayBePublic reports whether a proxy may be asked for a host: a public
// address, or a name that no resolver reads as an address. Some resolvers read
// "127.1" and "0x7f000001" as addresses.
func mayBePublic(host string) bool {
	if addr, err := netip.ParseAddr(host); err == nil {
		return public(addr)
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	last := host[strings.LastIndexByte(host, '.')+1:]
	number := strings.TrimLeft(last, "0123456789") == "" || strings.HasPrefix(last, "0x")
	return last != "localhost" && !number
}

// errPrivate says that an address is inside a private network.
var errPrivate = errors.New("the address is not public")

func checkPublic(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil || !public(at.Addr()) {
		return errPrivate
	}
	return nil
}

// reserved are the private blocks that netip does not know, and blocks that can
// contain a private IPv4 address (IANA special-purpose registries).
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"), // carrier-grade NAT
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"), // 6to4 relays
	netip.MustParsePrefix("198.18.0.0/15"),  // benchmarks
	netip.MustParsePrefix("240.0.0.0/4"),    // with the broadcast address
	netip.MustParsePrefix("::/96"),          // IPv4-compatible
	netip.MustParsePrefix("64:ff9b::/96"),   // NAT64
	netip.MustParsePrefix("64:ff9b:1::/48"), // NAT64, local
	netip.MustParsePrefix("100::/64"),       // discarded
	netip.MustParsePrefix("2001::/32"),      // Teredo
	netip.MustParsePrefix("2002::/16"),      // 6to4
	netip.MustParsePrefix("fec0::/10"),      // site-local, of old
}

func public(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if !addr.IsGlobalUnicast() || addr.IsPrivate() {
		return false // loopback, link-local, multicast, unspecified; or private
	}
	for _, block := range reserved {
		if block.Contains(addr) {
			return false
		}
	}
	return true
}

const resultBytesMax = 200

// Failure says in words why a request got no answer. The words never contain an
// address: that of the request may have a secret in its query.
func Failure(err error, timeout time.Duration) string {
	// A url.Error repeats the address.
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		if wrapped.Timeout() {
			return fmt.Sprintf("no answer within %v", timeout)
		}
		err = wrapped.Err
	}
	if errors.Is(err, errPrivate) {
		return "not sent: the address is not public"
	}
	words := strings.ToValidUTF8(strings.ReplaceAll(withoutAddresses(err), "\n", " "), "?")
	if len(words) > resultBytesMax {
		words = strings.ToValidUTF8(words[:resultBytesMax], "")
	}
	return words
}

// numericAddress is an address as Go's errors write one.
var numericAddress = regexp.MustCompile(`\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b|\[[0-9A-Fa-f:.]+(%\w+)?\](:\d+)?`)

// withoutAddresses returns the text of a network error without addresses. Go's
// errors name our name server, our own address and our proxy's.
func withoutAddresses(err error) string {
	if dns, ok := errors.AsType[*net.DNSError](err); ok {
		switch {
		case dns.IsNotFound:
			return "the host name has no address"
		case dns.IsTimeout:
			return "the host name could not be resolved in time"
		}
		return "the host name could not be resolved"
	}
	if number, ok := errors.AsType[syscall.Errno](err); ok {
		return number.Error()
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil {
		err = op.Err
	}
	return numericAddress.ReplaceAllString(err.Error(), "an address")
}
