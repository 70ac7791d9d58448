package shop

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

const (
	packingRowsMax    = 100 // orders in one list
	packingRecentMax  = 8   // completed orders in their list
	packingAskTimeout = 4 * time.Second
	soon              = 24 * time.Hour // a deadline within this time is marked
	aheadNoticed      = time.Minute    // a larger difference of clocks is shown
	reasonMax         = 160            // characters
)

// A packingView is the first page of the packing bench: orders to ship with
// their deadlines, and orders that must not ship.
type packingView struct {
	ToShip, Waiting, Stopped, Away, Over []packingRow
	Ahead                                time.Duration // of the payment service's clock
}

// A packingRow is an order in a list of the packing bench.
type packingRow struct {
	Order
	Pieces int64         // that are still to ship, or that were ordered
	Left   time.Duration // to the deadline, by the payment service's clock
	Lapsed bool
	Near   bool
}

// CanShip reports whether a parcel may ship, according to the last known state. The
// shop asks the payment service again before it ships.
func (b packingRow) CanShip() bool { return b.State == ToShip && !b.Lapsed && b.stopped() == "" }

// CanWithdraw reports whether there is a hold of which something can be released.
func (b packingRow) CanWithdraw() bool { return b.State == ToShip && !b.Lapsed }

// Held reports whether the buyer's money is held or may soon be held.
func (b packingRow) Held() bool { return b.State.Open() && !b.Lapsed }

// CanClose reports whether the packer can close the order after telling the
// buyer.
func (b packingRow) CanClose() bool {
	return b.Done.IsZero() && (b.State == Lapsed || b.State == ChargeFailed || b.State == NeedsAttention)
}

// BuyerPaysAgain reports whether the buyer's page has a button to pay again.
func (b packingRow) BuyerPaysAgain() bool { return b.payableAgain() }

func (s *Shop) packingRow(o Order) packingRow {
	b := packingRow{Order: o, Lapsed: o.State == Lapsed}
	for i, l := range o.Lines {
		if b.Pieces += l.Quantity; o.State.Open() {
			b.Pieces -= l.Quantity - o.left(i)
		}
	}
	if o.stop() != "" {
		b.Note = "" // it may tell the packer to hand the parcel over
	}
	if !o.Deadline.IsZero() {
		b.Left = o.Deadline.Sub(s.serverNow())
		b.Near = b.Left < soon
	}
	if o.State.Open() && o.holdExpiredAt(s.serverNow()) {
		// The hold has expired, even if the payment service has not said so yet.
		b.Lapsed = true
		b.Note = lapsedWords(o)
	}
	return b
}

func (s *Shop) packing(w http.ResponseWriter, r *http.Request) error {
	v := packingView{Ahead: s.noticedAhead()}
	for _, list := range []struct {
		rows   *[]packingRow
		states []OrderState
	}{
		{&v.ToShip, []OrderState{ToShip}},
		{&v.Waiting, []OrderState{Shipping, Releasing, Pending, Reserving}},
	} {
		for _, state := range list.states {
			orders, err := ordersIn(r.Context(), s.db, state, packingRowsMax)
			if err != nil {
				return err
			}
			for _, o := range orders {
				b := s.packingRow(o)
				if state == ToShip && !b.CanShip() {
					v.Stopped = append(v.Stopped, b)
					continue
				}
				*list.rows = append(*list.rows, b)
			}
		}
	}
	since := s.now().Add(-checkoutLifeMax)
	for _, list := range []struct {
		rows  *[]packingRow
		which string
		args  []any
		most  int
	}{
		{&v.Stopped, stoppedOrders, nil, packingRowsMax},
		{&v.Away, `state = 'AwaitingApproval' AND created_at > ?`, []any{micros(since)}, packingRowsMax},
		{
			&v.Over, `NOT (` + stoppedOrders +
				`) AND state IN ('Shipped', 'Cancelled', 'Lapsed', 'ChargeFailed', 'NeedsAttention')`,
			nil, packingRecentMax,
		},
	} {
		orders, err := ordersWhere(r.Context(), s.db, list.which, list.args, list.most, 0)
		if err != nil {
			return err
		}
		for _, o := range orders {
			*list.rows = append(*list.rows, s.packingRow(o))
		}
	}
	return s.render(w, r, http.StatusOK, "packing.html", v)
}

