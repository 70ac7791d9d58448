package console_test

import (
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

var trail holdfasttest.AuditTrail

func TestMain(m *testing.M) { os.Exit(trail.Run(m, decided)) }

// decided says which entries of the audit log each form of the console writes: see
// [holdfasttest.AuditTrail.Faults]. A form that only signs in or out writes none.
var decided = map[string]string{
	// Filters and searches change nothing.
	"c/{caller}/audit": "", "c/{caller}/find": "", "c/{caller}/reports": "", "c/{caller}/reports/days/{day}": "",
	"c/{caller}/reports/ledger": "", "c/{caller}/reports/statement": "", "c/{caller}/risk": "",
	"c/{caller}/settings/network/test": "",
	"server/audit":                     "", "server/find": "", "server/parties": "", "server/reconciliation": "",
	"c/{caller}/approvals/{approval}/approve":                "approval.approve hold.settle caller.change ?payment.refund",
	"c/{caller}/approvals/{approval}/decline":                "approval.decline",
	"c/{caller}/audit/csv":                                   "audit.export",
	"c/{caller}/keys/new":                                    "key.create",
	"c/{caller}/keys/{key}/revoke":                           "key.revoke",
	"c/{caller}/keys/{key}/rotate":                           "key.rotate",
	"c/{caller}/members/invite":                              "member.invite",
	"c/{caller}/members/withdraw":                            "member.withdraw",
	"c/{caller}/members/{party}":                             "member.set",
	"c/{caller}/members/{party}/remove":                      "member.remove",
	"c/{caller}/notifications/again":                         "notification.again",
	"c/{caller}/notifications/selected":                      "notification.again",
	"c/{caller}/notifications/{subject}/{seq}/again":         "notification.again",
	"c/{caller}/payments/{payment}/end-token":                "token.cancel",
	"c/{caller}/payments/{payment}/raise":                    "hold.raise",
	"c/{caller}/payments/{payment}/refund":                   "payment.refund ?approval.ask",
	"c/{caller}/payments/{payment}/release":                  "hold.release",
	"c/{caller}/payments/{payment}/renew":                    "hold.renew",
	"c/{caller}/payments/{payment}/resend":                   "notification.again",
	"c/{caller}/payments/{payment}/settle":                   "hold.settle ?approval.ask",
	"c/{caller}/risk/{hold}/remind":                          "hold.remind",
	"c/{caller}/settings/change":                             "caller.change approval.ask",
	"c/{caller}/settings/clock":                              "caller.change",
	"c/{caller}/settings/network":                            "caller.change",
	"c/{caller}/webhooks/new":                                "endpoint.create",
	"c/{caller}/webhooks/{endpoint}/again":                   "endpoint.redeliver",
	"c/{caller}/webhooks/{endpoint}/events/{position}/again": "endpoint.redeliver",
	"c/{caller}/webhooks/{endpoint}/remove":                  "endpoint.remove",
	"c/{caller}/webhooks/{endpoint}/secret":                  "endpoint.rotate_secret",
	"c/{caller}/webhooks/{endpoint}/selected":                "endpoint.redeliver",
	"c/{caller}/webhooks/{endpoint}/settings":                "endpoint.change",
	"invitation":                      "party.create member.set",
	"invitation/accept":               "member.set",
	"second-factor":                   "?factor.recover",
	"second-factor/app":               "factor.add",
	"second-factor/passkey":           "",
	"server/audit/csv":                "audit.export",
	"server/callers/new":              "caller.create",
	"server/members/invite":           "member.invite",
	"server/members/withdraw":         "member.withdraw",
	"server/members/{party}":          "member.set",
	"server/members/{party}/remove":   "member.remove",
	"server/parties/{party}/erase":    "party.erase",
	"server/parties/{party}/export":   "party.export",
	"server/parties/{party}/sign-out": "party.sign_out",
	"server/parties/{party}/standing": "party.change",
	"sign-out":                        "",
	"yourself/app/remove":             "factor.remove",
	"yourself/codes":                  "factor.codes",
}

// Somebody has decided for every form which entry it writes.
func TestEveryFormIsDecided(t *testing.T) {
	var forms []string
	for _, r := range newSite(t).console.Routes() {
		if r.Method == http.MethodPost {
			forms = append(forms, r.Path)
		}
	}
	holdfasttest.WantDecided(t, "form", forms, decided)
}

// The forms for members of the server do the same as those for members of a caller.
func TestMembersOfTheServer(t *testing.T) {
	s := newSite(t)
	b := s.as(party.RoleOwner, "")
	member := s.members.Add(party.RoleSupport, "")
	at := "server/members/" + string(member.ID)
	b.post(at, url.Values{"role": {"operator"}}).wantStatus(http.StatusOK).want("The role was changed")
	b.post(at+"/remove", nil).wantStatus(http.StatusOK).want("The member was removed")
	const invite = "server/members/invite"
	b.post(invite, b.fill(invite, "email", "op@example.test", "role", "operator")).wantStatus(http.StatusOK)
	b.post("server/members/withdraw", url.Values{"email": {"op@example.test"}}).wantStatus(http.StatusOK).
		want("was withdrawn")
}

// A declined request for an approval does nothing else.
func TestADeclinedApproval(t *testing.T) {
	s := newSite(t)
	s.ChangeCaller(s.Shop.ID, func(c *party.Caller) { c.ApproveAbove = holdfasttest.USD("50.00") })
	packer, owner := s.as(party.RolePacker, s.Shop.ID), s.as(party.RoleOwner, s.Shop.ID)
	r := s.Reserved("60.00", "order-1")
	settle := s.caller("payments/" + string(r.ID) + "/settle")
	packer.post(settle, packer.fill(settle, "rest", "release")).wantStatus(http.StatusOK)
	owner.post(strings.TrimPrefix(packer.url.Path, "/console/")+"/decline", nil).wantStatus(http.StatusOK)
	s.WantState(r.ID, payment.Reserved)
}

// audited sends a form of the console, and checks what it has written into the audit
// log. So every test that sends a form tests its entry, too. Each entry has the id, the
// name and the address of its actor. A form of the caller or of the server that succeeds
// has an entry. A form that is sent again acts only once.
func (b *browser) audited(path string, form url.Values, send func()) {
	b.t.Helper()
	entries := holdfasttest.Logged(b.t, b.DB.Reader, send)
	route := b.console.FormAt(path)
	if route == "" || b.status >= http.StatusBadRequest {
		return
	}
	var actions []party.AuditAction
	for _, e := range entries {
		if e.Actor.Kind == party.ActorServer {
			continue // of background work
		}
		actions = append(actions, e.Action)
		if e.Actor.ID == "" || e.Actor.Name == "" || e.Actor.From == "" {
			b.t.Errorf("POST %s: the actor of %s is %+v", path, e.Action, e.Actor)
		}
	}
	trail.Note(route, actions...)
	once := form.Get("once")
	if once == "" || b.sent[once] {
		return
	}
	if b.sent == nil {
		b.sent = map[string]bool{}
	}
	b.sent[once] = true
	if len(actions) == 0 && decided[route] != "" {
		b.t.Errorf("POST %s writes no entry into the audit log", path)
	}
}
