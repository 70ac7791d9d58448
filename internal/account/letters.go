package account

import (
	"net/url"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// Letters writes the mails to parties, in the language in which they read our
// pages.
type Letters struct{ Public *url.URL } // the address under which browsers reach the pages

// Write composes a letter.
func (l Letters) Write(n party.Notice) (subject, text string) {
	w := webui.WordsIn(n.Language)
	var parts []string
	say := func(text string) { parts = append(parts, text) }
	switch n.About {
	case party.NoticeVerify, party.NoticeNewEmail:
		subject = w.T("mail.verify-subject")
		if n.About == party.NoticeNewEmail {
			subject = w.T("mail.new-email-subject")
			say(w.T("mail.new-email"))
		} else {
			say(w.T("mail.verify"))
		}
		if n.Code != "" {
			say(w.T("mail.code", "Code", n.Code))
		}
		say(w.T("mail.verify-link"))
		say(l.address("verify", "link", n.Link))
		say(w.T("mail.not-you"))
	case party.NoticeReset:
		subject = w.T("mail.reset-subject")
		say(w.T("mail.reset"))
		say(l.address("reset", "link", n.Link, "visit", n.Visit))
		say(w.T("mail.reset-not-you"))
	case party.NoticeGuestClaim:
		return w.T("mail.guest-claim-subject"), l.text(
			w.T("mail.guest-claim"), l.address("guest/account", "link", n.Link), w.T("mail.guest-not-asked"))
	case party.NoticeGuestHasAccount:
		return w.T("mail.guest-has-account-subject"), l.text(
			w.T("mail.guest-has-account"), l.address("sign-in"), w.T("mail.guest-stays"), l.address("guest", "link", n.Guest),
			w.T("mail.guest-not-asked"))
	case party.NoticePasswordChanged:
		subject = w.T("mail.password-subject")
		say(w.T("mail.password"))
		say(w.T("mail.undo"))
		say(l.address("forgotten"))
	case party.NoticeEmailChanged:
		subject = w.T("mail.email-changed-subject")
		say(w.T("mail.email-changed", "Email", n.NewEmail))
	case party.NoticePasskeyAdded:
		subject = w.T("mail.passkey-subject")
		say(w.T("mail.passkey"))
		say(w.T("mail.undo"))
		say(l.address("forgotten"))
	case party.NoticePasskeyRemoved:
		subject = w.T("mail.passkey-removed-subject")
		say(w.T("mail.passkey-removed"))
	case party.NoticeInvitation, party.NoticeFactorAdded, party.NoticeFactorRemoved, party.NoticeFactorReset,
		party.NoticeRecoveryUsed:
		return l.aboutConsole(w, n)
	case party.NoticeApprovalAsked, party.NoticeApprovalDecided, party.NoticeApprovalLapsed:
		return l.aboutApproval(w, n)
	case party.NoticeLimitRaised:
		return l.aboutLimit(w, n)
	}
	say(w.T("mail.foot", "Address", l.address("")))
	return subject, l.text(parts...)
}

// aboutConsole composes a letter to a member.
func (l Letters) aboutConsole(w webui.Words, n party.Notice) (subject, text string) {
	console := l.console("")
	if n.About == party.NoticeInvitation {
		invited := w.T("mail-console.invitation-server", "Role", RoleWord(w, n.Role))
		if n.Caller != "" {
			invited = w.T("mail-console.invitation", "Caller", n.Caller, "Role", RoleWord(w, n.Role))
		}
		return w.T("mail-console.invitation-subject"), l.text(invited, console+"invitation?"+given("link", n.Link).Encode(),
			w.T("mail-console.invitation-not-you"))
	}
	ids := consoleLetters[n.About]
	return w.T(ids.subject), l.text(w.T(ids.text), w.T("mail-console.warn"), l.address("forgotten"),
		w.T("mail.foot", "Address", console))
}

// consoleLetters have the ids of the messages of each letter about a second factor.
var consoleLetters = map[party.NoticeAbout]letterWords{
	party.NoticeFactorAdded:   {"mail-console.factor-added-subject", "mail-console.factor-added"},
	party.NoticeFactorRemoved: {"mail-console.factor-removed-subject", "mail-console.factor-removed"},
	party.NoticeFactorReset:   {"mail-console.factor-reset-subject", "mail-console.factor-reset"},
	party.NoticeRecoveryUsed:  {"mail-console.recovery-used-subject", "mail-console.recovery-used"},
}

// RoleWord is the name of a role. A role without a name is shown as it is.
func RoleWord(w webui.Words, r party.Role) string {
	if id, found := roleWords[r]; found {
		return w.T(id)
	}
	return string(r)
}

// roleWords have the ids of the messages with the names of the roles.
var roleWords = map[party.Role]string{
	party.RoleOwner: "console.role.owner", party.RoleOperator: "console.role.operator",
	party.RoleFinance: "console.role.finance", party.RoleSupport: "console.role.support",
	party.RoleDeveloper: "console.role.developer", party.RolePacker: "console.role.packer",
}

// text puts the paragraphs of a mail together.
func (Letters) text(parts ...string) string { return strings.Join(parts, "\n\n") + "\n" }

// console is the full address of a page of the console, for a mail.
func (l Letters) console(path string) string {
	return strings.TrimSuffix(l.Public.String(), "/") + ConsoleRoot + path
}

// address is the full address of a page, for a mail.
func (l Letters) address(place string, pairs ...string) string {
	return strings.TrimSuffix(l.Public.String(), "/") + pageURL(place, given(pairs...)...)
}
