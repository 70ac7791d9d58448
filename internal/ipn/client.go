package ipn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// formContentType names the character set. Java servlets assume ISO 8859-1 if
// none is named.
const formContentType = "application/x-www-form-urlencoded; charset=UTF-8"

const (
	answerBytesMax  = 64 << 10 // read of a receiver's answer, which says nothing that matters
	headerBytesMax  = 32 << 10
	dialTimeout     = 5 * time.Second
	idleConnTimeout = 30 * time.Second
)

// newClient makes the client that posts notifications. Their addresses come
// from callers, so it follows no redirect, uses no proxy of the environment
// and, unless allowPrivate, connects to public addresses only. It checks the
// resolved address just before it connects, because a name may resolve
// differently a moment later.
//
// With a proxy, the proxy resolves names and must refuse private addresses.
// Only addresses written as numbers, and localhost, are refused here.
func newClient(timeout time.Duration, allowPrivate bool, proxy *url.URL) *http.Client {
	dialer := &net.Dialer{Timeout: dialTimeout}
	transport := &http.Transport{
		DialContext:            dialer.DialContext,
		TLSHandshakeTimeout:    dialTimeout,
		MaxResponseHeaderBytes: headerBytesMax,
		MaxIdleConnsPerHost:    slots,
		MaxIdleConns:           2 * slots,
		IdleConnTimeout:        idleConnTimeout,
		ForceAttemptHTTP2:      true,
	}
	switch {
	case proxy != nil:
		transport.Proxy = func(r *http.Request) (*url.URL, error) {
			if !allowPrivate && !mayBePublic(r.URL.Hostname()) {
				return nil, errPrivate
			}
			return proxy, nil
		}
	case !allowPrivate:
		dialer.Control = func(_, address string, _ syscall.RawConn) error { return checkPublic(address) }
	}
	return &http.Client{
		Timeout: timeout,
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

// post sends one notification. It returns the result in words for the caller's
// developers, and whether the notification arrived. The words never contain the
// address, whose query may be secret, and nothing of the answer except its
// status.
func post(ctx context.Context, client *http.Client, address, id, body string) (result string, arrived bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return "the address cannot be read", false
	}
	req.Header.Set("Content-Type", formContentType)
	req.Header.Set("User-Agent", "Holdfast-IPN")
	req.Header.Set("Holdfast-Delivery", id)
	answer, err := client.Do(req)
	if err != nil {
		return failureWords(err, client.Timeout), false
	}
	defer answer.Body.Close()
	// Reading the answer allows the connection to be reused. If reading fails, the
	// notification has arrived all the same.
	_, _ = io.CopyN(io.Discard, answer.Body, answerBytesMax)
	status := strings.TrimSpace(fmt.Sprintf("%d %s", answer.StatusCode, http.StatusText(answer.StatusCode)))
	switch answer.StatusCode / 100 {
	case 2:
		return status, true
	case 3:
		return status + ": redirects are not followed", false
	}
	return status, false
}

const resultBytesMax = 200

func failureWords(err error, timeout time.Duration) string {
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
