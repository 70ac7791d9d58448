package store

import (
	"cmp"
	"slices"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A TimelineStep is a step of a transaction with its postings.
type TimelineStep struct {
	Transaction holdfast.TransactionID
	payment.HistoryRow
	Postings []ledger.Posting
}

// StepsOf reads all steps of some transactions of a caller, in the order in which
// they happened. Postings that cannot be read are left out: the audit names them.
func (tx *ReadTx) StepsOf(c party.CallerID, ids []holdfast.TransactionID) ([]TimelineStep, error) {
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = string(id)
	}
	rows, err := list(tx, "reading steps", scanStep, `
		SELECT `+stepColumns+` FROM steps WHERE caller_id = $1 AND transaction_id`+tx.dialect.keys(2), c, keyList(keys))
	if err != nil {
		return nil, err
	}
	booked, err := list(tx, "reading the postings of steps", scanBooked, `
		SELECT transaction_id, seq, postings FROM steps
		WHERE caller_id = $1 AND postings IS NOT NULL AND transaction_id`+tx.dialect.keys(2), c, keyList(keys))
	type place struct {
		of  holdfast.TransactionID
		seq int
	}
	postings := make(map[place][]ledger.Posting, len(booked))
	for _, b := range booked {
		postings[place{b.transaction, b.step}] = b.postings
	}
	steps := make([]TimelineStep, len(rows))
	for i, row := range rows {
		steps[i] = TimelineStep{row.transaction, row.HistoryRow, postings[place{row.transaction, row.Seq}]}
	}
	slices.SortFunc(steps, func(a, b TimelineStep) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Transaction, b.Transaction), cmp.Compare(a.Seq, b.Seq))
	})
	return steps, err
}

// NetworkEventsAbout reads the events of a card network about some of its objects,
// at most limit for each.
func (tx *ReadTx) NetworkEventsAbout(
	a payment.NetworkAccountID, objects []string, limit int,
) (events []NetworkEvent, err error) {
	var reads []engine.Statement
	seen := make(map[string]bool)
	take := func(e NetworkEvent) {
		if !seen[e.ID] {
			seen[e.ID] = true
			events = append(events, e)
		}
	}
	for _, object := range objects {
		if object == "" {
			continue
		}
		reads = append(
			reads,
			reading(scanNetworkEvent, take, eventsAboutObject, a, object, limit),
			reading(scanNetworkEvent, take, eventsAboutParent, a, object, limit),
		)
	}
	if len(reads) > 0 {
		err = tx.sql.Run(reads...)
	}
	return events, err
}

// WebhooksOf reads the deliveries of some events to some endpoints of their caller.
func (tx *ReadTx) WebhooksOf(
	endpoints []payment.Endpoint, events []payment.Event,
) (deliveries []EventDelivery, err error) {
	var reads []engine.Statement
	for _, to := range endpoints {
		for _, e := range events {
			reads = append(reads, reading(scanWebhook, func(d WebhookDelivery) {
				deliveries = append(deliveries, EventDelivery{d, e})
			}, `SELECT `+webhookColumns+` FROM webhook_deliveries WHERE endpoint_id = $1 AND position = $2`, to.ID, e.Position))
		}
	}
	if len(reads) > 0 {
		err = tx.sql.Run(reads...)
	}
	return deliveries, err
}
