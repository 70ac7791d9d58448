package payment

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// Reserve decides whether an amount may be held with a token. If so, the
// transaction is Pending, and the Change has the question to the card network
// (Query API Reference, Reserve).
func Reserve(in Input, r holdfast.ReserveRequest) (Change, error) {
	t, limits, err := in.payment(KindReserve, r)
	if err != nil {
		return Change{}, err
	}
	c := t.begun(VerbReserve, in.Now, holdfast.CodePendingNetworkResponse, messagePending)
	c.ask(StepAuthorize)
	in.using(&c, limits)
	return c, nil
}

// Pay decides whether a token may pay now. A payment from the balance, or from
// a prepaid or credit instrument, is complete at once. Otherwise the
// transaction is Pending (Query API Reference, Pay).
func Pay(in Input, r holdfast.PayRequest) (Change, error) {
	t, limits, err := in.payment(KindPay, holdfast.ReserveRequest(r))
	if err != nil {
		return Change{}, err
	}
	if err := callerBears(t.FeeBy, t.Fee, t.Commission, in.paysItself(t), in.OwnerBalance); err != nil {
		return Change{}, err
	}
	var spent *AggregateChange
	if t.Aggregate != "" {
		if spent, err = in.spend(t.Amount); err != nil {
			return Change{}, err
		}
	}
	if err := in.funds(t.Amount); err != nil {
		return Change{}, err
	}
	c := in.charge(t)
	in.using(&c, limits)
	c.Aggregate = spent
	if err := in.strands(c); err != nil {
		return Change{}, err
	}
	if t.FeeBy == holdfast.RoleCaller {
		c.Spends = append(c.Spends, t.Owner)
	}
	return c, nil
}

// paysItself is the amount that the payment takes from the caller's own balance
// if the caller's owner is the sender.
func (in *Input) paysItself(t Transaction) money.Amount {
	if t.Method == holdfast.MethodABT && t.Sender == t.Owner {
		return t.Amount
	}
	return money.Micros(0)
}

// using adds the use of the sender token and its limits to the change.
func (in *Input) using(c *Change, limits []LimitChange) {
	if in.Token.Type == holdfast.TokenSingleUse {
		c.Uses = in.Token.ID
	}
	c.Limits, c.After.Counted = limits, len(limits) > 0
}

// payment has the common part of Reserve and Pay.
func (in *Input) payment(kind Kind, r holdfast.ReserveRequest) (t Transaction, limits []LimitChange, err error) {
	if t, err = in.unlimited(kind, r); err != nil {
		return t, nil, err
	}
	limits, err = in.limits(t.Amount)
	return t, limits, err
}

// unlimited is payment without the limits.
func (in *Input) unlimited(kind Kind, r holdfast.ReserveRequest) (t Transaction, err error) {
	// The processor has checked the request before it began the transaction. The
	// decision checks it again, with the caller's current settings.
	if err := CheckPayment(kind, r, in.Caller); err != nil {
		return t, err
	}
	if err := in.lasting().usable(in.Caller.ID, UsePay, r.TransactionAmount, in.Now); err != nil {
		return t, err
	}
	if err := in.recipient(); err != nil {
		return t, err
	}
	if err := in.parties(); err != nil {
		return t, err
	}
	if err := in.instrumentFor(kind); err != nil {
		return t, err
	}
	if err := amountFor("TransactionAmount", in.Token.Method, r.TransactionAmount); err != nil {
		return t, err
	}
	return in.priced(kind, r)
}

// recipient refuses a recipient that the tokens do not name.
func (in *Input) recipient() error {
	if in.RecipientToken == nil {
		if len(in.Token.Recipients) > 0 {
			return holdfast.Errorf(holdfast.IncompatibleTokens,
				"the sender authorised payments to other recipients than the caller: send the RecipientTokenId of one of them")
		}
	} else if err := in.RecipientToken.receives(in.Token, in.Now); err != nil {
		return err
	}
	return marketplace(in.Caller, in.Sender.ID, in.Recipient.ID)
}

func (in *Input) instrumentFor(kind Kind) error {
	if m := in.Token.Method; kind == KindReserve && m != "" && m != holdfast.MethodCC {
		name := string(m)
		if in.Instrument.ID != "" {
			name = in.Instrument.Name()
		}
		return holdfast.Errorf(holdfast.PaymentInstrumentNotCC,
			"Reserve can be used only with credit cards; the sender chose %s", name)
	}
	return in.instrument()
}