// stoppedOrders selects orders that must not ship but need an action of the
// packer. An order leaves this list when the packer presses Done or the buyer
// pays again.
const stoppedOrders = `state IN ('Lapsed', 'ChargeFailed', 'NeedsAttention') AND done_at = 0
	AND NOT EXISTS (SELECT 1 FROM orders AS paid WHERE paid.cart_id = orders.cart_id AND paid.state IN ` + liveStates + `)`

// noticedAhead returns how far the payment service's clock is ahead of ours, or
// zero if the difference is small.
func (s *Shop) noticedAhead() time.Duration {
	if ahead := s.serverAhead(); ahead > aheadNoticed {
		return ahead
	}
	return 0
}

// A packingOrderView is an order as its packer sees it.
type packingOrderView struct {
	packingRow
	Lines      []lineView
	Parcels    []parcelView
	Refunds    []Refund
	NextRefund int64        // the position of the next refund
	RefundLeft money.Amount // of all payments
	Log        []Happening
	Alert      string // why the packer's action was refused
	Next       string // what the packer does if the note does not say it
	Stop       string // why nothing may ship
	BuyerPage  string // the whole address
	Other      *Order // the order that the buyer paid for instead
	Unasked    bool
	Ahead      time.Duration
}

func (s *Shop) packingOrder(w http.ResponseWriter, r *http.Request) error {
	id := OrderID(r.PathValue("id"))
	if _, err := orderByID(r.Context(), s.db, id); err != nil {
		return err
	}
	asking, done := context.WithTimeout(r.Context(), packingAskTimeout)
	defer done()
	v := packingOrderView{}
	if err := s.look(asking, id); err != nil {
		s.log.WarnContext(r.Context(), "looking at an order", "order", id, "err", err)
		v.Unasked = true
	}
	return s.renderPackingOrder(w, r, http.StatusOK, id, v)
}

// refuse shows the order's page with the reason why the packer's action was
// refused.
func (s *Shop) refuse(w http.ResponseWriter, r *http.Request, status int, id OrderID, why string) error {
	return s.renderPackingOrder(w, r, status, id, packingOrderView{Alert: why})
}

func (s *Shop) renderPackingOrder(
	w http.ResponseWriter, r *http.Request, status int, id OrderID, v packingOrderView,
) error {
	o, err := orderByID(r.Context(), s.db, id)
	if err != nil {
		return err
	}
	v.packingRow, v.Lines, v.Parcels = s.packingRow(o), o.lineViews(), o.parcelViews()
	if v.Note != "" && strings.Contains(v.Alert, v.Note) {
		v.Note = "" // the alert already says it
	}
	v.Ahead, v.Next, v.BuyerPage = s.noticedAhead(), nextStep(o), s.publicURL+orderPath(o.ID)
	if v.Stop = o.stop(); v.Stop != "" {
		v.Next = ""
	}
	if v.Refunds, err = refundsOf(r.Context(), s.db, id); err != nil {
		return err
	}
	v.NextRefund, v.RefundLeft = nextRefund(v.Refunds), money.Cents(0)
	for i, p := range v.Parcels {
		if p.State == PartDone {
			v.Parcels[i].Left = refundable(p.Part, v.Refunds)
			v.RefundLeft = v.RefundLeft.Add(v.Parcels[i].Left)
		}
	}
	if other, found, err := liveOrderOf(r.Context(), s.db, o.Cart); err != nil {
		return err
	} else if found && other.ID != o.ID {
		v.Other = &other
	}
	if v.Log, err = happenings(r.Context(), s.db, id); err != nil {
		return err
	}
	return s.render(w, r, status, "packing_order.html", v)
}

// freshOrder reads an order after asking the payment service for its hold. If the
// packer must not act on it, why says the reason for the page.
func (s *Shop) freshOrder(ctx context.Context, id OrderID) (o Order, why string, status int) {
	status = http.StatusConflict
	o, err := orderByID(ctx, s.db, id)
	if err == nil && o.State == ToShip {
		asking, done := context.WithTimeout(ctx, atOnceMax)
		defer done()
		o, err = s.ask(asking, o)
	}
	switch {
	case errors.Is(err, errNoOrder):
		return o, "there is no such order.", http.StatusNotFound
	case errors.Is(err, errForeign):
		s.log.ErrorContext(ctx, "an order has a foreign hold", "order", id, "err", err)
		return o, "the hold " + o.HoldID + " was not made for this order. The shop's operator must look into it.", status
	case err != nil:
		s.log.WarnContext(ctx, "asking for the hold of an order", "order", id, "err", err)
		return o, "the payment service could not be asked whether the money is still held. Try again in a minute, before " +
			"the deadline.", http.StatusServiceUnavailable
	}
	return o, "", status
}

