package console_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

func (s *site) shopNow() (c party.Caller) {
	s.t.Helper()
	s.view(func(tx *store.ReadTx) (err error) {
		c, _, err = tx.Caller(s.Shop.ID)
		return err
	})
	return c
}

// The owner of a caller changes its settings; rights that the operator grants stay.
func TestSettingsPages(t *testing.T) {
	s := newSite(t)
	change := s.caller("settings/change")
	owner := s.members.Add(party.RoleOwner, s.Shop.ID)
	b := s.signedIn(owner)
	b.get(s.caller("settings")).wantStatus(http.StatusOK).want("Kiln & Co", "http://shop.example.test/ipn",
		"shop@example.test")
	form := b.hidden(b.fill(change, "name", "Kiln", "ipn-url", "https://shop.example.com/ipn", "warnings", "24h,2h",
		"pending-first", "yes", "marketplace", "yes", "signature-v1", "yes", "guest-limit", "5"), "seen")
	b.post(change, form).wantStatus(http.StatusOK).want("The settings are changed.", "Kiln", "24h,2h")
	got := s.shopNow()
	if got.Name != "Kiln" || got.IPNURL != "https://shop.example.com/ipn" || !got.PendingFirst || got.WarningMails ||
		got.Marketplace || got.SignatureV1 || got.GuestLimit.Positive() || got.Warnings.String() != "24h,2h" {
		t.Errorf("the caller is %+v", got)
	}
	// The same form again changes nothing. An older form with other values is refused.
	b.post(change, form).wantStatus(http.StatusOK)
	form.Set("name", "Other")
	b.post(change, form).wantStatus(http.StatusConflict).want("Somebody else")
	for field, wrong := range map[string]string{
		"name": "", "ipn-url": "ftp://x", "warnings": "soon", "return-schemes": "javascript",
	} {
		form := b.hidden(b.fill(change, "name", "Kiln"), "seen")
		form.Set(field, wrong)
		b.post(change, form).wantStatus(http.StatusUnprocessableEntity)
	}

	// A smaller role for the server grants nothing more.
	s.members.Appoint(owner.ID, party.RoleSupport, "")
	b.post(change, b.hidden(b.fill(change, "name", "Kiln", "marketplace", "yes", "guests", "yes", "guest-limit", "5"),
		"seen")).wantStatus(http.StatusOK)
	if got := s.shopNow(); got.Marketplace || got.Guests || got.GuestLimit.Positive() {
		t.Errorf("an owner with a small role for the server changed it to %+v", got)
	}

	operator := s.as(party.RoleOwner, "")
	form = operator.hidden(operator.fill(change, "name", "Kiln", "marketplace", "yes", "signature-v1", "yes",
		"guest-limit", "500"),
		"seen")
	operator.post(change, form).wantStatus(http.StatusOK).want("It is unsafe")
	if got := s.shopNow(); !got.Marketplace || !got.SignatureV1 || got.GuestLimit != holdfasttest.USD("500") ||
		got.PendingFirst {
		t.Errorf("the caller is %+v", got)
	}
	// The owner sets the amount above which a second member approves.
	b.get(s.caller("settings")).want("Never needed")
	b.post(change, b.hidden(b.fill(change, "name", "Kiln", "approve-above", "50.00"), "seen")).wantStatus(http.StatusOK)
	if got := s.shopNow().ApproveAbove; got != holdfasttest.USD("50.00") {
		t.Errorf("a second member approves above %v", got)
	}
	for _, wrong := range []string{"0", "-1", "much"} {
		b.post(change, b.hidden(b.fill(change, "name", "Kiln", "approve-above", wrong), "seen")).
			wantStatus(http.StatusUnprocessableEntity).want("such as 25.00")
	}
	developer := s.as(party.RoleDeveloper, s.Shop.ID)
	developer.get(s.caller("settings")).wantStatus(http.StatusOK).wantNot("Change the settings")
	developer.get(change).wantStatus(http.StatusForbidden)
	developer.post(change, form).wantStatus(http.StatusForbidden)
}

// A double click moves a clock once.
func TestClockPage(t *testing.T) {
	s := newSite(t)
	clock := s.caller("settings/clock")
	b := s.as(party.RoleDeveloper, s.Shop.ID)
	form := b.hidden(b.fill(clock, "by", "24"), "offset")
	b.post(clock, form).wantStatus(http.StatusOK).want("The clock is moved.")
	b.post(clock, form).wantStatus(http.StatusConflict)
	if got := s.shopNow().ClockOffset; got != 24*time.Hour {
		t.Errorf("the clock is %v ahead", got)
	}
	b.post(clock, b.hidden(b.fill(clock, "by", "reset"), "offset")).wantStatus(http.StatusOK)
	if got := s.shopNow().ClockOffset; got != 0 {
		t.Errorf("after the reset the clock is %v ahead", got)
	}
	b.post(clock, b.hidden(b.fill(clock, "by", "-1"), "offset")).wantStatus(http.StatusBadRequest)
	s.as(party.RoleSupport, s.Shop.ID).get(clock).wantStatus(http.StatusForbidden)
}

func TestNewCallerPage(t *testing.T) {
	s := newSite(t)
	b := s.as(party.RoleOwner, "")
	form := b.fill("server/callers/new", "name", "Second shop", "owner", s.Owner.Email)
	b.post("server/callers/new", form).wantStatus(http.StatusOK).want("New caller: Second shop", "It is not shown again")
	b.post("server/callers/new", form).wantStatus(http.StatusConflict).want("was sent before")
	var all []party.Caller
	s.view(func(tx *store.ReadTx) (err error) {
		all, err = tx.CallersOf(s.Owner.ID)
		return err
	})
	if len(all) != 2 {
		t.Errorf("the owner has %d callers", len(all))
	}
	b.post("server/callers/new", b.fill("server/callers/new", "name", "x", "owner", "nobody@example.test")).
		wantStatus(http.StatusUnprocessableEntity).want("There is no account")
	s.as(party.RoleOperator, "").get("server/callers/new").wantStatus(http.StatusForbidden)
	s.as(party.RoleOwner, s.Shop.ID).get("server/callers/new").wantStatus(http.StatusNotFound)
}
