package signed

import (
	"iter"
	"net"
	"net/http"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast"
)

// hosts returns the host names that may be in the signed text, in lower case,
// the most likely first and each of them once: the host of the request, the
// configured names and those of FPS. Each comes with its own port, without a
// port, and with the port of the request, because some programs drop the port,
// some keep it when the Host header has none, and proxies change the name. A
// request without a port in its Host header has the port that received it.
func hosts(r *http.Request, configured []string) iter.Seq[string] {
	return func(yield func(string) bool) {
		var tried []string
		try := func(host string) bool {
			if slices.Contains(tried, host) {
				return true
			}
			tried = append(tried, host)
			return yield(host)
		}
		host := strings.ToLower(r.Host)
		name, port := splitPort(host)
		if !try(host) || !try(name) {
			return
		}
		if port == "" {
			port = localPort(r)
		}
		withPort := func(name string) bool { return port == "" || try(name+":"+port) }
		if !withPort(name) {
			return
		}
		for _, names := range [][]string{configured, holdfast.ServiceHosts} {
			for _, host := range names {
				host = strings.ToLower(host)
				if name, _ := splitPort(host); !try(host) || !try(name) || !withPort(name) {
					return
				}
			}
		}
	}
}

// splitPort removes the port from a host; an IPv6 address keeps its brackets.
func splitPort(host string) (name, port string) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || i < strings.LastIndexByte(host, ']') {
		return host, ""
	}
	return host[:i], host[i+1:]
}

// localPort is the port that the request came in by.
func localPort(r *http.Request) string {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return ""
	}
	_, port := splitPort(addr.String())
	return port
}
