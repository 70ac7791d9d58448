package store

import (
	"fmt"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// instrumentsAfter reads a caller's prepaid and credit instruments in the order
// of their ids.
func (tx *ReadTx) instrumentsAfter(
	c party.CallerID, after payment.AggregateID, limit int,
) ([]payment.AggregateInstrument, error) {
	return list(tx, "reading instruments", scanAggregate, `
		SELECT `+aggregateColumns+` FROM aggregate_instruments
		WHERE caller_id = $1 AND aggregate_id > $2 ORDER BY aggregate_id LIMIT $3`, c, after, limit)
}

// accountOf is the account of an instrument, and its balance there.
func accountOf(a payment.AggregateInstrument) (account ledger.AccountID, micro int64) {
	if a.Method == holdfast.MethodPrepaid {
		return ledger.Prepaid(string(a.ID)), a.Balance.Micro
	}
	return ledger.Debt(string(a.ID)), -a.Balance.Micro
}

// checkInstruments compares the instruments behind one with their postings and
// with their open transactions. It also finds money that nobody can move:
// prepaid balances that no active token can spend, and debts that no active
// token can settle.
func (tx *ReadTx) checkInstruments(
	c party.CallerID, after payment.AggregateID, page []payment.AggregateInstrument, posted postedSums,
) (findings []payment.Finding, err error) {
	last := page[len(page)-1].ID
	movers, err := tx.moversOf(c, after, last)
	if err != nil {
		return nil, err
	}
	opened, err := list(tx, "adding up what is pending", scanAccountSum, `
		SELECT aggregate_id, CAST(SUM(amount) AS BIGINT) FROM transactions
		WHERE asking <> '' AND caller_id = $1 AND aggregate_id > $2 AND aggregate_id <= $3
			AND kind IN ('FundPrepaid', 'SettleDebt') AND state = 'Pending'
		GROUP BY aggregate_id`, c, after, last)
	if err != nil {
		return nil, err
	}
	pending := make(map[string]int64, len(opened))
	for _, o := range opened {
		pending[string(o.account)] = o.micro
	}
	for _, a := range page {
		of := payment.Finding{Caller: c, Table: "aggregate_instruments", Row: string(a.ID)}
		if account, micro := accountOf(a); posted != nil {
			in := payment.Finding{Caller: c, Table: "balances", Row: string(account)}
			findings = differing(findings, in, "the balance", micro, posted[account])
		}
		findings = differing(findings, of, "the instrument's pending amount", a.Pending.Micro, pending[string(a.ID)])
		if !a.Balance.Positive() && !a.Pending.Positive() {
			continue
		}
		var by []payment.Mover
		for _, m := range movers[a.ID] {
			if m.Token.Use == a.MovedBy() {
				by = append(by, m)
			}
		}
		if why := a.Stranded(by); why != nil {
			of.Problem, of.Fault = stranded(a, why), why.Error()
			findings = append(findings, of)
		}
	}
	return findings, nil
}

func stranded(a payment.AggregateInstrument, why error) string {
	if a.Method == holdfast.MethodPrepaid {
		return fmt.Sprintf("has a balance of %v, and %v pending, that nobody can spend: %v", a.Balance, a.Pending,
			why)
	}
	return fmt.Sprintf("has a debt of %v, %v of it pending, that nobody can settle: %v", a.Balance, a.Pending,
		why)
}

// moversOf reads the tokens of a range of instruments that are not cancelled.
// It adds their limits, and the cards and accounts that their senders have
// removed.
func (tx *ReadTx) moversOf(
	c party.CallerID, after, last payment.AggregateID,
) (map[payment.AggregateID][]payment.Mover, error) {
	const span = `
		k.caller_id = $1 AND k.aggregate_id > $2 AND k.aggregate_id <= $3 AND k.aggregate_id <> '' AND k.cancelled = 0`
	tokens, err := list(tx, "reading tokens of instruments", scanToken, `
		SELECT `+joinedTokenColumns+` FROM tokens k WHERE`+span+` ORDER BY k.token_id`, c, after, last)
	if err != nil {
		return nil, err
	}
	limits, err := list(tx, "reading limits of tokens of instruments", scanLimit, `
		SELECT `+joined("l", limitColumns)+`
		FROM tokens k JOIN usage_limits l ON l.scope = k.caller_id AND l.subject = k.token_id WHERE`+span, c, after, last)
	if err != nil {
		return nil, err
	}
	removed := make(map[holdfast.TokenID]payment.Instrument)
	_, err = list(tx, "reading removed instruments", func(row scanner) (i payment.Instrument, err error) {
		var id holdfast.TokenID
		i, err = scanInstrument(behind{row, []any{&id}})
		removed[id] = i
		return i, err
	}, `
		SELECT k.token_id, `+joined("i", instrumentColumns)+`
		FROM tokens k JOIN instruments i
		ON i.party_id = k.sender AND i.instrument_id = k.instrument_id AND i.removed = 1 WHERE`+span, c, after, last)
	if err != nil {
		return nil, err
	}
	of := make(map[string][]payment.Limit)
	for _, l := range limits {
		of[l.Subject] = append(of[l.Subject], l)
	}
	movers := make(map[payment.AggregateID][]payment.Mover)
	for _, t := range tokens {
		movers[t.Aggregate] = append(movers[t.Aggregate], payment.Mover{
			Token: t, Limits: of[string(t.ID)], Instrument: removed[t.ID],
		})
	}
	return movers, nil
}
