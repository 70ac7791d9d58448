package holdfasttest

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A Market is the shop as a marketplace, with a seller.
type Market struct {
	Seller party.Party
	// Receives is the seller's recipient token, which allows a fixed marketplace
	// fee of at most five dollars.
	Receives holdfast.TokenID

	w *World
}

// Market makes the shop a marketplace with a new seller. sellerPays means that
// the seller bears the operator's fee; otherwise the marketplace does.
func (w *World) Market(sellerPays bool) Market {
	w.T.Helper()
	seller := w.Party("Sal", w.IDs.Other("sal-")+"@example.test")
	w.Change(seller.ID, func(p *party.Party) { p.Business = true })
	return w.MarketWith(seller, sellerPays)
}

// MarketWith is Market with an existing seller.
func (w *World) MarketWith(seller party.Party, sellerPays bool) Market {
	w.T.Helper()
	_, err := w.Processor.ChangeCaller(w.T.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
		c.Marketplace = true
		return c, nil
	})
	w.must("making a marketplace", err)
	w.Shop.Marketplace = true
	m := Market{Seller: seller, w: w}
	m.Receives = w.Token(payment.Token{
		Use: payment.UseReceive, Type: holdfast.TokenUnrestricted, Recipient: m.Seller.ID, PaysFee: sellerPays,
		FeeCeiling: &payment.FeeCeiling{Fixed: USD("5.00")},
	})
	return m
}

// Sale is a request for a payment to the seller. It has a marketplace fee
// unless fee is empty.
func (m Market) Sale(value, fee string, ref holdfast.CallerReference) holdfast.PayRequest {
	m.w.T.Helper()
	r := holdfast.PayRequest{
		SenderTokenID: m.w.Token(payment.Token{
			Instrument: m.w.Card.ID, Method: m.w.Card.Method, AmountType: holdfast.AmountMaximum, Amount: USD(value),
			Recipients: []holdfast.TokenID{m.Receives},
		}),
		RecipientTokenID: m.Receives, TransactionAmount: USD(value), CallerReference: ref,
	}
	if fee != "" {
		r.MarketplaceFixedFee = USD(fee)
	}
	return r
}

// Pay makes a sale without a hold.
func (m Market) Pay(value, fee string, ref holdfast.CallerReference) (payment.Transaction, error) {
	m.w.T.Helper()
	t, err := m.w.Processor.Pay(m.w.T.Context(), m.w.Shop, m.Sale(value, fee, ref))
	m.w.checked()
	return t, err
}

// Reserve holds the price of a sale.
func (m Market) Reserve(value, fee string, ref holdfast.CallerReference) (payment.Transaction, error) {
	m.w.T.Helper()
	t, err := m.w.Processor.Reserve(m.w.T.Context(), m.w.Shop, holdfast.ReserveRequest(m.Sale(value, fee, ref)))
	m.w.checked()
	return t, err
}
