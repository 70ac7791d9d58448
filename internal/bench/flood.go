package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// A Flood is a kind of invalid requests that are sent in addition to the valid
// ones.
type Flood string

// The floods.
const (
	NoFlood      Flood = ""
	BadSignature Flood = "bad-signature" // wrongly signed requests, as fast as they are refused
	Oversized    Flood = "oversized"     // bodies of oversizedBytes, as fast as they are refused
	Slow         Flood = "slow"          // a byte of the body each slowPause
	Unfinished   Flood = "unfinished"    // a header that never ends

	// These make the server verify signatures or store rows without an access key.
	OversizedLink   Flood = "oversized-link"   // Co-Branded links of linkBytes, as fast as they are refused
	VerifySignature Flood = "verify-signature" // messages to verify, as fast as they are answered
	Visits          Flood = "visits"           // one valid Co-Branded link, opened as fast as it is answered
)

// Floods lists the floods.
var Floods = []Flood{BadSignature, Oversized, Slow, Unfinished, OversizedLink, VerifySignature, Visits}

const (
	oversizedBytes = 128 << 10 // twice the largest allowed request
	slowPause      = 500 * time.Millisecond
	slowBytes      = 4096 // of a body that is never complete
	resignEvery    = 1000 // requests with one bad signature; then a new one is made, because timestamps expire
)

// A FloodResult is the result of a flood of invalid requests during a
// measurement.
type FloodResult struct {
	Kind        Flood   `json:"kind"`
	Connections int     `json:"connections"`
	Opened      int64   `json:"opened"` // connections; each flood connection opens them one after the other
	Ended       int64   `json:"ended"`  // requests that were refused, or connections that the server cut
	Rate        float64 `json:"rate"`   // ended requests a second
	// EndedBy counts ended requests by the code of the refusal, or by what
	// happened to the connection.
	EndedBy map[string]int64 `json:"endedBy"`
	// Alone are the figures of the valid requests before the flood. Share is the
	// part of their rate that is left during the flood.
	Alone Figures `json:"alone"`
	Share float64 `json:"share"`
}

// A flooding is a running flood.
type flooding struct {
	bench *Bench
	flood Flood

	opened atomic.Int64
	mu     sync.Mutex
	ended  map[string]int64
}

// measureFlooded measures twice: without and with the flood.
func (b *Bench) measureFlooded(ctx context.Context) (Result, error) {
	alone, err := b.measure(ctx, phase{doing: "measuring without the flood", lasts: b.Duration})
	if err != nil {
		return alone, err
	}
	if err := b.stockUp(ctx, b.Duration); err != nil {
		return alone, err
	}
	f := &flooding{bench: b, flood: b.Flood, ended: map[string]int64{}}
	under, end := context.WithCancel(ctx)
	var flowing sync.WaitGroup
	for range b.FloodConnections {
		flowing.Go(func() { f.run(under) })
	}
	defer flowing.Wait()
	defer end()
	if err := pause(ctx, min(floodBuildUp, b.Duration)); err != nil {
		return alone, err
	}
	before := f.counts()
	r, err := b.measure(ctx, phase{doing: "measuring under the flood", lasts: b.Duration})
	if err != nil {
		return r, err
	}
	r.Flood = &FloodResult{
		Kind: b.Flood, Connections: b.FloodConnections, Opened: f.opened.Load(), EndedBy: map[string]int64{},
		Alone: alone.Figures,
	}
	for how, count := range f.counts() {
		if count -= before[how]; count > 0 {
			r.Flood.EndedBy[how] = count
			r.Flood.Ended += count
		}
	}
	r.Flood.Rate = round(float64(r.Flood.Ended)/r.Seconds, 1)
	if alone.Rate > 0 {
		r.Flood.Share = round(r.Rate/alone.Rate, 3)
	}
	return r, nil
}

// floodBuildUp is the time that a flood gets to build up.
const floodBuildUp = time.Second

// run sends the requests of one connection of the flood. It dials again when
// the server closes the connection.
func (f *flooding) run(ctx context.Context) {
	plain, err := newConn(f.bench.Endpoint, f.bench.Now)
	if err != nil {
		return // cannot fail: the drivers' connections were made in the same way
	}
	c := &floodConn{conn: plain, opened: &f.opened}
	defer c.close()
	for i := 0; ctx.Err() == nil; i++ {
		how, err := f.once(ctx, c, i)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			how = trouble(err)
			c.close()
		}
		f.end(how)
		if errors.Is(err, syscall.ECONNREFUSED) {
			pause(ctx, failurePause) //nolint:errcheck // the flood ends with ctx anyway
		}
	}
}

// once sends one invalid request and returns how it ended.
func (f *flooding) once(ctx context.Context, c *floodConn, i int) (how string, err error) {
	switch f.flood {
	case BadSignature:
		if i%resignEvery == 0 {
			if c.request, err = f.badSignature(); err != nil {
				return "", err
			}
		}
		return c.refused(ctx, c.request)
	case Oversized:
		if c.request == nil {
			c.request = f.request(oversizedBytes, strings.Repeat("a", oversizedBytes))
		}
		return c.refused(ctx, c.request)
	case Slow:
		return c.trickle(ctx, f.request(slowBytes, ""), "a")
	case Unfinished:
		head := f.request(0, "")
		return c.trickle(ctx, head[:len(head)-2], "")
	case OversizedLink, VerifySignature, Visits:
		if c.request == nil {
			if c.request, err = f.atTheDoors(); err != nil {
				return "", err
			}
		}
		return c.refused(ctx, c.request)
	case NoFlood:
	}
	return "", nil
}

func (f *flooding) request(length int, body string) []byte {
	return []byte(f.bench.drivers[0].signer.head + strconv.Itoa(length) + "\r\n\r\n" + body)
}

// badSignature is a complete request that is signed with a different key than
// it names.
func (f *flooding) badSignature() ([]byte, error) {
	d := f.bench.drivers[0]
	key := f.bench.cast.merchants[0].key
	key.Secret = holdfast.NewSecretKey("not this one")
	return d.signer.write(nil, order{action: Reserve, token: madeUpToken, reference: "flood", amount: amountMost}, key)
}

func (f *flooding) end(how string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ended[how]++
}

// counts are the ended requests so far.
func (f *flooding) counts() map[string]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return maps.Clone(f.ended)
}

func (f Flood) check() error {
	if f == NoFlood || slices.Contains(Floods, f) {
		return nil
	}
	return fmt.Errorf("the flood %q is not known; use one of %v", f, Floods)
}
