package calendar

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// A Feed is what a calendar shows.
type Feed struct {
	Caller   party.Caller
	Language string         // of the caller's owner, "de-CH"; empty if unknown
	Holds    []payment.Hold // that are open, the nearest deadline first
	More     bool           // there are more
}

const (
	// entryLength is how long an entry is. It ends with the deadline, so that calendars
	// show it as a block.
	entryLength  = 15 * time.Minute
	refresh      = 15 * time.Minute // how often a calendar should ask
	referenceMax = 128              // characters of a reference in an entry
)

// String is the feed as an iCalendar object (RFC 5545).
func (f Feed) String() string {
	w := webui.WordsIn(f.Language)
	c := ics.NewCalendarFor("Holdfast")
	c.SetMethod(ics.MethodPublish)
	c.SetXWRCalName(oneLine(w.T("calendar.name", "Caller", f.Caller.Name)))
	if f.More {
		c.SetXWRCalDesc(w.T("calendar.more", "N", w.Count(int64(len(f.Holds)))))
	}
	c.SetXPublishedTTL(period(refresh))
	c.SetRefreshInterval(period(refresh))
	for _, hold := range f.Holds {
		f.add(c, w, hold)
	}
	return c.Serialize(ics.WithNewLineWindows)
}

// add adds the entry of a hold. Its deadline is in real time, even if the caller's
// clock was moved.
func (f Feed) add(c *ics.Calendar, w webui.Words, hold payment.Hold) {
	root, deadline := hold.Root(), hold.Deadline().Add(-f.Caller.ClockOffset)
	amount, name := w.Dollars(hold.Open()), nameOf(root)
	text := []string{
		w.T("calendar.text", "Amount", amount, "Deadline", w.Moment(deadline)),
		w.T("calendar.reference", "Reference", name),
		w.T("calendar.hold", "Hold", string(root.ID)),
	}
	if f.Caller.Sandbox {
		text = append(text, w.T("calendar.sandbox"))
	}
	e := c.AddEvent(fmt.Sprintf("%s.%s@holdfast", root.ID, root.Caller))
	e.SetDtStampTime(changed(hold).Add(-f.Caller.ClockOffset))
	e.SetSequence(steps(hold))
	e.SetStartAt(deadline.Add(-entryLength))
	e.SetEndAt(deadline)
	e.SetSummary(w.T("calendar.summary", "Amount", amount, "Name", name))
	e.SetDescription(strings.Join(text, "\n"))
	e.SetClass(ics.ClassificationPrivate)
	e.SetTimeTransparency(ics.TransparencyTransparent)
	for _, before := range f.Caller.Warnings.Times() {
		alarm := e.AddAlarm()
		alarm.SetAction(ics.ActionDisplay)
		alarm.SetTrigger(period(entryLength - before))
		alarm.SetDescription(w.T("calendar.summary", "Amount", amount, "Name", name))
	}
}

// changed is when the hold got its present deadline.
func changed(hold payment.Hold) (at time.Time) {
	for _, t := range hold.Members {
		if t.Received.After(at) {
			at = t.Received
		}
	}
	return at
}

// steps counts all steps of a hold, so that a changed entry has a higher number.
func steps(hold payment.Hold) (n int) {
	for _, t := range hold.Members {
		n += t.Steps
	}
	return n + len(hold.Parts)
}

// nameOf is the caller's reference in one line. A reference that may have a card
// number is not shown.
func nameOf(root payment.Transaction) string {
	reference := oneLine(string(root.Reference))
	if r := []rune(reference); len(r) > referenceMax {
		reference = string(r[:referenceMax])
	}
	if reference == "" || party.LooksLikeCard(reference) {
		return string(root.ID)
	}
	return reference
}

// oneLine removes what could end a line or hide a text.
func oneLine(text string) string {
	text = strings.Map(func(c rune) rune {
		switch {
		case unicode.IsSpace(c):
			return ' '
		case unicode.IsControl(c), c == unicode.ReplacementChar:
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, ""))
	return strings.Join(strings.Fields(text), " ")
}

// period is a duration of whole minutes as iCalendar writes it.
func period(d time.Duration) string {
	sign := ""
	if d < 0 {
		sign, d = "-", -d
	}
	return fmt.Sprintf("%sPT%dM", sign, d/time.Minute)
}
