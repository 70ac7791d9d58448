package console_test

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A matrix has members of every role for the shop, for another shop and for the server,
// and real objects of the shop.
type matrix struct {
	*site
	other   party.CallerID
	members []matrixMember
	real    objects
}

type matrixMember struct {
	name   string
	role   party.Role
	caller party.CallerID
	*browser
}

func newMatrix(t *testing.T) *matrix {
	t.Helper()
	m := &matrix{site: newSite(t)}
	m.other = m.OtherShop().ID
	m.real = m.furnish()
	for _, role := range party.Roles {
		for name, caller := range map[string]party.CallerID{
			" of the shop": m.Shop.ID, " of another shop": m.other, " of the server": "",
		} {
			m.members = append(m.members, matrixMember{string(role) + name, role, caller, m.as(role, caller)})
		}
	}
	return m
}

// may reports whether a member covers a route of the shop or the server, and whether its
// role has the permission.
func (m matrixMember) may(r console.Route, shop party.CallerID) (covers, allowed bool) {
	covers = r.OfCaller && (m.caller == shop || m.caller == "") || r.OfServer && m.caller == ""
	return covers, party.Membership{Caller: m.caller, Role: m.role}.May(r.Permission)
}

// Every page and every form of the console, as every role: a role without the permission
// is refused, and a member that has it sees the page of the object. Forms that a member
// may send name objects that do not exist, so that nothing changes.
func TestAuthorisationMatrix(t *testing.T) {
	m := newMatrix(t)
	before := m.entries()
	stranger := m.signedIn(m.Buyer)
	signedOut := m.newBrowser()
	for _, r := range m.console.Routes() {
		if !r.OfCaller && !r.OfServer {
			continue
		}
		path := m.real.fill(t, r.Path, m.Shop.ID, 0)
		for _, one := range m.members {
			covers, allowed := one.may(r, m.Shop.ID)
			at := path
			if covers && allowed && r.Method == http.MethodPost {
				at = m.real.absent(r.Path, m.Shop.ID)
			}
			one.do(r.Method, "/console/"+at, nil)
			got := one.status
			switch {
			case !covers && got != http.StatusNotFound:
				t.Errorf("%s %s as %s: %d, want 404", r.Method, r.Path, one.name, got)
			case covers && !allowed && got != http.StatusForbidden:
				t.Errorf("%s %s as %s: %d, want 403", r.Method, r.Path, one.name, got)
			case covers && allowed && (got == http.StatusForbidden || got >= http.StatusInternalServerError):
				t.Errorf("%s %s as %s: %d, want the page", r.Method, r.Path, one.name, got)
			case covers && allowed && r.Method == http.MethodGet && !slices.Contains(needMore, r.Path) &&
				got != http.StatusOK && got != http.StatusConflict: // the action is not possible now
				t.Errorf("%s %s as %s: %d, so the test's object is not real", r.Method, at, one.name, got)
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
	m.wantUntouched(before, "notification.again", "audit.export") // their forms need no choice
}

// The objects of another caller are answered exactly like objects that do not exist: the
// same status and the same page, in every route, as every role, with forms that would
// act. Nothing is done to them.
func TestForeignObjectsLookAbsent(t *testing.T) {
	m := newMatrix(t)
	before := m.entries()
	for _, one := range m.members {
		if one.caller != m.other {
			continue
		}
		one.get("c/CNONE/")
		absent := one.body
		one.wantStatus(http.StatusNotFound)
		for _, r := range m.console.Routes() {
			if !r.OfCaller && !r.OfServer {
				continue
			}
			for i := range m.real.variants(r.Path) {
				one.wantAbsent(r, m.real.fill(t, r.Path, m.Shop.ID, i), http.StatusNotFound, absent)
				if _, allowed := one.may(r, m.Shop.ID); !allowed || r.OfServer || !m.real.named(r.Path) {
					continue
				}
				one.wantAbsent(r, m.real.fill(t, r.Path, m.other, i), http.StatusNotFound, absent)
			}
		}
		m.wantSameAnswers(one)
	}
	m.wantUntouched(before)
}

// wantAbsent sends a request about an object of another caller, and wants the page of an
// object that does not exist.
func (m matrixMember) wantAbsent(r console.Route, path string, status int, page string) {
	m.t.Helper()
	var form url.Values
	if r.Method == http.MethodPost {
		form = actingForm()
	}
	m.do(r.Method, "/console/"+path, form)
	if m.status != status || m.body != page {
		m.t.Errorf("%s %s as %s: %d, want %d and the page of what does not exist:\n%s", r.Method, path, m.name, m.status,
			status, m.body)
	}
}

// wantSameAnswers asks pages that take an object as a parameter about those of the shop.
// The answer is the same as for an object that does not exist.
func (m *matrix) wantSameAnswers(one matrixMember) {
	m.t.Helper()
	for _, q := range []struct{ page, parameter, of, none string }{
		{"find", "q", "payment", "1NONE"},
		{"find", "q", "reference", "order-none"},
		{"find", "q", "token", "TNONE"},
		{"find", "q", "buyer", "nobody@example.test"},
		{"audit", "object", "key", "JNONE"},
		{"audit", "actor", "email", "nobody@example.test"},
		{"audit", "actor", "party", "PNONE"},
		{"members/withdraw", "email", "invited", "nobody@example.test"},
		{"keys/new", "kind", "key", "JNONE"},
	} {
		answer := func(value string) (int, string) {
			one.get("c/" + string(m.other) + "/" + q.page + "?" + url.Values{q.parameter: {value}}.Encode())
			body := strings.ReplaceAll(one.body, url.QueryEscape(value), "VALUE")
			return one.status, onceValue.ReplaceAllString(strings.ReplaceAll(body, value, "VALUE"), "")
		}
		status, page := answer(m.real.one(q.of))
		wantStatus, wantPage := answer(q.none)
		if status != wantStatus || page != wantPage {
			m.t.Errorf("%s?%s about a foreign %s as %s: %d, want %d and the same page as for none:\n%s", q.page, q.parameter,
				q.of, one.name, status, wantStatus, page)
		}
	}
	post := actingForm()
	post.Set("email", m.real.one("invited"))
	one.post("c/"+string(m.other)+"/members/withdraw", post)
	if one.status != http.StatusNotFound && one.status != http.StatusForbidden {
		m.t.Errorf("%s withdraws a foreign invitation: %d", one.name, one.status)
	}
}

// Each page outside of callers is only for the visitors of its scope. It says nothing
// about a caller of which the visitor is no member.
func TestPagesOutsideCallers(t *testing.T) {
	m := newMatrix(t)
	before := m.entries()
	stranger, signedOut := m.signedIn(m.Buyer), m.newBrowser()
	unproved := m.newBrowser()
	newcomer := m.members[0]
	for _, one := range m.members {
		if one.caller == m.other && one.role == party.RoleOwner {
			newcomer = one
		}
	}
	unproved.signInOnly(newcomer.email())
	for _, r := range m.console.Routes() {
		if r.OfCaller || r.OfServer || r.Path == "sign-out" {
			continue
		}
		path := "/console/" + r.Path + "?link=" + m.real.one("link")
		signedOut.do(r.Method, path, nil)
		if toSignIn := strings.HasSuffix(signedOut.url.Path, "/account/sign-in"); toSignIn == r.ForAnybody {
			t.Errorf("%s %s without a session leads to %s", r.Method, r.Path, signedOut.url.Path)
		}
		stranger.do(r.Method, path, nil)
		if (r.OfMember || r.BeforeFactor) != (stranger.status == http.StatusNotFound) {
			t.Errorf("%s %s as a party that is no member: %d", r.Method, r.Path, stranger.status)
		}
		unproved.do(r.Method, path, nil)
		if r.OfMember && !strings.HasPrefix(unproved.url.Path, "/console/second-factor") {
			t.Errorf("%s %s before the second factor leads to %s", r.Method, r.Path, unproved.url.Path)
		}
		newcomer.do(r.Method, path, nil)
		if newcomer.status >= http.StatusInternalServerError {
			t.Errorf("%s %s as %s: %d", r.Method, r.Path, newcomer.name, newcomer.status)
		}
		if r.OfMember || r.BeforeFactor {
			newcomer.wantNot(m.real.marks()...)
		}
	}
	// The link of an invitation works only for its address.
	form := url.Values{"link": {m.real.one("link")}}
	for _, b := range []*browser{stranger, newcomer.browser} {
		b.post("invitation/accept", form).wantStatus(http.StatusForbidden)
	}
	if got := len(m.membersOf(m.Shop.ID)); got != m.real.members {
		t.Errorf("the shop has %d members, want %d", got, m.real.members)
	}
	m.wantUntouched(before, "factor.remove") // of a member's own app
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
