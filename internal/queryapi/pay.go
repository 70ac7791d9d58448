package queryapi

import (
	"context"
	"slices"
	"strconv"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/money"
)

// pay moves money at once (Query API Reference, Pay).
var pay = action{name: "Pay", parameters: paymentParameters, answer: (*Server).pay}

// paymentParameters are those of Pay and Reserve.
var paymentParameters = slices.Concat(
	[]parameter{senderTokenID, {name: "RecipientTokenId", rule: bytesMax(tokenIDMax)}},
	amountParameters("TransactionAmount", true),
	[]parameter{
		{name: "ChargeFeeTo", rule: oneOf(string(holdfast.RoleCaller), string(holdfast.RoleRecipient))},
		callerReference, callerDescription, senderDescription,
	},
	descriptorPolicy,
	[]parameter{timeoutInMins},
	amountParameters("MarketplaceFixedFee", false),
	[]parameter{{name: "MarketplaceVariableFee", rule: percent}, overrideIPNURL},
)

func (s *Server) pay(ctx context.Context, q *request, out *document) error {
	r, err := paymentRequest(q.params)
	if err != nil {
		return err
	}
	t, err := s.Processor.Pay(ctx, q.caller, holdfast.PayRequest(r))
	return q.moved(t, err, out)
}

// paymentRequest reads parameters that were checked before.
func paymentRequest(p holdfast.Params) (holdfast.ReserveRequest, error) {
	amount, err := amountOf(p, "TransactionAmount")
	if err != nil {
		return holdfast.ReserveRequest{}, err
	}
	fixed, variable, err := marketplaceFee(p)
	return holdfast.ReserveRequest{
		SenderTokenID:          holdfast.TokenID(p.Get("SenderTokenId")),
		RecipientTokenID:       holdfast.TokenID(p.Get("RecipientTokenId")),
		TransactionAmount:      amount,
		CallerReference:        holdfast.CallerReference(p.Get("CallerReference")),
		CallerDescription:      p.Get("CallerDescription"),
		SenderDescription:      p.Get("SenderDescription"),
		ChargeFeeTo:            holdfast.Role(p.Get("ChargeFeeTo")),
		SoftDescriptorType:     p.Get("DescriptorPolicy.SoftDescriptorType"),
		CSOwner:                p.Get("DescriptorPolicy.CSOwner"),
		TransactionTimeoutMins: timeout(p),
		MarketplaceFixedFee:    fixed,
		MarketplaceVariableFee: variable,
		OverrideIPNURL:         p.Get("OverrideIPNURL"),
	}, err
}

// timeout is zero when none was given; it was checked.
func timeout(p holdfast.Params) int {
	mins, _ := strconv.Atoi(p.Get("TransactionTimeoutInMins"))
	return mins
}

// marketplaceFee reads the fee of a marketplace. Any caller may send a fee of
// zero, and some programs always do.
func marketplaceFee(p holdfast.Params) (fixed money.Amount, variable string, err error) {
	if fixed, err = amountOf(p, "MarketplaceFixedFee"); err != nil {
		return fixed, "", err
	}
	if !fixed.Positive() {
		fixed = money.Amount{}
	}
	variable = p.Get("MarketplaceVariableFee")
	if rate, err := money.ParsePercent(variable); err != nil || rate == 0 {
		variable = ""
	}
	return fixed, variable, nil
}

// moved is the result of every action that moves money.
func (q *request) moved(t payment.Transaction, err error, out *document) error {
	if err == nil {
		q.move = processor.MoveOf(&t)
	}
	return q.transactionResult(t, err, out)
}

// transactionResult writes a transaction's id and status.
func (q *request) transactionResult(t payment.Transaction, err error, out *document) error {
	if err != nil {
		return err
	}
	q.about(t)
	out.text("TransactionId", string(t.ID))
	out.text("TransactionStatus", string(t.State.Status()))
	return nil
}

// about writes the deadline of a hold into the answer's header.
func (q *request) about(t payment.Transaction) {
	if t.Hold() {
		q.deadline = t.Deadline
	}
}
