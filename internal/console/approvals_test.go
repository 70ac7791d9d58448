package console_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

func TestApprovalPages(t *testing.T) {
	s := newSite(t)
	packer, owner := s.as(party.RolePacker, s.Shop.ID), s.as(party.RoleOwner, s.Shop.ID)
	packer.get(s.caller("approvals")).wantStatus(http.StatusOK).want("No approvals are needed")
	if _, err := s.Processor.ChangeCaller(t.Context(), s.Shop.ID, func(c party.Caller) (party.Caller, error) {
		c.ApproveAbove = holdfasttest.USD("50.00")
		return c, nil
	}); err != nil {
		t.Fatal(err)
	}
	r := s.Reserved("60.00", "order-1")
	settle := s.caller("payments/" + string(r.ID) + "/settle")
	packer.post(settle, packer.fill(settle, "rest", "release")).wantStatus(http.StatusOK).
		want("a second member must approve", "$60.00", "Another member must approve").wantNot("Approve and carry out")
	at := strings.TrimPrefix(packer.url.Path, "/console/")
	s.WantState(r.ID, payment.Reserved)
	packer.post(at+"/approve", nil).wantStatus(http.StatusForbidden).want("Another member must approve")
	s.as(party.RoleSupport, s.Shop.ID).get(at).wantStatus(http.StatusOK).wantNot("Approve and carry out")
	owner.get(s.caller("approvals")).want("$60.00", "packer", "Waits")
	owner.get(at).want("Approve and carry out", "Release the rest")
	owner.post(at+"/approve", nil).wantStatus(http.StatusOK).want("approved and carried out", "Approved")
	s.WantState(r.ID, payment.Success)
	packer.post(at+"/decline", nil).wantStatus(http.StatusConflict).want("decided on it already")
	other := s.OtherShop()
	s.as(party.RoleOwner, other.ID).get("c/" + string(other.ID) + strings.TrimPrefix(at, "c/"+string(s.Shop.ID))).
		wantStatus(http.StatusNotFound)
}
