package queryapi

import (
	"context"
	"slices"
	"strconv"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// reserve holds funds on the sender's credit card (Query API Reference,
// Reserve).
var reserve = action{
	name: "Reserve",
	parameters: slices.Concat(
		[]parameter{
			{name: "SenderTokenId", required: true, check: bytesMax(tokenIDMax)},
			{name: "RecipientTokenId", check: bytesMax(tokenIDMax)},
		},
		amountParameters("TransactionAmount", true),
		[]parameter{
			{name: "ChargeFeeTo", check: oneOf(string(holdfast.RoleCaller), string(holdfast.RoleRecipient))},
			{name: "CallerReference", required: true, check: bytesMax(payment.ReferenceMax)},
			{name: "CallerDescription", check: charactersMax(payment.DescriptionMax)},
			{name: "SenderDescription", check: charactersMax(payment.DescriptionMax)},
			{name: "DescriptorPolicy.SoftDescriptorType", check: oneOf("Static", "Dynamic")},
			{name: "DescriptorPolicy.CSOwner", check: oneOf(string(holdfast.RoleCaller), string(holdfast.RoleRecipient))},
			{name: "TransactionTimeoutInMins", check: minutes},
		},
		amountParameters("MarketplaceFixedFee", false),
		[]parameter{
			{name: "MarketplaceVariableFee", check: percent},
			overrideIPNURL,
		},
	),
	answer: (*Server).reserve,
}

func (s *Server) reserve(ctx context.Context, q *request, out *document) error {
	p := q.params
	amount, err := amountOf(p, "TransactionAmount")
	if err != nil {
		return err
	}
	fixed, variable, err := marketplaceFee(p)
	if err != nil {
		return err
	}
	timeout, _ := strconv.Atoi(p.Get("TransactionTimeoutInMins")) // checked; zero when not given
	t, err := s.Processor.Reserve(ctx, q.caller, holdfast.ReserveRequest{
		SenderTokenID:          holdfast.TokenID(p.Get("SenderTokenId")),
		RecipientTokenID:       holdfast.TokenID(p.Get("RecipientTokenId")),
		TransactionAmount:      amount,
		CallerReference:        holdfast.CallerReference(p.Get("CallerReference")),
		CallerDescription:      p.Get("CallerDescription"),
		SenderDescription:      p.Get("SenderDescription"),
		ChargeFeeTo:            holdfast.Role(p.Get("ChargeFeeTo")),
		SoftDescriptorType:     p.Get("DescriptorPolicy.SoftDescriptorType"),
		CSOwner:                p.Get("DescriptorPolicy.CSOwner"),
		TransactionTimeoutMins: timeout,
		MarketplaceFixedFee:    fixed,
		MarketplaceVariableFee: variable,
		OverrideIPNURL:         p.Get("OverrideIPNURL"),
	})
	if err != nil {
		return err
	}
	q.transactionResult(t, out)
	return nil
}

// marketplaceFee reads the fee of a marketplace. No fee is what every caller
// may ask for, and some programs always do.
func marketplaceFee(p holdfast.Params) (fixed money.Amount, variable string, err error) {
	if fixed, err = amountOf(p, "MarketplaceFixedFee"); err != nil {
		return fixed, "", err
	}
	if !fixed.Positive() {
		fixed = money.Amount{}
	}
	variable = p.Get("MarketplaceVariableFee")
	if share, err := money.Parse(variable, money.USD); err != nil || !share.Positive() {
		variable = ""
	}
	return fixed, variable, nil
}

// transactionResult is the result of every action that moves money.
func (q *request) transactionResult(t payment.Transaction, out *document) {
	q.deadline = t.Deadline
	out.text("TransactionId", string(t.ID))
	out.text("TransactionStatus", string(t.State.Status()))
}
