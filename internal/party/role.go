package party

import (
	"slices"

	"github.com/holdfast-pay/holdfast/money"
)

// A Role is what a member does in the console.
type Role string

// The roles.
const (
	RoleOwner     Role = "owner"     // everything, and decides who the members are
	RoleOperator  Role = "operator"  // runs the server or the caller's payments
	RoleFinance   Role = "finance"   // reports, and refunds up to a limit
	RoleSupport   Role = "support"   // answers questions; moves no money
	RoleDeveloper Role = "developer" // keys, webhooks and the clock of a sandbox
	RolePacker    Role = "packer"    // ships, and so settles and releases holds
)

// Roles lists every role.
var Roles = []Role{RoleOwner, RoleOperator, RoleFinance, RoleSupport, RoleDeveloper, RolePacker}

// A Permission is a kind of action that some roles may do.
type Permission string

// The permissions for one caller. A member of the server has them for all callers.
const (
	MayRead           Permission = "read"
	MayActOnHolds     Permission = "holds.act" // settle, release, raise, renew
	MayRefund         Permission = "refund"
	MayResend         Permission = "resend" // notifications, events and mails
	MayEndTokens      Permission = "tokens.end"
	MayManageKeys     Permission = "keys"
	MayManageWebhooks Permission = "webhooks"
	MayMoveClock      Permission = "clock" // of a sandbox caller
	MayChangeCaller   Permission = "caller.settings"
	MayReport         Permission = "reports"
	MayReadAuditLog   Permission = "auditlog"
	MayManageMembers  Permission = "members"
	MayTestNetwork    Permission = "network.test" // asks the network about the caller's account
	MayChooseNetwork  Permission = "network.choose"
)

// The permissions that only members of the server can have.
const (
	MayCreateCallers Permission = "callers.create"
	MayReadParties   Permission = "parties.read"
	MayManageParties Permission = "parties" // suspend, export, erase
	MaySeeSystem     Permission = "system"
)

// Permissions lists every permission, those of callers first.
var Permissions = []Permission{
	MayRead, MayActOnHolds, MayRefund, MayResend, MayEndTokens, MayManageKeys, MayManageWebhooks, MayMoveClock,
	MayChangeCaller, MayReport, MayReadAuditLog, MayManageMembers, MayTestNetwork, MayChooseNetwork, MayCreateCallers,
	MayReadParties, MayManageParties, MaySeeSystem,
}

// permitted has the roles that have each permission.
var permitted = map[Permission][]Role{
	MayRead:           Roles,
	MayActOnHolds:     {RoleOwner, RoleOperator, RoleFinance, RolePacker},
	MayRefund:         {RoleOwner, RoleOperator, RoleFinance},
	MayResend:         {RoleOwner, RoleOperator, RoleFinance, RoleSupport, RoleDeveloper},
	MayEndTokens:      {RoleOwner, RoleOperator, RoleSupport},
	MayManageKeys:     {RoleOwner, RoleDeveloper},
	MayManageWebhooks: {RoleOwner, RoleDeveloper},
	MayMoveClock:      {RoleOwner, RoleDeveloper},
	MayChangeCaller:   {RoleOwner},
	MayReport:         {RoleOwner, RoleOperator, RoleFinance},
	MayReadAuditLog:   {RoleOwner, RoleOperator},
	MayManageMembers:  {RoleOwner},
	MayTestNetwork:    {RoleOwner, RoleOperator, RoleDeveloper},
	MayChooseNetwork:  {RoleOwner, RoleOperator},

	MayCreateCallers: {RoleOwner},
	MayReadParties:   {RoleOwner, RoleOperator, RoleSupport},
	MayManageParties: {RoleOwner, RoleOperator},
	MaySeeSystem:     {RoleOwner, RoleOperator},
}

// ofServer are the permissions that only members of the server can have.
var ofServer = []Permission{MayCreateCallers, MayReadParties, MayManageParties, MaySeeSystem}

// Valid reports whether there is such a role.
func (r Role) Valid() bool { return slices.Contains(Roles, r) }

// May reports whether a role has a permission.
func (r Role) May(p Permission) bool { return slices.Contains(permitted[p], r) }

// A Membership is a party's role for one caller, or for the whole server.
type Membership struct {
	Party  ID
	Caller CallerID // empty means the whole server, with every caller
	Role   Role
	// RefundLimit is the largest refund that a member with the role finance may make.
	// The zero Amount means no limit.
	RefundLimit money.Amount
}

// OfServer reports whether the membership is for the whole server.
func (m Membership) OfServer() bool { return m.Caller == "" }

// MayGrant reports whether the membership may make a key with a scope. A key has no
// role, no limit for refunds and no second member, so it gets no more rights than the
// role that makes it.
func (m Membership) MayGrant(s Scope) bool { return m.May(MayManageKeys) && m.May(s.permission()) }

// Covers reports whether the membership is for a caller.
func (m Membership) Covers(c CallerID) bool { return m.OfServer() || m.Caller == c }

// May reports whether the membership has a permission for the callers that it covers.
func (m Membership) May(p Permission) bool {
	return m.Role.May(p) && (m.OfServer() || !slices.Contains(ofServer, p))
}
