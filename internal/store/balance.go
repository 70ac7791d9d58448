package store

import (
	"database/sql"
	"fmt"
	"math/rand/v2"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// lanes is the largest number of rows that hold the balance of one account.
// Each server that shares a database draws some at random, so that servers
// mostly use different rows.
const lanes = 32

func drawLanes(n int) []int { return rand.Perm(lanes)[:n] } //nolint:gosec // spreads rows, no secret

// otherLane draws another lane after a conflict with a server that may use the
// same one.
func otherLane(lane int) int {
	return (lane + 1 + rand.IntN(lanes-1)) % lanes //nolint:gosec // spreads rows, no secret
}

// A balanceKey names an account in the books of all callers in one mode,
// sandbox or live.
type balanceKey struct {
	account ledger.AccountID
	sandbox bool
}

// A balanceSum is a balance with its key.
type balanceSum struct {
	balanceKey
	micro int64
}

var balanceSums = byKey(source[balanceKey, balanceSum]{
	doing: "reading a balance",
	query: `
		SELECT b.account, c.sandbox, CAST(SUM(b.micro) AS BIGINT)
		FROM balances b JOIN callers c ON c.caller_id = b.caller_id
		WHERE b.account = $1 AND c.sandbox = $2
		GROUP BY b.account, c.sandbox`,
	many: `
		SELECT b.account, c.sandbox, CAST(SUM(b.micro) AS BIGINT)
		FROM unnest($1::text[], $2::bigint[]) AS k(account, sandbox)
			JOIN balances b ON b.account = k.account
			JOIN callers c ON c.caller_id = b.caller_id AND c.sandbox = k.sandbox
		GROUP BY b.account, c.sandbox`,
	args: func(k balanceKey) []any { return []any{k.account, flag(k.sandbox)} },
	scan: func(row scanner) (b balanceSum, err error) {
		err = row.Scan(&b.account, &b.sandbox, &b.micro)
		return b, err
	},
	key:      func(b balanceSum) balanceKey { return b.balanceKey },
	unlocked: "a decision that depends on a balance locks or writes the gate of its party instead",
})

// AccountBalance is the balance of an account in the books of all callers in
// one mode, in micro-dollars. A decision that reads a party's balance also
// depends on the party's gate; see restOnGate.
func (tx *ReadTx) AccountBalance(account ledger.AccountID, sandbox bool) (micro int64, err error) {
	if id, ok := account.Party(); ok && tx.sql.rests != nil {
		if err := tx.restOnGate(party.ID(id), balanceKey{account, sandbox}); err != nil {
			return 0, err
		}
	}
	return tx.balanceSum(account, sandbox)
}

func (tx *ReadTx) balanceSum(account ledger.AccountID, sandbox bool) (micro int64, err error) {
	b, _, err := balanceSums.read(tx, balanceKey{account, sandbox})
	return b.micro, err
}

var addToBalance = insertion("changing a balance", "balances",
	"ON CONFLICT (caller_id, account, lane) DO UPDATE SET micro = balances.micro + excluded.micro",
	columns(text, "caller_id, account"), columns(number, "lane, micro"))

// An addition is an amount that one action adds to an account. after is the
// balance that results in the books of all callers of the same mode, as the
// transaction sees it.
type addition struct {
	caller party.CallerID
	key    balanceKey
	micro  int64
	after  sql.NullInt64
}

// add adds an amount to an account in a caller's books. In a round, the
// resulting balance is known only when the amounts of all actions are added.
func (tx *Tx) add(c party.CallerID, account ledger.AccountID, micro int64) (*addition, error) {
	caller, found, err := tx.Caller(c)
	if err != nil || !found {
		return nil, fmt.Errorf("changing a balance of caller %s (found %t): %w", c, found, err)
	}
	a := &addition{caller: c, key: balanceKey{account, caller.Sandbox}, micro: micro}
	if tx.strand != nil {
		tx.sql.rests.wrote(nil)
		tx.strand.adds = append(tx.strand.adds, a)
		return a, nil
	}
	add := addToBalance.statement(tx.dialect, []any{c, account, tx.dialect.lane, micro})
	if err := tx.sql.run(tx.ctx, add); err != nil {
		return nil, err
	}
	after, err := tx.balanceSum(account, caller.Sandbox)
	a.after = sql.NullInt64{Int64: after, Valid: true}
	return a, err
}

// addUp returns the statements that add the amounts of all strands. Each
// account in a caller's books is one row, so an account that many payments go
// to costs no more than any other. The balance after each addition is computed
// from the balance before.
func (r *round) addUp(strands []*strand) ([]statement, error) {
	type laneKey struct {
		caller  party.CallerID
		account ledger.AccountID
	}
	var all []*addition
	sums := make(map[laneKey]int64)
	var rows []laneKey
	before := sharedBy(r, balanceSums)
	for _, st := range strands {
		for _, a := range st.adds {
			all = append(all, a)
			k := laneKey{a.caller, a.key.account}
			if _, known := sums[k]; !known {
				rows = append(rows, k)
			}
			sums[k] += a.micro
			if _, known := before.found[a.key]; !known {
				before.wanted[a.key] = true
			}
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	if err := r.readWanted(); err != nil {
		return nil, err
	}
	for _, a := range all {
		now := before.found[a.key]
		now.value.balanceKey, now.found = a.key, true
		now.value.micro += a.micro
		before.found[a.key] = now
		a.after = sql.NullInt64{Int64: now.value.micro, Valid: true}
	}
	args := make([][]any, len(rows))
	for i, k := range rows {
		args[i] = []any{k.caller, k.account, r.dialect.lane, sums[k]}
	}
	return addToBalance.statements(r.dialect, args), nil
}

// A spenderKey names a party's gate: the row that every decision to spend from
// the party's balance writes.
type spenderKey party.ID

var spendFrom = insertion("spending from a balance", "spenders",
	"ON CONFLICT (party_id) DO UPDATE SET times = spenders.times + 1",
	columns(text, "party_id"), columns(number, "times"))

// spend writes a party's gate, so that two decisions that depend on the party's
// balance conflict.
func (tx *Tx) spend(p party.ID) error {
	if tx.sql.rests.hasWritten(spenderKey(p)) {
		return nil
	}
	return tx.write(spendFrom, spenderKey(p), p, 1)
}

var gates = byKey(source[spenderKey, spenderKey]{
	doing: "reading a gate",
	query: `SELECT party_id FROM spenders WHERE party_id = $1`,
	many:  `SELECT party_id FROM spenders WHERE party_id = ANY($1::text[])`,
	order: `party_id`,
	args:  func(k spenderKey) []any { return []any{k} },
	scan: func(row scanner) (k spenderKey, err error) {
		err = row.Scan(&k)
		return k, err
	},
	key: func(k spenderKey) spenderKey { return k },
})

// restOnGate makes a decision that reads a balance conflict with decisions that
// spend from it. The first decision that ever reads a party's balance creates
// the gate.
func (tx *ReadTx) restOnGate(p party.ID, balance balanceKey) error {
	balanceSums.expect(tx, balance)
	_, there, err := gates.read(tx, spenderKey(p))
	if err != nil || there {
		return err
	}
	return (&Tx{*tx}).spend(p)
}

// Moving adds up the amounts on their way to and from a party's account, by
// callers in one mode, in micro-dollars. These are payments and refunds that a
// card network was asked for and has not decided.
func (tx *ReadTx) Moving(p party.ID, sandbox bool) (in, out int64, err error) {
	err = tx.sql.QueryRowContext(tx.ctx, `
		SELECT CAST(COALESCE(SUM(CASE t.asking WHEN 'Capture' THEN t.settled WHEN 'Charge' THEN t.amount ELSE 0 END), 0) AS BIGINT),
			CAST(COALESCE(SUM(CASE t.asking WHEN 'Return' THEN t.amount ELSE 0 END), 0) AS BIGINT)
		FROM transactions t
		JOIN callers c ON c.caller_id = t.caller_id
		WHERE t.asking IN ('Capture', 'Charge', 'Return') AND t.state IN ('Pending', 'Settling')
			AND t.recipient = $1 AND c.sandbox = $2`, p, flag(sandbox)).Scan(&in, &out)
	if err != nil {
		return 0, 0, fmt.Errorf("adding up amounts on their way: %w", err)
	}
	return in, out, nil
}
