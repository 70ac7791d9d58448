package console_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// withValues puts values into the placeholders of a path. The objects do not exist.
func withValues(path string, caller party.CallerID) string {
	var parts []string
	for part := range strings.SplitSeq(path, "/") {
		switch {
		case part == "{caller}":
			part = string(caller)
		case strings.HasPrefix(part, "{"):
			part = "none"
		}
		parts = append(parts, part)
	}
	return strings.Join(parts, "/")
}

// Every page and every form of the console, as every role and as members of another
// caller: a role without the permission is refused, and a member of another caller
// learns nothing, as if there were no such caller. The objects of the paths do not
// exist, so nobody's request does anything.
func TestAuthorisationMatrix(t *testing.T) {
	s := newSite(t)
	other := s.OtherShop()
	stranger := s.newBrowser()
	stranger.signIn(s.Buyer)
	signedOut := s.newBrowser()
	type member struct {
		name   string
		role   party.Role
		caller party.CallerID
		*browser
	}
	var members []member
	for _, role := range party.Roles {
		for name, caller := range map[string]party.CallerID{
			" of the shop": s.Shop.ID, " of another shop": other.ID, " of the server": "",
		} {
			members = append(members, member{string(role) + name, role, caller, s.as(role, caller)})
		}
	}
	routes := s.console.Routes()
	for _, r := range routes {
		if !r.OfCaller && !r.OfServer {
			continue
		}
		path := withValues(r.Path, s.Shop.ID)
		if strings.HasSuffix(path, "/sign-out") {
			continue
		}
		for _, m := range members {
			m.do(r.Method, "/console/"+path, nil)
			covers := r.OfCaller && (m.caller == s.Shop.ID || m.caller == "") || r.OfServer && m.caller == ""
			allowed := party.Membership{Caller: m.caller, Role: m.role}.May(r.Permission)
			switch got := m.status; {
			case !covers && got != http.StatusNotFound:
				t.Errorf("%s %s as %s: %d, want 404", r.Method, r.Path, m.name, got)
			case covers && !allowed && got != http.StatusForbidden:
				t.Errorf("%s %s as %s: %d, want 403", r.Method, r.Path, m.name, got)
			case covers && allowed && (got == http.StatusForbidden || got >= http.StatusInternalServerError):
				t.Errorf("%s %s as %s: %d, want the page", r.Method, r.Path, m.name, got)
			}
		}
		stranger.do(r.Method, "/console/"+path, nil)
		if stranger.status != http.StatusNotFound {
			t.Errorf("%s %s as a party that is no member: %d, want 404", r.Method, r.Path, stranger.status)
		}
		signedOut.do(r.Method, "/console/"+path, nil)
		if !strings.HasSuffix(signedOut.url.Path, "/account/sign-in") {
			t.Errorf("%s %s without a session leads to %s", r.Method, r.Path, signedOut.url.Path)
		}
	}
	if s.log.Len() > 0 {
		t.Errorf("the log says:\n%s", s.log)
	}
}

// Every route of a caller and of the server names a permission that exists.
func TestRoutesHavePermissions(t *testing.T) {
	for _, r := range newSite(t).console.Routes() {
		known := false
		for _, role := range party.Roles {
			known = known || role.May(r.Permission)
		}
		if (r.OfCaller || r.OfServer) != known {
			t.Errorf("%s %s has the permission %q", r.Method, r.Path, r.Permission)
		}
	}
}
