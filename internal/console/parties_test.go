package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// confirm opens the question at a path and answers it with yes.
func (b *browser) confirm(path string, pairs ...string) *browser {
	b.t.Helper()
	return b.post(path, b.fill(path, pairs...))
}

// The audit log shows what members did in the console, with the same filters as the
// command. Members of a caller see its entries only.
func TestAuditLogPage(t *testing.T) {
	s := newSite(t)
	b := s.as(party.RoleOwner, "")
	at := "server/parties/" + string(s.Buyer.ID)
	b.confirm(at+"/standing", "standing", "Suspended").want("The party has been suspended.", "Suspended")
	b.get("server/audit").wantStatus(http.StatusOK).
		want("party.change", "standing: Active → Suspended", "Console, 127.0.0.1", "caller.create")
	b.get("server/audit?object=" + string(s.Buyer.ID)).want("standing: Active").wantNot("caller.create")
	b.get("server/audit?actor=" + url.QueryEscape(s.Owner.Email)).want("No entries match.")
	b.get("server/audit?actor=nobody%40example.com").want("No entries match.")
	b.get("server/audit?since=2999-01-01").want("No entries match.")
	b.get("server/audit?since=soon").wantStatus(http.StatusUnprocessableEntity).want("Give a day")
	b.get("server/audit?after=x").wantStatus(http.StatusNotFound)

	of := s.as(party.RoleOwner, s.Shop.ID)
	of.get(s.caller("audit")).wantStatus(http.StatusOK).want("caller.create").wantNot("party.change")
	of.get("server/audit").wantStatus(http.StatusNotFound)
	s.as(party.RoleSupport, s.Shop.ID).get(s.caller("audit")).wantStatus(http.StatusForbidden)
}

