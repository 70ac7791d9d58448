package processor

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// ErrNoNotification: a caller has no notification with an id.
var ErrNoNotification = errors.New("there is no such notification")

// noticeBatch is how many notifications one commit makes due.
const noticeBatch = 500

// A NoticeKey names a notification: a step of a transaction, or a cancelled token
// with step 1. Seq 0 means all notifications about the subject.
type NoticeKey struct {
	Caller  party.CallerID
	Subject string
	Seq     int
}

// SendAgain makes a notification due now, or all about a subject, whether or not
// it has arrived, and reports how many. The caller may get it a second time. It is
// [ErrNoNotification] if there is none.
func (p *Processor) SendAgain(ctx context.Context, k NoticeKey) (sent int, err error) {
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		sent = 0
		caller, err := callerOf(&tx.ReadTx, k.Caller)
		if err != nil {
			return err
		}
		all, err := tx.Notifications(k.Caller, k.Subject)
		if err != nil {
			return err
		}
		for _, n := range all {
			if k.Seq != 0 && k.Seq != n.Seq {
				continue
			}
			found, err := tx.SendAgain(caller, k.Subject, n.Seq, p.now())
			if err != nil {
				return err
			}
			if found {
				sent++
			}
		}
		if sent == 0 {
			return ErrNoNotification
		}
		return tx.Log(party.AuditEntry{
			Action: "notification.again", Caller: k.Caller, Object: k.Subject,
			After: party.Facts{"notifications": strconv.Itoa(sent)},
		}, p.now())
	})
	return sent, failure(err)
}

// SendListAgain makes the notifications of a list due now that were written, or
// given up, at a time of the caller's clock or later. It reports how many. Each
// commit changes at most 500 rows, so that it delays nobody; a second call goes on
// where the first one was interrupted.
func (p *Processor) SendListAgain(
	ctx context.Context, id party.CallerID, l store.NotificationList, since time.Time,
) (sent int, err error) {
	real := p.now()
	for n := noticeBatch; n == noticeBatch; sent += n {
		first := sent == 0
		err = p.db.Background(ctx, func(tx *store.Tx) error {
			caller, err := callerOf(&tx.ReadTx, id)
			if err != nil {
				return err
			}
			if first {
				e := party.AuditEntry{Action: "notification.again", Caller: id, After: party.Facts{"list": string(l)}}
				if !since.IsZero() {
					e.After["since"] = since.UTC().Format(time.RFC3339)
				}
				if err := tx.Log(e, real); err != nil {
					return err
				}
			}
			n, err = tx.SendListAgain(caller, l, since, real, noticeBatch)
			return err
		})
		if err != nil {
			return sent, failure(err)
		}
	}
	return sent, nil
}