// priced makes the transaction with its fees. The fee of a Reserve is not known
// before Settle, but a hold that is no larger than its fees is refused now.
func (in *Input) priced(kind Kind, r holdfast.ReserveRequest) (Transaction, error) {
	t := in.transaction(kind, r.TransactionAmount)
	t.Reference, t.CallerDescription, t.SenderDescription = r.CallerReference, r.CallerDescription, r.SenderDescription
	t.IPNURL, t.Deadline = r.OverrideIPNURL, in.Now.Add(life(r.TransactionTimeoutMins))
	t.Descriptor = statement{r.SoftDescriptorType, r.SenderDescription}.descriptor(in.Recipient, in.Caller)
	var err error
	if t.FeeBy, err = in.feeBy(r.ChargeFeeTo); err != nil {
		return t, err
	}
	if t.Terms, err = termsOf(r); err != nil {
		return t, err
	}
	if in.RecipientToken != nil {
		t.RecipientToken = in.RecipientToken.ID
		if err := checkCeiling(t.Terms, *in.RecipientToken); err != nil {
			return t, err
		}
	}
	fee, commission := in.Fees.Fee(t.Method, t.Amount), t.Terms.of(t.Amount)
	if err := burden(t.FeeBy, fee, commission, t.Amount); err != nil {
		return t, err
	}
	if t.Terms.any() {
		t.CommissionID = in.CommissionID
	}
	if kind == KindPay {
		t.Fee, t.Commission = fee, commission
	}
	return t, nil
}

// feeBy is the role that bears the operator's fee: the role in the request,
// else the one in the recipient token, else the recipient (Marketplace Guide,
// ChargeFeeTo).
func (in *Input) feeBy(asked holdfast.Role) (holdfast.Role, error) {
	agreed := holdfast.RoleRecipient
	if in.RecipientToken != nil && !in.RecipientToken.PaysFee {
		agreed = holdfast.RoleCaller
	}
	own := in.Recipient.ID == in.Caller.Owner
	switch {
	case own && asked == holdfast.RoleCaller:
		return "", holdfast.Errorf(holdfast.InvalidParams, "ChargeFeeTo must be Recipient when the caller is the recipient")
	case own:
		return holdfast.RoleRecipient, nil
	case asked == "":
		return agreed, nil
	case in.RecipientToken != nil && asked != agreed:
		return "", holdfast.Errorf(holdfast.IncompatibleTokens,
			"ChargeFeeTo is %s, but the recipient agreed that the fee is the %s's", asked, agreed)
	}
	return asked, nil
}

// CheckPayment refuses a Reserve or Pay that is invalid whatever token it
// names. Such a request is not recorded, and its CallerReference stays free.
func CheckPayment(kind Kind, r holdfast.ReserveRequest, caller party.Caller) error {
	if err := sandboxAccount(caller, r.SenderTokenID, r.RecipientTokenID); err != nil {
		return err
	}
	method := holdfast.PaymentMethod("")
	if kind == KindReserve {
		method = holdfast.MethodCC
	}
	if err := amountFor("TransactionAmount", method, r.TransactionAmount); err != nil {
		return err
	}
	if err := checkNetworkPayment(r, caller); err != nil {
		return err
	}
	if err := checkTimeout(r.TransactionTimeoutMins); err != nil {
		return err
	}
	if err := (statement{r.SoftDescriptorType, r.SenderDescription}).check(); err != nil {
		return err
	}
	terms, err := termsOf(r)
	switch {
	case err != nil:
		return err
	case terms.any() && !caller.Marketplace:
		return holdfast.Errorf(holdfast.NotMarketplaceApp,
			"this caller is not registered as a marketplace, so it cannot take a marketplace fee")
	case terms.any() && r.RecipientTokenID == "":
		return holdfast.Errorf(holdfast.InvalidParams,
			"recipientTokenId has to be a valid token ID, since a marketplace fee is taken from a recipient. Specified value: ")
	case r.RecipientTokenID == "" && r.ChargeFeeTo == holdfast.RoleCaller:
		return holdfast.Errorf(holdfast.InvalidParams, "ChargeFeeTo must be Recipient when the caller is the recipient")
	}
	return nil
}
