package store

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// bookings are the postings of a step, as its row has them. A check of the books
// does not read them through the view: one row that is no JSON would end it.
type bookings struct {
	transaction holdfast.TransactionID
	step        int
	postings    []ledger.Posting
	err         error // the postings cannot be read
}

func scanBooked(row scanner) (b bookings, err error) {
	var text sql.NullString
	err = row.Scan(&b.transaction, &b.step, &text)
	if text.Valid {
		b.postings, b.err = readPostings(text.String)
	}
	return b, err
}

func (b bookings) addTo(f *payment.File) {
	if b.err != nil {
		f.Unreadable = append(f.Unreadable, b.step)
		return
	}
	for i, p := range b.postings {
		f.Postings = append(f.Postings, payment.Booked{Step: b.step, Seq: i + 1, Posting: p})
	}
}

// readPostings is the opposite of postingsText.
func readPostings(text string) (postings []ledger.Posting, err error) {
	var all [][]json.RawMessage
	if err := json.Unmarshal([]byte(text), &all); err != nil {
		return nil, fmt.Errorf("reading postings: %w", err)
	}
	if all == nil {
		return nil, errors.New("reading postings: there is no array")
	}
	for _, parts := range all {
		var p ledger.Posting
		var micro int64
		into := []any{&p.From, &p.To, &micro}
		if len(parts) != len(into) {
			return nil, fmt.Errorf("reading postings: one has %d parts", len(parts))
		}
		for i, part := range parts {
			if err := json.Unmarshal(part, into[i]); err != nil {
				return nil, fmt.Errorf("reading postings: %w", err)
			}
		}
		p.Amount = dollars(micro)
		postings = append(postings, p)
	}
	return postings, nil
}
