package ipn

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
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
	// HTTP posts the notifications. nil means a client that follows no redirect
	// and, unless AllowPrivate, sends to public addresses only; AllowPrivate and
	// Timeout are that client's.
	HTTP *http.Client

	once   sync.Once
	client *http.Client
}

const (
	deliveriesMax  = 64 // in one round, all at a time
	timeoutDefault = 10 * time.Second
	// leaseTimeouts is how long a lease is, in time-outs of one delivery: one
	// to deliver, the rest to compose, sign and write.
	leaseTimeouts = 3
	// deliveryLife and deliveryTriesMax end a delivery; the second where a clock
	// put back would let the first last for long.
	deliveryLife     = 24 * time.Hour
	deliveryTriesMax = 40
)

// pauses stand between the tries; the last one repeats (IPN, "retries": for one
// day; the schedule is ours).
var pauses = []time.Duration{
	time.Minute, 2 * time.Minute, 5 * time.Minute, 15 * time.Minute, 30 * time.Minute, pauseMax,
}

const (
	pauseMax = time.Hour
	// aheadMax is twice that, since servers' clocks differ: what is due later
	// was written before its caller's clock was put back.
	aheadMax = 2 * pauseMax
)

// nextTry says when to try again after a number of tries, and whether to. All
// times are the caller's, so that moving a sandbox clock moves deliveries.
func nextTry(created, now time.Time, tries int) (next time.Time, again bool) {
	next = now.Add(pauses[min(max(tries, 1), len(pauses))-1])
	return next, tries < deliveryTriesMax && !next.After(created.Add(deliveryLife))
}

// RunOnce takes what is due by each caller's clock, at most a bounded round of
// it, and tries to deliver it. It reports how many arrived; the error is the
// store's, not a receiver's.
func (s *Sender) RunOnce(ctx context.Context) (delivered int, err error) {
	s.once.Do(s.begin)
	claimed, err := s.claim(ctx)
	if err != nil {
		return 0, err
	}
	var arrived atomic.Int64
	errs := make(chan error, len(claimed))
	var under sync.WaitGroup
	for _, group := range byTransaction(claimed) {
		under.Go(func() {
			for _, d := range group {
				ok, err := s.deliver(ctx, d)
				if err != nil {
					errs <- err
				}
				if ok {
					arrived.Add(1)
				}
			}
		})
	}
	under.Wait()
	close(errs)
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	return int(arrived.Load()), errors.Join(all...)
}

func (s *Sender) begin() {
	if s.client = s.HTTP; s.client == nil {
		s.client = newClient(s.timeout(), s.AllowPrivate)
	}
}

func (s *Sender) timeout() time.Duration {
	if s.Timeout == 0 {
		return timeoutDefault
	}
	return s.Timeout
}

func (s *Sender) claim(ctx context.Context) (claimed []store.Delivery, err error) {
	var due bool
	err = s.Store.View(ctx, func(tx *store.ReadTx) error {
		due, err = tx.NotificationDue(s.Now(), aheadMax)
		return err
	})
	if err != nil || !due {
		return nil, err
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) error {
		real := s.Now()
		claimed, err = tx.ClaimNotifications(real, real.Add(leaseTimeouts*s.timeout()), deliveriesMax, aheadMax)
		return err
	})
	return claimed, err
}

// byTransaction groups what belongs to one transaction: delivered one after
// another, its notifications mostly arrive in their order.
func byTransaction(claimed []store.Delivery) [][]store.Delivery {
	type key struct {
		caller party.CallerID
		id     holdfast.TransactionID
	}
	at := map[key]int{}
	var groups [][]store.Delivery
	for _, d := range claimed {
		k := key{d.Caller, d.Transaction}
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

// deliver makes one try and writes what came of it. A try that the server's end
// or a lack of time cut short is none.
func (s *Sender) deliver(ctx context.Context, d store.Delivery) (arrived bool, err error) {
	if ctx.Err() != nil || s.Now().Add(s.timeout()).After(d.LeasedUntil) {
		return false, s.giveBack(ctx, d)
	}
	body, result, err := s.body(ctx, d)
	switch {
	case errors.Is(err, store.ErrStale):
		return false, nil // the lease is lost: somebody else is at it
	case err != nil && ctx.Err() != nil:
		return false, s.giveBack(ctx, d)
	case err != nil:
		return false, err
	}
	if result == "" {
		result, arrived = post(ctx, s.client, d.URL, deliveryID(d), body)
	}
	if !arrived && ctx.Err() != nil {
		return false, s.giveBack(ctx, d)
	}
	return arrived, s.finish(ctx, d, result, arrived)
}

// deliveryID is the same for all tries, so that a receiver can tell them from
// another notification.
func deliveryID(d store.Delivery) string { return fmt.Sprintf("%s-%d", d.Transaction, d.Seq) }

// body returns what the notification says. It is written before it is first
// sent, so that every try says the same. A result is why it can never be said.
func (s *Sender) body(ctx context.Context, d store.Delivery) (body, result string, err error) {
	if d.Body != "" {
		return d.Body, "", nil
	}
	message, err := s.message(ctx, d)
	if err != nil {
		return "", "", fmt.Errorf("reading what notification %s tells of: %w", deliveryID(d), err)
	}
	body, obstacle := s.signedBody(d.URL, Compose(message))
	if obstacle != "" {
		return "", "not sent: " + obstacle, nil
	}
	err = s.Store.Update(ctx, func(tx *store.Tx) error { return tx.FreezeBody(d, body) })
	return body, "", err
}

// signedBody signs the fields together with the address's own parameters, which
// the receiver gets as well, and returns the fields' part, or why the address
// stands in the way of that.
func (s *Sender) signedBody(address string, fields holdfast.Params) (body, obstacle string) {
	u, err := url.Parse(address)
	if err != nil {
		return "", "the address cannot be read"
	}
	query, err := holdfast.ParseParams(u.RawQuery)
	if err != nil {
		return "", "the address has a query that cannot be read"
	}
	signed, err := s.Signer.Sign(http.MethodPost, address, append(query, fields...))
	if err != nil {
		return "", err.Error()
	}
	return signed[len(query):].Encode(), ""
}

// message reads what a notification tells of.
func (s *Sender) message(ctx context.Context, d store.Delivery) (m Message, err error) {
	err = s.Store.View(ctx, func(tx *store.ReadTx) error {
		var found bool
		if m.Caller, found, err = tx.Caller(d.Caller); err != nil || !found {
			return errors.Join(err, missing(found, "the caller"))
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

func missing(found bool, what string) error {
	if found {
		return nil
	}
	return fmt.Errorf("%s is missing", what)
}

// finish writes what came of a try, by the caller's clock as it is now. Once
// the notification was sent, that is written even if the server is about to
// end.
func (s *Sender) finish(ctx context.Context, d store.Delivery, result string, arrived bool) error {
	var gaveUp bool
	err := s.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error {
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
		s.Log.Error("notification given up", "caller", d.Caller, "delivery", deliveryID(d), "tries", d.Tries, "result", result)
	case !arrived:
		s.Log.Warn("notification not delivered, will be tried again", "caller", d.Caller, "delivery", deliveryID(d), "tries", d.Tries, "result", result)
	}
	return nil
}

func (s *Sender) giveBack(ctx context.Context, d store.Delivery) error {
	err := s.Store.Update(context.WithoutCancel(ctx), func(tx *store.Tx) error { return tx.ReturnNotification(d) })
	if err != nil && !errors.Is(err, store.ErrClosed) {
		return fmt.Errorf("putting notification %s back: %w", deliveryID(d), err)
	}
	return nil
}
