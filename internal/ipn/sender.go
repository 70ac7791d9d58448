package ipn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Sender delivers notifications, each until its receiver says that it
// arrived, or for a day. They may arrive more than once and in any order.
type Sender struct {
	Store        *store.DB
	Signer       *Signer
	Now          func() time.Time // real time
	Log          *slog.Logger
	AllowPrivate bool          // lets notifications go to private, loopback and link-local addresses
	Timeout      time.Duration // of one delivery; zero means 10 s
	Proxy        *url.URL      // http, https or socks5: what all notifications go through; nil means none
	// HTTP posts the notifications. nil means a client that follows no redirect
	// and, unless AllowPrivate, sends to public addresses only; AllowPrivate,
	// Timeout and Proxy are that client's.
	HTTP *http.Client

	once   sync.Once
	client *http.Client

	claiming   sync.Mutex   // guards that free slots are counted and taken at once
	taken      atomic.Int64 // slots
	deliveries sync.WaitGroup
	freed      chan struct{} // holds one when a slot became free since it was read
}

const (
	// slots limits the deliveries under way, and slotsPerCaller those of one
	// caller on all servers. A receiver that hangs does not delay other callers.
	slots          = 64
	slotsPerCaller = 8
	timeoutDefault = 10 * time.Second
	// leaseTimeouts is how long a lease is, in time-outs of one delivery: one
	// to deliver, the rest to compose, sign and write.
	leaseTimeouts = 3
	// deliveryLife and deliveryTriesMax end a delivery. The second one counts when
	// a clock was put back.
	deliveryLife     = 24 * time.Hour
	deliveryTriesMax = 40
)

// pauses are the times between tries; the last one repeats (IPN, "retries": for
// one day; the schedule is ours).
var pauses = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, pauseMax,
}

const (
	pauseMax = time.Hour
	// aheadMax is twice that, because servers' clocks differ. A notification that
	// is due later than this was written before its caller's clock was put back.
	aheadMax = 2 * pauseMax
)

// nextTry says when to try again after a number of tries, and whether to. All
// times are the caller's, so that moving a sandbox clock moves deliveries.
func nextTry(created, now time.Time, tries int) (next time.Time, again bool) {
	next = now.Add(pauses[min(max(tries, 1), len(pauses))-1])
	return next, tries < deliveryTriesMax && !next.After(created.Add(deliveryLife))
}

// RunOnce delivers the notifications that are due by each caller's clock, until
// all were tried. It reports how many arrived. The error is the store's, not a
// receiver's.
func (s *Sender) RunOnce(ctx context.Context) (delivered int, err error) {
	type end struct {
		arrived bool
		err     error
	}
	ends := make(chan end, slots)
	var errs []error
	for under := 0; ; under-- {
		if ctx.Err() == nil && len(errs) == 0 {
			started, err := s.start(ctx, func(arrived bool, err error) { ends <- end{arrived, err} })
			if err != nil {
				errs = append(errs, err)
			}
			under += started
		}
		if under == 0 {
			return delivered, errors.Join(errs...)
		}
		e := <-ends
		if e.err != nil {
			errs = append(errs, e.err)
		}
		if e.arrived {
			delivered++
		}
	}
}

// Start begins deliveries that are due by each caller's clock, as far as slots
// are free, and reports how many. It does not wait for them; Wait does, and ctx
// ends them. The error is the store's.
func (s *Sender) Start(ctx context.Context) (started int, err error) {
	return s.start(ctx, func(_ bool, err error) {
		if err != nil {
			s.Log.Error("a delivery failed, will be tried again", "error", err)
		}
	})
}

// Freed tells of slots that became free, where Start may find more to do.
func (s *Sender) Freed() <-chan struct{} {
	s.once.Do(s.begin)
	return s.freed
}

// Wait waits for all deliveries under way. Nothing may start meanwhile.
func (s *Sender) Wait() { s.deliveries.Wait() }

// start claims notifications and delivers them, those of one transaction one
// after another. It calls ended for each.
func (s *Sender) start(ctx context.Context, ended func(arrived bool, err error)) (started int, err error) {
	s.once.Do(s.begin)
	s.claiming.Lock()
	defer s.claiming.Unlock()
	free := slots - int(s.taken.Load())
	if free == 0 {
		return 0, nil
	}
	claimed, err := s.claim(ctx, free)
	if err != nil {
		return 0, err
	}
	s.taken.Add(int64(len(claimed)))
	for _, group := range byTransaction(claimed) {
		s.deliveries.Go(func() {
			for _, d := range group {
				arrived, err := s.deliver(ctx, d)
				s.taken.Add(-1)
				ended(arrived, err)
				select {
				case s.freed <- struct{}{}:
				default:
				}
			}
		})
	}
	return len(claimed), nil
}

