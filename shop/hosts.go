package shop

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// ownHosts refuses requests for a host that is not the shop's. The packing
// bench has no password, so a foreign page whose host name leads here (DNS
// rebinding) must not be able to read or use it. The names of the local machine
// are allowed, for proxies and local users.
func (s *Shop) ownHosts(next http.Handler) http.Handler {
	var own string
	if u, err := url.Parse(s.publicURL); err == nil {
		own = withPort(u.Host, u.Scheme)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(r.Host) && withPort(r.Host, "http") != own && withPort(r.Host, "https") != own {
			http.Error(w, "This shop is not at the address that was asked for.", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// withPort returns a host with its port, or with the scheme's default port.
func withPort(host, scheme string) string {
	u := url.URL{Host: strings.ToLower(host)}
	name, port := strings.TrimSuffix(u.Hostname(), "."), u.Port()
	switch {
	case port != "":
	case scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(name, port)
}

func isLoopback(host string) bool {
	name := (&url.URL{Host: strings.ToLower(host)}).Hostname()
	addr, err := netip.ParseAddr(name)
	return name == "localhost" || err == nil && addr.Unmap().IsLoopback()
}
