package holdfasttest

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// AccountID is the account at a card network of [World.AtNetwork].
const AccountID payment.NetworkAccountID = "N1"

// AtNetwork gives the shop an account at a real card network in test mode, and
// the buyer a card there, which becomes w.Card.
func (w *World) AtNetwork() {
	w.T.Helper()
	w.connect(store.NetworkAccount{
		NetworkAccount: payment.NetworkAccount{
			ID: AccountID, Kind: payment.NetworkStripe, Mode: payment.NetworkTest, Owner: w.Owner.ID, Name: "Kiln & Co",
			Fees: payment.FeeRate{Fixed: money.Micros(0)}, PerSecond: 20, Created: w.Clock.Now(),
		},
		Secrets: store.NewNetworkSecrets("rk_test_1"),
	})
	w.Card = payment.Instrument{
		ID: "I-network", Owner: w.Buyer.ID, Method: holdfast.MethodCC, Brand: "Visa", Last4: "4242", Holder: "Ann Buyer",
		ExpiryMonth: 12, ExpiryYear: 2031, NetworkRef: "pm_1", Account: AccountID, Customer: "cus_1", Verified: true,
		Created: w.Clock.Now(),
	}
	w.must("adding a card", w.DB.Update(w.T.Context(), func(tx *store.Tx) error { return tx.InsertInstrument(w.Card) }))
}

// connect gives the shop an account at a card network, and may change more of the
// shop's settings.
func (w *World) connect(account store.NetworkAccount, more ...func(*party.Caller)) {
	w.T.Helper()
	w.must("adding a network account", w.DB.Update(w.T.Context(), func(tx *store.Tx) error {
		return tx.InsertNetworkAccount(account)
	}))
	var err error
	w.Shop, err = w.Processor.ChangeCaller(w.T.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
		c.Network = account.ID
		for _, change := range more {
			change(&c)
		}
		return c, nil
	})
	w.must("giving a caller an account", err)
}

// NetworkPayment reads what is known of a transaction at its card network.
func (w *World) NetworkPayment(id holdfast.TransactionID) (p payment.NetworkPayment, found bool) {
	w.T.Helper()
	w.must("reading a payment at its network", w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		p, found, err = tx.NetworkPayment(w.Shop.ID, id)
		return err
	}))
	return p, found
}
