// Package client calls the JSON API of a Holdfast server.
//
//	c := &client.Client{Address: "https://pay.example.com", Key: holdfast.NewSecretKey(os.Getenv("HOLDFAST_KEY"))}
//
//	// The buyer approves the payment on the server's pages.
//	checkout, err := c.CreateCheckout(ctx, "order-1001-checkout", client.NewCheckout{
//		Type: "single_use", Amount: client.Cents(4250), Reserve: true, ReturnURL: "https://shop.example.com/thanks",
//	})
//
//	// The amount is held when the order is placed, and taken when the goods ship.
//	hold, err := c.CreateHold(ctx, "order-1001-hold", client.NewHold{
//		Token: checkout.Token, Amount: client.Cents(4250), Reference: "order-1001",
//	})
//	settled, err := c.SettleHold(ctx, "order-1001-parcel-1", hold.ID, client.SettleHold{Amount: client.Cents(1250)})
//
// # Keys of calls
//
// Every call that moves money has an idempotency key, which is its second argument.
// The server carries a call out once, and keeps its key for good. So derive the key
// from what the call is for, such as an order and a verb, and store it before the
// call. If the outcome is in doubt ([InDoubtError]), also after a restart of the
// program, make the same call again with the same key.
//
// The [Client] repeats calls by itself while the server is busy or away, always
// with the same bytes and the same key.
//
// # Events
//
// A program learns from events what happens later: by webhook ([Verifier]) or from
// the feed ([Client.Feed]). Package client/inbox lets it act on each event exactly
// once.
package client
