package shop

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

const (
	packingRowsMax    = 100 // orders in one list
	packingRecentMax  = 8   // completed orders in their list
	packingAsksMax    = 25  // status requests when the page is opened
	packingAskTimeout = 4 * time.Second
	soon              = 24 * time.Hour // a deadline within this time is marked
	aheadNoticed      = time.Minute    // a larger difference of clocks is shown
	cancelTextMax     = 160            // characters of a reason
)

// A packingView is the first page of the packing bench: orders to ship with
// their deadlines, and orders that must not ship.
type packingView struct {
	ToShip, Waiting, Stopped, Away, Over []packingRow
	Ahead                                time.Duration // of the payment service's clock
	Unasked                              bool          // not every order could be asked for
}

// A packingRow is an order in a list of the packing bench.
type packingRow struct {
	Order
	Pieces int64
	Left   time.Duration // to the deadline, by the payment service's clock
	Lapsed bool
	Near   bool
}

// CanShip reports whether the order may ship, according to the last known
// state. The shop asks the payment service again before it ships.
func (b packingRow) CanShip() bool { return b.State == ToShip && !b.Lapsed }

// CanCancel reports whether there is a hold that can be given up.
func (b packingRow) CanCancel() bool { return b.State == ToShip && !b.Lapsed || b.State == Pending }

// Held reports whether the buyer's money is held or may soon be held.
func (b packingRow) Held() bool { return b.State.Open() && !b.Lapsed }

// CanClose reports whether the packer can close the order after telling the
// buyer.
func (b packingRow) CanClose() bool {
	return (b.State == Lapsed || b.State == NeedsAttention) && b.Done.IsZero()
}

// CanRefund reports whether some of the charge can be paid back.
func (b packingRow) CanRefund() bool { return b.charged() && b.left().Positive() }

// RefundLeft is how much of the charge can be paid back.
func (b packingRow) RefundLeft() money.Amount { return b.left() }

// BuyerPaysAgain reports whether the buyer's page has a button to pay again.
func (b packingRow) BuyerPaysAgain() bool { return b.payableAgain() }

func (s *Shop) packingRow(o Order) packingRow {
	b := packingRow{Order: o, Lapsed: o.State == Lapsed}
	for _, l := range o.Lines {
		b.Pieces += l.Quantity
	}
	if !o.Deadline.IsZero() {
		b.Left = o.Deadline.Sub(s.serverNow())
		b.Near = b.Left < soon
	}
	if o.State.Open() && o.holdExpiredAt(s.serverNow()) {
		// The hold has expired, even if the payment service has not said so yet.
		b.Lapsed = true
		b.Note = noteFor(Order{State: Lapsed, Deadline: o.Deadline}, standing{})
	}
	return b
}

