package console_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
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
	owner.get(s.caller("")).want("Approvals waiting").wantFigure("Approvals waiting", "1")
	owner.get(at).want("Approve and carry out", "Release the rest", "May be approved by", "owner.c")
	owner.post(at+"/approve", nil).wantStatus(http.StatusOK).want("approved and carried out", "Approved")
	s.WantState(r.ID, payment.Success)
	owner.get(s.caller("")).wantFigure("Approvals waiting", "0")
	packer.post(at+"/decline", nil).wantStatus(http.StatusConflict).want("decided on it already")
	other := s.OtherShop()
	s.as(party.RoleOwner, other.ID).get("c/" + string(other.ID) + strings.TrimPrefix(at, "c/"+string(s.Shop.ID))).
		wantStatus(http.StatusNotFound)
}

// wantFigure fails the test if a figure of the overview has another value.
func (b *browser) wantFigure(label, value string) *browser {
	b.t.Helper()
	_, after, found := strings.Cut(b.body, label)
	if _, after, _ = strings.Cut(after, "<dd"); !found ||
		!strings.Contains(strings.SplitN(after, "</dd>", 2)[0], ">"+value) {
		b.t.Errorf("%s does not say %s %s:\n%s", b.url, label, value, b.body)
	}
	return b
}

// Approvals that are too late wait no longer, and a command that asks is named.
func TestApprovalsOnTheOverview(t *testing.T) {
	s := newSite(t)
	owner := s.as(party.RoleOwner, s.Shop.ID)
	owner.get(s.caller("")).wantNot("Approvals waiting")
	r := s.Reserved("60.00", "order-1")
	call, err := processor.ByPerson("form-1", "console", nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err := s.Processor.AskApproval(t.Context(), call, party.Approval{
		Caller: s.Shop.ID, Action: party.ApproveSettle, Object: string(r.ID), Amount: holdfasttest.USD("60.00"),
	}, processor.Wanted{By: "root"})
	if err != nil {
		t.Fatal(err)
	}
	owner.get(s.caller("")).wantFigure("Approvals waiting", "1")
	owner.get(s.caller("approvals")).want("root, by a command at the server")
	owner.get(s.caller("approvals/"+string(a.ID))).want("root, by a command at the server", "Can be decided until")
	s.Clock.Advance(party.ApprovalLife)
	s.as(party.RoleOperator, s.Shop.ID).get(s.caller("")).wantStatus(http.StatusOK).wantNot("Approvals waiting")
}

// A second owner approves a higher limit. Lowering it needs one owner.
func TestALimitThatIsRaised(t *testing.T) {
	s := newSite(t)
	s.ChangeCaller(s.Shop.ID, func(c *party.Caller) { c.ApproveAbove = holdfasttest.USD("50.00") })
	owner, second := s.as(party.RoleOwner, s.Shop.ID), s.as(party.RoleOwner, "")
	change := s.caller("settings/change")
	form := owner.hidden(owner.fill(change, "name", "Kiln", "approve-above", "80.00"), "seen")
	for range 2 { // a double click
		owner.post(change, form).wantStatus(http.StatusOK).want("a second owner must approve", "Limit now", "$50.00",
			"New limit", "$80.00", "Another member must approve").wantNot("Approve and carry out")
	}
	at := strings.TrimPrefix(owner.url.Path, "/console/")
	if got := s.shopNow(); got.ApproveAbove != holdfasttest.USD("50.00") || got.Name != "Kiln" {
		t.Errorf("the caller is %+v", got)
	}
	owner.get(s.caller("")).wantFigure("Approvals waiting", "1")
	owner.get(s.caller("approvals")).want("Limit for approvals", "$80.00")
	owner.post(at+"/approve", nil).wantStatus(http.StatusForbidden)
	s.as(party.RoleFinance, s.Shop.ID).get(at).wantStatus(http.StatusOK).wantNot("Approve and carry out")
	second.get(at).want("Approve and carry out")
	second.post(at+"/approve", nil).wantStatus(http.StatusOK).want("approved and carried out")
	if got := s.shopNow(); got.ApproveAbove != holdfasttest.USD("80.00") {
		t.Errorf("the caller is %+v", got)
	}
	owner.post(change, owner.hidden(owner.fill(change, "name", "Kiln", "approve-above", ""), "seen")).
		wantStatus(http.StatusOK).want("No limit")
	owner.post(change, owner.hidden(owner.fill(change, "name", "Kiln", "approve-above", "20"), "seen")).
		wantStatus(http.StatusOK).want("The settings are changed.")
	if got := s.shopNow(); got.ApproveAbove != holdfasttest.USD("20.00") {
		t.Errorf("the caller is %+v", got)
	}
	// After a step back in the browser, the same form asks for another limit.
	form = owner.hidden(owner.fill(change, "name", "Kiln", "approve-above", "90.00"), "seen")
	owner.post(change, form).wantStatus(http.StatusOK).want("$90.00")
	form.Set("approve-above", "95.00")
	owner.post(change, form).wantStatus(http.StatusOK).want("$95.00")
}
