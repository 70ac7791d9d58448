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
	benchRowsMax  = 100 // orders in one list of the bench
	benchLately   = 8   // of those that are done
	benchAsksMax  = 25  // orders asked about when the bench is opened
	benchAskTime  = 4 * time.Second
	soon          = 24 * time.Hour // a deadline nearer than this is shown as near
	aheadNoticed  = time.Minute    // a clock that differs by more is spoken of
	cancelTextMax = 160            // characters of a reason
)

// A benchView is the packing bench: what to ship, by when, and what not.
type benchView struct {
	ToShip, Waiting, Stopped, Away, Over []benchRow
	Ahead                                time.Duration // of the payment service's clock
	Unasked                              bool          // the payment service could not be asked about all
}

// A benchRow is an order on the bench.
type benchRow struct {
	Order
	Pieces int64
	Left   time.Duration // to the deadline, by the payment service's clock
	Lapsed bool
	Near   bool
}

// CanShip reports whether the order may be shipped now, so far as the bench
// knows; the payment service is asked again before it is.
func (b benchRow) CanShip() bool { return b.State == ToShip && !b.Lapsed }

// CanCancel reports whether there is a hold to give up.
func (b benchRow) CanCancel() bool { return b.State == ToShip && !b.Lapsed || b.State == Pending }

// Held reports whether the buyer's money is held, or about to be.
func (b benchRow) Held() bool { return b.State.Open() && !b.Lapsed }

// CanClose reports whether all that is left is to tell the buyer.
func (b benchRow) CanClose() bool {
	return (b.State == Lapsed || b.State == NeedsAttention) && b.Done.IsZero()
}

// CanRefund reports whether some of the charge can be paid back.
func (b benchRow) CanRefund() bool { return b.charged() && b.left().Positive() }

// RefundLeft is how much of the charge can be paid back.
func (b benchRow) RefundLeft() money.Amount { return b.left() }

// BuyerPaysAgain reports whether the buyer's page has a button to pay again.
func (b benchRow) BuyerPaysAgain() bool { return b.payableAgain() }

func (s *Shop) benchRow(o Order) benchRow {
	b := benchRow{Order: o, Lapsed: o.State == Lapsed}
	for _, l := range o.Lines {
		b.Pieces += l.Quantity
	}
	if !o.Deadline.IsZero() {
		b.Left = o.Deadline.Sub(s.serverNow())
		b.Near = b.Left < soon
	}
	if o.State.Open() && o.lapsedAt(s.serverNow()) {
		// So it is, whether or not the payment service has said it already.
		b.Lapsed = true
		b.Note = noteFor(Order{State: Lapsed, Deadline: o.Deadline}, standing{})
	}
	return b
}

