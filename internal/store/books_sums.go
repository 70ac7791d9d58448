package store

import (
	"fmt"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// sums are stored totals that other rows must add up to. Each query selects
// those that differ: the row, the stored total and the sum of the rows. Its
// arguments are the caller ($1) and the largest number of results ($2).
var sums = []struct{ table, what, query string }{
	{"balances", "the balance", `
		SELECT account, CAST(SUM(kept) AS BIGINT), CAST(SUM(posted) AS BIGINT)
		FROM (
			SELECT account, micro AS kept, 0 AS posted FROM balances WHERE caller_id = $1
			UNION ALL SELECT 'prepaid:' || aggregate_id, balance, 0 FROM aggregate_instruments
				WHERE caller_id = $1 AND method = 'Prepaid'
			UNION ALL SELECT 'debt:' || aggregate_id, -balance, 0 FROM aggregate_instruments
				WHERE caller_id = $1 AND method = 'Debt'
			UNION ALL SELECT p.to_account, 0, p.amount` + postingsOf + `
			UNION ALL SELECT p.from_account, 0, -p.amount` + postingsOf + `
		) AS accounts
		WHERE account NOT IN ('network', 'held', 'outgoing', 'disputed', 'fees')
		GROUP BY account HAVING SUM(kept) <> SUM(posted) LIMIT $2`},
	{"aggregate_instruments", "the instrument's pending amount", `
		SELECT a.aggregate_id, a.pending, COALESCE(t.open, 0)
		FROM aggregate_instruments a LEFT JOIN (
			SELECT aggregate_id, CAST(SUM(amount) AS BIGINT) AS open FROM transactions
			WHERE caller_id = $1 AND received > 0 AND kind IN ('FundPrepaid', 'SettleDebt') AND state = 'Pending'
			GROUP BY aggregate_id
		) AS t ON t.aggregate_id = a.aggregate_id
		WHERE a.caller_id = $1 AND a.pending <> COALESCE(t.open, 0) LIMIT $2`},
	{"transactions", "the refunded amount", `
		SELECT t.transaction_id, t.refunded, COALESCE(r.amount, 0)` + refundsOf + `
		WHERE t.caller_id = $1 AND t.received > 0 AND t.kind IN ('Reserve', 'Pay', 'FundPrepaid')
			AND t.refunded <> COALESCE(r.amount, 0) LIMIT $2`},
	{"transactions", "the returned fee", `
		SELECT t.transaction_id, t.fee_returned, COALESCE(r.fee, 0)` + refundsOf + `
		WHERE t.caller_id = $1 AND t.received > 0 AND t.kind IN ('Reserve', 'Pay', 'FundPrepaid')
			AND t.fee_returned <> COALESCE(r.fee, 0) LIMIT $2`},
	{"transactions", "the returned marketplace fee", `
		SELECT t.transaction_id, t.commission_returned, COALESCE(r.commission, 0) + COALESCE(m.amount, 0)` + refundsOf + `
		LEFT JOIN (
			SELECT parent, CAST(SUM(amount) AS BIGINT) AS amount FROM transactions
			WHERE caller_id = $1 AND received > 0 AND kind = 'Refund' AND state NOT IN ('Failure', 'Cancelled')
			GROUP BY parent
		) AS m ON m.parent = t.commission_id AND t.commission_id <> ''
		WHERE t.caller_id = $1 AND t.received > 0 AND t.kind IN ('Reserve', 'Pay')
			AND t.commission_returned <> COALESCE(r.commission, 0) + COALESCE(m.amount, 0) LIMIT $2`},
	{"transactions", "the marketplace fee", `
		SELECT t.transaction_id, CASE WHEN t.state = 'Success' THEN COALESCE(t.commission, 0) ELSE 0 END, COALESCE(m.amount, 0)
		FROM transactions t LEFT JOIN transactions m
		ON m.caller_id = t.caller_id AND m.transaction_id = t.commission_id
			AND m.parent = t.transaction_id AND m.kind = 'Commission'
		WHERE t.caller_id = $1 AND t.received > 0 AND t.kind IN ('Reserve', 'Pay')
			AND CASE WHEN t.state = 'Success' THEN COALESCE(t.commission, 0) ELSE 0 END <> COALESCE(m.amount, 0) LIMIT $2`},
}

const postingsOf = `
				FROM transactions t JOIN postings p ON p.caller_id = t.caller_id AND p.transaction_id = t.transaction_id
				WHERE t.caller_id = $1 AND t.received > 0`

// refundsOf joins transactions with the sums of their refunds, those that were
// made at a card network, too, and less those that failed there after their
// success. It leaves out refunds of the marketplace's fee alone.
const refundsOf = `
	FROM transactions t LEFT JOIN (
		SELECT parent, CAST(SUM(amount) AS BIGINT) AS amount, CAST(-SUM(fee) AS BIGINT) AS fee,
			CAST(-SUM(commission) AS BIGINT) AS commission
		FROM (
			SELECT parent, amount, fee, commission FROM transactions
			WHERE caller_id = $1 AND received > 0 AND kind IN ('Refund', 'OutsideRefund') AND policy <> 'MarketplaceTxnOnly'
				AND state NOT IN ('Failure', 'Cancelled')
			UNION ALL
			SELECT refund.parent, -back.amount, back.fee, back.commission
			FROM transactions back JOIN transactions refund
			ON refund.caller_id = back.caller_id AND refund.transaction_id = back.parent
			WHERE back.caller_id = $1 AND back.received > 0 AND back.kind = 'RefundReversal'
		) AS refunds
		GROUP BY parent
	) AS r ON r.parent = t.transaction_id`

// A sum is a stored total that differs from its rows.
type sum struct {
	row        string
	kept, rows int64
}

func scanSum(row scanner) (s sum, err error) {
	err = row.Scan(&s.row, &s.kept, &s.rows)
	return s, err
}

// checkSums compares all stored totals with the rows behind them. It leaves out
// the balances if postings cannot be read: the database could not add them up.
func (tx *ReadTx) checkSums(c party.CallerID, readable bool, report *Report) error {
	for _, s := range sums {
		if s.table == "balances" && !readable {
			continue
		}
		wrong, err := list(tx, "adding up "+s.what, scanSum, s.query, c, findingsMax)
		if err != nil {
			return err
		}
		for _, w := range wrong {
			report.Findings = append(report.Findings, payment.Finding{
				Table: s.table, Row: w.row,
				Problem: fmt.Sprintf("%s: %v is stored, but the rows add up to %v", s.what, dollars(w.kept), dollars(w.rows)),
			})
		}
	}
	if err := tx.checkSides(c, report); err != nil {
		return err
	}
	return tx.checkDue(c, report)
}

// A side is a balance that may be on the wrong side of zero.
type side struct {
	account ledger.AccountID
	micro   int64
	mode    string // set for an account that all callers in one mode share
}

func wrongSide(row string, micro int64) payment.Finding {
	problem := "account is below zero"
	if micro > 0 {
		problem = "account is above zero"
	}
	return payment.Finding{Table: "balances", Row: row, Problem: fmt.Sprintf("%s, at %v", problem, dollars(micro))}
}

// checkSides finds accounts in a caller's books whose balance has the wrong
// sign. A party's balance in the books of one caller may be below zero, because
// another caller may have paid the party.
func (tx *ReadTx) checkSides(c party.CallerID, report *Report) error {
	scan := func(row scanner) (s side, err error) {
		err = row.Scan(&s.account, &s.micro)
		return s, err
	}
	all, err := list(tx, "looking at balances", scan, `
		SELECT account, CAST(SUM(micro) AS BIGINT) FROM balances
		WHERE caller_id = $1 AND account NOT LIKE 'party:%'
		GROUP BY account HAVING SUM(micro) <> 0`, c)
	for _, s := range all {
		if !s.account.Allows(s.micro) {
			report.Findings = append(report.Findings, wrongSide(string(c)+"/"+string(s.account), s.micro))
		}
	}
	return err
}

// checkParties finds parties with a negative balance, although card networks have
// not taken that much back from them.
func (tx *ReadTx) checkParties(report *Report) error {
	scan := func(row scanner) (s side, err error) {
		err = row.Scan(&s.account, &s.mode, &s.micro)
		return s, err
	}
	all, err := list(tx, "looking at parties' balances", scan, `
		SELECT b.account, CASE WHEN c.sandbox = 1 THEN 'sandbox' ELSE 'live' END, CAST(SUM(b.micro) AS BIGINT)
		FROM balances b JOIN callers c ON c.caller_id = b.caller_id
		WHERE b.account LIKE 'party:%'
		GROUP BY b.account, c.sandbox HAVING SUM(b.micro) < 0 LIMIT $1`, findingsMax)
	for _, s := range all {
		taken, err := tx.taken(s)
		if err != nil {
			return err
		}
		if !s.account.AllowsTaken(s.micro, taken) {
			report.Findings = append(report.Findings, wrongSide(string(s.account)+" ("+s.mode+")", s.micro))
		}
	}
	return err
}

// taken is what card networks have taken back from a party by themselves. It
// reads all transactions: very few parties have less than nothing.
func (tx *ReadTx) taken(s side) (micro int64, err error) {
	id, _ := s.account.Party()
	return tx.count("adding up what networks have taken back", `
		SELECT CAST(COALESCE(SUM(CASE t.kind WHEN 'DisputeReturn' THEN -t.amount ELSE t.amount END), 0) AS BIGINT)
		FROM transactions t JOIN callers c ON c.caller_id = t.caller_id
		WHERE t.recipient = $1 AND t.kind IN ('Dispute', 'DisputeReturn', 'OutsideRefund') AND c.sandbox = $2`,
		id, flag(s.mode == "sandbox"))
}

// checkDue finds transactions whose due time is not their deadline. They would
// never expire, or would be looked at in vain.
func (tx *ReadTx) checkDue(c party.CallerID, report *Report) error {
	ids, err := list(tx, "checking due times", scanID, `
		SELECT transaction_id FROM transactions
		WHERE caller_id = $1 AND received > 0 AND due <> CASE WHEN state IN ('Pending', 'Reserved') THEN deadline ELSE 0 END LIMIT $2`,
		c, findingsMax)
	for _, id := range ids {
		report.Findings = append(report.Findings, payment.Finding{
			Table: "transactions", Row: id, Problem: "is not due at its deadline",
		})
	}
	return err
}
