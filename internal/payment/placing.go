package payment

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// pageHoldMoves are the steps that a page hold may take.
var pageHoldMoves = map[PageHoldState][]PageHoldState{
	PageHoldAsking:    {PageHoldAction, PageHoldHeld, PageHoldDeclined, PageHoldReleasing, PageHoldReleased},
	PageHoldAction:    {PageHoldHeld, PageHoldDeclined, PageHoldReleasing, PageHoldReleased},
	PageHoldHeld:      {PageHoldAdopted, PageHoldReleasing, PageHoldReleased},
	PageHoldReleasing: {PageHoldReleased},
	PageHoldDeclined:  nil,
	PageHoldAdopted:   nil,
	PageHoldReleased:  nil,
}

const (
	// actionLife is how long a buyer may take at the bank.
	actionLife = 30 * time.Minute
	// keptLife is how long the server tries to write the outcome of a placed hold.
	keptLife = 2 * actionLife
)

func (h PageHold) moved(to PageHoldState, next time.Time) PageHold {
	if !slices.Contains(pageHoldMoves[h.State], to) {
		panic(fmt.Sprintf("payment: page hold %s goes from %s to %s", h.ID, h.State, to))
	}
	h.State, h.NextAt = to, next
	return h
}

// Undecided reports whether the hold may still be placed.
func (h PageHold) Undecided() bool { return h.State == PageHoldAsking || h.State == PageHoldAction }

// OnNetworkPage reports whether the network's own page places the hold, with a
// card that is not known before.
func (h PageHold) OnNetworkPage() bool { return h.Instrument == "" }

// Question is the question that places the hold or releases it.
func (h PageHold) Question(step Step, card StoredCard, returnURL string) Attempt {
	return Attempt{
		Caller: h.Caller, Transaction: holdfast.TransactionID(h.ID), Step: step, Amount: h.Amount, Instrument: h.Instrument,
		Authorization: h.Reference, Descriptor: h.Descriptor, State: AttemptOpen, Asked: h.Asked, Card: card,
		Reference: h.Reference, Since: h.Created, Present: step == StepAuthorize, ReturnURL: returnURL,
	}
}

// learned adds what the network said of the hold to what is known.
func (h PageHold) learned(a Answer) PageHold {
	d := a.Details
	h.Reference = cmp.Or(d.Reference, h.Reference, a.Authorization)
	if !d.HoldUntil.IsZero() {
		h.HoldUntil = d.HoldUntil
	}
	if d.DeclineCode != "" {
		h.DeclineCode = d.DeclineCode
	}
	return h
}

// Answered decides what the network's answer to the question that places the hold
// means. A Held hold still has no token: see Gives.
func (h PageHold) Answered(a Answer, now time.Time) PageHold {
	if !h.Undecided() {
		return h
	}
	h = h.learned(a)
	switch {
	case a.Approved() && a.Gone:
		return h.moved(PageHoldReleased, time.Time{})
	case a.Approved() && !h.HoldUntil.IsZero() && h.HoldUntil.Before(now.Add(holdMargin)):
		return h.moved(PageHoldReleasing, now)
	case a.Approved():
		return h.moved(PageHoldHeld, now)
	case a.Verdict == Declined:
		return h.moved(PageHoldDeclined, time.Time{})
	}
	return h.Waits(a.Details, now)
}

// Kept adds what the network said of a hold whose outcome could not be written. So
// the hold can be released later. If that goes on for too long, the hold is given
// up.
func (h PageHold) Kept(a Answer, now time.Time) PageHold {
	if !h.Undecided() {
		return h
	}
	again := h.Reference != ""
	h = h.learned(a)
	if again && !now.Before(h.Created.Add(keptLife)) {
		return h.GiveUp(now)
	}
	return h
}

// Dropped is the hold of a page that places no hold any more. If the network is
// known to have something for it, that is released.
func (h PageHold) Dropped(now time.Time) PageHold {
	if h.Reference != "" {
		return h.GiveUp(now)
	}
	return h.GivenBack()
}

// Waits decides what a hold does that the network has not decided: the buyer goes
// to the bank if the network names a page there.
func (h PageHold) Waits(d Details, now time.Time) PageHold {
	h = h.learned(Answer{Details: d})
	if d.Action == "" {
		return h
	}
	h.Action = d.Action
	if h.State == PageHoldAsking {
		h = h.moved(PageHoldAction, now.Add(actionLife))
	}
	return h
}

// Gives binds a Held hold to the token that was installed with it. Unless a
// payment uses the token, the hold is released when the token ends.
func (h PageHold) Gives(t Token) PageHold {
	h.Token, h.NextAt = t.ID, t.Expires
	return h
}

// GiveUp asks for the release of a hold that nobody needs, or that the buyer does
// not confirm at the bank.
func (h PageHold) GiveUp(now time.Time) PageHold { return h.moved(PageHoldReleasing, now) }

// GivenBack is the hold after the network has released it, or when it was never
// placed.
func (h PageHold) GivenBack() PageHold { return h.moved(PageHoldReleased, time.Time{}) }

// TooLate reports whether the buyer has had long enough to place the hold.
func (h PageHold) TooLate(now time.Time) bool { return !now.Before(h.Created.Add(actionLife)) }

// PageDescriptor is the text on the card statement for a hold that is placed on a
// page, before the caller's request.
func PageDescriptor(recipient party.Party, caller party.Caller) string {
	return statement{}.descriptor(recipient, caller)
}

// HoldsOnPage reports whether the request's hold is placed on a page: a single
// payment, of which the caller says that a Reserve follows.
func (r PipelineRequest) HoldsOnPage(c party.Caller) bool {
	return c.Network != "" && c.HoldOnPage && MayMoveMoney(c) == nil && r.Pipeline == PipelineSingleUse && r.Reserve
}
