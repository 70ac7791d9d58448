package console_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// objects are the values of the placeholders in paths: real objects of the shop. A
// placeholder may have several objects, such as keys of both kinds. Other names are
// parameters of pages.
type objects struct {
	values  map[string][]string
	members int // of the shop
}

// harmless are placeholders that name no object of a caller.
var harmless = map[string]string{"{caller}": "", "{day}": "2026-11-30"}

var onceValue = regexp.MustCompile(`name="once" value="[^"]*"`)

// furnish makes one object of each kind for the shop, with texts that a page of another
// caller must not show.
func (m *matrix) furnish() objects {
	m.t.Helper()
	ctx := m.t.Context()
	must := func(err error) {
		m.t.Helper()
		if err != nil {
			m.t.Fatal(err)
		}
	}
	key, _ := m.JSONKey(m.Shop, processor.NewKey{Name: "warehouse-of-kiln", Scopes: party.Scopes(party.ScopeRead)})
	endpoint, _, err := m.Processor.CreateEndpoint(ctx, m.Shop, processor.NewEndpoint{URL: "https://hooks.kiln.example/"})
	must(err)
	token := m.Authorize("61.37")
	hold := m.Reserved("61.37", "order-of-kiln")
	must(m.DB.Update(ctx, func(tx *store.Tx) error {
		_, err := tx.PlaceEvents(m.Clock.Now(), 100)
		return err
	}))
	colleague := m.Party("Kim of Kiln", "kim@kiln.example")
	m.site.members.Appoint(colleague.ID, party.RoleFinance, m.Shop.ID)
	link, err := m.Processor.Identity.Invite(ctx, "", identity.NewInvitation{
		Membership: party.Membership{Caller: m.Shop.ID, Role: party.RolePacker}, Email: "invited@kiln.example",
	})
	must(err)
	call, err := processor.ByPerson("form-1", "console", nil)
	must(err)
	call.Member = colleague.ID
	asked, err := m.Processor.AskApproval(ctx, call, party.Approval{
		Caller: m.Shop.ID, Action: party.ApproveSettle, Object: string(hold.ID), Amount: holdfasttest.USD("61.37"),
	}, processor.Wanted{Hold: true})
	must(err)
	var notice store.Notification
	var position int64
	m.view(func(tx *store.ReadTx) error {
		notices, err := tx.Notifications(m.Shop.ID, string(hold.ID))
		must(err)
		notice = notices[0]
		deliveries, _, err := tx.Webhooks(endpoint, store.WebhookFilter{}, 1)
		must(err)
		position = deliveries[0].Position
		return nil
	})
	return objects{members: len(m.membersOf(m.Shop.ID)) + len(party.Roles), values: map[string][]string{
		"payment": {string(hold.ID)}, "hold": {string(hold.ID)}, "key": {string(key.ID), m.Key.ID},
		"endpoint": {string(endpoint.ID)}, "position": {strconv.FormatInt(position, 10)},
		"subject": {notice.Subject()}, "seq": {strconv.Itoa(notice.Seq)}, "approval": {string(asked.ID)},
		"party": {string(colleague.ID)}, "token": {string(token)}, "reference": {"order-of-kiln"},
		"buyer": {m.Buyer.Email}, "email": {colleague.Email}, "invited": {"invited@kiln.example"}, "link": {link},
	}}
}

// parameters are the names of the placeholders of a path.
func parameters(path string) (names []string) {
	for part := range strings.SplitSeq(path, "/") {
		if _, known := harmless[part]; !known && strings.HasPrefix(part, "{") {
			names = append(names, strings.Trim(part, "{}"))
		}
	}
	return names
}

// named reports whether a path names an object.
func (objects) named(path string) bool { return len(parameters(path)) > 0 }

// variants is a slice with one element for each object that a path can name.
func (o objects) variants(path string) []string {
	most := []string{""}
	for _, name := range parameters(path) {
		if values := o.values[name]; len(values) > len(most) {
			most = values
		}
	}
	return most
}

