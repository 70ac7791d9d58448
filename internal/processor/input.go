package processor

import (
	"errors"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// named holds the tokens and the instrument that a request for a payment names.
type named struct {
	sender, recipient holdfast.TokenID // recipient is empty if the request names none
	aggregate         payment.AggregateID
	aggregateMethod   holdfast.PaymentMethod
}

// load reads the input of the decision on a new payment. A missing token or
// instrument is a refusal; any other missing row is a fault of this server.
func (p *Processor) load(d decision, n named, id, commissionID holdfast.TransactionID) (payment.Input, error) {
	in := payment.Input{
		ID: id, CommissionID: commissionID, Caller: d.caller, Now: d.now, Real: d.real,
	}
	var err error
	if in.Fees, err = feesOf(&d.tx.ReadTx, d.caller.Network); err != nil {
		return in, err
	}
	token, found, err := d.tx.TokenFor(d.caller.ID, n.sender)
	if err != nil {
		return in, err
	}
	if !found {
		return in, holdfast.Errorf(holdfast.InvalidTokenIDSender,
			"senderTokenId has to be a valid token ID. Specified value: %s", n.sender)
	}
	in.Token = token
	d.foresee(token)
	if n.recipient != "" {
		k, found, err := d.tx.TokenFor(d.caller.ID, n.recipient)
		if err != nil {
			return in, err
		}
		if err := payment.FindRecipient(k, found, d.caller.ID, n.recipient); err != nil {
			return in, err
		}
		in.RecipientToken = &k
	}
	if err := d.loadAggregate(&in, n); err != nil {
		return in, err
	}
	if err := d.loadParties(&in); err != nil {
		return in, err
	}
	if token.Instrument != "" {
		if in.Instrument, found, err = d.tx.Instrument(token.Sender, token.Instrument); err != nil || !found {
			return in, errors.Join(err, missing(found, "instrument", string(token.Instrument)+" of token"))
		}
	}
	if err := d.loadLimits(&in); err != nil {
		return in, err
	}
	if in.Aggregate.ID != "" {
		if err := d.loadMovers(&in); err != nil {
			return in, err
		}
	}
	return in, d.loadBalances(&in)
}

// foresee announces the rows that every payment with this token needs, so that
// the store reads them together.
func (d decision) foresee(token payment.Token) {
	ahead := d.tx.Ahead()
	ahead.Party(d.caller.Owner)
	if token.Sender != "" {
		ahead.Party(token.Sender)
	}
	if token.Recipient != "" {
		ahead.Party(token.Recipient)
	}
	if token.Instrument != "" {
		ahead.Instrument(token.Sender, token.Instrument)
	}
}

// loadAggregate reads the prepaid or credit instrument that the request names,
// or else the token's.
func (d decision) loadAggregate(in *payment.Input, n named) (err error) {
	id, asked := n.aggregate, n.aggregate != ""
	if !asked {
		id = in.Token.Aggregate
	}
	if id == "" {
		return nil
	}
	var found bool
	if in.Aggregate, found, err = d.tx.Aggregate(id); err != nil {
		return err
	}
	if !asked {
		return missing(found, "instrument", string(id)+" of token")
	}
	return payment.FindAggregate(in.Aggregate, found, n.aggregateMethod, id, d.caller.Owner)
}

// loadParties reads the sender, the recipient and the caller's owner. A token
// that cannot pay has no sender; the decision refuses it.
func (d decision) loadParties(in *payment.Input) (err error) {
	recipient := in.Token.Recipient
	switch {
	case in.RecipientToken != nil:
		recipient = in.RecipientToken.Recipient
	case recipient == "":
		recipient = d.caller.Owner
	}
	if in.Token.Sender != "" {
		if in.Sender, err = partyInPayment(&d.tx.ReadTx, in.Token.Sender); err != nil {
			return err
		}
	}
	if in.Recipient, err = partyInPayment(&d.tx.ReadTx, recipient); err != nil {
		return err
	}
	switch d.caller.Owner {
	case in.Recipient.ID:
		in.Owner = in.Recipient
	case in.Sender.ID:
		in.Owner = in.Sender
	default:
		in.Owner, err = partyInPayment(&d.tx.ReadTx, d.caller.Owner)
	}
	return err
}

// loadLimits reads the limits of a lasting token, and the limits of the sender
// and the recipient if they have any.
func (d decision) loadLimits(in *payment.Input) (err error) {
	if in.Token.Limited() {
		if in.Limits, err = d.tx.Limits(string(d.caller.ID), string(in.Token.ID)); err != nil {
			return err
		}
	}
	for _, of := range []func(party.Caller) (payment.Limit, bool){
		func(c party.Caller) (payment.Limit, bool) {
			return payment.Sending(in.Sender, in.Instrument, c.LimitScope())
		},
		func(c party.Caller) (payment.Limit, bool) { return payment.Receiving(in.Recipient, c.LimitScope()) },
	} {
		limit, has := of(d.caller)
		if !has {
			continue
		}
		used, err := d.tx.Limits(limit.Scope, limit.Subject)
		if err != nil {
			return err
		}
		if len(used) > 0 {
			used[0].Value = limit.Value // the value may have changed since
			limit = used[0]
		}
		in.Limits = append(in.Limits, limit)
	}
	return nil
}

// loadBalances reads the balances that the decision may need.
func (d decision) loadBalances(in *payment.Input) (err error) {
	if in.Token.Method == holdfast.MethodABT {
		if in.Balance, err = d.balance(in.Sender.ID); err != nil {
			return err
		}
	}
	if in.RecipientToken != nil {
		in.OwnerBalance, err = d.balance(d.caller.Owner)
	}
	return err
}

func (d decision) balance(p party.ID) (money.Amount, error) {
	return ReadBalance(&d.tx.ReadTx, p, d.caller.Sandbox)
}

// An AccountBalance is the balance of a party's account. Refunds under way, and
// money set aside for undecided fees, are in Out and not in Available.
type AccountBalance struct{ Available, In, Out money.Amount }

// ReadAccountBalance returns the balance of a party's account, of real money or of
// the sandbox's.
func ReadAccountBalance(tx *store.ReadTx, p party.ID, sandbox bool) (b AccountBalance, err error) {
	if b.Available, err = ReadBalance(tx, p, sandbox); err != nil {
		return b, err
	}
	aside, err := tx.AccountBalance(ledger.SetAside(string(p)), sandbox)
	if err != nil {
		return b, err
	}
	in, out, err := tx.Moving(p, sandbox)
	b.In, b.Out = money.Micros(in), money.Micros(out+aside)
	return b, err
}

// ReadBalance returns the balance that a party can spend, of real money or of
// the sandbox's.
func ReadBalance(tx *store.ReadTx, p party.ID, sandbox bool) (money.Amount, error) {
	micro, err := tx.AccountBalance(ledger.Party(string(p)), sandbox)
	return money.Micros(micro), err
}
