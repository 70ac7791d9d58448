package payment

import (
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A LimitKind says what a limit counts. The values are those of the pipelines.
type LimitKind string

// A limit counts uses or adds up amounts.
const (
	LimitCount  LimitKind = "Count"
	LimitAmount LimitKind = "Amount"
)

// A Limit restricts the uses or amounts of a subject in each window, and
// records what is used in the current one. Windows are fixed: the first begins
// at Start, and each begins where the last one ends.
type Limit struct {
	Scope   string // the caller of a token; for a party see [party.Caller.LimitScope]
	Subject string // a token's id, or a party's [SendingSubject] or [ReceivingSubject]
	Slot    int    // tells apart the limits of one subject
	Kind    LimitKind
	Value   int64 // uses, or micro-dollars
	Period  Period
	Start   time.Time

	Window     time.Time // start of the window to which the use below belongs
	UsedCount  int64
	UsedAmount money.Amount
}

const (
	sendingPrefix   = "sending:"
	receivingPrefix = "receiving:"
)

// SendingSubject and ReceivingSubject name the limits on what a party pays and
// receives.
func SendingSubject(p party.ID) string   { return sendingPrefix + string(p) }
func ReceivingSubject(p party.ID) string { return receivingPrefix + string(p) }

// GuestSubject names the limit on what guests pay with a card. Each guest is a new
// party, so their payments are added up by the card.
func GuestSubject(i Instrument) string { return sendingPrefix + "guests with card " + i.Fingerprint }

// partyPeriod is the period of a party's limits.
var partyPeriod = Period{1, Month}

// partyEpoch is the start of the first window of every party, so that windows
// are calendar months.
var partyEpoch = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// Sending is the unused limit on what a party may pay with an instrument. ok is
// false if it has none.
func Sending(p party.Party, i Instrument, scope string) (l Limit, ok bool) {
	subject := SendingSubject(p.ID)
	if p.Guest && i.Fingerprint != "" {
		subject = GuestSubject(i)
	}
	return partyLimit(scope, subject, p.SendingLimit)
}

// Receiving is the unused limit on what a party may receive. ok is false if it
// has none.
func Receiving(p party.Party, scope string) (l Limit, ok bool) {
	return partyLimit(scope, ReceivingSubject(p.ID), p.ReceivingLimit)
}

func partyLimit(scope, subject string, value money.Amount) (Limit, bool) {
	return Limit{
		Scope: scope, Subject: subject, Kind: LimitAmount, Value: value.Micro,
		Period: partyPeriod, Start: partyEpoch, Window: partyEpoch, UsedAmount: money.Micros(0),
	}, value.Given()
}

// At is the limit at the given time. If a new window has begun since, nothing
// is used. A clock that was put back does not empty the limit.
func (l Limit) At(now time.Time) Limit {
	if window := l.Period.Window(l.Start, now); window.After(l.Window) {
		l.Window, l.UsedCount, l.UsedAmount = window, 0, money.Micros(0)
	}
	return l
}

// Resets is the time at which the limit's window ends and the limit is empty
// again. It is zero if the window never ends.
func (l Limit) Resets() time.Time {
	if l.Period.Endless() {
		return time.Time{}
	}
	return l.Period.After(l.Start, l.Period.count(l.Start, l.Window)+1)
}

// Use counts one use of amount, and reports whether the limit allows it.
func (l Limit) Use(amount money.Amount, now time.Time) (after Limit, ok bool) {
	l = l.At(now)
	l.UsedCount++
	l.UsedAmount = l.UsedAmount.Add(amount)
	if l.Kind == LimitCount {
		return l, l.UsedCount <= l.Value
	}
	return l, l.UsedAmount.Micro <= l.Value
}

// GiveBack undoes a use that was counted at the given time, because the payment
// failed or took less than the amount counted. If that window is over, nothing
// changes. whole means that the use itself is given back, not only a part of
// its amount.
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

// A LimitChange is the change of a limit in one step.
type LimitChange struct{ Before, After Limit }

// use counts amount against every limit. exceeded is the first limit that does
// not allow it.
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

// words describe what the limit allows.
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

// Left is what the limit still allows at now: uses or micro-dollars.
func (l Limit) Left(now time.Time) int64 {
	l = l.At(now)
	used := l.UsedCount
	if l.Kind == LimitAmount {
		used = l.UsedAmount.Micro
	}
	return max(0, l.Value-used)
}