// whyNotShip says why nothing of an order may ship now, or returns "".
func (o Order) whyNotShip(s *Shop) string {
	switch {
	case o.State != ToShip:
		return whyNotShippable(o)
	case o.holdExpiredAt(s.serverNow()):
		return lapsedWords(o)
	}
	return o.stopped()
}

// stopped says why nothing may ship although money is held, or returns "".
func (o Order) stopped() string {
	switch charged := o.Charged(); {
	case o.Disputed:
		return "the buyer disputes the charge for this order at the bank. Ship nothing more until that is decided for you."
	case charged.Positive() && o.Refunded.Cmp(charged) >= 0:
		return "everything that was charged for this order was refunded. Find out why, and release the rest of the hold."
	}
	return ""
}

// stop is stopped for the pages. A parcel may still be here after its charge.
func (o Order) stop() string {
	if o.State == ToShip || o.State == Shipping || o.State == Shipped && o.Disputed {
		return o.stopped()
	}
	return ""
}

// whyNotShippable says why an order in another state than ToShip cannot ship.
func whyNotShippable(o Order) string {
	switch o.State {
	case Shipped:
		return "it was already shipped and charged."
	case Shipping:
		return "the card is being charged. Hand the parcel over when this page says that the card was charged."
	case Releasing:
		return "the price of some pieces is being released. Look again in a minute."
	case Pending, Reserving:
		return "the card's bank has not answered yet, so no money is held."
	case AwaitingApproval, Abandoned, TurnedAway, SoldOut:
		return "the buyer has not paid, so no money is held."
	case ToShip, PaymentFailed, Cancelled, Lapsed, ChargeFailed, NeedsAttention:
	}
	return o.Note
}

// packingLook asks the payment service at once what has become of an order. Its
// events say the same a moment later.
func (s *Shop) packingLook(w http.ResponseWriter, r *http.Request) error {
	id := OrderID(r.PathValue("id"))
	asking, done := context.WithTimeout(context.WithoutCancel(r.Context()), atOnceMax)
	defer done()
	err := s.look(asking, id)
	if errors.Is(err, errNoOrder) {
		return err
	}
	if err != nil {
		s.log.WarnContext(r.Context(), "looking at an order", "order", id, "err", err)
		return s.refuse(w, r, http.StatusServiceUnavailable, id,
			"The payment service could not be asked. Try again in a minute.")
	}
	return seeOther(w, r, packingPath(id))
}

// packingDone closes an order that could not ship, after the packer has told
// the buyer or solved the problem.
func (s *Shop) packingDone(w http.ResponseWriter, r *http.Request) error {
	id := OrderID(r.PathValue("id"))
	o, err := orderByID(r.Context(), s.db, id)
	if err != nil {
		return err
	}
	if b := s.packingRow(o); !b.CanClose() {
		return seeOther(w, r, packingPath(id))
	}
	_, _, err = s.record(r.Context(), id, change{
		what: "The packer closed this order", logged: true,
		facts: func(o *Order) { o.Done = s.now() },
	})
	if err != nil {
		return err
	}
	return seeOther(w, r, "/bench")
}

// A slipView is the packing slip of one parcel.
type slipView struct {
	Order
	Parcel parcelView
	Pieces []Line // in the parcel
	Rest   string // what has not shipped
}

// slip serves the packing slip, which is printed and goes into the parcel.
func (s *Shop) slip(w http.ResponseWriter, r *http.Request) error {
	o, err := orderByID(r.Context(), s.db, OrderID(r.PathValue("id")))
	if err != nil {
		return err
	}
	for _, p := range o.parcelViews() {
		if p.Kind != Parcel || fmt.Sprint(p.Number) != r.PathValue("number") {
			continue
		}
		v := slipView{Order: o, Parcel: p}
		for i, l := range o.Lines {
			if l.Quantity = p.Pieces[i]; l.Quantity > 0 {
				v.Pieces = append(v.Pieces, l)
			}
		}
		rest := o.rest()
		if p.State == PartAsked {
			rest = minus(rest, p.Pieces)
		}
		v.Rest = o.Named(rest)
		return s.render(w, r, http.StatusOK, "slip.html", v)
	}
	return &pageError{
		http.StatusNotFound, "There is no such parcel", fmt.Sprintf("Order %d has no parcel of this number.", o.Number),
	}
}

func packingPath(id OrderID) string { return "/bench/orders/" + string(id) }
