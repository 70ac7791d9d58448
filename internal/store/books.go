package store

import (
	"context"
	"fmt"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Report is what a check of the books found.
type Report struct {
	Callers, Transactions, Postings int
	// Held is what is reserved by all callers, in micro-dollars, by their books.
	Held     int64
	Findings []payment.Finding
}

const (
	booksPage   = 500  // transactions read at a time
	findingsMax = 1000 // after which a check stops looking
)

// CheckBooks reads every transaction with all that is kept of it and names each
// row that is wrong. It reads one consistent state, and may run beside the
// server.
func (r Reader) CheckBooks(ctx context.Context) (report Report, err error) {
	err = r.View(ctx, func(tx *ReadTx) error {
		report = Report{}
		callers, err := tx.Callers()
		if err != nil {
			return err
		}
		report.Callers = len(callers)
		for _, c := range callers {
			if err := tx.checkCaller(c.ID, &report); err != nil {
				return fmt.Errorf("checking the books of caller %s: %w", c.ID, err)
			}
		}
		return tx.checkOrphans(&report)
	})
	return report, err
}

// CheckCallerBooks is CheckBooks for one caller's books alone.
func (r Reader) CheckCallerBooks(ctx context.Context, c party.CallerID) (report Report, err error) {
	report.Callers = 1
	err = r.View(ctx, func(tx *ReadTx) error { return tx.checkCaller(c, &report) })
	return report, err
}

func (tx *ReadTx) checkCaller(c party.CallerID, report *Report) error {
	var open int64 // what the open reserves come to, in micro-dollars
	for after := holdfast.TransactionID(""); ; {
		page, err := list(tx, "reading transactions", scanTransaction, `
			SELECT `+transactionColumns+` FROM transactions
			WHERE caller_id = $1 AND transaction_id > $2 ORDER BY transaction_id LIMIT $3`, c, after, booksPage)
		if err != nil {
			return err
		}
		if len(page) == 0 || len(report.Findings) > findingsMax {
			break
		}
		last := page[len(page)-1].ID
		files, err := tx.files(c, page, after, last)
		if err != nil {
			return err
		}
		for _, f := range files {
			report.Transactions++
			report.Postings += len(f.Postings)
			report.Findings = append(report.Findings, f.Audit()...)
			if s := f.Transaction.State; s == payment.Reserved || s == payment.Settling {
				open += f.Transaction.Amount.Micro
			}
		}
		after = last
	}
	held, err := tx.Balance(c, ledger.Held)
	if err != nil {
		return err
	}
	if report.Held += held; held != open {
		report.Findings = append(report.Findings, payment.Finding{
			Table: "postings", Row: string(c) + "/" + string(ledger.Held),
			Problem: fmt.Sprintf("account holds %s but the open reserves come to %s", dollars(held).Value(), dollars(open).Value()),
		})
	}
	return nil
}

// keyed is a row with the transaction it belongs to.
type keyed[T any] struct {
	id  holdfast.TransactionID
	row T
}

// withKey scans a transaction's id in front of a row.
func withKey[T any](scan func(scanner) (T, error)) func(scanner) (keyed[T], error) {
	return func(row scanner) (k keyed[T], err error) {
		k.row, err = scan(keyScanner[holdfast.TransactionID]{row, &k.id})
		return k, err
	}
}

type keyScanner[K any] struct {
	scanner
	key *K
}

func (k keyScanner[K]) Scan(dest ...any) error {
	return k.scanner.Scan(append([]any{k.key}, dest...)...)
}

// group reads rows of the transactions from after (exclusive) to last, by
// transaction.
func group[T any](tx *ReadTx, doing string, scan func(scanner) (T, error), query string, args ...any) (map[holdfast.TransactionID][]T, error) {
	rows, err := list(tx, doing, withKey(scan), query, args...)
	grouped := make(map[holdfast.TransactionID][]T)
	for _, k := range rows {
		grouped[k.id] = append(grouped[k.id], k.row)
	}
	return grouped, err
}

// files puts beside each transaction of a page all that is kept of it.
func (tx *ReadTx) files(c party.CallerID, page []payment.Transaction, after, last holdfast.TransactionID) ([]payment.File, error) {
	const span = ` WHERE caller_id = $1 AND transaction_id > $2 AND transaction_id <= $3 ORDER BY transaction_id, `
	history, err := group(tx, "reading histories", scanHistory,
		`SELECT transaction_id, `+historyColumns+` FROM transaction_history`+span+`seq`, c, after, last)
	if err != nil {
		return nil, err
	}
	postings, err := group(tx, "reading postings", scanBooked,
		`SELECT transaction_id, seq, from_account, to_account, amount FROM postings`+span+`seq`, c, after, last)
	if err != nil {
		return nil, err
	}
	attempts, err := group(tx, "reading attempts", scanAttempt,
		`SELECT transaction_id, `+attemptColumns+` FROM attempts`+span+`step`, c, after, last)
	if err != nil {
		return nil, err
	}
	const joined = ` WHERE t.caller_id = $1 AND t.transaction_id > $2 AND t.transaction_id <= $3`
	tokens, err := group(tx, "reading tokens", scanToken,
		`SELECT t.transaction_id, `+joinedTokenColumns+`
		FROM transactions t JOIN tokens k ON k.caller_id = t.caller_id AND k.token_id = t.token_id`+joined, c, after, last)
	if err != nil {
		return nil, err
	}
	requests, err := group(tx, "reading requests", scanID, `
		SELECT t.transaction_id, r.transaction_id
		FROM transactions t JOIN requests r ON r.caller_id = t.caller_id AND r.reference = t.reference`+joined, c, after, last)
	if err != nil {
		return nil, err
	}
	parties, err := group(tx, "reading parties", scanID, `
		SELECT t.transaction_id, p.party_id
		FROM transactions t JOIN parties p ON p.party_id IN (t.sender, t.recipient)`+joined, c, after, last)
	if err != nil {
		return nil, err
	}
	files := make([]payment.File, len(page))
	for i, t := range page {
		files[i] = payment.File{
			Transaction: t, History: history[t.ID], Postings: postings[t.ID], Attempts: attempts[t.ID],
			Remembered: len(requests[t.ID]) > 0, Parties: len(parties[t.ID]),
		}
		if k := tokens[t.ID]; len(k) == 1 {
			files[i].Token = k[0]
		}
	}
	return files, nil
}

func scanBooked(row scanner) (b payment.Booked, err error) {
	b.Posting, err = scanPosting(keyScanner[int]{row, &b.Seq})
	return b, err
}

func scanID(row scanner) (id string, err error) {
	err = row.Scan(&id)
	return id, err
}

// orphans are rows that belong to a transaction that is not there.
var orphans = []struct{ table, query string }{
	{"postings", `
		SELECT p.transaction_id FROM postings p LEFT JOIN transactions t
		ON t.caller_id = p.caller_id AND t.transaction_id = p.transaction_id WHERE t.transaction_id IS NULL LIMIT $1`},
	{"transaction_history", `
		SELECT h.transaction_id FROM transaction_history h LEFT JOIN transactions t
		ON t.caller_id = h.caller_id AND t.transaction_id = h.transaction_id WHERE t.transaction_id IS NULL LIMIT $1`},
	{"attempts", `
		SELECT a.transaction_id FROM attempts a LEFT JOIN transactions t
		ON t.caller_id = a.caller_id AND t.transaction_id = a.transaction_id WHERE t.transaction_id IS NULL LIMIT $1`},
	{"notifications", `
		SELECT n.transaction_id FROM notifications n LEFT JOIN transactions t
		ON t.caller_id = n.caller_id AND t.transaction_id = n.transaction_id WHERE t.transaction_id IS NULL LIMIT $1`},
	{"requests", `
		SELECT r.transaction_id FROM requests r LEFT JOIN transactions t
		ON t.caller_id = r.caller_id AND t.transaction_id = r.transaction_id
		WHERE r.transaction_id <> '' AND t.transaction_id IS NULL LIMIT $1`},
	{"requests", `
		SELECT r.transaction_id FROM requests r JOIN transactions t
		ON t.caller_id = r.caller_id AND t.transaction_id = r.transaction_id
		WHERE t.reference <> r.reference LIMIT $1`},
	{"tokens", `
		SELECT k.used_by FROM tokens k LEFT JOIN transactions t
		ON t.caller_id = k.caller_id AND t.transaction_id = k.used_by
		WHERE k.used_by <> '' AND t.transaction_id IS NULL LIMIT $1`},
	{"transactions", `
		SELECT t.transaction_id FROM transactions t LEFT JOIN callers c
		ON c.caller_id = t.caller_id WHERE c.caller_id IS NULL LIMIT $1`},
}

func (tx *ReadTx) checkOrphans(report *Report) error {
	for _, o := range orphans {
		ids, err := list(tx, "looking for orphans", scanID, o.query, findingsMax)
		if err != nil {
			return err
		}
		for _, id := range ids {
			problem := "belongs to a transaction that does not exist, or to another"
			if o.table == "transactions" {
				problem = "belongs to a caller that does not exist"
			}
			report.Findings = append(report.Findings, payment.Finding{Table: o.table, Row: id, Problem: problem})
		}
	}
	return nil
}
