package holdfasttest

import (
	"fmt"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// Start is the first time of every test clock.
var Start = time.Date(2026, time.November, 23, 10, 15, 30, 0, time.UTC)

// A Clock stands still until a test moves it.
type Clock struct {
	mu  sync.Mutex
	now time.Time
}

// NewClock returns a clock at Start.
func NewClock() *Clock { return &Clock{now: Start} }

// Now is the clock's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock forward.
func (c *Clock) Advance(by time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(by)
}

// Set puts the clock to a time, forward or back.
func (c *Clock) Set(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = now
}

// IDs are counted: the first transaction is 1T000…1, the first token K000…1.
type IDs struct {
	mu   sync.Mutex
	last map[string]int
}

func (i *IDs) next(kind string) int {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.last == nil {
		i.last = make(map[string]int)
	}
	i.last[kind]++
	return i.last[kind]
}

// Transaction returns an id of 35 characters, like the API's ids.
func (i *IDs) Transaction() holdfast.TransactionID {
	return holdfast.TransactionID(fmt.Sprintf("1T%033d", i.next("T")))
}

// Token returns an id of 64 characters.
func (i *IDs) Token() holdfast.TokenID {
	return holdfast.TokenID(fmt.Sprintf("K%063d", i.next("K")))
}

// Other returns the prefix followed by a number.
func (i *IDs) Other(prefix string) string { return fmt.Sprintf("%s%04d", prefix, i.next(prefix)) }

// Secret returns a counted number, which is no secret.
func (i *IDs) Secret(size int) string { return fmt.Sprintf("%0*d", size, i.next("secret")) }
