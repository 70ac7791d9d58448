package processor

import (
	"context"
	"errors"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// personMustAct reports whether a doubt about a payment ends only when a person acts at the
// network.
func personMustAct(err error) bool {
	doubt, ok := errors.AsType[*card.DoubtError](err)
	return ok && doubt.Alarm && doubt.Payment
}

// noteFinding keeps why a person must look at a page hold, and raises the alarm when the
// reason is new. It forgets the reason when the network has none any more. It reports
// whether the reason is kept, so that the log need not say it at each question.
func (p *Processor) noteFinding(h payment.PageHold, step payment.Step, answer payment.Answer, err error) (kept bool) {
	why := ""
	switch {
	case personMustAct(err):
		why = err.Error()
	case err != nil || step != payment.StepAuthorize:
		return false
	default:
		why = answer.Details.Attention
	}
	if h.Finding == why {
		return why != ""
	}
	fresh := false
	failed := p.db.Background(context.Background(), func(tx *store.Tx) error {
		fresh = false
		before, found, err := tx.PageHold(h.ID)
		if err != nil || !found {
			return errors.Join(err, missing(found, "page hold", string(h.ID)))
		}
		var after payment.PageHold
		if after, fresh = before.NeedsPerson(why); !fresh {
			return nil
		}
		return tx.ChangePageHold(before, after)
	})
	if failed != nil {
		p.Log.Warn("why a page hold needs a person is not kept", "hold", h.ID, "error", failed)
		return false
	}
	if fresh && why != "" {
		p.Log.Error("a hold of a page needs a person: look at it at the card network, then run holdfast network clear",
			"hold", h.ID, "account", h.Account, "reference", h.Reference, "why", why)
	}
	return why != ""
}

// AcknowledgePageHold says that a person knows why a page hold needs attention. The server
// raises no alarm for the same reason again.
func (p *Processor) AcknowledgePageHold(ctx context.Context, id payment.PageHoldID) error {
	return p.db.Update(ctx, func(tx *store.Tx) error {
		before, found, err := tx.PageHold(id)
		if err != nil {
			return err
		}
		if !found || !before.WaitsForPerson() {
			return holdfast.Errorf(holdfast.InvalidTransactionState, "hold %s needs no attention", id)
		}
		after := before
		after.Acknowledged = p.now()
		if err := tx.Log(party.AuditEntry{
			Action: "network.clear_attention", Caller: before.Caller, Object: string(id),
			Before: party.Facts{"attention": before.Finding},
		}, after.Acknowledged); err != nil {
			return err
		}
		return tx.ChangePageHold(before, after)
	})
}
