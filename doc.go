// Package holdfast is the contract between a caller and a Holdfast server, or
// any other that speaks the protocol of Amazon FPS, and the Go SDK for it.
//
// # One path
//
// A shop holds the money when the buyer orders and takes it when the goods
// ship. That is five steps:
//
//	c := &holdfast.Client{Endpoint: …, CoBranded: …, AccessKeyID: …, SecretKey: holdfast.NewSecretKey(…)}
//
//	// 1. Pay Now: send the buyer to the Co-Branded pages.
//	link, err := c.SingleUseURL(holdfast.SingleUseRequest{
//		CallerReference: "order-4711", ReturnURL: "https://shop.example.com/return",
//		TransactionAmount: money.Cents(1250), Reserve: true,
//	})
//
//	// 2. The buyer comes back. Nothing in the URL counts unless it verifies.
//	back, err := holdfast.Verifier{Certificates: certs}.ParseReturn(ctx, rawURL)
//
//	// 3. Reserve: hold the money, for seven days.
//	held, err := c.Reserve(ctx, holdfast.ReserveRequest{
//		SenderTokenID: back.TokenID, CallerReference: "order-4711", TransactionAmount: money.Cents(1250),
//	})
//
//	// 4. Pack, while held.Deadline has not passed.
//
//	// 5. Ship and Settle: take the money, or less of it.
//	paid, err := c.Settle(ctx, holdfast.SettleRequest{ReserveTransactionID: held.TransactionID})
//
// Store the CallerReference before each step and the answer after it. Reserve
// and Settle may answer Pending; a notification, or GetTransactionStatus, tells
// how it ended ([Verifier.IPNHandler]).
//
// # Errors
//
// There are three kinds, to be told apart with errors.As or errors.AsType:
//
//   - [*Error]: the server refused. Branch on its Code; if Retriable, the same
//     request may be sent again as it is.
//   - [*InDoubtError]: money may have moved or not, because no answer came, the
//     SDK's own retries included. Send the very same request again, within
//     seven days: a CallerReference used twice is one request, and so is a
//     repeated Settle.
//   - anything else: the request was not sent, or asked for no money.
//
// Messages that claim to come from the server but do not verify give an
// [*UnverifiedError].
//
// # Words
//
// Amounts are money.Amount, exact to a millionth of a dollar; what is asked for
// is in whole cents. Identifiers have types of their own. Times in answers are the
// server's, and in a sandbox that of the caller's own clock: compare a
// Deadline with ServerTime, not with the local clock.
package holdfast
