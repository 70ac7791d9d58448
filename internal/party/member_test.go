package party_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

func TestCheckMember(t *testing.T) {
	for name, row := range map[string]struct {
		party.Membership
		refused bool
	}{
		"a role":               {party.Membership{Role: party.RolePacker}, false},
		"no role":              {party.Membership{}, true},
		"an unknown role":      {party.Membership{Role: "root"}, true},
		"finance with a limit": {party.Membership{Role: party.RoleFinance, RefundLimit: money.Micros(1)}, false},
		"finance with zero":    {party.Membership{Role: party.RoleFinance, RefundLimit: money.Micros(0)}, true},
		"an owner with limit":  {party.Membership{Role: party.RoleOwner, RefundLimit: money.Micros(1)}, true},
	} {
		if err := row.CheckMember(); (err != nil) != row.refused {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRefundsUpToALimit(t *testing.T) {
	limited := party.Membership{Role: party.RoleFinance, RefundLimit: money.Micros(50)}
	for amount, want := range map[int64]bool{49: true, 50: true, 51: false} {
		if got := limited.MayRefund(money.Micros(amount)); got != want {
			t.Errorf("a refund of %d is allowed: %t", amount, got)
		}
	}
	if !(party.Membership{Role: party.RoleFinance}).MayRefund(money.Micros(1_000_000)) {
		t.Error("finance without a limit may not refund")
	}
	if (party.Membership{Role: party.RoleSupport}).MayRefund(money.Micros(1)) {
		t.Error("support may refund")
	}
}

func TestTheLastOwnerStays(t *testing.T) {
	member := func(id party.ID, r party.Role) party.Member {
		return party.Member{Membership: party.Membership{Party: id, Role: r}}
	}
	one := []party.Member{member("P1", party.RoleOwner), member("P2", party.RoleFinance)}
	two := append(one, member("P3", party.RoleOwner))
	for name, row := range map[string]struct {
		all     []party.Member
		changed party.ID
		after   party.Role
		want    error
	}{
		"the last owner is removed":     {one, "P1", "", party.ErrLastOwner},
		"the last owner gets a role":    {one, "P1", party.RoleFinance, party.ErrLastOwner},
		"the last owner stays an owner": {one, "P1", party.RoleOwner, nil},
		"another member is removed":     {one, "P2", "", nil},
		"one of two owners is removed":  {two, "P1", "", nil},
		"the first member is no owner":  {nil, "P1", party.RoleFinance, nil},
		"one more joins without owners": {[]party.Member{member("P2", party.RoleFinance)}, "P1", party.RolePacker, nil},
		"the other of two gets a role":  {two, "P3", party.RoleSupport, nil},
		"another joins the owner":       {one, "P4", party.RolePacker, nil},
	} {
		if err := party.CheckOwners(row.all, row.changed, row.after); !errors.Is(err, row.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecisionsOnAnApproval(t *testing.T) {
	asked := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	a := party.Approval{AskedBy: "P1", AskedAt: asked, State: party.ApprovalAsked}
	done := a
	done.State = party.ApprovalDeclined
	for name, row := range map[string]struct {
		party.Approval
		by   party.ID
		to   party.ApprovalState
		at   time.Duration
		want error
	}{
		"another member approves":   {a, "P2", party.ApprovalApproved, 0, nil},
		"the same member approves":  {a, "P1", party.ApprovalApproved, 0, party.ErrOwnApproval},
		"the same member withdraws": {a, "P1", party.ApprovalDeclined, 0, nil},
		"just in time":              {a, "P2", party.ApprovalApproved, party.ApprovalLife - 1, nil},
		"too late":                  {a, "P2", party.ApprovalApproved, party.ApprovalLife, party.ErrApprovalOver},
		"decided already":           {done, "P2", party.ApprovalApproved, 0, party.ErrApprovalDecided},
	} {
		if err := row.CheckDecision(row.by, row.to, asked.Add(row.at)); !errors.Is(err, row.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
