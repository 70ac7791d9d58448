package console

import (
	"strings"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// permissionWords have the ids of the messages that say what each permission allows.
var permissionWords = map[party.Permission]string{
	party.MayRead: "console.may.read", party.MayActOnHolds: "console.may.holds-act",
	party.MayRefund: "console.may.refund", party.MayResend: "console.may.resend",
	party.MayEndTokens: "console.may.tokens-end", party.MayManageKeys: "console.may.keys",
	party.MayManageWebhooks: "console.may.webhooks", party.MayMoveClock: "console.may.clock",
	party.MayChangeCaller: "console.may.caller-settings", party.MayReport: "console.may.reports",
	party.MayReadAuditLog: "console.may.auditlog", party.MayManageMembers: "console.may.members",
	party.MayTestNetwork:   "console.may.network-test",
	party.MayChooseNetwork: "console.may.network-choose",
	party.MayCreateCallers: "console.may.callers-create", party.MayReadParties: "console.may.parties-read",
	party.MayManageParties: "console.may.parties", party.MaySeeSystem: "console.may.system",
}

// rolesTable says what a member with each role may do for the page's caller, or for the
// server on its pages.
func rolesTable(c *call) *table {
	w := c.words
	t := &table{Columns: []column{
		{Label: w.T("console.members.role")},
		{Label: w.T("console.members.may")},
	}}
	for _, r := range party.Roles {
		var may []string
		for _, p := range party.Permissions {
			if (party.Membership{Caller: c.caller.ID, Role: r}).May(p) {
				may = append(may, w.T(permissionWords[p]))
			}
		}
		t.Rows = append(t.Rows, tableRow{Cells: []cell{text(roleWord(c, r)), text(strings.Join(may, ", "))}})
	}
	return t
}
