package shop

// An OrderState is the state of an order in the shop. The state that the payment
// service reports for its hold is stored separately.
type OrderState string

// All states. The database's CHECK has the same list.
const (
	// AwaitingApproval: the buyer was sent to the payment pages.
	AwaitingApproval OrderState = "AwaitingApproval"
	// Abandoned: the buyer left without paying, or paid for the cart with another
	// order.
	Abandoned OrderState = "Abandoned"
	// TurnedAway: the buyer could not pay there.
	TurnedAway OrderState = "TurnedAway"
	// SoldOut: while the buyer was paying, somebody else bought the last pieces.
	SoldOut OrderState = "SoldOut"
	// Reserving: the pieces are taken from the stock, and the hold has no answer yet.
	Reserving OrderState = "Reserving"
	// Pending: the hold was asked for, but the card network has not answered yet.
	Pending OrderState = "Pending"
	// PaymentFailed: there is no hold, and there will be none.
	PaymentFailed OrderState = "PaymentFailed"
	// ToShip: money is held, and pieces can be packed.
	ToShip OrderState = "ToShip"
	// Shipping: a parcel is being charged.
	Shipping OrderState = "Shipping"
	// Releasing: the price of pieces that do not ship is being released.
	Releasing OrderState = "Releasing"
	// Shipped: the parcels are charged, and the rest, if any, is released.
	Shipped OrderState = "Shipped"
	// Cancelled: the hold was released, and nothing was charged.
	Cancelled OrderState = "Cancelled"
	// Lapsed: the hold ended before all pieces were shipped.
	Lapsed OrderState = "Lapsed"
	// ChargeFailed: the card was declined when a parcel shipped, and the hold is gone.
	ChargeFailed OrderState = "ChargeFailed"
	// NeedsAttention: money and goods do not match, and a person must look into it.
	NeedsAttention OrderState = "NeedsAttention"
)

// An Event is something that can happen to an order.
type Event string

// Events by the buyer, the packer and the payment service.
const (
	BuyerApproved    Event = "BuyerApproved"    // the checkout has a token
	BuyerLeft        Event = "BuyerLeft"        // the checkout was cancelled or has expired
	BuyerTurnedAway  Event = "BuyerTurnedAway"  // the buyer had no way to pay
	PiecesGone       Event = "PiecesGone"       // approved, but sold out
	HoldPlaced       Event = "HoldPlaced"       // held
	HoldPending      Event = "HoldPending"      // the card network has not answered
	HoldFailed       Event = "HoldFailed"       // declined or refused
	HoldReleased     Event = "HoldReleased"     // all of it, by this shop or another program
	HoldLapsed       Event = "HoldLapsed"       // expired, or the rest of it has ended
	ChargedElsewhere Event = "ChargedElsewhere" // by another program
	PackerShips      Event = "PackerShips"
	ParcelCharged    Event = "ParcelCharged" // and pieces are left
	LastCharged      Event = "LastCharged"   // and nothing is left to ship
	ParcelRefused    Event = "ParcelRefused" // and the hold remains
	ShopWithdraws    Event = "ShopWithdraws"
	PiecesReleased   Event = "PiecesReleased" // and pieces are left
	RestReleased     Event = "RestReleased"   // after some parcels were charged
	ReleaseRefused   Event = "ReleaseRefused" // and the hold remains
)

