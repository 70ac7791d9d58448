package party

import "github.com/holdfast-pay/holdfast/money"

// A Notice is the content of a mail to a party about its account. The mail's
// text is written elsewhere. A Notice has no text that a stranger may have
// written: a person who signs up with another person's address, or requests a
// new password for it, must not be able to send a message through this server.
// Only verified addresses get details about the account.
type Notice struct {
	About    NoticeAbout
	To       string // e-mail address
	Party    ID     // that the notice is to; empty for an address without one
	Language string // of the party's pages, "de-CH"; empty if unknown
	Link     string // secret of a link; empty without one
	Code     string // to type instead of following the link; empty without one
	NewEmail string // the new address after a change; empty otherwise
	Visit    string // of the party, not ended yet; empty without one
	Guest    string // link of a guest: see [GuestLink]; empty for others
	// Caller and Role are of an invitation. Caller is the name that an operator gave the
	// caller; it is empty for the server.
	Caller string
	Role   Role
	// Approval is what a second member must approve, or what was decided on. Member is
	// the e-mail address of the member who asked or decided; empty for a command.
	Approval Approval
	Member   string
	// Reference is the caller's own name for the payment of an approval; may be empty.
	Reference string
	// Limit is the caller's limit above which approvals are needed, as it is now, and
	// LimitBefore as it was before the change that the notice is about.
	Limit, LimitBefore money.Amount
	CallerID           CallerID // of NoticeLimitRaised
}

// A NoticeAbout is the subject of a notice.
type NoticeAbout string

// The subjects of notices. The first four have links.
const (
	NoticeVerify          NoticeAbout = "verify"      // asks to verify the address
	NoticeNewEmail        NoticeAbout = "new-email"   // asks to verify the new address
	NoticeReset           NoticeAbout = "reset"       // lets the party set a new password
	NoticeGuestClaim      NoticeAbout = "guest-claim" // lets a guest become an account
	NoticeGuestHasAccount NoticeAbout = "guest-has-account"
	NoticeEmailChanged    NoticeAbout = "email-changed" // goes to the old address
	NoticePasswordChanged NoticeAbout = "password-changed"
	NoticePasskeyAdded    NoticeAbout = "passkey-added"
	NoticePasskeyRemoved  NoticeAbout = "passkey-removed"
	NoticeInvitation      NoticeAbout = "invitation" // makes its reader a member
	NoticeFactorAdded     NoticeAbout = "factor-added"
	NoticeFactorRemoved   NoticeAbout = "factor-removed"
	NoticeFactorReset     NoticeAbout = "factor-reset" // by the operator
	NoticeRecoveryUsed    NoticeAbout = "recovery-used"
	NoticeApprovalAsked   NoticeAbout = "approval-asked"   // goes to those who may approve
	NoticeApprovalDecided NoticeAbout = "approval-decided" // goes to the member who asked
	NoticeApprovalLapsed  NoticeAbout = "approval-lapsed"  // goes to both
	NoticeLimitRaised     NoticeAbout = "limit-raised"     // by a command; goes to the owners
)