func (s *Shop) packing(w http.ResponseWriter, r *http.Request) error {
	v := packingView{}
	var err error
	if v.Unasked, err = s.askAll(r.Context()); err != nil {
		return err
	}
	for _, list := range []struct {
		rows   *[]packingRow
		states []OrderState
	}{
		{&v.ToShip, []OrderState{ToShip}},
		{&v.Waiting, []OrderState{Shipping, Cancelling, Pending, Reserving}},
	} {
		for _, state := range list.states {
			orders, err := ordersIn(r.Context(), s.db, state, packingRowsMax)
			if err != nil {
				return err
			}
			for _, o := range orders {
				b := s.packingRow(o)
				if b.Lapsed && state == ToShip {
					v.Stopped = append(v.Stopped, b)
					continue
				}
				*list.rows = append(*list.rows, b)
			}
		}
	}
	since := s.now().Add(-redirectAwaitedMax)
	for _, list := range []struct {
		rows  *[]packingRow
		which string
		args  []any
		most  int
	}{
		{&v.Stopped, stoppedOrders, nil, packingRowsMax},
		{&v.Away, `state = 'AwaitingAuthorisation' AND created_at > ?`, []any{micros(since)}, packingRowsMax},
		{
			&v.Over, `NOT (` + stoppedOrders + `) AND state IN ('Shipped', 'Cancelled', 'Lapsed', 'NeedsAttention')`, nil,
			packingRecentMax,
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
	v.Ahead = s.noticedAhead()
	return s.render(w, r, http.StatusOK, "packing.html", v)
}

// stoppedOrders selects orders that must not ship but need an action of the
// packer. An order leaves this list when the packer presses Done or the buyer
// pays again.
const stoppedOrders = `state IN ('Lapsed', 'NeedsAttention') AND done_at = 0
	AND NOT EXISTS (SELECT 1 FROM orders AS paid WHERE paid.cart_id = orders.cart_id AND paid.state IN ` + liveStates + `)`

// noticedAhead returns how far the payment service's clock is ahead of ours, or
// zero if the difference is small.
func (s *Shop) noticedAhead() time.Duration {
	if ahead := s.serverAhead(); ahead > aheadNoticed {
		return ahead
	}
	return 0
}

// askAll asks for the status of the open orders whose holds expire first. It
// stops at a limit of orders and of time, and reports whether it left out any
// order.
func (s *Shop) askAll(ctx context.Context) (unasked bool, err error) {
	var open []Order
	for _, state := range []OrderState{ToShip, Pending} {
		orders, err := ordersIn(ctx, s.db, state, packingAsksMax+1)
		if err != nil {
			return false, err
		}
		open = append(open, orders...)
	}
	asking, done := context.WithTimeout(ctx, packingAskTimeout)
	defer done()
	for i, o := range open {
		if i == packingAsksMax {
			return true, nil
		}
		if _, err := s.ask(asking, o); err != nil {
			s.log.WarnContext(ctx, "asking for the status of orders", "err", err)
			unasked = true
			if _, refused := errors.AsType[*holdfast.Error](err); !refused {
				break // the next requests would also get no answer
			}
		}
	}
	return unasked, nil
}

// A packingOrderView is an order as its packer sees it.
type packingOrderView struct {
	packingRow
	Log        []Happening
	Refunds    []Refund
	NextRefund int64  // the position of the next refund
	Alert      string // why the packer's action was refused
	Next       string // what the packer does if the note does not say it
	BuyerPage  string // the whole address
	Other      *Order // the order that the buyer paid for instead
	Unasked    bool
	Ahead      time.Duration
	Homeless   bool             // there is no shipping address
	Whom       string           // the buyer, to ask for it
	Typed      holdfast.Address // the address that the packer typed and the shop refused
}

// AddressFields returns the fields of the form for a missing address, with the
// values that the packer typed.
func (v packingOrderView) AddressFields() []addressField { return addressFields(v.Typed) }

func (s *Shop) packingOrder(w http.ResponseWriter, r *http.Request) error {
	o, err := orderByID(r.Context(), s.db, OrderID(r.PathValue("id")))
	if err != nil {
		return err
	}
	unasked := false
	switch o.State {
	case Shipping:
		// The same Settle again shows whether the transaction was settled for this
		// amount. GetTransactionStatus does not tell the amount.
		s.atOnce(r.Context(), "Settle", o.ID, s.settle)
	case Cancelling:
		s.atOnce(r.Context(), "Cancel", o.ID, s.cancel)
	case ToShip, Pending:
		asking, done := context.WithTimeout(r.Context(), packingAskTimeout)
		defer done()
		if _, err := s.ask(asking, o); err != nil {
			s.log.WarnContext(r.Context(), "asking for the status of an order", "err", err)
			unasked = true
		}
	case Shipped, NeedsAttention:
		unasked = !s.lookQuickly(r.Context(), o.ID)
	case AwaitingAuthorisation, Abandoned, NotAuthorised, Reserving, PaymentFailed, Cancelled, Lapsed:
	}
	return s.renderPackingOrder(w, r, http.StatusOK, o.ID, packingOrderView{Unasked: unasked})
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
	v.packingRow = s.packingRow(o)
	if v.Note != "" && strings.Contains(v.Alert, v.Note) {
		v.Note = "" // the alert already says it
	}
	v.Ahead, v.Next, v.BuyerPage = s.noticedAhead(), nextStep(o), s.publicURL+orderPath(o.ID)
	if v.Refunds, err = refundsOf(r.Context(), s.db, id); err != nil {
		return err
	}
	v.NextRefund = nextRefund(v.Refunds)
	if other, found, err := liveOrderOf(r.Context(), s.db, o.Cart); err != nil {
		return err
	} else if found && other.ID != o.ID {
		v.Other = &other
	}
	v.Homeless = o.Address == (holdfast.Address{}) && o.State.Open()
	if v.Homeless {
		v.Whom = s.buyerOf(r.Context(), o)
	}
	if v.Log, err = happenings(r.Context(), s.db, id); err != nil {
		return err
	}
	return s.render(w, r, status, "packing_order.html", v)
}

// buyerOf asks the payment service for the buyer's name and e-mail address. It
// is for orders without a shipping address, whose buyer never came back. If
// there is no answer, it returns "".
func (s *Shop) buyerOf(ctx context.Context, o Order) string {
	asking, done := context.WithTimeout(ctx, packingAskTimeout)
	defer done()
	detail, err := s.client.GetTransaction(asking, o.TransactionID)
	if err != nil {
		s.log.WarnContext(ctx, "asking who the buyer is", "order", o.ID, "err", err)
		return ""
	}
	return strings.TrimSpace(detail.SenderName + " " + detail.SenderEmail)
}

// packingShip charges the card for a parcel. It first asks the payment service
// for the hold's status, so that no parcel ships on an expired hold.
func (s *Shop) packingShip(w http.ResponseWriter, r *http.Request) error {
	id := OrderID(r.PathValue("id"))
	o, err := orderByID(r.Context(), s.db, id)
	if err != nil {
		return err
	}
	if o.State != ToShip {
		return s.refuse(w, r, http.StatusConflict, id, "Not shipped. "+whyNotShippable(o))
	}
	if o.Address == (holdfast.Address{}) {
		return s.refuse(w, r, http.StatusConflict, id,
			"Not shipped: there is no shipping address. Ask the buyer for it and enter it below.")
	}
	parcel, complaint := parcelIn(r, o)
	if complaint != "" {
		return s.refuse(w, r, http.StatusUnprocessableEntity, id, complaint)
	}
	ctx := context.WithoutCancel(r.Context())
	asking, done := context.WithTimeout(ctx, atOnceMax)
	defer done()
	if o, err = s.ask(asking, o); err != nil {
		s.log.WarnContext(ctx, "not shipping: asking for the status of an order", "order", id, "err", err)
		return s.refuse(w, r, http.StatusServiceUnavailable, id,
			"Not shipped: the payment service could not be asked whether the money is still held. Try again in a minute, "+
				"before the deadline.")
	}
	if o.State != ToShip {
		return s.refuse(w, r, http.StatusConflict, id, "Not shipped. "+whyNotShippable(o))
	}
	if o.holdExpiredAt(s.serverNow()) {
		return s.refuse(w, r, http.StatusConflict, id, "Not shipped. "+
			noteFor(Order{State: Lapsed, Deadline: o.Deadline}, standing{}))
	}
	if moved, err := s.ship(ctx, id, parcel); err != nil {
		return err
	} else if moved {
		s.atOnce(ctx, "Settle", id, s.settle)
	}
	return seeOther(w, r, packingPath(id))
}

// whyNotShippable says why an order in another state than ToShip cannot ship.
func whyNotShippable(o Order) string {
	switch o.State {
	case Shipped:
		return "It was already shipped and charged."
	case Shipping:
		return "The card is being charged. Hand the parcel over when this page says that the card was charged."
	case Cancelling:
		return "It is being cancelled."
	case Pending, Reserving:
		return "The card's bank has not answered yet, so no money is held."
	case AwaitingAuthorisation, Abandoned, NotAuthorised:
		return "The buyer has not paid, so no money is held."
	case ToShip, PaymentFailed, Cancelled, Lapsed, NeedsAttention:
	}
	return o.Note
}

func (s *Shop) packingCancel(w http.ResponseWriter, r *http.Request) error {
	id := OrderID(r.PathValue("id"))
	reason := strings.Join(strings.Fields(r.PostFormValue("reason")), " ")
	if len([]rune(reason)) > cancelTextMax {
		return s.refuse(w, r, http.StatusUnprocessableEntity, id,
			"Not cancelled: the reason is too long. One sentence is enough.")
	}
	ctx := context.WithoutCancel(r.Context())
	o, err := orderByID(ctx, s.db, id)
	if err != nil {
		return err
	}
	if o.State == ToShip || o.State == Pending {
		asking, done := context.WithTimeout(ctx, atOnceMax)
		defer done()
		if _, err := s.ask(asking, o); err != nil {
			s.log.WarnContext(ctx, "not cancelling: asking for the status of an order", "order", id, "err", err)
			return s.refuse(w, r, http.StatusServiceUnavailable, id,
				"Not cancelled: the payment service could not be asked for the state of the hold. Try again in a minute.")
		}
	}
	o, moved, err := s.record(ctx, id, change{
		event: ShopCancels, what: "The shop cancels: " + reason,
		move: func(o *Order) { o.Reason = reason },
	})
	if err != nil {
		return err
	}
	if !moved {
		return s.refuse(w, r, http.StatusConflict, id, "Not cancelled. "+whyNotCancellable(o))
	}
	s.atOnce(ctx, "Cancel", id, s.cancel)
	return seeOther(w, r, packingPath(id))
}

func whyNotCancellable(o Order) string {
	switch o.State {
	case Shipped, Shipping:
		return "The card was charged or is being charged. That cannot be undone here."
	case Cancelling, Cancelled:
		return "It is already cancelled or being cancelled."
	default:
		return "There is no hold to release."
	}
}

// packingRecover looks at once for the token of a buyer who has not come back.
// A job does the same every hour.
func (s *Shop) packingRecover(w http.ResponseWriter, r *http.Request) error {
	id := OrderID(r.PathValue("id"))
	asking, done := context.WithTimeout(context.WithoutCancel(r.Context()), atOnceMax)
	defer done()
	err := s.workRecover(asking, id)
	switch {
	case errors.Is(err, errNoOrder):
		return err
	case errors.Is(err, errWaiting):
		return s.refuse(w, r, http.StatusOK, id,
			"There is no authorisation yet: the buyer may still be on the payment pages.")
	case err != nil:
		s.log.WarnContext(r.Context(), "looking for an authorisation", "order", id, "err", err)
		return s.refuse(w, r, http.StatusServiceUnavailable, id,
			"The payment service could not be asked. The shop asks again within an hour.")
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

func packingPath(id OrderID) string { return "/bench/orders/" + string(id) }
