package bench

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// DeliveredWithin is the longest time from the answer to a Reserve to its
// notification. It includes the pause of about three seconds before the first
// try.
const DeliveredWithin = 10 * time.Second

// growthPart bounds the growth of the delays: they may grow by one part in
// twenty of the measurement. A queue that grows faster passes the ten seconds
// if the load lasts, even if a short measurement ends before.
const growthPart = 20

// notices are the Reserves of a measurement and the notifications that came for
// them. Drivers and the receiver share them.
type notices struct {
	now func() time.Time

	mu       sync.Mutex
	of       map[holdfast.TransactionID]notice
	seen     map[string]bool // by Holdfast-Delivery
	repeated int64
	forged   int64
	waiting  int // answered Reserves without a final notification
}

// A notice has the times of one Reserve's answer and of the first notification
// that says more than PENDING. A time is zero if it has not come yet.
type notice struct{ answered, told time.Time }

func newNotices(now func() time.Time) *notices {
	n := &notices{now: now}
	n.begin()
	return n
}

// begin forgets all Reserves, for the next measurement.
func (n *notices) begin() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.of, n.seen = map[holdfast.TransactionID]notice{}, map[string]bool{}
	n.repeated, n.forged, n.waiting = 0, 0, 0
}

// answered counts a Reserve that the server acknowledged. A nil notices counts
// nothing.
func (n *notices) answered(id holdfast.TransactionID) {
	if n == nil {
		return
	}
	now := n.now()
	n.mu.Lock()
	defer n.mu.Unlock()
	one := n.of[id]
	one.answered = now
	n.of[id] = one
	if one.told.IsZero() {
		n.waiting++
	}
}

// arrived counts a notification with the given Holdfast-Delivery.
func (n *notices) arrived(delivery string, final bool) {
	now := n.now()
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.seen[delivery] {
		n.repeated++
		return
	}
	n.seen[delivery] = true
	id, _, _ := strings.Cut(delivery, "-")
	one := n.of[holdfast.TransactionID(id)]
	if !final || !one.told.IsZero() {
		return
	}
	one.told = now
	n.of[holdfast.TransactionID(id)] = one
	if !one.answered.IsZero() {
		n.waiting--
	}
}

// forgery counts a notification whose signature or id is wrong.
func (n *notices) forgery() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.forged++
}

func (n *notices) left() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.waiting
}

// A Trial is the measurement of one rate of Reserves with the deliveries of
// their notifications. Its delays are milliseconds from the answer to the
// notification.
type Trial struct {
	Rate       int     `json:"rate"` // Reserves a second, as planned
	Reserves   int64   `json:"reserves"`
	Deliveries int64   `json:"deliveries"` // including notifications with the status PENDING
	Repeated   int64   `json:"repeated"`   // deliveries that came before
	Forged     int64   `json:"forged"`     // of the sample whose signatures were checked
	Late       int64   `json:"late"`       // Reserves whose notification took longer than ten seconds
	Missing    int64   `json:"missing"`    // Reserves whose notification did not come at all
	P50        float64 `json:"p50ms"`
	P99        float64 `json:"p99ms"`
	Max        float64 `json:"maxms"`
	// Growth is the median delay of the last quarter of the Reserves, less that of
	// the first quarter.
	Growth float64 `json:"growthms"`
	// Kept means that the server took the rate and that the deliveries kept up with
	// it.
	Kept bool `json:"kept"`
}

// trial sums up a measurement of the given length.
func (n *notices) trial(rate int, lasts time.Duration) Trial {
	n.mu.Lock()
	defer n.mu.Unlock()
	var all []notice
	for _, one := range n.of {
		if !one.answered.IsZero() {
			all = append(all, one)
		}
	}
	slices.SortFunc(all, func(a, b notice) int { return a.answered.Compare(b.answered) })
	t := Trial{
		Rate: rate, Reserves: int64(len(all)), Deliveries: int64(len(n.seen)), Repeated: n.repeated, Forged: n.forged,
	}
	delays := make([]time.Duration, 0, len(all)) // in the order of the Reserves
	for _, one := range all {
		if one.told.IsZero() {
			t.Missing++
			continue
		}
		delay := max(one.told.Sub(one.answered), 0) // a notification may overtake its answer
		if delay > DeliveredWithin {
			t.Late++
		}
		delays = append(delays, delay)
	}
	quarter := (len(delays) + 3) / 4
	growth := percentile(delays[len(delays)-quarter:], 50) - percentile(delays[:quarter], 50)
	t.P50, t.P99, t.Max = millis(percentile(delays, 50)), millis(percentile(delays, 99)), millis(percentile(delays, 100))
	t.Growth = millis(growth)
	t.Kept = len(delays) > 0 && t.Late+t.Missing+t.Forged == 0 && growth <= lasts/growthPart
	return t
}

// percentile is zero without delays.
func percentile(delays []time.Duration, percent int) time.Duration {
	if len(delays) == 0 {
		return 0
	}
	sorted := slices.SortedFunc(slices.Values(delays), cmp.Compare)
	return sorted[max((len(sorted)*percent+99)/100, 1)-1]
}

func millis(d time.Duration) float64 { return round(float64(d.Microseconds())/microsInMillis, 3) }
