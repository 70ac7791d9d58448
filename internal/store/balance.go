package store

import (
	"fmt"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A balanceKey names an account in the books of all callers in one mode,
// sandbox or live.
type balanceKey struct {
	account ledger.AccountID
	sandbox bool
}

var balanceSums = engine.NewSource(engine.Source[balanceKey, engine.Total[balanceKey]]{
	Doing: "reading a balance",
	Query: `
		SELECT b.account, c.sandbox, CAST(SUM(b.micro) AS BIGINT)
		FROM balances b JOIN callers c ON c.caller_id = b.caller_id
		WHERE b.account = $1 AND c.sandbox = $2
		GROUP BY b.account, c.sandbox`,
	Many: `
		SELECT b.account, c.sandbox, CAST(SUM(b.micro) AS BIGINT)
		FROM unnest($1::text[], $2::bigint[]) AS k(account, sandbox)
			JOIN balances b ON b.account = k.account
			JOIN callers c ON c.caller_id = b.caller_id AND c.sandbox = k.sandbox
		GROUP BY b.account, c.sandbox`,
	Args: func(k balanceKey) []any { return []any{k.account, flag(k.sandbox)} },
	Scan: func(row scanner) (b engine.Total[balanceKey], err error) {
		err = row.Scan(&b.Key.account, &b.Key.sandbox, &b.Amount)
		return b, err
	},
	Key:      func(b engine.Total[balanceKey]) balanceKey { return b.Key },
	Unlocked: "a decision that depends on a balance locks or writes the gate of its party instead",
})

// A balanceRow names the rows of an account in a caller's books.
type balanceRow struct {
	caller  party.CallerID
	account ledger.AccountID
}

// balances has the balance of each account in each caller's books, in up to
// [engine.Shards] rows.
var balances = engine.NewCounter(balanceSums, engine.Insertion{
	Doing: "changing a balance", Table: "balances",
	Otherwise: "ON CONFLICT (caller_id, account, lane) DO UPDATE SET micro = balances.micro + excluded.micro",
	Columns:   append(engine.Columns(engine.Text, "caller_id, account"), engine.Columns(engine.Number, "lane, micro")...),
}, func(r balanceRow) []any { return []any{r.caller, r.account} })

// AccountBalance is the balance of an account in the books of all callers in
// one mode, in micro-dollars. A decision that reads a party's balance also
// depends on the party's gate; see restOnGate.
func (tx *ReadTx) AccountBalance(account ledger.AccountID, sandbox bool) (micro int64, err error) {
	if id, ok := account.Party(); ok && tx.sql.Locks() {
		if err := tx.restOnGate(party.ID(id), balanceKey{account, sandbox}); err != nil {
			return 0, err
		}
	}
	return tx.balanceSum(account, sandbox)
}

func (tx *ReadTx) balanceSum(account ledger.AccountID, sandbox bool) (micro int64, err error) {
	return balances.Read(tx.sql, balanceKey{account, sandbox})
}

// add adds an amount to an account in a caller's books. It returns the balance
// after it in the books of all callers of the same mode, as a value for a row
// that the same action writes.
func (tx *Tx) add(c party.CallerID, account ledger.AccountID, micro int64) (*engine.Sum, error) {
	caller, found, err := tx.Caller(c)
	if err != nil || !found {
		return nil, fmt.Errorf("changing a balance of caller %s (found %t): %w", c, found, err)
	}
	return balances.Add(tx.sql, balanceRow{c, account}, balanceKey{account, caller.Sandbox}, micro)
}

// A spenderKey names a party's gate: the row that every decision to spend from
// the party's balance writes.
type spenderKey party.ID

var gates = engine.NewSource(engine.Source[spenderKey, spenderKey]{
	Doing: "reading a gate",
	Query: `SELECT party_id FROM spenders WHERE party_id = $1`,
	Many:  `SELECT party_id FROM spenders WHERE party_id = ANY($1::text[])`,
	Order: `party_id`,
	Args:  func(k spenderKey) []any { return []any{k} },
	Scan: func(row scanner) (k spenderKey, err error) {
		err = row.Scan(&k)
		return k, err
	},
	Key: func(k spenderKey) spenderKey { return k },
})

var spendFrom = gates.Change(engine.Insertion{
	Doing: "spending from a balance", Table: "spenders",
	Otherwise: "ON CONFLICT (party_id) DO UPDATE SET times = spenders.times + 1",
	Columns:   append(engine.Columns(engine.Text, "party_id"), engine.Columns(engine.Number, "times")...),
})

// spend writes a party's gate, so that two decisions that depend on the party's
// balance conflict.
func (tx *Tx) spend(p party.ID) error {
	if tx.sql.HasWritten(gates.Row(spenderKey(p))) {
		return nil
	}
	return spendFrom.Write(tx.sql, spenderKey(p), p, 1)
}

// restOnGate makes a decision that reads a balance conflict with decisions that
// spend from it. The first decision that ever reads a party's balance creates
// the gate.
func (tx *ReadTx) restOnGate(p party.ID, balance balanceKey) error {
	balances.Expect(tx.sql, balance)
	_, there, err := gates.Get(tx.sql, spenderKey(p))
	if err != nil || there {
		return err
	}
	return (&Tx{ReadTx: *tx}).spend(p)
}

// Moving adds up the amounts on their way to and from a party's account, by
// callers in one mode, in micro-dollars. These are payments and refunds that a
// card network was asked for and has not decided. It reads all open questions.
func (tx *ReadTx) Moving(p party.ID, sandbox bool) (in, out int64, err error) {
	err = tx.sql.QueryRow(`
		SELECT CAST(COALESCE(SUM(CASE t.asking WHEN 'Capture' THEN COALESCE(t.settled, t.amount)
				WHEN 'Charge' THEN t.amount END), 0) AS BIGINT),
			CAST(COALESCE(SUM(CASE t.asking WHEN 'Return' THEN t.amount END), 0) AS BIGINT)
		FROM transactions t
		JOIN callers c ON c.caller_id = t.caller_id
		WHERE t.asking IN ('Capture', 'Charge', 'Return') AND t.state IN ('Pending', 'Settling')
			AND t.recipient = $1 AND c.sandbox = $2`, p, flag(sandbox)).Scan(&in, &out)
	if err != nil {
		return 0, 0, fmt.Errorf("adding up amounts on their way: %w", err)
	}
	return in, out, nil
}
