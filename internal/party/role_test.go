package party_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// Each permission is written out for each role: a change of the table is a
// change of this test.
func TestRoleMay(t *testing.T) {
	table := map[party.Permission]string{
		party.MayRead:           "owner operator finance support developer packer",
		party.MayActOnHolds:     "owner operator finance packer",
		party.MayRefund:         "owner operator finance",
		party.MayResend:         "owner operator finance support developer",
		party.MayEndTokens:      "owner operator support",
		party.MayManageKeys:     "owner developer",
		party.MayManageWebhooks: "owner developer",
		party.MayMoveClock:      "owner developer",
		party.MayChangeCaller:   "owner",
		party.MayReport:         "owner operator finance",
		party.MayReadAuditLog:   "owner operator",
		party.MayManageMembers:  "owner",
		party.MayTestNetwork:    "owner operator developer",
		party.MayChooseNetwork:  "owner operator",
		party.MayCreateCallers:  "owner",
		party.MayReadParties:    "owner operator support",
		party.MayManageParties:  "owner operator",
		party.MaySeeSystem:      "owner operator",
		"unknown":               "",
	}
	for _, p := range party.Permissions {
		if table[p] == "" {
			t.Errorf("the test does not say who has %s", p)
		}
	}
	if len(party.Permissions) != len(table)-1 {
		t.Errorf("there are %d permissions, want %d", len(party.Permissions), len(table)-1)
	}
	for permission, want := range table {
		var got []string
		for _, role := range party.Roles {
			if role.May(permission) {
				got = append(got, string(role))
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s is permitted to %q, want %q", permission, got, want)
		}
	}
	if party.Role("").May(party.MayRead) {
		t.Error("a party without a role may read")
	}
}

func TestMembershipOfACallerIsNotOfTheServer(t *testing.T) {
	server := party.Membership{Role: party.RoleOwner}
	caller := party.Membership{Role: party.RoleOwner, Caller: "C1"}
	if !server.Covers("C1") || !caller.Covers("C1") || caller.Covers("C2") || caller.Covers("") {
		t.Error("a membership covers the wrong callers")
	}
	if !caller.May(party.MayChangeCaller) || caller.May(party.MaySeeSystem) || !server.May(party.MaySeeSystem) {
		t.Error("a permission of the server belongs to members of the server only")
	}
}
