package account

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// Due writes the letter to a caller's owner about holds whose deadline is near or
// has passed.
func (l Letters) Due(n payment.DueNotice) (subject, text string) {
	w := webui.WordsIn(n.Language)
	open, expired := len(n.Open)+n.OpenMore, len(n.Expired)+n.ExpiredMore
	var parts []string
	if open > 0 {
		subject = w.N("due.subject", open, "Amount", w.Dollars(n.Sum))
		parts = append(parts, w.N("due.lead", open, "Caller", n.Caller.Name), dueLines(w, n.Open, n.OpenMore, n.Now))
	}
	if expired > 0 {
		if open == 0 {
			subject = w.N("due.expired-subject", expired)
		}
		parts = append(parts, w.N("due.expired", expired, "Caller", n.Caller.Name),
			dueLines(w, n.Expired, n.ExpiredMore, n.Now))
	}
	parts = append(parts, w.T("due.where", "Address", l.address("")))
	if n.Caller.Sandbox {
		parts = append(parts, w.T("due.sandbox"))
	}
	return subject, l.text(append(parts, w.T("due.foot"))...)
}

// dueLines has a line for each hold.
func dueLines(w webui.Words, holds []payment.DueHold, more int, now time.Time) string {
	var lines []string
	for _, hold := range holds {
		name := string(hold.ID)
		if reference := string(hold.Reference); !party.LooksLikeCard(reference) {
			name = reference + ", " + name
		}
		moment := w.Moment(hold.Deadline)
		if left := hold.Deadline.Sub(now); left > 0 {
			lines = append(lines, w.T("due.line", "Amount", w.Dollars(hold.Amount), "Deadline", moment, "Left",
				timeLeft(w, left), "Name", name))
			continue
		}
		lines = append(lines, w.T("due.expired-line", "Amount", w.Dollars(hold.Amount), "Deadline", moment, "Name", name))
	}
	if more > 0 {
		lines = append(lines, w.N("due.more", more))
	}
	return strings.Join(lines, "\n")
}

// timeLeft is a time in whole minutes, hours or days, rounded down.
func timeLeft(w webui.Words, left time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case left >= 3*day:
		return w.N("due.days", int(left/day))
	case left >= time.Hour:
		return w.N("due.hours", int(left/time.Hour))
	}
	return w.N("due.minutes", int(left/time.Minute))
}