func (s *Sender) begin() {
	if s.client = s.HTTP; s.client == nil {
		s.client = newClient(s.timeout(), s.AllowPrivate, s.Proxy)
	}
	s.freed = make(chan struct{}, 1)
}

func (s *Sender) timeout() time.Duration {
	if s.Timeout == 0 {
		return timeoutDefault
	}
	return s.Timeout
}

// claim takes notifications that are due. If a claim only moved waiting
// notifications to their callers' queues, it claims again, because others are
// behind them.
func (s *Sender) claim(ctx context.Context, most int) (claimed []store.Delivery, err error) {
	for more := true; more && len(claimed) == 0; {
		err = s.Store.Update(ctx, func(tx *store.Tx) error {
			c := store.Claim{Now: s.Now(), AheadMax: aheadMax, PerCaller: slotsPerCaller, Most: most}
			c.Until = c.Now.Add(leaseTimeouts * s.timeout())
			claimed, more, err = tx.ClaimNotifications(c)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return claimed, nil
}

// byTransaction groups the notifications of each transaction. They are
// delivered one after another, so they usually arrive in order.
func byTransaction(claimed []store.Delivery) [][]store.Delivery {
	type key struct {
		caller  party.CallerID
		subject string
	}
	at := map[key]int{}
	var groups [][]store.Delivery
	for _, d := range claimed {
		k := key{d.Caller, d.Subject()}
		i, ok := at[k]
		if !ok {
			i = len(groups)
			at[k] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], d)
	}
	for _, group := range groups {
		slices.SortFunc(group, func(a, b store.Delivery) int { return a.Seq - b.Seq })
	}
	return groups
}

// deliver makes one try and writes the result. A try that was cut short by the
// end of the server or of the lease does not count.
func (s *Sender) deliver(ctx context.Context, d store.Delivery) (arrived bool, err error) {
	if ctx.Err() != nil || s.Now().Add(s.timeout()).After(d.LeasedUntil) {
		return false, s.giveBack(ctx, d)
	}
	address, body, result, err := s.body(ctx, d)
	switch {
	case err != nil && ctx.Err() != nil:
		return false, s.giveBack(ctx, d)
	case err != nil:
		return false, err
	}
	if result == "" {
		d.URL, d.Body = address, body
		result, arrived = post(ctx, s.client, address, deliveryID(d), body)
	}
	if !arrived && ctx.Err() != nil {
		return false, s.giveBack(ctx, d)
	}
	return arrived, s.finish(ctx, d, result, arrived)
}

// deliveryID is the same for all tries, so that a receiver can tell them from
// another notification.
func deliveryID(d store.Delivery) string { return fmt.Sprintf("%s-%d", d.Subject(), d.Seq) }

// body returns the notification's body and its address. The body is stored with
// the result of a failed try, so that every try sends the same to an address. If
// there is no body, result says why.
func (s *Sender) body(ctx context.Context, d store.Delivery) (address, body, result string, err error) {
	if d.Body != "" {
		if stays, err := s.stays(ctx, d); err != nil || stays {
			return d.URL, d.Body, "", err
		}
	}
	message, err := s.message(ctx, d)
	if err != nil {
		if ctx.Err() != nil {
			return "", "", "", err
		}
		// A row that is missing or broken may stay so, so this counts as a try. If
		// the store is at fault, writing the result fails as well.
		s.Log.Error("notification cannot be composed", "caller", d.Caller, "delivery", deliveryID(d), "error", err)
		return "", "", "not sent: what it tells of cannot be read", nil
	}
	if address = d.URL; !d.Overrides {
		address = message.Caller.IPNURL
	}
	if address == "" {
		return "", "", "not sent: the caller's account has no address for notifications", nil
	}
	body, obstacle := s.signedBody(address, Compose(message))
	if obstacle != "" {
		return "", "", "not sent: " + obstacle, nil
	}
	return address, body, "", nil
}

// stays reports whether a notification that was sent before goes to the same
// address again. The caller's own address may have changed.
func (s *Sender) stays(ctx context.Context, d store.Delivery) (stays bool, err error) {
	if d.Overrides {
		return true, nil
	}
	err = s.Store.View(ctx, func(tx *store.ReadTx) error {
		caller, found, err := tx.Caller(d.Caller)
		stays = caller.IPNURL == d.URL
		return errors.Join(err, missing(found || err != nil, "the caller"))
	})
	return stays, err
}

// signedBody signs the fields only. Parameters in the address's own query are
// not part of the message: receivers verify the body that they got, at the
// address without its query (VerifySignature, UrlEndPoint).
func (s *Sender) signedBody(address string, fields holdfast.Params) (body, obstacle string) {
	endpoint, _, _ := strings.Cut(address, "?")
	signed, err := s.Signer.Sign(http.MethodPost, endpoint, fields)
	if err != nil {
		return "", err.Error()
	}
	return signed.Encode(), ""
}

// message reads the content of a notification.
func (s *Sender) message(ctx context.Context, d store.Delivery) (m Message, err error) {
	err = s.Store.View(ctx, func(tx *store.ReadTx) error {
		var found bool
		if m.Caller, found, err = tx.Caller(d.Caller); err != nil || !found {
			return errors.Join(err, missing(found, "the caller"))
		}
		if d.About == store.AboutToken {
			return m.readToken(tx, d.Token)
		}
		if m.Transaction, found, err = tx.Transaction(d.Caller, d.Transaction); err != nil || !found {
			return errors.Join(err, missing(found, "the transaction"))
		}
		history, err := tx.History(d.Caller, d.Transaction)
		if err != nil {
			return err
		}
		if d.Seq < 1 || d.Seq > len(history) {
			return missing(false, "the step")
		}
		m.Step = history[d.Seq-1]
		if m.Sender, found, err = tx.Party(m.Transaction.Sender); err != nil || !found {
			return errors.Join(err, missing(found, "the sender"))
		}
		if m.Recipient, found, err = tx.Party(m.Transaction.Recipient); err != nil || !found {
			return errors.Join(err, missing(found, "the recipient"))
		}
		token, _, err := tx.Token(m.Transaction.Token)
		m.TokenReason = token.Reason
		return err
	})
	return m, err
}

// readToken reads a cancelled token and its parties.
func (m *Message) readToken(tx *store.ReadTx, id holdfast.TokenID) error {
	token, found, err := tx.Token(id)
	if err != nil || !found {
		return errors.Join(err, missing(found, "the token"))
	}
	m.Token = &token
	m.Sender, found, err = tx.Party(token.Holder())
	return errors.Join(err, missing(found, "the token's holder"))
}

func missing(found bool, what string) error {
	if found {
		return nil
	}
	return fmt.Errorf("%s is missing", what)
}

// finish writes the result of a try, by the caller's clock as it is now. If the
// notification was sent, the result is written even if the server is about to
// stop.
func (s *Sender) finish(ctx context.Context, d store.Delivery, result string, arrived bool) error {
	var gaveUp bool
	err := s.Store.Complete(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		caller, _, err := tx.Caller(d.Caller)
		if err != nil {
			return err
		}
		now := caller.Now(s.Now())
		if arrived {
			return tx.NotificationDone(d, result, now)
		}
		next, again := nextTry(d.Created, now, d.Tries)
		gaveUp = !again
		if gaveUp {
			return tx.GiveUpNotification(d, result, now)
		}
		return tx.RetryNotification(d, result, next)
	})
	if err != nil {
		return fmt.Errorf("writing what came of notification %s: %w", deliveryID(d), err)
	}
	switch {
	case gaveUp:
		s.Log.Error("notification given up", "caller", d.Caller, "delivery", deliveryID(d), "tries", d.Tries, "result",
			result)
	case !arrived:
		s.Log.Warn("notification not delivered, will be tried again", "caller", d.Caller, "delivery", deliveryID(d), "tries",
			d.Tries, "result", result)
	}
	return nil
}

func (s *Sender) giveBack(ctx context.Context, d store.Delivery) error {
	err := s.Store.Complete(context.WithoutCancel(ctx), func(tx *store.Tx) error { return tx.ReturnNotification(d) })
	if err != nil && !errors.Is(err, store.ErrClosed) {
		return fmt.Errorf("putting notification %s back: %w", deliveryID(d), err)
	}
	return nil
}
