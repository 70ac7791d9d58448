package cobranded_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A buyer who signs up on the way to a payment is the actor of the entry in the audit
// log, with its name and the address of its browser.
func TestASignUpOnTheWayIsInTheAuditLog(t *testing.T) {
	s := newSite(t)
	s.get(s.link(order()))
	entries := holdfasttest.Logged(t, s.DB.Reader, s.signUp)
	s.wantPage("card")
	if len(entries) != 1 || entries[0].Action != "party.create" {
		t.Fatalf("the entries are %+v", entries)
	}
	if a := entries[0].Actor; a.Kind != party.ActorParty || a.ID != entries[0].Object || a.Name != nora || a.From == "" {
		t.Errorf("the actor is %+v", a)
	}
}
