package processor

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// ErrNoNotification: a caller has no notification with an id.
var ErrNoNotification = errors.New("there is no such notification")

// noticeBatch is how many notifications one commit makes due.
const noticeBatch = 500

// A NoticeKey names a notification of a caller: a step of a transaction, or a cancelled
// token with step 1. Seq 0 means all notifications about the subject.
type NoticeKey struct {
	Subject string
	Seq     int
}

// NoticesAgainMost is how many notifications or events one request can name to be sent
// again.
const NoticesAgainMost = 100

// SendAgain makes notifications due now, whether or not they have arrived, and reports
// how many. The caller may get them a second time. All are made due in one commit, with
// an audit entry for each subject. Those that another server is just sending are left
// out. It is [ErrNoNotification] if none is made due.
func (p *Processor) SendAgain(ctx context.Context, id party.CallerID, keys ...NoticeKey) (sent int, err error) {
	if len(keys) > NoticesAgainMost {
		return 0, holdfast.Errorf(holdfast.InvalidParams, "at most %d notifications can be named", NoticesAgainMost)
	}
	err = p.db.Update(ctx, func(tx *store.Tx) error {
		sent = 0
		caller, err := callerOf(&tx.ReadTx, id)
		if err != nil {
			return err
		}
		seqs := map[string][]int{}
		for _, k := range keys {
			seqs[k.Subject] = append(seqs[k.Subject], k.Seq)
		}
		for _, subject := range slices.Sorted(maps.Keys(seqs)) {
			n, err := p.sendAgain(tx, caller, subject, seqs[subject])
			if err != nil {
				return err
			}
			sent += n
		}
		if sent == 0 {
			return ErrNoNotification
		}
		return nil
	})
	return sent, failure(err)
}

// sendAgain makes notifications about one subject due: those with some numbers, or all
// if 0 is among them.
func (p *Processor) sendAgain(tx *store.Tx, caller party.Caller, subject string, seqs []int) (sent int, err error) {
	all, err := tx.Notifications(caller.ID, subject)
	if err != nil {
		return 0, err
	}
	for _, n := range all {
		if !slices.Contains(seqs, 0) && !slices.Contains(seqs, n.Seq) {
			continue
		}
		found, err := tx.SendAgain(caller, subject, n.Seq, p.now())
		if err != nil {
			return 0, err
		}
		if found {
			sent++
		}
	}
	if sent == 0 {
		return 0, nil
	}
	return sent, tx.Log(party.AuditEntry{
		Action: "notification.again", Caller: caller.ID, Object: subject,
		After: party.Facts{"notifications": strconv.Itoa(sent)},
	}, p.now())
}

// SendListAgain makes the notifications of a caller due now that a filter chooses. It
// reports how many. Each commit changes at most 500 rows, so that it delays nobody; a
// second call goes on where the first one was interrupted.
func (p *Processor) SendListAgain(
	ctx context.Context, id party.CallerID, f store.NotificationFilter,
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
				e := party.AuditEntry{Action: "notification.again", Caller: id, After: party.Facts{"list": string(f.List)}}
				if !f.Since.IsZero() {
					e.After["since"] = timeFact(f.Since)
				}
				if f.Receiver != "" {
					e.After["receiver"] = f.Receiver
				}
				if err := tx.Log(e, real); err != nil {
					return err
				}
			}
			n, err = tx.SendListAgain(caller, f, real, noticeBatch)
			return err
		})
		if err != nil {
			return sent, failure(err)
		}
	}
	return sent, nil
}
