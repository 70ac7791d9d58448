package shop

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A Part is some pieces of an order that leave it together. Each part moves its own
// part of the held amount, with one call to the payment service.
type Part struct {
	Number    int64 // in the order; the idempotency key has it
	Kind      PartKind
	State     PartState
	Pieces    []int64      // of each line of the order
	Amount    money.Amount // that is charged, or released
	Last      bool         // nothing ships after this parcel, and the rest of the hold is released
	Restock   bool         // withdrawn pieces that go back into the stock
	PaymentID string       // of a parcel that was charged; empty until it is known
	At        time.Time
}

// A PartKind says what happens to the pieces of a part.
type PartKind string

// All kinds. The database's CHECK has the same list.
const (
	Parcel     PartKind = "Parcel"     // they ship, and their price is charged
	Withdrawal PartKind = "Withdrawal" // they do not ship, and their price is released
	Elsewhere  PartKind = "Elsewhere"  // none: another program charged the hold
)

// A PartState says what has become of a part.
type PartState string

// All states. The database's CHECK has the same list. Only one part of an order is
// in the state PartAsked.
const (
	PartAsked   PartState = "Asked"   // stored, and no final answer yet
	PartDone    PartState = "Done"    // charged or released
	PartRefused PartState = "Refused" // the pieces are still to ship
)

// key is the idempotency key of the call for a part. After a crash, or after an
// answer was lost, the shop makes the same call with the same key. The payment
// service carries it out once.
func (p Part) key(id OrderID) string { return fmt.Sprintf("%s-part-%d", id, p.Number) }

// count is how many pieces all lines have together.
func count(pieces []int64) (sum int64) {
	for _, n := range pieces {
		sum += n
	}
	return sum
}

// pieces adds up, for each line, the pieces of the parts that are selected.
func (o Order) pieces(selects func(Part) bool) []int64 {
	sum := make([]int64, len(o.Lines))
	for _, p := range o.Parts {
		if selects(p) {
			for i, n := range p.Pieces {
				sum[i] += n
			}
		}
	}
	return sum
}

func (o Order) shipped() []int64 {
	return o.pieces(func(p Part) bool { return p.Kind == Parcel && p.State == PartDone })
}

func (o Order) withdrawn() []int64 {
	return o.pieces(func(p Part) bool { return p.Kind == Withdrawal && p.State == PartDone })
}

// withdrawnToStock is how many pieces of a line went back into the stock.
func (o Order) withdrawnToStock(line int) int64 {
	return o.pieces(func(p Part) bool { return p.Kind == Withdrawal && p.State == PartDone && p.Restock })[line]
}

// rest is how many pieces of each line have neither shipped nor been withdrawn.
func (o Order) rest() []int64 {
	rest, gone := make([]int64, len(o.Lines)), o.pieces(func(p Part) bool { return p.State == PartDone })
	for i, l := range o.Lines {
		rest[i] = l.Quantity - gone[i]
	}
	return rest
}

// allPieces is how many pieces of each line were ordered.
func (o Order) allPieces() []int64 {
	all := make([]int64, len(o.Lines))
	for i, l := range o.Lines {
		all[i] = l.Quantity
	}
	return all
}

// left is rest of one line.
func (o Order) left(line int) int64 { return o.rest()[line] }

// kept is how many pieces of each line were not withdrawn.
func (o Order) kept() []int64 { return plus(o.shipped(), o.rest()) }

func plus(a, b []int64) []int64 {
	sum := slices.Clone(a)
	for i, n := range b {
		sum[i] += n
	}
	return sum
}

func minus(a, b []int64) []int64 {
	rest := slices.Clone(a)
	for i, n := range b {
		rest[i] -= n
	}
	return rest
}

// priceToShip is the price of pieces in the next parcel.
func (o Order) priceToShip(pieces []int64) money.Amount {
	shipped := o.shipped()
	return o.priceOf(plus(shipped, pieces)).Sub(o.priceOf(shipped))
}

// priceToRelease is by how much the order gets cheaper without some pieces.
func (o Order) priceToRelease(pieces []int64) money.Amount {
	kept := o.kept()
	return o.priceOf(kept).Sub(o.priceOf(minus(kept, pieces)))
}

// asked returns the part that has no final answer yet.
func (o Order) asked() (p Part, found bool) {
	i := slices.IndexFunc(o.Parts, func(p Part) bool { return p.State == PartAsked })
	if i < 0 {
		return Part{}, false
	}
	return o.Parts[i], true
}

