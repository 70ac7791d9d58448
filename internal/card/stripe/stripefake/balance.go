package stripefake

import "time"

// A balanceTransaction is a change of the account's balance.
type balanceTransaction struct {
	head
	kind, source     string
	amount, fee, net int64 // cents
	payout           string
	available        int64
}

// availableAfter is how long money waits before it can be paid out.
const availableAfter = 2 * 24 * time.Hour

func (s *Server) book(live bool, kind string, amount, fee int64, source string) *balanceTransaction {
	b := &balanceTransaction{
		head: s.newHead("txn", live), kind: kind, source: source, amount: amount, fee: fee, net: amount - fee,
		available: s.now.Add(availableAfter).Unix(),
	}
	s.keep(b)
	return b
}

// category is what Stripe's reports call a kind of transaction.
func (b *balanceTransaction) category() string {
	if b.kind == "adjustment" {
		if b.amount > 0 {
			return "dispute_reversal"
		}
		return "dispute"
	}
	return b.kind
}

func (b *balanceTransaction) render(*Server) object {
	shown := b.shown("balance_transaction")
	delete(shown, "livemode") // a balance transaction has none
	fees := []any{}
	if b.fee != 0 {
		fees = append(fees, object{
			"amount": b.fee, "currency": "usd", "type": "stripe_fee", "description": "Stripe processing fees",
			"application": nil,
		})
	}
	shown.add(object{
		"amount": b.amount, "fee": b.fee, "fee_details": fees, "net": b.net, "type": b.kind, "currency": "usd",
		"reporting_category": b.category(), "source": orNull(b.source), "available_on": b.available, "status": "available",
		"description": nil, "exchange_rate": nil, "balance_type": "payments",
	})
	return shown
}

// A payout is a transfer of the account's balance to the merchant's bank.
type payout struct {
	head
	amount      int64
	transaction string
}

func (o *payout) render(*Server) object {
	shown := o.shown("payout")
	shown.add(object{
		"amount": o.amount, "currency": "usd", "status": "paid", "automatic": true, "arrival_date": o.created,
		"balance_transaction": orNull(o.transaction), "reconciliation_status": "completed", "type": "bank_account",
		"method": "standard", "description": "STRIPE PAYOUT", "destination": nil, "failure_code": nil, "failure_message": nil,
		"metadata": object{}, "source_type": "card",
	})
	return shown
}

// Payout pays out everything that has moved on the balance of a mode since the
// last one. It returns the payout's id.
func (s *Server) Payout(live bool) string {
	s.lock()
	defer s.mu.Unlock()
	o := &payout{head: s.newHead("po", live)}
	for _, b := range all[*balanceTransaction](s, "txn") {
		if b.payout == "" && b.live == live {
			b.payout = o.id
			o.amount += b.net
		}
	}
	s.keep(o)
	own := s.book(live, "payout", -o.amount, 0, o.id)
	own.payout, o.transaction = o.id, own.id
	for _, event := range []string{"payout.created", "payout.paid", "payout.reconciliation_completed"} {
		s.emit(event, o)
	}
	return o.id
}

func balanceRoutes() []route {
	const right = "balance_transaction_source"
	return []route{
		{"GET /v1/balance_transactions/{id}", right, false, nil, getTransaction},
		{"GET /v1/balance_transactions", right, false, listParams("payout", "type", "source", "currency"), listTransactions},
		{"GET /v1/payouts/{id}", "payout", false, nil, getPayout},
		{"GET /v1/payouts", "payout", false, append(listParams("status"), periodOf("arrival_date")...), listPayouts},
	}
}

func getTransaction(c *call) (object, error) {
	b, err := find[*balanceTransaction](c, "balance_transaction", c.path(), "id")
	if err != nil {
		return nil, err
	}
	return b.render(c.server), nil
}

func listTransactions(c *call) (object, error) {
	created, err := c.form.period("created")
	if err != nil {
		return nil, err
	}
	var found []thing
	for _, b := range all[*balanceTransaction](c.server, "txn") {
		same := true
		for name, value := range map[string]string{"payout": b.payout, "type": b.kind, "source": b.source} {
			same = same && (!c.form.has(name) || c.form.text(name) == value)
		}
		if same && created.has(b.created) {
			found = append(found, b)
		}
	}
	return c.page(found)
}

func getPayout(c *call) (object, error) {
	o, err := find[*payout](c, "payout", c.path(), "id")
	if err != nil {
		return nil, err
	}
	return o.render(c.server), nil
}

func listPayouts(c *call) (object, error) {
	created, err := c.form.period("created")
	if err != nil {
		return nil, err
	}
	arrived, err := c.form.period("arrival_date")
	if err != nil {
		return nil, err
	}
	status := c.form.text("status")
	var found []thing
	for _, o := range all[*payout](c.server, "po") {
		if created.has(o.created) && arrived.has(o.created) && (status == "" || status == "paid") {
			found = append(found, o)
		}
	}
	return c.page(found)
}
