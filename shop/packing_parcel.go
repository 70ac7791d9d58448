package shop

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-pay/holdfast/money"
)

// packingShip charges the card for a parcel. It first asks the payment service for
// the hold, so that no parcel ships on a hold that is gone.
func (s *Shop) packingShip(w http.ResponseWriter, r *http.Request) error {
	id := OrderID(r.PathValue("id"))
	ctx := context.WithoutCancel(r.Context())
	o, why, status := s.freshOrder(ctx, id)
	if why == "" {
		why = o.whyNotShip(s)
	}
	if why != "" {
		return s.refuse(w, r, status, id, "Not shipped: "+why)
	}
	p, complaint := parcelIn(r, o)
	if complaint != "" {
		return s.refuse(w, r, http.StatusUnprocessableEntity, id, "Not shipped: "+complaint)
	}
	p.At = s.now()
	_, moved, err := s.record(ctx, id, change{
		event: PackerShips, what: o.partWords(p),
		only: func(now Order) bool { return o.unchanged(now) && now.stopped() == "" },
		move: func(o *Order) { o.addPart(p) },
	})
	if err != nil {
		return err
	}
	if moved {
		s.atOnce(ctx, "settling", id, s.settle)
	}
	return seeOther(w, r, packingPath(id))
}

// packingWithdraw releases the price of pieces that cannot ship, while the others
// still can.
func (s *Shop) packingWithdraw(w http.ResponseWriter, r *http.Request) error {
	if err := r.ParseForm(); err != nil {
		return s.refuse(w, r, http.StatusUnprocessableEntity, OrderID(r.PathValue("id")), "The form could not be read.")
	}
	return s.withdraw(w, r, func(o Order) (p Part, complaint string) {
		p.Pieces = make([]int64, len(o.Lines))
		for i := range o.Lines {
			text := r.PostForm.Get("missing-" + strconv.Itoa(i))
			n, err := strconv.ParseInt(text, 10, 64)
			if text != "" && (err != nil || n < 0 || n > o.left(i)) {
				return p, fmt.Sprintf("choose between 0 and %d of %s.", o.left(i), o.Lines[i].Name)
			}
			p.Pieces[i] = n
		}
		if count(p.Pieces) == 0 {
			return p, "choose the pieces that are not available."
		}
		return p, ""
	})
}

// packingCancel releases everything that has not shipped. The pieces go back into
// the stock.
func (s *Shop) packingCancel(w http.ResponseWriter, r *http.Request) error {
	return s.withdraw(w, r, func(o Order) (Part, string) { return Part{Pieces: o.rest(), Restock: true}, "" })
}

func (s *Shop) withdraw(w http.ResponseWriter, r *http.Request, choose func(Order) (Part, string)) error {
	id := OrderID(r.PathValue("id"))
	reason := formText(r, "reason")
	if len([]rune(reason)) > reasonMax {
		return s.refuse(w, r, http.StatusUnprocessableEntity, id,
			"Not released: the reason is too long. One sentence is enough.")
	}
	ctx := context.WithoutCancel(r.Context())
	o, why, status := s.freshOrder(ctx, id)
	if why == "" && o.State != ToShip {
		why = whyNotShippable(o)
	}
	if why != "" {
		return s.refuse(w, r, status, id, "Not released: "+why)
	}
	p, complaint := choose(o)
	if complaint != "" {
		return s.refuse(w, r, http.StatusUnprocessableEntity, id, "Not released: "+complaint)
	}
	p.Kind, p.State, p.At = Withdrawal, PartAsked, s.now()
	p.Amount, p.Last = o.priceToRelease(p.Pieces), count(p.Pieces) == count(o.rest())
	what := o.partWords(p)
	if reason != "" {
		what += ": " + reason
	}
	_, moved, err := s.record(ctx, id, change{
		event: ShopWithdraws, what: what, only: o.unchanged,
		move: func(o *Order) {
			o.addPart(p)
			o.Reason = reason
		},
	})
	if err != nil {
		return err
	}
	if moved {
		s.atOnce(ctx, "releasing", id, s.release)
	}
	return seeOther(w, r, packingPath(id))
}

// unchanged accepts the order if nothing has happened to it since it was read as o.
func (o Order) unchanged(now Order) bool {
	return now.State == o.State && now.Changed.Equal(o.Changed) && len(now.Parts) == len(o.Parts)
}

// parcelIn reads the form for shipping: the ticked lines, the pieces of each,
// whether more will follow, and an optional amount. The complaint says what is wrong
// with the form. A form without lines ships everything.
func parcelIn(r *http.Request, o Order) (p Part, complaint string) {
	if err := r.ParseForm(); err != nil {
		return p, "the form could not be read."
	}
	p = Part{Kind: Parcel, State: PartAsked, Pieces: o.rest()}
	if r.PostForm["line"] != nil || r.PostForm.Get("listed") != "" {
		for i, l := range o.Lines {
			var ok bool
			if p.Pieces[i], ok = packedOf(r, i, o.left(i)); !ok {
				return p, fmt.Sprintf("pack between 1 and %d of %s, or untick it.", o.left(i), l.Name)
			}
		}
	}
	if count(p.Pieces) == 0 {
		return p, "nothing is ticked as packed. To ship nothing, cancel the order."
	}
	p.Last = count(p.Pieces) == count(o.rest()) || r.PostForm.Get("rest") == "release"
	price := o.priceToShip(p.Pieces)
	if p.Amount, complaint = amountIn(r, price); complaint != "" {
		return p, complaint
	}
	return p, ""
}

// packedOf reads the number of pieces of a line that are in the parcel.
func packedOf(r *http.Request, line int, left int64) (packed int64, ok bool) {
	name := strconv.Itoa(line)
	if !slices.Contains(r.PostForm["line"], name) {
		return 0, true
	}
	text := r.PostForm.Get("pieces-" + name)
	if text == "" {
		return left, true
	}
	packed, err := strconv.ParseInt(text, 10, 64)
	return packed, err == nil && packed >= 1 && packed <= left
}

// amountIn reads the amount that the packer typed, or else returns the price.
func amountIn(r *http.Request, price money.Amount) (amount money.Amount, complaint string) {
	text := dollarsTyped(r.PostForm.Get("amount"))
	if text == "" {
		return price, ""
	}
	amount, err := money.Parse(text, money.USD)
	switch {
	case err != nil:
		return amount, err.Error() + "."
	case !amount.Positive():
		return amount, "to charge nothing, cancel the order."
	case amount.Cmp(price) > 0:
		return amount, dollars(amount) + " is more than the " + dollars(price) + " that the ticked pieces cost."
	}
	return amount, ""
}

// dollarsTyped returns a typed amount without its dollar sign.
func dollarsTyped(text string) string {
	return strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(text), "$"))
}

// formText returns a field of a form, trimmed and with single blanks.
func formText(r *http.Request, name string) string {
	return strings.Join(strings.Fields(r.PostFormValue(name)), " ")
}

// partWords describes a new part for the order's log.
func (o Order) partWords(p Part) string {
	if p.Kind == Withdrawal {
		return fmt.Sprintf("The shop releases %s for %s", dollars(p.Amount), o.Named(p.Pieces))
	}
	words := fmt.Sprintf("The packer ships %s and charges %s", o.Named(p.Pieces), dollars(p.Amount))
	if out := minus(o.rest(), p.Pieces); p.Last && count(out) > 0 {
		words += "; not available: " + o.Named(out)
	}
	return words
}