func (s *Shop) bench(w http.ResponseWriter, r *http.Request) error {
	v := benchView{}
	var err error
	if v.Unasked, err = s.askAll(r.Context()); err != nil {
		return err
	}
	for _, list := range []struct {
		rows   *[]benchRow
		states []OrderState
	}{
		{&v.ToShip, []OrderState{ToShip}},
		{&v.Waiting, []OrderState{Shipping, Cancelling, Pending, Reserving}},
	} {
		for _, state := range list.states {
			orders, err := ordersIn(r.Context(), s.db, state, benchRowsMax)
			if err != nil {
				return err
			}
			for _, o := range orders {
				b := s.benchRow(o)
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
		rows  *[]benchRow
		which string
		args  []any
		most  int
	}{
		{&v.Stopped, stoppedOrders, nil, benchRowsMax},
		{&v.Away, `state = 'AwaitingAuthorisation' AND created_at > ?`, []any{micros(since)}, benchRowsMax},
		{&v.Over, `NOT (` + stoppedOrders + `) AND state IN ('Shipped', 'Cancelled', 'Lapsed', 'NeedsAttention')`, nil,
			benchLately},
	} {
		orders, err := ordersWhere(r.Context(), s.db, list.which, list.args, list.most, 0)
		if err != nil {
			return err
		}
		for _, o := range orders {
			*list.rows = append(*list.rows, s.benchRow(o))
		}
	}
	v.Ahead = s.noticedAhead()
	return s.render(w, r, http.StatusOK, "bench.html", v)
}

// stoppedOrders are those that a packer has to do something about although they
// must not ship: until the packer says that it is done, or the buyer has paid
// again.
const stoppedOrders = `state IN ('Lapsed', 'NeedsAttention') AND done_at = 0
	AND NOT EXISTS (SELECT 1 FROM orders AS paid WHERE paid.cart_id = orders.cart_id AND paid.state IN ` + liveStates + `)`

// noticedAhead is by how much the payment service's clock is ahead of ours, or
// zero when that is nothing to speak of.
func (s *Shop) noticedAhead() time.Duration {
	if ahead := s.serverAhead(); ahead > aheadNoticed {
		return ahead
	}
	return 0
}

// askAll asks how the holds stand that lapse soonest, within a limit of orders
// and of time. It reports whether any that should have been asked was not.
func (s *Shop) askAll(ctx context.Context) (unasked bool, err error) {
	var open []Order
	for _, state := range []OrderState{ToShip, Pending} {
		orders, err := ordersIn(ctx, s.db, state, benchAsksMax+1)
		if err != nil {
			return false, err
		}
		open = append(open, orders...)
	}
	asking, done := context.WithTimeout(ctx, benchAskTime)
	defer done()
	for i, o := range open {
		if i == benchAsksMax {
			return true, nil
		}
		if _, err := s.ask(asking, o); err != nil {
			s.log.WarnContext(ctx, "the bench could not be brought up to date", "err", err)
			unasked = true
			if _, refused := errors.AsType[*holdfast.Error](err); !refused {
				break // the others would not be answered either
			}
		}
	}
	return unasked, nil
}

// A benchOrderView is an order as its packer sees it.
type benchOrderView struct {
	benchRow
	Log        []Happening
	Refunds    []Refund
	NextRefund int64  // the position of one that is asked for now
	Alert      string // why what was asked for was not done
	Next       string // what the packer does, where the note does not say it
	BuyerPage  string // the whole address
	Other      *Order // that the buyer has paid for in this one's place
	Unasked    bool
	Ahead      time.Duration
	Homeless   bool             // nobody has said where to send it
	Whom       string           // to ask, then
	Typed      holdfast.Address // by a packer, and refused
}

// AddressFields are the fields of the form for a lost address, with what was
// typed into them.
func (v benchOrderView) AddressFields() []addressField { return addressFields(v.Typed) }

func (s *Shop) benchOrder(w http.ResponseWriter, r *http.Request) error {
	o, err := orderByID(r.Context(), s.db, OrderID(r.PathValue("id")))
	if err != nil {
		return err
	}
	unasked := false
	switch o.State {
	case Shipping:
		// The same request again tells for which amount it was settled, which
		// the transaction's status does not.
		s.atOnce(r.Context(), "Settle", o.ID, s.settle)
	case Cancelling:
		s.atOnce(r.Context(), "Cancel", o.ID, s.cancel)
	case ToShip, Pending:
		asking, done := context.WithTimeout(r.Context(), benchAskTime)
		defer done()
		if _, err := s.ask(asking, o); err != nil {
			s.log.WarnContext(r.Context(), "an order on the bench could not be brought up to date", "err", err)
			unasked = true
		}
	case Shipped, NeedsAttention:
		unasked = !s.lookQuickly(r.Context(), o.ID)
	case AwaitingAuthorisation, Abandoned, NotAuthorised, Reserving, PaymentFailed, Cancelled, Lapsed:
	}
	return s.renderBenchOrder(w, r, http.StatusOK, o.ID, benchOrderView{Unasked: unasked})
}

// refuse shows the order as it stands and why it was not shipped or cancelled.
func (s *Shop) refuse(w http.ResponseWriter, r *http.Request, status int, id OrderID, why string) error {
	return s.renderBenchOrder(w, r, status, id, benchOrderView{Alert: why})
}

func (s *Shop) renderBenchOrder(
	w http.ResponseWriter, r *http.Request, status int, id OrderID, v benchOrderView,
) error {
	o, err := orderByID(r.Context(), s.db, id)
	if err != nil {
		return err
	}
	v.benchRow = s.benchRow(o)
	if v.Note != "" && strings.Contains(v.Alert, v.Note) {
		v.Note = "" // said once is enough
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
	return s.render(w, r, status, "bench_order.html", v)
}

// buyerOf asks the payment service who the buyer is, for an order whose buyer
// never came back to say where to send it. Not knowing is no error.
func (s *Shop) buyerOf(ctx context.Context, o Order) string {
	asking, done := context.WithTimeout(ctx, benchAskTime)
	defer done()
	detail, err := s.client.GetTransaction(asking, o.TransactionID)
	if err != nil {
		s.log.WarnContext(ctx, "asking who the buyer is", "order", o.ID, "err", err)
		return ""
	}
	return strings.TrimSpace(detail.SenderName + " " + detail.SenderEmail)
}

// benchShip charges the card and lets the parcel go. The payment service is
// asked first: a packer never ships on a hold that has lapsed.
func (s *Shop) benchShip(w http.ResponseWriter, r *http.Request) error {
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
			"Not shipped: nobody has said where to send it. Ask the buyer and write the address below.")
	}
	parcel, complaint := parcelIn(r, o)
	if complaint != "" {
		return s.refuse(w, r, http.StatusUnprocessableEntity, id, complaint)
	}
	ctx := context.WithoutCancel(r.Context())
	asking, done := context.WithTimeout(ctx, atOnceMax)
	defer done()
	if o, err = s.ask(asking, o); err != nil {
		s.log.WarnContext(ctx, "not shipping without asking", "order", id, "err", err)
		return s.refuse(w, r, http.StatusServiceUnavailable, id,
			"Not shipped: the payment service could not be asked whether the money is still held. Try again in a minute, "+
				"before the deadline.")
	}
	if o.State != ToShip {
		return s.refuse(w, r, http.StatusConflict, id, "Not shipped. "+whyNotShippable(o))
	}
	if o.lapsedAt(s.serverNow()) {
		return s.refuse(w, r, http.StatusConflict, id, "Not shipped. "+
			noteFor(Order{State: Lapsed, Deadline: o.Deadline}, standing{}))
	}
	if moved, err := s.ship(ctx, id, parcel); err != nil {
		return err
	} else if moved {
		s.atOnce(ctx, "Settle", id, s.settle)
	}
	return seeOther(w, r, benchPath(id))
}

// whyNotShippable says why an order that is not ToShip may not be shipped.
func whyNotShippable(o Order) string {
	switch o.State {
	case Shipped:
		return "It was shipped and charged already."
	case Shipping:
		return "It is being charged just now. Hand it over when this page says that it is charged."
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

func (s *Shop) benchCancel(w http.ResponseWriter, r *http.Request) error {
	id := OrderID(r.PathValue("id"))
	reason := strings.Join(strings.Fields(r.PostFormValue("reason")), " ")
	if len([]rune(reason)) > cancelTextMax {
		return s.refuse(w, r, http.StatusUnprocessableEntity, id,
			"Not cancelled: the reason is too long. A sentence will do.")
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
			s.log.WarnContext(ctx, "not cancelling without asking", "order", id, "err", err)
			return s.refuse(w, r, http.StatusServiceUnavailable, id,
				"Not cancelled: the payment service could not be asked how the hold stands. Try again in a minute.")
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
	return seeOther(w, r, benchPath(id))
}

func whyNotCancellable(o Order) string {
	switch o.State {
	case Shipped, Shipping:
		return "Its card is charged, or being charged; that cannot be undone here."
	case Cancelling, Cancelled:
		return "It is cancelled already, or being cancelled."
	default:
		return "There is no hold to give up."
	}
}

// benchRecover looks at once for a buyer who has not come back, which is
// otherwise done every hour.
func (s *Shop) benchRecover(w http.ResponseWriter, r *http.Request) error {
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
			"The payment service could not be asked. It is asked again by itself within the hour.")
	}
	return seeOther(w, r, benchPath(id))
}

// benchDone closes an order that could not ship, once the packer has told the
// buyer, or done by hand what had to be done.
func (s *Shop) benchDone(w http.ResponseWriter, r *http.Request) error {
	id := OrderID(r.PathValue("id"))
	o, err := orderByID(r.Context(), s.db, id)
	if err != nil {
		return err
	}
	if b := s.benchRow(o); !b.CanClose() {
		return seeOther(w, r, benchPath(id))
	}
	_, _, err = s.record(r.Context(), id, change{
		what: "The packer is done with this order", logged: true,
		facts: func(o *Order) { o.Done = s.now() },
	})
	if err != nil {
		return err
	}
	return seeOther(w, r, "/bench")
}

func benchPath(id OrderID) string { return "/bench/orders/" + string(id) }
