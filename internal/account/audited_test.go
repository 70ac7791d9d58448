package account_test

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
)

var trail holdfasttest.AuditTrail

func TestMain(m *testing.M) { os.Exit(trail.Run(m, decided)) }

// decided says which entries of the audit log each form of the account pages writes: see
// [holdfasttest.AuditTrail.Faults]. Actions that no operator can do for a party, such as
// adding a card, have no entry: see decision 89.
var decided = map[string]string{
	"POST sign-in":                 "",
	"POST passkey":                 "",
	"POST passkey/ask":             "",
	"POST sign-up":                 "party.create",
	"POST sign-out":                "",
	"POST forgotten":               "",
	"POST reset":                   "party.reset_password party.take_over",
	"POST guest/ask":               "",
	"POST guest/account":           "party.claim",
	"POST guest/passkey":           "party.claim passkey.add",
	"POST guest/passkey/ask":       "",
	"POST verify":                  "party.verify_email party.change_email",
	"POST verify/send":             "",
	"POST methods/card":            "",
	"POST methods/bank":            "",
	"POST methods/default":         "",
	"POST methods/remove":          "",
	"POST addresses/edit":          "",
	"POST addresses/default":       "",
	"POST addresses/remove":        "",
	"POST authorisations/cancel":   "token.cancel",
	"POST authorisations/end":      "instrument.end",
	"POST history":                 "",
	"POST security/password":       "party.change_password",
	"POST security/passkey":        "passkey.add",
	"POST security/passkey/ask":    "",
	"POST security/passkey/remove": "passkey.remove",
	"POST security/session/end":    "session.end",
	"POST security/session/others": "session.end_others",
	"POST profile/name":            "party.change",
	"POST profile/email":           "",
	"POST profile/business":        "party.change",
}

// Somebody has decided for every form which entry it writes.
func TestEveryFormIsDecided(t *testing.T) {
	var forms []string
	for _, place := range (&account.Server{}).Places() {
		if strings.HasPrefix(place, http.MethodPost) {
			forms = append(forms, place)
		}
	}
	holdfasttest.WantDecided(t, "form", forms, decided)
}

// audited sends a form, and notes what it has written into the audit log. Each entry has
// the id, the name and the address of the party that has acted.
func (b *browser) audited(address string, send func()) {
	b.t.Helper()
	path, _, _ := strings.Cut(address, "?")
	_, place, _ := strings.Cut(path, account.Root)
	var actions []party.AuditAction
	for _, e := range holdfasttest.Logged(b.t, b.DB.Reader, send) {
		actions = append(actions, e.Action)
		if a := e.Actor; a.Kind != party.ActorParty || a.ID == "" || a.Name == "" || a.From == "" {
			b.t.Errorf("POST %s: the actor of %s is %+v", place, e.Action, a)
		}
	}
	if place = http.MethodPost + " " + place; b.at.status < http.StatusBadRequest {
		trail.Note(place, actions...)
	} else if len(actions) > 0 {
		b.t.Errorf("%s is refused and writes %v", place, actions)
	}
}