// The audit log has pages, and each entry is on one of them, also if the entries of
// the second page get their place in the chain only after the first page was read.
func TestAuditLogPages(t *testing.T) {
	s := newSite(t)
	for range 60 {
		if _, err := s.Processor.Identity.Rename(t.Context(), s.Buyer.ID, "Ann"); err != nil {
			t.Fatal(err)
		}
	}
	b := s.as(party.RoleOperator, "")
	b.get("server/audit?action=party.change").want("Older").wantNot("Newer")
	first := strings.Count(b.body, ">party.change<")
	for n := 1; n > 0; {
		var err error
		if n, err = s.Processor.ChainAudit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, to := range b.values("href") {
		if strings.Contains(to, "after=") {
			b.do(http.MethodGet, to, nil)
		}
	}
	b.want("Newer").wantNot("Older")
	if rest := strings.Count(b.body, ">party.change<"); first != 50 || rest != 10 {
		t.Errorf("the pages have %d and %d entries", first, rest)
	}
}

// The audit log can be downloaded with the filter of the page. The file is an export of
// personal data, so it has an entry itself.
func TestAuditLogFile(t *testing.T) {
	s := newSite(t)
	b := s.as(party.RoleOperator, "")
	at := "server/parties/" + string(s.Buyer.ID)
	b.confirm(at+"/standing", "standing", "Suspended")
	filter := url.Values{"action": {"party.change"}, "object": {string(s.Buyer.ID)}}
	b.get("server/audit?"+filter.Encode()).want(`action="/console/server/audit/csv"`, `name="object" value="`+string(s.Buyer.ID))
	b.post("server/audit/csv", filter).wantStatus(http.StatusOK).
		want("position,at,actor_kind,actor,actor_name,from,", "standing=Suspended").wantNot("caller.create")
	b.get("server/audit?action=audit.export").want("action: party.change", "object: "+string(s.Buyer.ID))
	b.post("server/audit/csv", url.Values{"since": {"soon"}}).wantStatus(http.StatusBadRequest)
	b.post("server/audit/csv", url.Values{"actor": {"nobody@example.com"}}).wantStatus(http.StatusNotFound)

	of := s.as(party.RoleOwner, s.Shop.ID)
	of.post(s.caller("audit/csv"), nil).wantStatus(http.StatusOK).want("caller.create").wantNot("party.change")
	s.as(party.RoleSupport, s.Shop.ID).post(s.caller("audit/csv"), nil).wantStatus(http.StatusForbidden)
}

// An operator finds a party, sees what it has, and signs it out everywhere.
func TestPartyPages(t *testing.T) {
	s := newSite(t)
	s.Reserved("42.50", "order-1")
	ann := s.signedIn(s.Buyer)
	at := "server/parties/" + string(s.Buyer.ID)
	support := s.as(party.RoleSupport, "")
	support.get("server/parties").wantStatus(http.StatusOK).want("Ann Buyer", "Kiln & Co")
	support.get("server/parties?q=ANN%40example.test").want("Ann Buyer").wantNot("Kiln & Co")
	support.get("server/parties?q=nobody").want("No parties found.")
	support.get(at).wantStatus(http.StatusOK).want("ann@example.test", "•••• 4242", "order-1", "$42.50").
		wantNot("/erase", "4242424242424242")
	support.get(at + "/erase").wantStatus(http.StatusForbidden)
	support.post(at+"/export", nil).wantStatus(http.StatusForbidden).wantNot("ann@example.test")
	support.get("server/parties/P404").wantStatus(http.StatusNotFound)
	s.as(party.RoleOwner, s.Shop.ID).get(at).wantStatus(http.StatusNotFound)

	operator := s.as(party.RoleOperator, "")
	operator.confirm(at+"/sign-out").want("The party has been signed out everywhere.", "Not signed in anywhere.")
	ann.do(http.MethodGet, "/account/", nil)
	if !strings.Contains(ann.url.Path, "sign-in") {
		t.Error("the party is still signed in")
	}
	operator.confirm(at+"/standing", "standing", "Suspended")
	operator.confirm(at+"/standing", "standing", "Active").want("take part in payments again")
	operator.post(at+"/standing", url.Values{"standing": {"Active"}}).wantStatus(http.StatusBadRequest) // no key
	operator.post(at+"/export", nil).wantStatus(http.StatusOK).want(`"email": "ann@example.test"`, `"last4": "4242"`)
}

// An operator stops no member, and the last active owner stays.
func TestMembersAreStoppedByOwners(t *testing.T) {
	s := newSite(t)
	member := s.members.Add(party.RoleOwner, "")
	at := "server/parties/" + string(member.ID)
	operator := s.as(party.RoleOperator, "")
	operator.confirm(at+"/standing", "standing", "Suspended").wantStatus(http.StatusForbidden)
	operator.confirm(at + "/sign-out").wantStatus(http.StatusForbidden)
	s.signedIn(member).confirm(at+"/standing", "standing", "Suspended").
		wantStatus(http.StatusConflict).want("The last active owner")
}

// Personal data is erased when nothing is open any more, and says what stands in the
// way before.
func TestErasePage(t *testing.T) {
	s := newSite(t)
	s.Unchecked = true
	held := s.Reserved("42.50", "order-1")
	b := s.as(party.RoleOperator, "")
	at := "server/parties/" + string(s.Buyer.ID)
	b.get(at+"/erase").wantStatus(http.StatusOK).want("cannot be erased yet", "Open payment", string(held.ID), "$42.50")
	b.wantNot(`name="once"`)
	if _, err := s.Cancel(held.ID); err != nil {
		t.Fatal(err)
	}
	b.confirm(at+"/erase").want("The personal data has been erased.", "No name").wantNot("ann@example.test", "4242")
	b.get("server/audit?action=party.erase").want(string(s.Buyer.ID))
	err := s.DB.View(t.Context(), func(tx *store.ReadTx) error {
		p, _, err := tx.Party(s.Buyer.ID)
		if err == nil && (p.Name != "" || p.Email != "" || p.PasswordHash != "" || p.Standing != party.Closed) {
			t.Errorf("left: %+v", p)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
