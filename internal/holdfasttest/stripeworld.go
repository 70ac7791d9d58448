package holdfasttest

import (
	"context"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/networks"
	"github.com/holdfast-pay/holdfast/internal/card/stripe"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// AtStripe gives the shop an account at a fake of Stripe, to which the processor
// speaks through the real client, and the buyer a card there, which becomes
// w.Card. messages is the address to which the fake sends its events.
func (w *World) AtStripe(messages string) *stripefake.Server {
	w.T.Helper()
	fake := StripeFake(w.T, w.Clock.Now)
	account := store.NetworkAccount{
		NetworkAccount: payment.NetworkAccount{
			ID: AccountID, Kind: payment.NetworkStripe, Mode: payment.NetworkTest, Owner: w.Owner.ID, Name: "Kiln & Co",
			Remote: "acct_stripefake", BaseURL: fake.URL(), StatementPrefix: "HOLDFAST",
			Fees: payment.FeeRate{Fixed: money.Micros(0)}, PerSecond: 10_000, Created: processor.Micro(w.Clock.Now()),
		},
		Secrets: store.NewNetworkSecrets(stripefake.TestKey, fake.Subscribe(messages, false)),
	}
	client := stripe.New(stripe.Config{Account: account.NetworkAccount, Secrets: account.Secrets, Now: w.Clock.Now})
	config := w.Processor.Config
	config.Network = &networks.Router{
		Sandbox: w.Network,
		Find:    w.DB.NetworkAccount,
		Make: func(a store.NetworkAccount) (card.Client, error) {
			return stripe.New(stripe.Config{Account: a.NetworkAccount, Secrets: a.Secrets, Now: w.Clock.Now}), nil
		},
		Now: w.Clock.Now,
	}
	w.Processor = processor.New(w.DB, config)
	w.T.Cleanup(w.Processor.Close)
	w.connect(account)
	w.Card = w.typedAtStripe(fake, client, "4242424242424242")
	return fake
}

// typedAtStripe types a card of the buyer on a page of the fake, and keeps it.
func (w *World) typedAtStripe(fake *stripefake.Server, client card.Collector, number string) payment.Instrument {
	w.T.Helper()
	ctx := context.Background()
	customer, err := client.Customer(ctx, card.Holder{
		Account: AccountID, Party: string(w.Buyer.ID), Name: w.Buyer.Name, Email: w.Buyer.Email,
	})
	w.must("making a customer", err)
	page, err := client.Open(ctx, card.Collection{
		Key: "visit/" + w.IDs.Other("V") + "/1", Account: AccountID, Visit: "V1", Caller: string(w.Shop.ID),
		Customer: customer, Done: "https://pay.example.test/done?page={PAGE}", Back: "https://pay.example.test/back",
		Until: w.Clock.Now().Add(time.Hour), Title: "Kiln & Co",
	})
	w.must("opening a page", err)
	_, err = fake.Submit(page.ID, stripefake.Typed{Name: w.Buyer.Name, Email: w.Buyer.Email, Number: number})
	w.must("typing a card", err)
	got, err := client.Collected(ctx, page.ID)
	w.must("looking at a page", err)
	i := payment.Instrument{
		ID: payment.InstrumentID(w.IDs.Other("I")), Owner: w.Buyer.ID, Method: holdfast.MethodCC, Brand: got.Card.Brand,
		Last4: got.Card.Last4, Holder: w.Buyer.Name, ExpiryMonth: got.Card.ExpiryMonth, ExpiryYear: got.Card.ExpiryYear,
		NetworkRef: got.Card.Ref, Account: AccountID, Customer: customer, Funding: got.Card.Funding,
		Fingerprint: got.Card.Fingerprint, Verified: true, Created: processor.Micro(w.Clock.Now()),
	}
	w.must("keeping a card", w.DB.Update(ctx, func(tx *store.Tx) error { return tx.InsertInstrument(i) }))
	return i
}
