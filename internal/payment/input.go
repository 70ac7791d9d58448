package payment

import (
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// Limits of the actions that move money (Query API Reference; "Reserving a
// Payment": a reserve expires after seven days).
const (
	ReserveLifeMax = 7 * 24 * time.Hour
	TimeoutMinsMax = 10080 // minutes: the same seven days
	ReferenceMax   = 128   // bytes of a CallerReference
	DescriptionMax = 160   // characters
)

var (
	cardAmountMin = money.Cents(2)         // for cards and bank debits: "above $0.01"
	amountMin     = money.Cents(1)         // for other methods
	amountMax     = money.Cents(10_000_00) // $10,000
)

// An Input has everything that a decision on a new payment depends on.
type Input struct {
	ID             holdfast.TransactionID // for the new transaction
	CommissionID   holdfast.TransactionID // for the marketplace's fee, if any
	Caller         party.Caller
	Owner          party.Party // the caller's owner
	Token          Token
	RecipientToken *Token // nil if none was named
	Instrument     Instrument
	Aggregate      AggregateInstrument
	Movers         []Mover // of the instrument, if its money changes
	GoesBack       bool    // the balance of an expired instrument is paid back now, and cannot be spent
	Sender         party.Party
	Recipient      party.Party
	Limits         []Limit      // of the token and of the parties
	Balance        money.Amount // the sender's; used if the balance pays
	OwnerBalance   money.Amount // the owner's; used if the owner bears the fee
	Fees           FeeSchedule
	Now            time.Time // the caller's time
	Real           time.Time // real time, which applies to parties
}

// parties refuses accounts that cannot send, receive or start payments.
func (in *Input) parties() error {
	sender, recipient := in.Sender, in.Recipient
	switch {
	case sender.ID == recipient.ID:
		return holdfast.Errorf(holdfast.SameSenderAndRecipient, "sender and recipient are one account")
	case sender.Standing != party.Active:
		return holdfast.Errorf(holdfast.InvalidAccountStateSender, "the sender's account is %s", standing(sender))
	case recipient.Standing != party.Active:
		return holdfast.Errorf(holdfast.InvalidAccountStateRecipient, "the recipient's account is %s", standing(recipient))
	case in.Owner.Standing != party.Active:
		return holdfast.Errorf(holdfast.InvalidAccountStateCaller, "the caller's account is %s", standing(in.Owner))
	case !sender.MayPay(in.Real):
		return holdfast.Errorf(holdfast.UnverifiedEmailAddressSender, "the sender's e-mail address is not verified")
	case !recipient.EmailVerified:
		return holdfast.Errorf(holdfast.UnverifiedEmailAddressRecipient, "the recipient's e-mail address is not verified")
	case !in.Owner.EmailVerified:
		return holdfast.Errorf(holdfast.UnverifiedEmailAddressCaller, "the caller's e-mail address is not verified")
	case !sender.Verified:
		return holdfast.Errorf(holdfast.UnverifiedAccountSender, "the sender's account is not verified")
	case !recipient.Verified:
		return holdfast.Errorf(holdfast.UnverifiedAccountRecipient, "the recipient's account is not verified")
	}
	return nil
}

func standing(p party.Party) string { return strings.ToLower(string(p.Standing)) }

// instrument refuses an instrument that cannot pay the recipient.
func (in *Input) instrument() error {
	switch in.Token.Method {
	case "":
		return holdfast.Errorf(holdfast.PaymentMethodNotDefined,
			"the sender token has neither a payment method nor an instrument")
	case holdfast.MethodPrepaid, holdfast.MethodDebt:
		if err := onlyCards(in.Caller); err != nil {
			return err
		}
		return in.aggregate()
	case holdfast.MethodCC, holdfast.MethodACH, holdfast.MethodABT:
	}
	i := in.Instrument
	if err := in.kept(); err != nil {
		return err
	}
	switch {
	case i.Removed:
		return holdfast.Errorf(holdfast.InvalidPaymentInstrument, "the sender has removed %s", i.Name())
	case i.Expired(in.Now):
		return holdfast.Errorf(holdfast.InactiveInstrument, "the sender's card expired in %s", i.Expiry())
	case i.Method == holdfast.MethodCC && !in.Recipient.Business:
		return holdfast.Errorf(holdfast.InvalidRecipientForCCTransaction,
			"the recipient has a personal account, which cannot take cards")
	case i.Method == holdfast.MethodACH && !i.Verified:
		return holdfast.Errorf(holdfast.UnverifiedBankAccount, "the sender's bank account is not verified")
	}
	return nil
}

// funds refuses a payment that is larger than the sender's balance.
func (in *Input) funds(amount money.Amount) error {
	if in.Token.Method == holdfast.MethodABT && in.Balance.Cmp(amount) < 0 {
		return holdfast.Errorf(holdfast.InsufficientBalance, "the sender's balance is less than %v", amount)
	}
	return nil
}

// limits counts the payment, or refuses a payment that exceeds a limit.
func (in *Input) limits(amount money.Amount) ([]LimitChange, error) {
	changes, exceeded := use(in.Limits, amount, in.Now)
	if exceeded != nil {
		return nil, exceeded.refusal()
	}
	return changes, nil
}

// refusal refuses a payment that exceeds the limit.
func (l Limit) refusal() error {
	switch {
	case strings.HasPrefix(l.Subject, sendingPrefix):
		return holdfast.Errorf(holdfast.AccountLimitsExceeded,
			"the sender's account has reached its sending limit for this month")
	case strings.HasPrefix(l.Subject, receivingPrefix):
		return holdfast.Errorf(holdfast.AccountLimitsExceeded,
			"the recipient's account has reached its receiving limit for this month")
	}
	return holdfast.Errorf(holdfast.TokenUsageError, "the sender token allows no more than %s", l.words())
}

// transaction makes the new transaction with the fields that all kinds share.
func (in *Input) transaction(kind Kind, amount money.Amount) Transaction {
	t := Transaction{
		ID: in.ID, Caller: in.Caller.ID, Kind: kind,
		Sender: in.Sender.ID, Recipient: in.Recipient.ID, Owner: in.Caller.Owner, Token: in.Token.ID,
		Instrument: in.Token.Instrument, Method: in.Token.Method, Aggregate: in.Token.Aggregate,
		Amount: amount, FeeBy: holdfast.RoleRecipient, Received: in.Now,
	}
	return t.withNoAmounts()
}

// charge begins a payment without a hold. A network charges it, or it moves
// only in the books if the balance pays.
func (in *Input) charge(t Transaction) Change {
	if t.Method == holdfast.MethodACH || t.Method == holdfast.MethodCC {
		t = t.withAside()
		c := t.begun(VerbPay, in.Now, holdfast.CodePendingNetworkResponse, messagePending)
		c.Postings = move(t.stepPostings(VerbPay, None))
		c.ask(StepCharge)
		return c
	}
	t.Deadline = time.Time{}
	c := t.begun(VerbTransfer, in.Now, holdfast.CodeSuccess, messageSuccess)
	c.Postings = move(t.transferPostings())
	c.takeCommission()
	if t.Method == holdfast.MethodABT {
		c.Spends = append(c.Spends, t.Sender)
	}
	return c
}

// life is the time for which a transaction may stay open.
func life(timeoutMins int) time.Duration {
	if timeoutMins == 0 {
		return ReserveLifeMax
	}
	return time.Duration(timeoutMins) * time.Minute
}

// amountFor refuses an amount that the payment method does not allow.
func amountFor(name string, m holdfast.PaymentMethod, amount money.Amount) error {
	least := amountMin
	if m == holdfast.MethodCC || m == holdfast.MethodACH {
		least = cardAmountMin
	}
	switch {
	case !amount.Given():
		return holdfast.Errorf(holdfast.InvalidParams, "%s is missing", name)
	case amount.Cmp(least) < 0 || amount.Cmp(amountMax) > 0:
		return holdfast.Errorf(holdfast.AmountOutOfRange, "%s is %v; it must be from %v to %v", name, amount, least,
			amountMax)
	}
	return nil
}

// checkTimeout refuses a TransactionTimeoutInMins outside the allowed range.
func checkTimeout(mins int) error {
	if mins < 0 || mins > TimeoutMinsMax {
		return holdfast.Errorf(holdfast.InvalidParams, "TransactionTimeoutInMins must be from 1 to %d minutes",
			TimeoutMinsMax)
	}
	return nil
}
