package party

import (
	"strings"
	"time"
	"unicode/utf8"
)

// A Mail is a letter to a party, in plain text. It is stored in the same
// database transaction as the change that it reports, and delivered afterwards.
type Mail struct {
	ID      string // "M01K…"; the same in every delivery attempt
	To      string // e-mail address
	Party   ID     // that it is written to; empty for an address without one
	Subject string
	Text    string
	Created time.Time // real time
	// About says which payment the mail is about. It is zero for mails about accounts.
	About MailAbout
}

// MailAbout says what a mail about a payment tells. It is kept when the mail has been
// delivered.
type MailAbout struct {
	Caller CallerID
	Object string // the id of the transaction or the token; MailDeadlines for a mail about several holds
	Kind   MailKind
}

// A MailKind is the subject of a mail about a payment.
type MailKind string

// The kinds of mails about payments. The last goes to the owner of a caller, and the
// others go to senders.
const (
	MailApproved MailKind = "approved"
	MailCharged  MailKind = "charged"
	MailReleased MailKind = "released"
	MailRefunded MailKind = "refunded"
	MailDeadline MailKind = "deadline"
)

// MailKinds lists every kind.
var MailKinds = []MailKind{MailApproved, MailCharged, MailReleased, MailRefunded, MailDeadline}

// MailDeadlines is the object of a mail about the deadlines of several holds.
const MailDeadlines = "deadlines"

// MaskEmail returns the part of an e-mail address that is shown and kept where the
// address itself is not needed: its first character and its domain.
func MaskEmail(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 0 {
		return ""
	}
	_, first := utf8.DecodeRuneInString(address[:at])
	return address[:first] + "…" + address[at:]
}
