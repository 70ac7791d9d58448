package processor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const (
	pagesMax     = 64 // pages, and as many holds, in one batch of WatchPages
	pageRetry    = time.Minute
	releaseRetry = 30 * time.Second
	personRetry  = time.Hour // after a doubt that only a person can end; an event comes earlier
)

// WatchPages does what is due about pages of card networks, and about holds that
// were placed on pages, one bounded batch, and reports how many. It looks at open
// pages whose buyer may not come back, asks again about holds in doubt, and
// releases the holds that no payment has used.
func (p *Processor) WatchPages(ctx context.Context) (done int, err error) {
	var pages []payment.NetworkPage
	var holds []payment.PageHold
	err = p.db.View(ctx, func(tx *store.ReadTx) error {
		if pages, err = tx.NetworkPagesDue(p.now(), pagesMax); err != nil {
			return err
		}
		holds, err = tx.PageHoldsDue(p.now(), pagesMax)
		return err
	})
	if err != nil || len(pages)+len(holds) == 0 {
		return 0, err
	}
	var failed failures
	jobs := make(chan func() error, len(pages)+len(holds))
	for _, page := range pages {
		jobs <- func() error { return p.watchPage(ctx, page) }
	}
	for _, h := range holds {
		jobs <- func() error { return p.watchHold(ctx, h) }
	}
	close(jobs)
	sideBySide(ctx, jobs, func(job func() error) {
		if err := job(); err != nil && !errors.Is(err, store.ErrStale) {
			failed.add(err)
		}
	})
	return len(pages) + len(holds), failed.join()
}

// watchPage does what is due about an open page.
func (p *Processor) watchPage(ctx context.Context, page payment.NetworkPage) error {
	now := p.now()
	var over bool
	err := p.db.Background(ctx, func(tx *store.Tx) error {
		v, found, err := tx.Visit(page.Visit)
		if err != nil {
			return err
		}
		over = !found || v.Over()
		after := page
		after.NextAt = now.Add(pageRetry)
		if page.State == payment.PageOpen && !over && !page.Lapsed(now) {
			after.NextAt = page.LookAgain(now)
		}
		if page.State == payment.PageAsking { // no browser has its address: see open
			after.State = payment.PageExpired
			if err := dropHoldOf(tx, page, now); err != nil {
				return err
			}
		}
		return tx.ChangeNetworkPage(page, after)
	})
	ctx = card.Background(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("watching page %s: %w", page.Key, err)
	case page.State == payment.PageAsking:
		return nil
	case over || page.Lapsed(now):
		err = p.closePage(ctx, page)
	default:
		_, err = p.FinishPage(ctx, page.Account, page.Page)
	}
	if errors.Is(err, ErrNetwork) {
		return nil // it is in the log, and is tried again
	}
	return err
}

func dropHoldOf(tx *store.Tx, page payment.NetworkPage, now time.Time) error {
	f := finishing{tx: tx, page: page, real: now}
	return f.dropHold()
}

// watchHold does what is due about a page hold.
func (p *Processor) watchHold(ctx context.Context, h payment.PageHold) error {
	var err error
	switch h.State {
	case payment.PageHoldAsking, payment.PageHoldAction:
		err = p.watchPlacing(ctx, h)
	case payment.PageHoldHeld:
		err = p.watchHeld(ctx, h)
	case payment.PageHoldReleasing:
		err = p.releaseHold(ctx, h)
	case payment.PageHoldDeclined, payment.PageHoldAdopted, payment.PageHoldReleased:
	}
	if err != nil {
		err = fmt.Errorf("watching page hold %s: %w", h.ID, err)
	}
	return err
}

// watchPlacing asks again about a hold in doubt, or looks whether the buyer has
// confirmed it at the bank. A hold that takes too long, or whose visit is over, is
// given up as soon as the network's object is known.
func (p *Processor) watchPlacing(ctx context.Context, h payment.PageHold) error {
	if h.OnNetworkPage() {
		return p.watchPageOf(ctx, h)
	}
	asking := h
	asking.Asked++
	asking.NextAt = p.now().Add(p.patience() * time.Duration(min(asking.Asked, resolveBackoffMax)))
	if err := p.changeHold(ctx, h, func(payment.PageHold) payment.PageHold { return asking }); err != nil {
		return err
	}
	placing := p.untilStopped()
	if h.State == payment.PageHoldAction { // the buyer is at the bank, or has left
		placing = card.Background(placing)
	}
	v, after, err := p.placeHold(placing, asking)
	if err != nil {
		err = p.db.View(ctx, func(tx *store.ReadTx) error {
			if after, _, err = tx.PageHold(h.ID); err == nil {
				v, _, err = tx.Visit(h.Visit)
			}
			return err
		})
	}
	if err != nil || !after.Undecided() || after.Reference == "" || !v.Over() && !after.TooLate(p.now()) {
		return err
	}
	return p.changeHold(ctx, after, func(h payment.PageHold) payment.PageHold { return h.GiveUp(p.now()) })
}