// fill puts real objects into the placeholders of a path. The test fails for a
// placeholder without one.
func (o objects) fill(t *testing.T, path string, caller party.CallerID, variant int) string {
	t.Helper()
	parts := strings.Split(path, "/")
	for i, part := range parts {
		value, known := harmless[part]
		switch {
		case part == "{caller}":
			parts[i] = string(caller)
		case known:
			parts[i] = value
		case strings.HasPrefix(part, "{"):
			values := o.values[strings.Trim(part, "{}")]
			if len(values) == 0 {
				t.Fatalf("the test has no real object for %s in %s", part, path)
			}
			parts[i] = values[min(variant, len(values)-1)]
		}
	}
	return strings.Join(parts, "/")
}

// absent puts values that name nothing into the placeholders of a path.
func (objects) absent(path string, caller party.CallerID) string {
	parts := strings.Split(path, "/")
	for i, part := range parts {
		switch value, known := harmless[part]; {
		case part == "{caller}":
			parts[i] = string(caller)
		case known:
			parts[i] = value
		case strings.HasPrefix(part, "{"):
			parts[i] = "none"
		}
	}
	return strings.Join(parts, "/")
}

// one is an object by the name of its placeholder or parameter.
func (o objects) one(name string) string { return o.values[name][0] }

// needMore are pages that need more than an object in their path: a parameter, or a
// membership of the server.
var needMore = []string{
	"c/{caller}/members/withdraw", "server/members/withdraw", "server/members/{party}", "server/members/{party}/remove",
}

// marks are texts by which a page gives an object of the shop away.
func (o objects) marks() []string {
	return []string{
		o.one("payment"), o.one("key"), o.one("endpoint"), o.one("approval"), o.one("party"), o.one("reference"),
		o.one("email"), o.one("invited"), "warehouse-of-kiln", "hooks.kiln.example", "61.37", "Kiln & Co",
	}
}

// actingForm has the fields with which forms of the console act.
func actingForm() url.Values {
	return url.Values{
		"once": {strings.Repeat("A", 26)}, "overlap": {"24"}, "since": {"24"}, "role": {string(party.RoleOwner)},
		"standing": {string(party.Suspended)}, "url": {"https://thief.example/"}, "name": {"thief"}, "rest": {"release"},
	}
}

// entries reads the audit log: everything that is done has an entry.
func (m *matrix) entries() (all []party.AuditEntry) {
	m.t.Helper()
	m.view(func(tx *store.ReadTx) (err error) {
		all, err = tx.AuditEntries(store.AuditQuery{Limit: 1000})
		return err
	})
	return all
}

// wantUntouched fails the test if anything was done since entries was asked, apart from
// some actions, or if the log has errors.
func (m *matrix) wantUntouched(before []party.AuditEntry, apart ...party.AuditAction) {
	m.t.Helper()
	for _, e := range m.entries() {
		if !slices.Contains(apart, e.Action) &&
			!slices.ContainsFunc(before, func(b party.AuditEntry) bool { return b.ID == e.ID }) {
			m.t.Errorf("%s has done %s to %s", e.Actor.Name, e.Action, e.Object)
		}
	}
	if m.log.Len() > 0 {
		m.t.Errorf("the log says:\n%s", m.log)
	}
}

func (m *matrix) membersOf(id party.CallerID) (all []party.Member) {
	m.t.Helper()
	m.view(func(tx *store.ReadTx) (err error) {
		all, err = tx.Members(id)
		return err
	})
	return all
}

// email is the address of a member that holdfasttest.Members has added.
func (m matrixMember) email() string {
	whose := "server"
	if m.caller != "" {
		whose = strings.ToLower(string(m.caller))
	}
	return string(m.role) + "." + whose + "@example.test"
}

// signInOnly signs in without a second factor.
func (b *browser) signInOnly(email string) {
	b.t.Helper()
	b.do(http.MethodPost, account.Root+"sign-in", url.Values{"email": {email}, "password": {holdfasttest.Password}})
}
