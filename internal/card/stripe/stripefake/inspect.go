package stripefake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// A Hold is money that is held at present.
type Hold struct {
	Intent   string // id
	Key      string // of metadata holdfast_key
	Amount   int64  // cents
	Customer string
	Live     bool
	Until    time.Time
}

// Holds returns the holds that stand, the oldest first.
func (s *Server) Holds() []Hold {
	s.lock()
	defer s.mu.Unlock()
	var holds []Hold
	for _, p := range all[*intent](s, "pi") {
		if p.status == needsCapture {
			holds = append(holds, Hold{
				Intent: p.id, Key: p.metadata["holdfast_key"], Amount: p.amount, Customer: p.customer, Live: p.live,
				Until: time.Unix(s.things[p.charge].(*charge).captureBefore, 0).UTC(),
			})
		}
	}
	return holds
}

// Held returns the sum of the holds that stand, in cents.
func (s *Server) Held() int64 {
	var sum int64
	for _, h := range s.Holds() {
		sum += h.Amount
	}
	return sum
}

// Captured returns the sum of what was taken from cards, in cents.
func (s *Server) Captured() int64 {
	s.lock()
	defer s.mu.Unlock()
	var sum int64
	for _, p := range all[*intent](s, "pi") {
		sum += p.captured
	}
	return sum
}

// Refunded returns the sum of what was given back, in cents: not the rest of a
// hold, and not what failed.
func (s *Server) Refunded() int64 {
	s.lock()
	defer s.mu.Unlock()
	var sum int64
	for _, r := range all[*refund](s, "re") {
		if !r.rest && (r.status == succeeded || r.status == "pending") {
			sum += r.amount
		}
	}
	return sum
}

// Attempts returns how often a PaymentIntent was tried on a card.
func (s *Server) Attempts(intentID string) int {
	s.lock()
	defer s.mu.Unlock()
	p, ok := s.things[intentID].(*intent)
	if !ok {
		return 0
	}
	return p.attempts
}

// Object returns an object as the API shows it. It is nil if there is none.
func (s *Server) Object(id string) map[string]any {
	s.lock()
	defer s.mu.Unlock()
	t, ok := s.things[id]
	if !ok {
		return nil
	}
	return plain(t.render(s))
}

// Objects returns all objects of a kind, such as "payment_intent", the oldest
// first.
func (s *Server) Objects(kind string) []map[string]any {
	s.lock()
	defer s.mu.Unlock()
	var found []map[string]any
	for _, t := range s.order[prefixes[kind]] {
		found = append(found, plain(t.render(s)))
	}
	return found
}

var prefixes = map[string]string{
	"payment_intent": "pi", "setup_intent": "seti", "checkout.session": "cs", "customer": "cus", "payment_method": "pm",
	"charge": "ch", "refund": "re", "dispute": "dp", "event": "evt", "balance_transaction": "txn", "payout": "po",
	"webhook_endpoint": "we",
}

// plain makes an object what a client reads: numbers are json.Number.
func plain(o object) map[string]any {
	text, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("stripefake: writing an object: %v", err))
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var read map[string]any
	if err := decoder.Decode(&read); err != nil {
		panic(fmt.Sprintf("stripefake: reading an object: %v", err))
	}
	return read
}

// on runs a change of a thing that a test, or the account's owner in the
// dashboard, makes.
func on[T thing](s *Server, id string, change func(T) error) error {
	s.lock()
	defer s.mu.Unlock()
	found, ok := s.things[id].(T)
	if !ok {
		return fmt.Errorf("the fake has no %s of that kind", id)
	}
	return change(found)
}

// DeclineNext declines the next attempts on any card, in order.
func (s *Server) DeclineNext(declines ...Decline) {
	s.lock()
	defer s.mu.Unlock()
	s.declines = append(s.declines, declines...)
}

// DeclineCard declines all later payments with a card.
func (s *Server) DeclineCard(methodID string, d Decline) error {
	return on(s, methodID, func(m *method) error {
		m.override = &d
		return nil
	})
}

