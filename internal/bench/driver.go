package bench

import (
	"context"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// A driver is one connection and what it does. It draws from a generator of its
// own, so that a seed gives each connection the same actions, merchants and
// amounts each time, however they interleave. Ids and references are new each
// time.
type driver struct {
	stock  *stock
	signer *signer
	conn   *conn
	now    func() time.Time

	rng       *rand.Rand
	pick      picker
	merchants []merchant
	numbers   *numbers
	turn      int // in the mix

	held    []holding // reserved and not settled
	acked   []ack
	doubted []holding // that may have been settled or not
	request []byte
}

// A holding is a transaction that can be settled, or asked about.
type holding struct {
	merchant int
	id       holdfast.TransactionID
}

// An ack is what the server said of a transaction, which must be so.
type ack struct {
	action Action
	holding
	status holdfast.TransactionStatus
}

// run sends requests as the schedule has them, until it ends.
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

// reserve makes a hold for who has run out of them, outside what is measured.
func (d *driver) reserve(ctx context.Context) error {
	d.stock.waited()
	o, _, err := d.order(ctx, Reserve)
	if err != nil {
		return ended(ctx, err)
	}
	return d.send(ctx, o, d.now(), nil)
}

// ended is no error once the run was ended from outside.
func ended(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

// failurePause keeps a server that is gone from being asked in a loop.
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

// send sends one request and counts what comes of it.
func (d *driver) send(ctx context.Context, o order, intended time.Time, t *tally) (err error) {
	if d.request, err = d.signer.write(d.request[:0], o, d.merchants[o.merchant].key); err != nil {
		return err
	}
	began := d.now()
	t.begin(intended, began)
	status, body, err := d.conn.do(ctx, d.request)
	took := d.now().Sub(intended)
	switch {
	case err == nil:
		t.answered(o.action, took, d.read(o, status, body))
	case ctx.Err() == nil: // who ends a run cuts connections
		d.doubt(o)
		t.unanswered(trouble(err))
		pause(ctx, failurePause) //nolint:errcheck // the run ends with ctx by itself
	}
	return nil
}

// read keeps what an answer acknowledges, and returns the code of one that is
// an error.
func (d *driver) read(o order, status int, body []byte) (code string) {
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
		o.action, holding{o.merchant, holdfast.TransactionID(element(body, "TransactionId"))},
		holdfast.TransactionStatus(element(body, "TransactionStatus")),
	}
	if answer.id == "" || !o.action.good(answer.status) {
		return "status " + string(answer.status)
	}
	if o.action == Reserve {
		d.held = append(d.held, answer.holding)
	}
	switch {
	case o.action == Settle && answer.status == holdfast.StatusPending:
		d.doubt(o)
	case o.action != Status:
		d.acked = append(d.acked, answer)
	}
	return ""
}

// doubt remembers a transaction that was to be settled, and of which it is not
// known whether it was.
func (d *driver) doubt(o order) {
	if o.action == Settle {
		d.doubted = append(d.doubted, holding{o.merchant, o.id})
	}
}

// drawAmount draws from 5.00 to 199.50. The sandbox declines amounts whose
// first decimal is 6, 7 or 8, as that of FPS did.
func drawAmount(rng *rand.Rand) money.Amount {
	return money.Cents(int64(500 + 100*rng.IntN(195) + 10*rng.IntN(6)))
}
