package calendar_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/emersion/go-ical"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/calendar"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

var received = time.Date(2026, 11, 23, 10, 15, 30, 0, time.UTC)

func feedOf(reference holdfast.CallerReference) calendar.Feed {
	return calendar.Feed{
		Caller: party.Caller{ID: "C1", Name: "Kiln, Mugs; & Co", Warnings: "48h,10m"},
		Holds: []payment.Hold{{Members: []payment.Transaction{{
			ID: "1T1", Caller: "C1", Kind: payment.KindReserve, State: payment.Reserved, Reference: reference,
			Amount: money.Cents(1_234_50), Received: received, Deadline: received.Add(7 * 24 * time.Hour), Steps: 2,
		}}}},
	}
}

// parsed reads a feed as another program does.
func parsed(t *testing.T, feed string) []ical.Event {
	t.Helper()
	c, err := ical.NewDecoder(strings.NewReader(feed)).Decode()
	if err != nil {
		t.Fatalf("the feed cannot be parsed: %v\n%s", err, feed)
	}
	for _, want := range []string{"VERSION:2.0\r\n", "METHOD:PUBLISH\r\n", "REFRESH-INTERVAL;VALUE=DURATION:PT15M\r\n"} {
		if !strings.Contains(feed, want) {
			t.Errorf("the feed has no %q:\n%s", want, feed)
		}
	}
	for line := range strings.SplitSeq(strings.TrimSuffix(feed, "\r\n"), "\r\n") {
		if len(line) > 75 || strings.ContainsAny(line, "\r\n") || !utf8.ValidString(line) {
			t.Errorf("the line %q has %d bytes", line, len(line))
		}
	}
	return c.Events()
}

func text(t *testing.T, e ical.Event, name string) string {
	t.Helper()
	value, err := e.Props.Text(name)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestAnEntry(t *testing.T) {
	all := parsed(t, feedOf("order-4711").String())
	if len(all) != 1 {
		t.Fatalf("there are %d entries", len(all))
	}
	e, deadline := all[0], received.Add(7*24*time.Hour)
	starts, err := e.DateTimeStart(time.UTC)
	if err != nil || !starts.Equal(deadline.Add(-15*time.Minute)) {
		t.Errorf("it starts at %v (%v)", starts, err)
	}
	if ends, err := e.DateTimeEnd(time.UTC); err != nil || !ends.Equal(deadline) {
		t.Errorf("it ends at %v (%v), want %v", ends, err, deadline)
	}
	if got := text(t, e, ical.PropSummary); got != "Charge $1,234.50: order-4711" {
		t.Errorf("the summary is %q", got)
	}
	want := "This hold of $1,234.50 ends on November 30, 2026, 10:15 AM\u00a0UTC. If you ship the order, charge it " +
		"before then. If you do not, release it. After the deadline, it cannot be charged any more.\n" +
		"Reference: order-4711\nHold: 1T1"
	if got := text(t, e, ical.PropDescription); got != want {
		t.Errorf("the description is %q, want %q", got, want)
	}
	if uid, err := e.Props.Text(ical.PropUID); err != nil || uid != "1T1.C1@holdfast" {
		t.Errorf("the UID is %q (%v)", uid, err)
	}
	var alarms []string
	for _, alarm := range e.Children {
		alarms = append(alarms, alarm.Name+" "+alarm.Props.Get(ical.PropTrigger).Value+" "+
			alarm.Props.Get(ical.PropAction).Value)
	}
	if got := strings.Join(alarms, ", "); got != "VALARM -PT2865M DISPLAY, VALARM PT5M DISPLAY" {
		t.Errorf("the alarms are %s", got)
	}
}

// Whatever a reference has in it, the feed stays one that other programs read, with
// one entry and the reference in one line.
func TestHostileReferences(t *testing.T) {
	for reference, want := range map[holdfast.CallerReference]string{
		"a;b,c\\d:e\"f": "a;b,c\\d:e\"f",
		"\\n\\,\\;":     "\\n\\,\\;",
		"END:VEVENT":    "END:VEVENT",
		"x\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nSUMMARY:y":             "x END:VEVENT BEGIN:VEVENT SUMMARY:y",
		"x\nATTACH:file:///etc/passwd":                             "x ATTACH:file:///etc/passwd",
		"x\ry\u2028z\u0085w\x00\x1b[31m":                           "x y z w[31m",
		"bad \xff\xfe text":                                        "bad text",
		"Tassen für Frau Müller 🏺🏺🏺":                               "Tassen für Frau Müller 🏺🏺🏺",
		holdfast.CallerReference(strings.Repeat("ü", 60)):          strings.Repeat("ü", 60),
		holdfast.CallerReference(strings.Repeat("🏺", 100)):         strings.Repeat("🏺", 100),
		holdfast.CallerReference(strings.Repeat("long ", 200)):     strings.TrimSpace(strings.Repeat("long ", 200)[:128]),
		holdfast.CallerReference(strings.Repeat(",;\\", 42) + "x"): strings.Repeat(",;\\", 42) + "x",
		"4242 4242 4242 4242":                                      "1T1",
		" \t ":                                                     "1T1",
	} {
		all := parsed(t, feedOf(reference).String())
		if len(all) != 1 {
			t.Fatalf("%q makes %d entries", reference, len(all))
		}
		if got := strings.TrimSpace(text(t, all[0], ical.PropSummary)); got != "Charge $1,234.50: "+want {
			t.Errorf("%q is shown as %q, want %q", reference, got, want)
		}
		for name := range all[0].Props {
			switch name {
			case ical.PropUID, ical.PropDateTimeStamp, ical.PropSequence, ical.PropDateTimeStart, ical.PropDateTimeEnd,
				ical.PropSummary, ical.PropDescription, ical.PropClass, ical.PropTransparency:
			default:
				t.Errorf("%q makes the property %s", reference, name)
			}
		}
	}
}

// The entry is in the language of the caller's owner, and at real time although the
// caller's clock was moved.
func TestAnEntryOfAMovedClock(t *testing.T) {
	feed := feedOf("order-1")
	feed.Language, feed.Caller.Sandbox, feed.Caller.ClockOffset, feed.More = "de", true, 6*24*time.Hour, true
	e := parsed(t, feed.String())[0]
	if ends, err := e.DateTimeEnd(time.UTC); err != nil || !ends.Equal(received.Add(24*time.Hour)) {
		t.Errorf("it ends at %v (%v)", ends, err)
	}
	if got := text(t, e, ical.PropSummary); got != "1.234,50\u00a0$ abbuchen: order-1" {
		t.Errorf("the summary is %q", got)
	}
	if got := text(t, e, ical.PropDescription); !strings.Contains(got, "Testumgebung") {
		t.Errorf("the description is %q", got)
	}
}

func FuzzReference(f *testing.F) {
	for _, reference := range []string{"order-1", "a;b,c\\d", "x\r\nEND:VCALENDAR", "\xff", "\u2029", strings.Repeat("🏺", 40)} {
		f.Add(reference)
	}
	f.Fuzz(func(t *testing.T, reference string) {
		if all := parsed(t, feedOf(holdfast.CallerReference(reference)).String()); len(all) != 1 {
			t.Errorf("%q makes %d entries", reference, len(all))
		}
	})
}
