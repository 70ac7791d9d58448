package shop

// An OrderState is the state of an order in the shop. The status that the
// payment service reports is stored separately.
type OrderState string

// All states. The database's CHECK has the same list.
const (
	// AwaitingAuthorisation: the buyer was sent to the Co-Branded pages.
	AwaitingAuthorisation OrderState = "AwaitingAuthorisation"
	// Abandoned: the buyer came back without authorising, or never came back.
	Abandoned OrderState = "Abandoned"
	// NotAuthorised: the pages sent the buyer back with an error.
	NotAuthorised OrderState = "NotAuthorised"
	// Reserving: the buyer authorised, and Reserve has no answer yet.
	Reserving OrderState = "Reserving"
	// Pending: Reserve was answered, but the card network has not answered yet.
	Pending OrderState = "Pending"
	// PaymentFailed: there is no hold, and there will be none.
	PaymentFailed OrderState = "PaymentFailed"
	// ToShip: the money is held, and the order can be packed.
	ToShip OrderState = "ToShip"
	// Shipping: the packer ships, and Settle has no final answer yet.
	Shipping OrderState = "Shipping"
	// Shipped: the card is charged and the parcel may go.
	Shipped OrderState = "Shipped"
	// Cancelling: the shop cancels, and Cancel has no final answer yet.
	Cancelling OrderState = "Cancelling"
	// Cancelled: the hold was given up.
	Cancelled OrderState = "Cancelled"
	// Lapsed: the hold expired before it was settled.
	Lapsed OrderState = "Lapsed"
	// NeedsAttention: money and goods do not match, and a person must look into
	// it.
	NeedsAttention OrderState = "NeedsAttention"
)

// An Event is something that can happen to an order.
type Event string

// Events by the buyer, the packer and the payment service.
const (
	BuyerAuthorised  Event = "BuyerAuthorised"  // with a token
	BuyerLeft        Event = "BuyerLeft"        // came back with A, or not within three hours
	BuyerTurnedAway  Event = "BuyerTurnedAway"  // came back with an error
	HoldPlaced       Event = "HoldPlaced"       // Reserved
	HoldPending      Event = "HoldPending"      // Pending
	HoldFailed       Event = "HoldFailed"       // Failure, or Reserve refused
	HoldCancelled    Event = "HoldCancelled"    // Cancelled, by this shop or another program
	HoldLapsed       Event = "HoldLapsed"       // Cancelled because the deadline passed
	Charged          Event = "Charged"          // Success
	ChargedElsewhere Event = "ChargedElsewhere" // Success, but not for this shop's request
	PackerShips      Event = "PackerShips"
	ShopCancels      Event = "ShopCancels"
	ChargeRefused    Event = "ChargeRefused" // Settle refused, the hold remains
	CancelRefused    Event = "CancelRefused" // Cancel refused, the hold remains
)

// steps has every step that an order can take. An event without a step from the
// order's state changes nothing, because answers, returns and notifications may
// come late, twice and out of order.
var steps = map[OrderState]map[Event]OrderState{
	AwaitingAuthorisation: {
		BuyerAuthorised: Reserving,
		BuyerLeft:       Abandoned,
		BuyerTurnedAway: NotAuthorised,
	},
	// A buyer who left can go back in the browser and still authorise.
	Abandoned:     {BuyerAuthorised: Reserving},
	NotAuthorised: {BuyerAuthorised: Reserving, BuyerLeft: Abandoned},
	Reserving: {
		HoldPlaced:    ToShip,
		HoldPending:   Pending,
		HoldFailed:    PaymentFailed,
		HoldCancelled: Cancelled,
		HoldLapsed:    Lapsed,
		Charged:       NeedsAttention,
	},
	Pending: {
		HoldPlaced:    ToShip,
		HoldFailed:    PaymentFailed,
		HoldCancelled: Cancelled,
		HoldLapsed:    Lapsed,
		Charged:       NeedsAttention,
		ShopCancels:   Cancelling,
	},
	// No other program should settle this shop's holds. If one did, the buyer has
	// paid for a parcel that is not packed.
	ToShip: {
		PackerShips:   Shipping,
		ShopCancels:   Cancelling,
		HoldFailed:    NeedsAttention,
		HoldCancelled: Cancelled,
		HoldLapsed:    Lapsed,
		Charged:       NeedsAttention,
	},
	Shipping: {
		Charged:          Shipped,
		ChargedElsewhere: NeedsAttention,
		ChargeRefused:    ToShip,
		HoldFailed:       NeedsAttention,
		HoldCancelled:    Cancelled,
		HoldLapsed:       Lapsed,
	},
	Cancelling: {
		HoldCancelled: Cancelled,
		HoldLapsed:    Lapsed,
		HoldFailed:    PaymentFailed,
		CancelRefused: ToShip,
		Charged:       NeedsAttention,
	},
	Shipped:        {},
	Cancelled:      {},
	Lapsed:         {},
	PaymentFailed:  {},
	NeedsAttention: {},
}

// After returns the state after an event. It returns false if the event changes
// nothing.
func (s OrderState) After(e Event) (OrderState, bool) {
	next, ok := steps[s][e]
	return next, ok
}

// Open reports whether the order is neither shipped nor cancelled yet, so that
// its hold must be watched.
func (s OrderState) Open() bool {
	switch s {
	case Pending, ToShip, Shipping, Cancelling:
		return true
	case AwaitingAuthorisation, Abandoned, NotAuthorised, Reserving, PaymentFailed, Shipped, Cancelled, Lapsed,
		NeedsAttention:
	}
	return false
}

// Words returns the name of the state on the packing bench.
func (s OrderState) Words() string {
	switch s {
	case AwaitingAuthorisation:
		return "Waiting for the buyer"
	case Abandoned:
		return "Abandoned"
	case NotAuthorised:
		return "Not authorised"
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
	case Shipped:
		return "Shipped and charged"
	case Cancelling:
		return "Cancelling"
	case Cancelled:
		return "Cancelled"
	case Lapsed:
		return "Hold expired"
	case NeedsAttention:
		return "Needs attention"
	}
	return string(s)
}