// steps has every step that an order can take. An event without a step from the
// order's state changes nothing, because answers and events may come late, twice
// and out of order.
var steps = map[OrderState]map[Event]OrderState{
	AwaitingApproval: {
		BuyerApproved:   Reserving,
		BuyerLeft:       Abandoned,
		BuyerTurnedAway: TurnedAway,
		PiecesGone:      SoldOut,
	},
	// A buyer who changed the cart can go back to the first tab and approve there.
	Abandoned: {
		BuyerApproved: Reserving,
		PiecesGone:    SoldOut,
	},
	Reserving: {
		HoldPlaced:       ToShip,
		HoldPending:      Pending,
		HoldFailed:       PaymentFailed,
		HoldReleased:     Cancelled,
		HoldLapsed:       Lapsed,
		ChargedElsewhere: NeedsAttention,
	},
	Pending: {
		HoldPlaced:       ToShip,
		HoldFailed:       PaymentFailed,
		HoldReleased:     Cancelled,
		HoldLapsed:       Lapsed,
		ChargedElsewhere: NeedsAttention,
	},
	// No other program should settle this shop's holds. If one did, the buyer has
	// paid for a parcel that is not packed.
	ToShip: {
		PackerShips:      Shipping,
		ShopWithdraws:    Releasing,
		HoldFailed:       ChargeFailed,
		HoldReleased:     Cancelled,
		HoldLapsed:       Lapsed,
		ChargedElsewhere: NeedsAttention,
	},
	Shipping: {
		ParcelCharged:    ToShip,
		LastCharged:      Shipped,
		ParcelRefused:    ToShip,
		HoldFailed:       ChargeFailed,
		HoldReleased:     Cancelled,
		HoldLapsed:       Lapsed,
		ChargedElsewhere: NeedsAttention,
	},
	Releasing: {
		PiecesReleased:   ToShip,
		RestReleased:     Shipped,
		ReleaseRefused:   ToShip,
		HoldFailed:       PaymentFailed,
		HoldReleased:     Cancelled,
		HoldLapsed:       Lapsed,
		ChargedElsewhere: NeedsAttention,
	},
	TurnedAway:     {},
	SoldOut:        {},
	PaymentFailed:  {},
	Shipped:        {},
	Cancelled:      {},
	Lapsed:         {},
	ChargeFailed:   {},
	NeedsAttention: {},
}

// After returns the state after an event. It returns false if the event changes
// nothing.
func (s OrderState) After(e Event) (OrderState, bool) {
	next, ok := steps[s][e]
	return next, ok
}

// HasPieces reports whether an order in this state keeps pieces out of the stock
// that have not shipped.
func (s OrderState) HasPieces() bool {
	switch s {
	case Reserving, Pending, ToShip, Shipping, Releasing:
		return true
	case AwaitingApproval, Abandoned, TurnedAway, SoldOut, PaymentFailed, Shipped, Cancelled, Lapsed, ChargeFailed,
		NeedsAttention:
	}
	return false
}

// freesPieces reports whether the pieces that are left return to the stock. In
// NeedsAttention, a person decides about them. After the last parcel there are none:
// the pieces that were left out of it were not available.
func (s OrderState) freesPieces() bool {
	switch s {
	case PaymentFailed, Cancelled, Lapsed, ChargeFailed:
		return true
	case AwaitingApproval, Abandoned, TurnedAway, SoldOut, Reserving, Pending, ToShip, Shipping, Releasing, Shipped,
		NeedsAttention:
	}
	return false
}

// Open reports whether money is held for the order, or may soon be.
func (s OrderState) Open() bool { return s.HasPieces() && s != Reserving }

// Words returns the name of the state on the packing bench.
func (s OrderState) Words() string {
	switch s {
	case AwaitingApproval:
		return "Waiting for the buyer"
	case Abandoned:
		return "Abandoned"
	case TurnedAway:
		return "Could not pay"
	case SoldOut:
		return "Sold out"
	case Reserving:
		return "Asking for the hold"
	case Pending:
		return "Bank has not answered"
	case PaymentFailed:
		return "Payment failed"
	case ToShip:
		return "To ship"
	case Shipping:
		return "Charging"
	case Releasing:
		return "Releasing"
	case Shipped:
		return "Shipped and charged"
	case Cancelled:
		return "Cancelled"
	case Lapsed:
		return "Hold expired"
	case ChargeFailed:
		return "Card declined"
	case NeedsAttention:
		return "Needs attention"
	}
	return string(s)
}
