package console

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// A Route is what tests know of a route.
type Route struct {
	Method, Path string // the path is below Root, with the scope's prefix
	Permission   party.Permission
	OfCaller     bool
	OfServer     bool
	OfMember     bool // any member, after its second factor
	BeforeFactor bool // any member
	ForParty     bool // any party that is signed in
	ForAnybody   bool
}

// Routes returns all routes.
func (s *Server) Routes() (all []Route) {
	for _, r := range s.routes() {
		all = append(all, Route{
			Method: r.Method, Path: r.In.prefix() + r.Path, Permission: r.Permission,
			OfCaller: r.In == ofCaller, OfServer: r.In == ofServer, OfMember: r.In == ofMember,
			BeforeFactor: r.In == beforeFactor, ForParty: r.In == forParty, ForAnybody: r.In == forAnybody,
		})
	}
	return all
}

// FormAt returns the path of the route that takes a form, as Routes has it. It is empty
// if none does.
func (s *Server) FormAt(address string) string {
	forms := http.NewServeMux()
	paths := map[string]string{}
	for _, r := range s.routes() {
		if r.Method == post {
			forms.Handle(r.pattern(), http.NotFoundHandler())
			paths[r.pattern()] = r.In.prefix() + r.Path
		}
	}
	at, _, _ := strings.Cut(address, "?")
	_, pattern := forms.Handler(&http.Request{Method: post, URL: &url.URL{Path: at}})
	return paths[pattern]
}

// Span is span.
var Span = span

// ReadAmount is readAmount.
var ReadAmount = readAmount

// WordsMissing are the words of package payment that have no message.
func WordsMissing() (missing []string) {
	for _, v := range payment.Verbs {
		if stepWords[v] == "" {
			missing = append(missing, string(v))
		}
	}
	for _, r := range payment.Reasons {
		if reasonWords[r] == "" || r.Words() == "" {
			missing = append(missing, string(r))
		}
	}
	for _, s := range payment.HoldStates {
		if stateWords[string(s)].id == "" {
			missing = append(missing, string(s))
		}
	}
	for _, s := range payment.States {
		if s != payment.None && stateWords[lower(s)].id == "" {
			missing = append(missing, string(s))
		}
	}
	for _, p := range party.Permissions {
		if permissionWords[p] == "" {
			missing = append(missing, string(p))
		}
	}
	for _, k := range processor.FindingKinds {
		if kindWord(webui.Words{}, k) == string(k) {
			missing = append(missing, string(k))
		}
	}
	for _, k := range party.MailKinds {
		if mailWords[k] == "" {
			missing = append(missing, string(k))
		}
	}
	for _, k := range processor.EntryKinds {
		if entryTitle(webui.Words{}, processor.Entry{Kind: k, What: "x"}) == "" {
			missing = append(missing, string(k))
		}
	}
	return missing
}