// Detach removes a card from its customer, as the dashboard does.
func (s *Server) Detach(methodID string) error {
	return on(s, methodID, func(m *method) error {
		s.detach(m)
		return nil
	})
}

// UpdateCard changes a card's expiry, as networks do for a new card.
func (s *Server) UpdateCard(methodID string, month, year int) error {
	return on(s, methodID, func(m *method) error {
		m.month, m.year = month, year
		s.emit("payment_method.automatically_updated", m)
		return nil
	})
}

// Capture captures a hold in the dashboard.
func (s *Server) Capture(intentID string, cents int64) error {
	return on(s, intentID, func(p *intent) error { return s.capture(p, cents) })
}

// Cancel cancels a payment in the dashboard.
func (s *Server) Cancel(intentID string) error {
	return on(s, intentID, func(p *intent) error { return s.cancel(p, "") })
}

// Lapse lets a hold go before its time, as an issuer may.
func (s *Server) Lapse(intentID string) error {
	return on(s, intentID, func(p *intent) error {
		s.lapse(p)
		return nil
	})
}

// Refund gives money back in the dashboard. It returns the refund's id.
func (s *Server) Refund(intentID string, cents int64) (string, error) {
	var id string
	err := on(s, intentID, func(p *intent) error {
		ch, ok := s.things[p.charge].(*charge)
		if !ok {
			return fmt.Errorf("%s has no charge", p)
		}
		r, err := s.giveBack(ch, cents, "requested_by_customer")
		if err != nil {
			return err
		}
		id = r.id
		s.announce(r, ch)
		return nil
	})
	return id, err
}

// FinishRefund makes a pending refund succeed.
func (s *Server) FinishRefund(refundID string) error {
	return on(s, refundID, func(r *refund) error {
		s.endRefund(r, succeeded, "")
		return nil
	})
}

// FailRefund makes a refund fail, also one that has succeeded.
func (s *Server) FailRefund(refundID, reason string) error {
	return on(s, refundID, func(r *refund) error {
		s.endRefund(r, "failed", reason)
		return nil
	})
}

// Dispute disputes a captured payment. It returns the dispute's id. An inquiry
// moves no money.
func (s *Server) Dispute(intentID, reason string, inquiry bool) (string, error) {
	var id string
	err := on(s, intentID, func(p *intent) error {
		ch, ok := s.things[p.charge].(*charge)
		if !ok || !ch.isCaptured || ch.dispute != "" {
			return fmt.Errorf("%s cannot be disputed", p)
		}
		id = s.newDispute(ch, reason, inquiry).id
		return nil
	})
	return id, err
}

// CloseDispute ends a dispute.
func (s *Server) CloseDispute(disputeID string, won bool) error {
	return on(s, disputeID, func(d *dispute) error {
		s.endDispute(d, won)
		return nil
	})
}

// Warn makes an early fraud warning.
func (s *Server) Warn(intentID string) error {
	return on(s, intentID, func(p *intent) error {
		s.warn(p)
		return nil
	})
}

// Review opens a review of a payment.
func (s *Server) Review(intentID string) error {
	return on(s, intentID, func(p *intent) error {
		v := &review{head: s.newHead("prv", p.live), intent: p.id, open: true}
		s.keep(v)
		p.review = v.id
		s.emit("review.opened", v)
		return nil
	})
}

// Authenticate does what the page of the card's bank does: the holder confirms a
// payment that waits for it, or fails to. After authentication_required, it is a
// new attempt with the holder present.
func (s *Server) Authenticate(intentID string, passed bool) error {
	return on(s, intentID, func(p *intent) error {
		switch {
		case p.status == needsAction:
		case p.status == needsMethod && p.lastError["code"] == "authentication_required":
			p.attempts++
			p.offSession = false
		default:
			return fmt.Errorf("%s does not wait for its buyer", p)
		}
		s.authenticated(p, passed)
		return nil
	})
}
