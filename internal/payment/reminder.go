package payment

import (
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// Reminder is a warning of the hold that a person asks for: the mail about its
// deadline is written although no warning time has come. owner is the caller's
// owner, who gets the mail. The reminder takes the place of none of the caller's
// warnings.
func (h Hold) Reminder(caller party.Caller, owner party.Party, now time.Time) (Warning, error) {
	ends := h.EndsFirst()
	before := ends.Deadline.Sub(now)
	switch {
	case h.State() != HoldHeld:
		return Warning{}, holdfast.Errorf(holdfast.InvalidTransactionState,
			"nothing of hold %s can be settled: it is %s", h.ID(), h.State())
	case !caller.WarningMails:
		return Warning{}, holdfast.Errorf(holdfast.InvalidAccountStateCaller,
			"the caller gets no mails about deadlines: holdfast caller set --warning-mails lets the server send them")
	case !owner.EmailVerified:
		return Warning{}, holdfast.Errorf(holdfast.UnverifiedEmailAddressCaller,
			"the caller's owner has not verified its e-mail address, so no mail goes there")
	case slices.Contains(caller.Warnings.Times(), before):
		before -= time.Microsecond
	}
	return Warning{
		Caller: caller.ID, Transaction: ends.ID, Before: before, At: ends.Deadline.Add(-before), Mail: true,
	}, nil
}