// addPart adds a part under the next number.
func (o *Order) addPart(p Part) {
	p.Number = int64(len(o.Parts)) + 1
	o.Parts = append(slices.Clone(o.Parts), p)
}

// setPart replaces a part of the order.
func (o *Order) setPart(p Part) {
	o.Parts = slices.Clone(o.Parts)
	o.Parts[p.Number-1] = p
}

// Parcels returns the parcels that were charged or are being charged.
func (o Order) Parcels() (parcels []Part) {
	for _, p := range o.Parts {
		if p.Kind == Parcel && p.State != PartRefused {
			parcels = append(parcels, p)
		}
	}
	return parcels
}

// payments returns the parts that were charged, by this shop or by another program.
func (o Order) payments() (paid []Part) {
	for _, p := range o.Parts {
		if p.State == PartDone && p.Kind != Withdrawal {
			paid = append(paid, p)
		}
	}
	return paid
}

// Charged is what was charged for the order.
func (o Order) Charged() money.Amount {
	sum := money.Cents(0)
	for _, p := range o.payments() {
		sum = sum.Add(p.Amount)
	}
	return sum
}

// Named names pieces for people: "Milk jug, 2 of 3 × Morning mug".
func (o Order) Named(pieces []int64) string {
	var names []string
	for i, l := range o.Lines {
		switch {
		case pieces[i] == 0:
		case pieces[i] == l.Quantity && l.Quantity == 1:
			names = append(names, l.Name)
		case pieces[i] == l.Quantity:
			names = append(names, fmt.Sprintf("%d × %s", l.Quantity, l.Name))
		default:
			names = append(names, fmt.Sprintf("%d of %d × %s", pieces[i], l.Quantity, l.Name))
		}
	}
	return strings.Join(names, ", ")
}

func partsOf(ctx context.Context, q querier, id OrderID, lines int) ([]Part, error) {
	rows, err := q.QueryContext(ctx, `
		SELECT p.number, p.kind, p.state, p.amount, p.last, p.restock, p.payment_id, p.at,
			COALESCE(l.position, 0), COALESCE(l.pieces, 0)
		FROM parts p LEFT JOIN part_lines l ON l.order_id = p.order_id AND l.number = p.number
		WHERE p.order_id = ?
		ORDER BY p.number, l.position`, id)
	if err != nil {
		return nil, fmt.Errorf("reading the parts of order %s: %w", id, err)
	}
	defer rows.Close()
	var all []Part
	for rows.Next() {
		var p Part
		var amount, at, line, pieces int64
		err := rows.Scan(&p.Number, &p.Kind, &p.State, &amount, &p.Last, &p.Restock, &p.PaymentID, &at, &line, &pieces)
		if err != nil {
			return nil, fmt.Errorf("reading the parts of order %s: %w", id, err)
		}
		if len(all) == 0 || all[len(all)-1].Number != p.Number {
			p.Amount, p.At, p.Pieces = money.Micros(amount), fromMicros(at), make([]int64, lines)
			all = append(all, p)
		}
		all[len(all)-1].Pieces[line] += pieces
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the parts of order %s: %w", id, err)
	}
	return all, nil
}

// writeParts adds the order's new parts, and stores what has become of the others.
// The pieces of a part never change.
func writeParts(ctx context.Context, tx *sql.Tx, o Order) error {
	for _, p := range o.Parts {
		var added bool
		err := tx.QueryRowContext(ctx, `
			INSERT INTO parts (order_id, number, kind, state, amount, last, restock, payment_id, at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (order_id, number) DO UPDATE SET state = excluded.state, payment_id = excluded.payment_id
			RETURNING NOT EXISTS (SELECT 1 FROM part_lines l WHERE l.order_id = parts.order_id AND l.number = parts.number)`,
			o.ID, p.Number, p.Kind, p.State, p.Amount.Micro, p.Last, p.Restock, p.PaymentID, micros(p.At)).Scan(&added)
		if err != nil {
			return fmt.Errorf("writing part %d of order %s: %w", p.Number, o.ID, err)
		}
		for i, n := range p.Pieces {
			if n == 0 || !added {
				continue
			}
			_, err := tx.ExecContext(ctx, `
				INSERT INTO part_lines (order_id, number, position, pieces) VALUES (?, ?, ?, ?)`, o.ID, p.Number, i, n)
			if err != nil {
				return fmt.Errorf("writing part %d of order %s: %w", p.Number, o.ID, err)
			}
		}
	}
	return nil
}
