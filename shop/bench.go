package shop

import (
	"context"
	"errors"
	"net/http"
	"strconv"
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
	ToShip, Waiting, Stopped, Away, Done []benchRow
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
		{&v.Stopped, []OrderState{NeedsAttention}},
		{&v.Away, []OrderState{AwaitingAuthorisation}},
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
	for _, list := range []struct {
		rows  *[]benchRow
		state OrderState
	}{{&v.Stopped, Lapsed}, {&v.Done, Shipped}, {&v.Done, Cancelled}} {
		orders, err := ordersLately(r.Context(), s.db, list.state, benchLately)
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
	Log      []Happening
	Alert    string // why what was asked for was not done
	Unasked  bool
	Ahead    time.Duration
	Homeless bool   // nobody has said where to send it
	Whom     string // to ask, then
}

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
	case AwaitingAuthorisation, Abandoned, NotAuthorised, Reserving, PaymentFailed, Shipped, Cancelled, Lapsed, NeedsAttention:
	}
	return s.renderBenchOrder(w, r, http.StatusOK, o.ID, benchOrderView{Unasked: unasked})
}

// refuse shows the order as it stands and why it was not shipped or cancelled.
func (s *Shop) refuse(w http.ResponseWriter, r *http.Request, status int, id OrderID, why string) error {
	return s.renderBenchOrder(w, r, status, id, benchOrderView{Alert: why})
}

func (s *Shop) renderBenchOrder(w http.ResponseWriter, r *http.Request, status int, id OrderID, v benchOrderView) error {
	o, err := orderByID(r.Context(), s.db, id)
	if err != nil {
		return err
	}
	v.benchRow = s.benchRow(o)
	if v.Note != "" && strings.Contains(v.Alert, v.Note) {
		v.Note = "" // said once is enough
	}
	v.Ahead = s.noticedAhead()
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
		return s.refuse(w, r, http.StatusConflict, id, "Not shipped: nobody has said where to send it. Ask the buyer and write the address below.")
	}
	amount, complaint := amountToCharge(r, o)
	if complaint != "" {
		return s.refuse(w, r, http.StatusUnprocessableEntity, id, complaint)
	}
	ctx := context.WithoutCancel(r.Context())
	asking, done := context.WithTimeout(ctx, atOnceMax)
	defer done()
	if o, err = s.ask(asking, o); err != nil {
		s.log.WarnContext(ctx, "not shipping without asking", "order", id, "err", err)
		return s.refuse(w, r, http.StatusServiceUnavailable, id, "Not shipped: the payment service could not be asked whether the money is still held. Try again in a minute, before the deadline.")
	}
	if o.State != ToShip {
		return s.refuse(w, r, http.StatusConflict, id, "Not shipped. "+whyNotShippable(o))
	}
	if o.lapsedAt(s.serverNow()) {
		return s.refuse(w, r, http.StatusConflict, id, "Not shipped. "+noteFor(Order{State: Lapsed, Deadline: o.Deadline}, standing{}))
	}
	if moved, err := s.ship(ctx, id, amount); err != nil {
		return err
	} else if moved {
		s.atOnce(ctx, "Settle", id, s.settle)
	}
	return seeOther(w, r, "/bench/orders/"+string(id))
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

// amountToCharge reads the ship form: an amount if one was written, else what
// the ticked lines cost. The complaint says what is wrong with it.
func amountToCharge(r *http.Request, o Order) (amount money.Amount, complaint string) {
	if err := r.ParseForm(); err != nil {
		return money.Amount{}, "Not shipped: the form could not be read."
	}
	if text := strings.TrimPrefix(strings.TrimSpace(r.PostForm.Get("amount")), "$"); text != "" {
		amount, err := money.Parse(text, money.USD)
		switch {
		case err != nil:
			return money.Amount{}, "Not shipped: " + err.Error() + "."
		case !amount.Positive():
			return money.Amount{}, "Not shipped: to charge nothing, cancel the order."
		case amount.Cmp(o.Totals.Total) > 0:
			return money.Amount{}, "Not shipped: " + dollars(amount) + " is above the " + dollars(o.Totals.Total) + " that are held."
		}
		return amount, ""
	}
	var packed []Line
	for i, l := range o.Lines {
		for _, ticked := range r.PostForm["line"] {
			if ticked == lineName(i) {
				packed = append(packed, l)
				break
			}
		}
	}
	switch len(packed) {
	case 0:
		return money.Amount{}, "Not shipped: nothing is ticked as packed. To ship nothing, cancel the order."
	case len(o.Lines):
		return o.Totals.Total, ""
	}
	return totalsOfPart(packed, o.Totals).Total, ""
}

func (s *Shop) benchCancel(w http.ResponseWriter, r *http.Request) error {
	id := OrderID(r.PathValue("id"))
	reason := strings.Join(strings.Fields(r.PostFormValue("reason")), " ")
	if len([]rune(reason)) > cancelTextMax {
		return s.refuse(w, r, http.StatusUnprocessableEntity, id, "Not cancelled: the reason is too long. A sentence will do.")
	}
	ctx := context.WithoutCancel(r.Context())
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
	return seeOther(w, r, "/bench/orders/"+string(id))
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

// benchAddress keeps where to send an order whose buyer never came back.
func (s *Shop) benchAddress(w http.ResponseWriter, r *http.Request) error {
	a := holdfast.Address{
		Name: formText(r, "name"), Line1: formText(r, "line1"), Line2: formText(r, "line2"), City: formText(r, "city"),
		State: formText(r, "state"), Zip: formText(r, "zip"), Country: formText(r, "country"),
	}
	id := OrderID(r.PathValue("id"))
	if a.Name == "" || a.Line1 == "" || a.City == "" {
		return s.refuse(w, r, http.StatusUnprocessableEntity, id, "Not kept: an address has at least a name, a street and a city.")
	}
	_, _, err := s.record(r.Context(), id, change{
		what: "The packer wrote down where to send it", logged: true,
		facts: func(o *Order) {
			if o.Address == (holdfast.Address{}) { // the buyer's own word stands
				o.Address = a
			}
		},
	})
	if err != nil {
		return err
	}
	return seeOther(w, r, "/bench/orders/"+string(id))
}

func formText(r *http.Request, name string) string {
	const most = 128 // bytes
	text := strings.Join(strings.Fields(r.PostFormValue(name)), " ")
	return strings.ToValidUTF8(text[:min(len(text), most)], "")
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
		return s.refuse(w, r, http.StatusOK, id, "There is no authorisation yet: the buyer may still be on the payment pages.")
	case err != nil:
		s.log.WarnContext(r.Context(), "looking for an authorisation", "order", id, "err", err)
		return s.refuse(w, r, http.StatusServiceUnavailable, id, "The payment service could not be asked. It is asked again by itself within the hour.")
	}
	return seeOther(w, r, "/bench/orders/"+string(id))
}

// lineName is the form value of an order's i-th line.
func lineName(i int) string { return strconv.Itoa(i) }
