package shop

// An OrderState is where an order stands with the shop. It is the shop's own
// record; what the payment service says of the hold is beside it.
type OrderState string

// All there are. The database's CHECK has the same list.
const (
	// AwaitingAuthorisation: the buyer was sent to the Co-Branded pages.
	AwaitingAuthorisation OrderState = "AwaitingAuthorisation"
	// Abandoned: the buyer came back, or never did, without authorising.
	Abandoned OrderState = "Abandoned"
	// NotAuthorised: the pages sent the buyer back with a fault.
	NotAuthorised OrderState = "NotAuthorised"
	// Reserving: a token is here and Reserve is being asked.
	Reserving OrderState = "Reserving"
	// Pending: Reserve was answered, the card network has not yet.
	Pending OrderState = "Pending"
	// PaymentFailed: there is no hold and there will be none.
	PaymentFailed OrderState = "PaymentFailed"
	// ToShip: the money is held; the order waits on the packing bench.
	ToShip OrderState = "ToShip"
	// Shipping: the packer has decided to ship and Settle is being asked.
	Shipping OrderState = "Shipping"
	// Shipped: the card is charged and the parcel may go.
	Shipped OrderState = "Shipped"
	// Cancelling: the shop has decided to cancel and Cancel is being asked.
	Cancelling OrderState = "Cancelling"
	// Cancelled: the hold was given up.
	Cancelled OrderState = "Cancelled"
	// Lapsed: nobody settled before the deadline; the hold is gone.
	Lapsed OrderState = "Lapsed"
	// NeedsAttention: money and goods disagree and a person has to look.
	NeedsAttention OrderState = "NeedsAttention"
)

// An Event is what may happen to an order.
type Event string

// What the buyer and the packer do, and what the payment service says.
const (
	BuyerAuthorised  Event = "BuyerAuthorised"  // a token is here
	BuyerLeft        Event = "BuyerLeft"        // came back with A, or not within three hours
	BuyerTurnedAway  Event = "BuyerTurnedAway"  // came back with a fault
	HoldPlaced       Event = "HoldPlaced"       // Reserved
	HoldPending      Event = "HoldPending"      // Pending
	HoldFailed       Event = "HoldFailed"       // Failure, or Reserve refused
	HoldCancelled    Event = "HoldCancelled"    // Cancelled by somebody
	HoldLapsed       Event = "HoldLapsed"       // Cancelled because the deadline passed
	Charged          Event = "Charged"          // Success
	ChargedElsewhere Event = "ChargedElsewhere" // Success, but not for what this shop asked
	PackerShips      Event = "PackerShips"
	ShopCancels      Event = "ShopCancels"
	ChargeRefused    Event = "ChargeRefused" // Settle refused, the hold stands
	CancelRefused    Event = "CancelRefused" // Cancel refused, the hold stands
)

// steps is every step an order may take. An event that has no step from where
// the order stands changes nothing: answers, returns and notifications come
// late, twice and out of order.
var steps = map[OrderState]map[Event]OrderState{
	AwaitingAuthorisation: {
		BuyerAuthorised: Reserving,
		BuyerLeft:       Abandoned,
		BuyerTurnedAway: NotAuthorised,
	},
	// A buyer who left can go back in the browser and authorise after all.
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
	// Nobody but this shop should settle its holds; if it happened, a parcel
	// has been paid for that nobody has packed.
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

// After returns where the event takes an order, and false when it takes it
// nowhere.
func (s OrderState) After(e Event) (OrderState, bool) {
	next, ok := steps[s][e]
	return next, ok
}

// Open reports whether the order is on its way to be shipped or cancelled and
// its hold has to be watched.
func (s OrderState) Open() bool {
	switch s {
	case Pending, ToShip, Shipping, Cancelling:
		return true
	case AwaitingAuthorisation, Abandoned, NotAuthorised, Reserving, PaymentFailed, Shipped, Cancelled, Lapsed,
		NeedsAttention:
	}
	return false
}

// Words are the state as the packing bench has it.
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
		return "Hold lapsed"
	case NeedsAttention:
		return "Needs attention"
	}
	return string(s)
}