// watchPageOf looks at the page that places a hold, because an event was about the
// hold. Without one, the page is looked at in its own time. If there is no such page
// any more, the hold is dropped.
func (p *Processor) watchPageOf(ctx context.Context, h payment.PageHold) error {
	err := p.changeHold(ctx, h, func(h payment.PageHold) payment.PageHold {
		h.NextAt = p.now().Add(payment.PageLife)
		return h
	})
	if err != nil {
		return err
	}
	var pages []payment.NetworkPage
	err = p.db.View(ctx, func(tx *store.ReadTx) (err error) {
		pages, err = tx.NetworkPagesOf(h.Visit)
		return err
	})
	if err != nil {
		return err
	}
	i := slices.IndexFunc(pages, func(page payment.NetworkPage) bool { return page.Hold == h.ID && !page.Over() })
	if i < 0 {
		return p.changeHold(ctx, h, func(h payment.PageHold) payment.PageHold { return h.Dropped(p.now()) })
	}
	if pages[i].State != payment.PageOpen {
		return nil // it ends by itself
	}
	if _, err = p.FinishPage(ctx, pages[i].Account, pages[i].Page); errors.Is(err, ErrNetwork) {
		return nil // it is in the log, and is tried again
	}
	return err
}

// changeHold writes a step of a page hold. It is store.ErrStale if the hold has changed.
func (p *Processor) changeHold(
	ctx context.Context, h payment.PageHold, by func(payment.PageHold) payment.PageHold,
) error {
	return p.db.Background(ctx, func(tx *store.Tx) error { return tx.ChangePageHold(h, by(h)) })
}

// watchHeld gives a hold up whose token has ended without a payment. It may also be
// due earlier, because an event says that the network has let the hold go. Then the
// network is asked.
func (p *Processor) watchHeld(ctx context.Context, h payment.PageHold) error {
	var ends time.Time
	err := p.db.View(ctx, func(tx *store.ReadTx) (err error) {
		ends, err = p.needed(tx, h)
		return err
	})
	if err != nil {
		return err
	}
	var gone bool
	var doubt error
	if !ends.IsZero() {
		var answer payment.Answer
		answer, doubt = p.askAboutHold(card.Background(p.untilStopped()), h, payment.StepAuthorize)
		gone = doubt == nil && (answer.Gone || answer.Verdict == payment.Declined)
	}
	return p.db.Background(ctx, func(tx *store.Tx) error {
		before, found, err := tx.PageHold(h.ID)
		if err != nil || !found || before.State != payment.PageHoldHeld {
			return err
		}
		ends, err := p.needed(&tx.ReadTx, before)
		if err != nil {
			return err
		}
		after := before
		switch now := p.now(); {
		case gone:
			after = before.GivenBack()
		case ends.IsZero():
			after = before.GiveUp(now)
		case personMustAct(doubt):
			after.NextAt = now.Add(personRetry)
		case doubt != nil:
			after.NextAt = now.Add(pageRetry)
		default:
			after.NextAt = ends
		}
		return tx.ChangePageHold(before, after)
	})
}

// needed returns until when a payment may adopt a hold. It is zero if none can any
// more.
func (p *Processor) needed(tx *store.ReadTx, h payment.PageHold) (until time.Time, err error) {
	caller, err := callerOf(tx, h.Caller)
	if err != nil {
		return until, err
	}
	t, found, err := tx.TokenFor(h.Caller, h.Token)
	if err != nil || !found || t.Status(caller.Now(p.now())) != holdfast.TokenActive {
		return until, err
	}
	return t.Expires, nil
}

// releaseHold asks the network to release a hold.
func (p *Processor) releaseHold(ctx context.Context, h payment.PageHold) error {
	asking := h
	asking.Asked++
	asking.NextAt = p.now().Add(releaseRetry * time.Duration(min(asking.Asked, resolveBackoffMax)))
	if h.Reference == "" { // nothing is known to be held
		return p.changeHold(ctx, h, payment.PageHold.GivenBack)
	}
	if err := p.changeHold(ctx, h, func(payment.PageHold) payment.PageHold { return asking }); err != nil {
		return err
	}
	answer, err := p.askAboutHold(card.Background(p.untilStopped()), asking, payment.StepRelease)
	if err != nil || answer.Verdict == payment.Accepted {
		return nil //nolint:nilerr // it is in the log, and is tried again
	}
	if !answer.Approved() {
		p.Log.Error("the card network did not release a hold that no payment uses; an operator must look at it",
			"hold", h.ID, "account", h.Account, "reference", h.Reference, "message", answer.Message)
	}
	return p.changeHold(ctx, asking, payment.PageHold.GivenBack)
}
