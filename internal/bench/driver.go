package bench

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// A driver sends the requests of one connection. It has its own random
// generator. So a seed always gives each connection the same actions, merchants
// and amounts, in any interleaving. Ids and references are new each time.
type driver struct {
	stock  *stock
	signer *signer
	json   *jsonRequests // for the JSON API; nil for the Query API
	conn   *conn
	now    func() time.Time

	rng       *rand.Rand
	pick      picker
	merchants []merchant
	numbers   *numbers
	turn      int      // position in the mix
	notices   *notices // nil counts none

	held    []holding // reserved and not settled
	acked   []ack
	doubted []holding // a Settle of them got no answer
	request []byte
}

// A holding is a transaction that can be settled or read.
type holding struct {
	merchant int
	id       holdfast.TransactionID
}

// An ack is a status that the server acknowledged for a transaction, and that
// Check expects in the store.
type ack struct {
	action Action
	holding
	status holdfast.TransactionStatus
}

// run sends requests at the times of the schedule, until it ends.
func (d *driver) run(ctx context.Context, mix Mix, s *schedule, t *tally) error {
	actions := mixes[mix]
	for {
		intended, more := s.next(ctx)
		if !more {
			return nil
		}
		action := actions[d.turn%len(actions)]
		d.turn++
		if mix.holdsFor(1, 1) > 0 && len(d.held) == 0 {
			if err := d.reserve(ctx); err != nil {
				return err
			}
		}
		o, ready, err := d.order(ctx, action)
		if err != nil {
			return ended(ctx, err)
		}
		if !ready {
			continue
		}
		if s.rate == 0 {
			intended = d.now() // a closed loop does not count the wait for a token
		}
		if err := d.send(ctx, o, intended, t); err != nil {
			return err
		}
	}
}

// reserve makes a hold for a connection that has none left. It is not part of
// the measurement.
func (d *driver) reserve(ctx context.Context) error {
	d.stock.waited()
	o, _, err := d.order(ctx, Reserve)
	if err != nil {
		return ended(ctx, err)
	}
	return d.send(ctx, o, d.now(), nil)
}

// ended drops an error if the run was ended from outside.
func ended(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// failurePause is the pause after a failure, so that a driver does not send
// requests to a dead server in a tight loop.
const failurePause = 10 * time.Millisecond

// order draws the next request.
func (d *driver) order(ctx context.Context, a Action) (o order, ready bool, err error) {
	o.action = a
	switch a {
	case Reserve:
		o.merchant, o.amount = d.pick(), drawAmount(d.rng)
		o.reference = d.numbers.next(o.merchant)
		o.token, err = d.stock.take(ctx, o.merchant)
		return o, true, err
	case Settle:
		if len(d.held) == 0 {
			return o, false, nil // the Reserve before it was refused
		}
		last := d.held[len(d.held)-1]
		d.held = d.held[:len(d.held)-1]
		o.merchant, o.id = last.merchant, last.id
	case Status:
		if len(d.held) == 0 {
			return o, false, nil
		}
		one := d.held[d.rng.IntN(len(d.held))]
		o.merchant, o.id = one.merchant, one.id
	case Activity:
		o.merchant = d.pick()
	}
	return o, true, nil
}

// send sends one request and counts the result.
func (d *driver) send(ctx context.Context, o order, intended time.Time, t *tally) (err error) {
	if d.request, err = d.write(o); err != nil {
		return err
	}
	began := d.now()
	t.begin(intended, began)
	status, body, err := d.conn.do(ctx, d.request)
	took := d.now().Sub(intended)
	switch {
	case err == nil:
		t.answered(o.action, took, d.read(o, status, body))
	case ctx.Err() == nil: // the end of a run closes connections
		d.doubt(o)
		t.unanswered(trouble(err))
		pause(ctx, failurePause) //nolint:errcheck // the run ends with ctx anyway
	}
	return nil
}

// write writes a request for the door that is measured.
func (d *driver) write(o order) ([]byte, error) {
	m := d.merchants[o.merchant]
	if d.json != nil {
		return d.json.write(d.request[:0], o, m.jsonKey), nil
	}
	return d.signer.write(d.request[:0], o, m.key)
}

// read records the status that an answer acknowledges. It returns the code of
// an error answer.
func (d *driver) read(o order, status int, body []byte) (code string) {
	if d.json != nil {
		return d.readJSON(o, status, body)
	}
	if status != http.StatusOK {
		if status >= http.StatusInternalServerError {
			d.doubt(o)
		}
		return refusal(status, body)
	}
	if o.action == Activity {
		return ""
	}
	answer := ack{
		o.action,
		holding{o.merchant, holdfast.TransactionID(element(body, "TransactionId"))},
		holdfast.TransactionStatus(element(body, "TransactionStatus")),
	}
	if answer.id == "" || !o.action.good(answer.status) {
		return "status " + string(answer.status)
	}
	if o.action == Reserve {
		d.held = append(d.held, answer.holding)
		d.notices.answered(answer.id)
	}
	switch {
	case o.action == Settle && answer.status == holdfast.StatusPending:
		d.doubt(o)
	case o.action != Status:
		d.acked = append(d.acked, answer)
	}
	return ""
}

// doubt records a transaction whose Settle got no answer.
func (d *driver) doubt(o order) {
	if o.action == Settle {
		d.doubted = append(d.doubted, holding{o.merchant, o.id})
	}
}

// drawAmount draws an amount from 5.00 to 199.50. It avoids amounts whose first
// decimal is 6, 7 or 8, which the sandbox declines.
func drawAmount(rng *rand.Rand) money.Amount {
	return money.Cents(int64(500 + 100*rng.IntN(195) + 10*rng.IntN(6)))
}
