package account

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// RelyingParty is what passkeys hold for on the page that a request asks for; ok is
// whether there can be any. Browsers bind them to a host name, so that there are
// none at a bare address, and none for another name than the server's own. A
// server on this machine is reached as localhost, too.
func (b *Browsers) RelyingParty(r *http.Request) (p processor.RelyingParty, ok bool) {
	host, asked := b.named(), strings.ToLower(r.Host)
	switch {
	case host == nil || asked != strings.ToLower(host.Host):
		return p, false
	case host.Scheme != "https" && host.Hostname() != localhost:
		return p, false // browsers have none where the way is open
	}
	return processor.RelyingParty{Host: strings.ToLower(host.Hostname()), Origin: host.Scheme + "://" + asked}, true
}

const localhost = "localhost"

// named is the server's public address with a name for a host: localhost stands
// for this machine's own addresses. Other bare addresses have none.
func (b *Browsers) named() *url.URL {
	if b.Public == nil {
		return nil
	}
	address, err := netip.ParseAddr(b.Public.Hostname())
	if err != nil {
		return b.Public
	}
	if !address.IsLoopback() {
		return nil
	}
	host := localhost
	if port := b.Public.Port(); port != "" {
		host = net.JoinHostPort(localhost, port)
	}
	return &url.URL{Scheme: b.Public.Scheme, Host: host, Path: "/"}
}

// PasskeyForm signs in by a passkey, where there can be any.
func (b *Browsers) PasskeyForm(
	w webui.Words, r *http.Request, action string, hidden holdfast.Params,
) (f webui.PasskeyForm, ok bool) {
	_, ok = b.RelyingParty(r)
	return webui.PasskeyForm{Action: action, Hidden: hidden, Passkey: webui.Passkey{
		Ask: Root + "passkey/ask", Label: w.T("passkey.sign-in"), Working: w.T("passkey.working"),
		Failed: w.T("passkey.failed"),
	}}, ok
}

// PasskeySignIn is whose passkey has answered.
func (b *Browsers) PasskeySignIn(r *http.Request, w webui.Words, answer string) (party.Party, error) {
	p, ok := b.RelyingParty(r)
	if !ok || len(answer) > party.PasskeyAnswerMax {
		return party.Party{}, processor.ErrPasskey
	}
	return b.Processor.SignInByPasskey(store.Unbound(r.Context()), p, []byte(answer), processor.SignIn{
		From: b.From(r), Language: w.Tag(),
	})
}

// passkeysElsewhere says where there are passkeys, if they are not here; nothing
// when there are none anywhere.
func (s *Server) passkeysElsewhere(c *call) string {
	if host := s.Browsers.named(); host != nil && host.Hostname() == localhost {
		return c.words.T("passkey.elsewhere", "Address", host.JoinPath(Root).String())
	}
	return ""
}
