package account

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// RelyingParty returns the relying party for passkeys on the page of a request.
// ok is false if passkeys cannot be used there: browsers bind them to a host
// name, so they do not work at an IP address or under a name that is not the
// server's. A server on this machine can also be reached as localhost.
func (s *Sessions) RelyingParty(r *http.Request) (p identity.RelyingParty, ok bool) {
	host, asked := s.named(), strings.ToLower(r.Host)
	switch {
	case host == nil || asked != strings.ToLower(host.Host):
		return p, false
	case host.Scheme != "https" && host.Hostname() != localhost:
		return p, false // browsers need https for passkeys
	}
	return identity.RelyingParty{Host: strings.ToLower(host.Hostname()), Origin: host.Scheme + "://" + asked}, true
}

const localhost = "localhost"

// named returns the server's public address with a host name. It replaces a
// loopback address by localhost, and is nil for other IP addresses.
func (s *Sessions) named() *url.URL {
	if s.Public == nil {
		return nil
	}
	address, err := netip.ParseAddr(s.Public.Hostname())
	if err != nil {
		return s.Public
	}
	if !address.IsLoopback() {
		return nil
	}
	host := localhost
	if port := s.Public.Port(); port != "" {
		host = net.JoinHostPort(localhost, port)
	}
	return &url.URL{Scheme: s.Public.Scheme, Host: host, Path: "/"}
}

// Site is the host name under which browsers know the server.
func (s *Sessions) Site(r *http.Request) string {
	if s.Public != nil {
		return s.Public.Hostname()
	}
	return (&url.URL{Host: r.Host}).Hostname()
}

// Address is the full address of a path of the server.
func (s *Sessions) Address(r *http.Request, path string) string {
	if s.Public != nil {
		return strings.TrimSuffix(s.Public.String(), "/") + path
	}
	scheme := "http://"
	if s.SecureCookies {
		scheme = "https://"
	}
	return scheme + r.Host + path
}

// PasskeyForm is the form for signing in with a passkey. ok is false if
// passkeys cannot be used.
func (s *Sessions) PasskeyForm(
	w webui.Words, r *http.Request, action string, hidden holdfast.Params,
) (f webui.PasskeyForm, ok bool) {
	_, ok = s.RelyingParty(r)
	return webui.PasskeyForm{Action: action, Hidden: hidden, Passkey: webui.Passkey{
		Ask: Root + "passkey/ask", Label: w.T("passkey.sign-in"), Working: w.T("passkey.working"),
		Failed: w.T("passkey.failed"),
	}}, ok
}

// PasskeySignIn returns the party whose passkey gave the answer.
func (s *Sessions) PasskeySignIn(r *http.Request, w webui.Words, answer string) (party.Party, error) {
	p, ok := s.RelyingParty(r)
	if !ok || len(answer) > party.PasskeyAnswerMax {
		return party.Party{}, identity.ErrPasskey
	}
	return s.Processor.Identity.SignInByPasskey(store.Unbound(r.Context()), p, []byte(answer), identity.SignIn{
		From: s.From(r), Language: w.Tag(),
	})
}

// passkeysElsewhere tells the reader at which address passkeys work. It is
// empty if there is none.
func (s *Server) passkeysElsewhere(c *call) string {
	if host := s.Sessions.named(); host != nil && host.Hostname() == localhost {
		return c.words.T("passkey.elsewhere", "Address", host.JoinPath(Root).String())
	}
	return ""
}
