package payment

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A LimitKind is what a limit counts, in the pipelines' words.
type LimitKind string

// A limit counts uses or adds up amounts.
const (
	LimitCount  LimitKind = "Count"
	LimitAmount LimitKind = "Amount"
)

// A Limit bounds what a subject may do in each of its windows, and says what it
// has done in the present one. Windows are fixed: they are counted from Start,
// and each begins where the last one ends.
type Limit struct {
	Scope   string // the caller of a token; for a party see [party.Caller.LimitScope]
	Subject string // a token's id, or a party's [SendingSubject] or [ReceivingSubject]
	Slot    int    // tells apart the limits of one subject
	Kind    LimitKind
	Value   int64 // uses, or micro-dollars
	Period  Period
	Start   time.Time

	Window     time.Time // when the window began that is counted here
	UsedCount  int64
	UsedAmount money.Amount
}

const (
	sendingPrefix   = "sending:"
	receivingPrefix = "receiving:"
)

// SendingSubject and ReceivingSubject name the limits of a party.
func SendingSubject(p party.ID) string   { return sendingPrefix + string(p) }
func ReceivingSubject(p party.ID) string { return receivingPrefix + string(p) }

// partyPeriod is what the limits of a party are per.
var partyPeriod = Period{1, Month}

// partyEpoch is from when the windows of parties are counted, so that they are
// calendar months.
var partyEpoch = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// Sending and Receiving are the limits of a party with nothing used; ok is
// whether it has one.
func Sending(p party.Party, scope string) (l Limit, ok bool) {
	return partyLimit(scope, SendingSubject(p.ID), p.SendingLimit)
}

// Receiving is Sending for what the party is paid.
func Receiving(p party.Party, scope string) (l Limit, ok bool) {
	return partyLimit(scope, ReceivingSubject(p.ID), p.ReceivingLimit)
}

func partyLimit(scope, subject string, most money.Amount) (Limit, bool) {
	return Limit{
		Scope: scope, Subject: subject, Kind: LimitAmount, Value: most.Micro,
		Period: partyPeriod, Start: partyEpoch, Window: partyEpoch, UsedAmount: money.Micros(0),
	}, most.Given()
}

// At is the limit as it stands at a time: with nothing used when a window has
// begun since. A clock that was put back gives nothing back.
func (l Limit) At(now time.Time) Limit {
	if window := l.Period.Window(l.Start, now); window.After(l.Window) {
		l.Window, l.UsedCount, l.UsedAmount = window, 0, money.Micros(0)
	}
	return l
}

// Resets is when the limit's window ends and nothing is used any more; zero for a
// limit that never begins anew.
func (l Limit) Resets() time.Time {
	if l.Period.Endless() {
		return time.Time{}
	}
	return l.Period.After(l.Start, l.Period.count(l.Start, l.Window)+1)
}

// Use counts one more use of amount, and reports whether the limit allows it.
func (l Limit) Use(amount money.Amount, now time.Time) (after Limit, ok bool) {
	l = l.At(now)
	l.UsedCount++
	l.UsedAmount = l.UsedAmount.Add(amount)
	if l.Kind == LimitCount {
		return l, l.UsedCount <= l.Value
	}
	return l, l.UsedAmount.Micro <= l.Value
}

// GiveBack takes back a use that was counted at a time and came to nothing, or
// to less than the amount counted; what is counted in a window that is over is
// gone with it. whole says that not even the use itself is left.
func (l Limit) GiveBack(amount money.Amount, at time.Time, whole bool) Limit {
	if !l.Period.Window(l.Start, at).Equal(l.Window) {
		return l
	}
	if whole {
		l.UsedCount = max(0, l.UsedCount-1)
	}
	l.UsedAmount = money.Micros(max(0, l.UsedAmount.Sub(amount).Micro))
	return l
}

// A LimitChange is what a step does to a limit.
type LimitChange struct{ Before, After Limit }

// use counts amount against every limit, or names the first that does not allow
// it.
func use(limits []Limit, amount money.Amount, now time.Time) (changes []LimitChange, exceeded *Limit) {
	for _, l := range limits {
		after, ok := l.Use(amount, now)
		if !ok {
			return nil, &l
		}
		changes = append(changes, LimitChange{Before: l, After: after})
	}
	return changes, nil
}

func giveBack(limits []Limit, amount money.Amount, at time.Time, whole bool) []LimitChange {
	var changes []LimitChange
	for _, l := range limits {
		if after := l.GiveBack(amount, at, whole); after != l {
			changes = append(changes, LimitChange{Before: l, After: after})
		}
	}
	return changes
}

// words say what the limit allows.
func (l Limit) words() string {
	allowed := fmt.Sprintf("%d uses", l.Value)
	switch {
	case l.Kind == LimitAmount:
		allowed = money.Micros(l.Value).String()
	case l.Value == 1:
		allowed = "one use"
	}
	if l.Period.Endless() {
		return allowed + " in all"
	}
	return allowed + " in " + l.Period.String()
}
