package console

import (
	"strings"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// A stateWord is the message of a state, with its colour.
type stateWord struct {
	id   string
	tone tone
}

// stateWords are the states of all kinds of objects, in small letters. The same
// word means the same everywhere.
var stateWords = map[string]stateWord{
	string(payment.HoldPending):  {"console.case.state.pending", busy},
	string(payment.HoldHeld):     {"console.case.state.held", good},
	string(payment.HoldSettling): {"console.case.state.settling", busy},
	string(payment.HoldSettled):  {"console.case.state.settled", good},
	string(payment.HoldReleased): {"console.case.state.released", quiet},
	string(payment.HoldExpired):  {"console.case.state.expired", wait},
	string(payment.HoldFailed):   {"console.case.state.failed", wrong},

	lower(payment.Reserved):  {"console.case.state.held", good},
	lower(payment.Success):   {"console.case.state.paid", good},
	lower(payment.Failure):   {"console.case.state.failed", wrong},
	lower(payment.Cancelled): {"console.case.state.cancelled", quiet},

	lower(payment.AttemptOpen) + "?": {"console.case.state.no-answer", wait},
	lower(payment.AttemptApproved):   {"console.case.state.approved", good},
	lower(payment.AttemptDeclined):   {"console.case.state.declined", wrong},

	lower(store.NotificationWaiting):   {"console.case.state.waiting", wait},
	lower(store.NotificationDelivered): {"console.case.state.delivered", good},
	lower(store.NotificationGivenUp):   {"console.case.state.given-up", wrong},
	lower(processor.ResultQueued):      {"console.case.state.queued", busy},
	lower(store.MailSent):              {"console.case.state.sent", good},
	lower(store.MailKept):              {"console.case.state.kept", quiet},

	lower(payment.TokenIsActive): {"console.case.state.active", good},
	lower(payment.TokenIsUsed):   {"console.case.state.used", quiet},
	lower(payment.CheckoutOpen):  {"console.case.state.open", busy},
}

func lower[T ~string](word T) string { return strings.ToLower(string(word)) }

// stateChip is a state as a chip. A state without a word of its own, such as one of a
// card network, is shown as it is.
func stateChip(w webui.Words, state string) chip {
	if word, found := stateWords[strings.ToLower(state)]; found {
		return chip{w.T(word.id), word.tone}
	}
	return chip{state, quiet}
}

// stepWords are the messages of steps.
var stepWords = map[payment.Verb]string{
	payment.VerbReserve:        "console.case.step.reserve",
	payment.VerbPay:            "console.case.step.pay",
	payment.VerbTransfer:       "console.case.step.transfer",
	payment.VerbRefund:         "console.case.step.refund",
	payment.VerbApprove:        "console.case.step.approve",
	payment.VerbCharge:         "console.case.step.charge",
	payment.VerbReturn:         "console.case.step.return",
	payment.VerbDecline:        "console.case.step.decline",
	payment.VerbSettle:         "console.case.step.settle",
	payment.VerbCapture:        "console.case.step.capture",
	payment.VerbCaptureDecline: "console.case.step.capture-decline",
	payment.VerbLower:          "console.case.step.lower",
	payment.VerbClose:          "console.case.step.close",
	payment.VerbCancel:         "console.case.step.cancel",
	payment.VerbExpire:         "console.case.step.expire",
	payment.VerbTimeOut:        "console.case.step.time-out",
	payment.VerbLateCharge:     "console.case.step.late-charge",
	payment.VerbLateReturn:     "console.case.step.late-return",
}

// questionWords are the messages of questions to a card network.
var questionWords = map[payment.Step]string{
	payment.StepAuthorize: "console.case.asks.authorize",
	payment.StepCapture:   "console.case.asks.capture",
	payment.StepRelease:   "console.case.asks.release",
	payment.StepCharge:    "console.case.asks.charge",
	payment.StepReturn:    "console.case.asks.return",
}

// reasonWords are the messages that say why an action is not possible.
var reasonWords = map[payment.Reason]string{
	payment.WhyPending:    "console.why.pending",
	payment.WhyBusy:       "console.why.busy",
	payment.WhyRenewing:   "console.why.renewing",
	payment.WhySettled:    "console.why.settled",
	payment.WhyReleased:   "console.why.released",
	payment.WhyExpired:    "console.why.expired",
	payment.WhyFailed:     "console.why.failed",
	payment.WhyStopped:    "console.why.stopped",
	payment.WhySuspended:  "console.why.suspended",
	payment.WhyAttention:  "console.why.attention",
	payment.WhyOnce:       "console.why.once",
	payment.WhyNotKept:    "console.why.not-kept",
	payment.WhyOneAmount:  "console.why.one-amount",
	payment.WhySingleUse:  "console.why.single-use",
	payment.WhyTokenEnded: "console.why.token-ended",
	payment.WhyTooOften:   "console.why.too-often",
	payment.WhyNoMails:    "console.why.no-mails",
	payment.WhyNotPaid:    "console.why.not-paid",
	payment.WhyRefunded:   "console.why.refunded",
	payment.WhyDisputed:   "console.why.disputed",
	payment.WhyTooLate:    "console.why.too-late",
	payment.WhyNotRefunds: "console.why.not-refunds",
	payment.WhyNoNotice:   "console.why.no-notice",
}

// mailWords are the messages of mails.
var mailWords = map[party.MailKind]string{
	party.MailApproved: "console.case.mail.approved",
	party.MailCharged:  "console.case.mail.charged",
	party.MailReleased: "console.case.mail.released",
	party.MailRefunded: "console.case.mail.refunded",
	party.MailDeadline: "console.case.mail.deadline",
}

// entryTitle is what an entry of a timeline is about.
func entryTitle(w webui.Words, e processor.Entry) string {
	switch e.Kind {
	case processor.EntryStep:
		if id := stepWords[payment.Verb(e.What)]; id != "" {
			return w.T(id)
		}
	case processor.EntryQuestion:
		if id := questionWords[payment.Step(e.What)]; id != "" {
			return w.T(id)
		}
	case processor.EntryNetwork:
		return w.T("console.case.entry.network", "Type", e.What)
	case processor.EntryDispute:
		return w.T("console.case.entry.dispute", "ID", e.What)
	case processor.EntryNotice:
		return w.T("console.case.entry.notice")
	case processor.EntryWebhook:
		return w.T("console.case.entry.webhook", "Type", e.What)
	case processor.EntryWarning:
		return w.T("console.case.warned", "Before", e.What)
	case processor.EntryAudit:
		return w.T("console.case.entry.audit", "Action", e.What, "Actor", e.Actor)
	case processor.EntryToken:
		return w.T("console.case.entry.token")
	case processor.EntryMail:
		if id := mailWords[party.MailKind(e.What)]; id != "" {
			return w.T(id)
		}
	}
	return e.What
}
