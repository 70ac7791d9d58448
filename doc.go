// Package holdfast is the Go SDK for a Holdfast server. It also works with any
// other server that speaks the protocol of Amazon FPS.
//
// # From order to payment
//
// A shop holds the money when the buyer orders and takes it when the goods
// ship. That needs five steps:
//
//	c := &holdfast.Client{Endpoint: …, CoBranded: …, AccessKeyID: …, SecretKey: holdfast.NewSecretKey(…)}
//
//	// 1. Pay now: send the buyer to the Co-Branded pages.
//	link, err := c.SingleUseURL(holdfast.SingleUseRequest{
//		CallerReference: "order-4711", ReturnURL: "https://shop.example.com/return",
//		TransactionAmount: money.Cents(1250), Reserve: true,
//	})
//
//	// 2. The buyer comes back. Trust nothing in the URL before it is verified.
//	back, err := holdfast.Verifier{CallerID: …, Certificates: certs}.ParseReturn(ctx, rawURL)
//
//	// 3. Reserve: hold the money, for seven days.
//	held, err := c.Reserve(ctx, holdfast.ReserveRequest{
//		SenderTokenID: back.TokenID, CallerReference: "order-4711", TransactionAmount: money.Cents(1250),
//	})
//
//	// 4. Pack the goods before held.Deadline.
//
//	// 5. Ship and Settle: take the money, or less of it.
//	paid, err := c.Settle(ctx, holdfast.SettleRequest{ReserveTransactionID: held.TransactionID})
//
// Store the CallerReference before each step and the answer after it. Reserve
// and Settle may answer Pending. A notification ([Verifier.IPNHandler]) or
// [Client.GetTransactionStatus] then gives the final status.
//
// # Other pipelines
//
// The other pipelines make tokens for more than one payment:
//
//   - [Client.MultiUseURL]: many payments within limits.
//   - [Client.RecurringURL]: one payment in each period.
//   - [Client.SetupPrepaidURL] and [Client.SetupPostpaidURL]: prepaid and
//     credit instruments, for many small payments.
//   - [Client.RecipientURL]: the token with which a marketplace pays a seller.
//   - [Client.EditTokenURL]: another card or account for an existing token.
//
// Each visit ends in [Verifier.ParseReturn], as in step 2. A sender's token then
// works with Pay or Reserve as many times as the buyer agreed to.
//
// # Actions
//
// [Client] has a method for every action of the Query API:
//
//   - Payments: [Client.Pay] charges at once. [Client.Reserve] holds,
//     [Client.Settle] charges the hold and [Client.Cancel] gives it up.
//     [Client.Refund] pays back.
//   - Look-ups: [Client.GetTransactionStatus], [Client.GetTransaction].
//   - The account: [Client.GetAccountBalance], [Client.GetAccountActivity], and
//     [Client.AccountActivity], which iterates over all pages.
//   - Tokens: [Client.GetTokenByCaller], [Client.GetTokens],
//     [Client.GetTokenUsage], [Client.CancelToken].
//   - Tokens of the caller's own account: [Client.InstallPaymentInstruction],
//     [Client.GetPaymentInstruction].
//   - Recipients: [Client.GetRecipientVerificationStatus].
//   - Prepaid instruments, which are paid first and spent later:
//     [Client.FundPrepaid], [Client.GetPrepaidBalance],
//     [Client.GetTotalPrepaidLiability].
//   - Credit instruments, which are spent first and paid later:
//     [Client.SettleDebt], [Client.WriteOffDebt], [Client.GetDebtBalance],
//     [Client.GetOutstandingDebtBalance].
//   - Subscriptions: [Client.GetSubscriptionDetails],
//     [Client.GetTransactionsForSubscription],
//     [Client.CancelSubscriptionAndRefund].
//   - Messages: [Client.VerifySignature]. A [Verifier] with certificates
//     verifies messages without asking the server.
//
// A method does not send fields that are zero.
//
// # Errors
//
// There are three kinds of error. Use errors.As or errors.AsType to tell them
// apart:
//
//   - [*Error]: the server refused the request. Branch on its Code. If it is
//     Retriable, the same request may be sent again unchanged. InternalError
//     and ServiceUnavailable do not say whether an earlier try succeeded. For
//     actions that move money, treat them as "outcome unknown".
//   - [*InDoubtError]: the outcome is unknown. No answer came, even after the
//     SDK's own retries, so money may have moved. Send exactly the same
//     request again within seven days.
//   - any other error: the request was not sent, or it moves no money.
//
// A message that claims to come from the server but cannot be verified gives an
// [*UnverifiedError].
//
// # Retries
//
// The SDK repeats a request if the connection fails or the HTTP status is 500,
// 502, 503 or 504. It tries three more times, after pauses of 0.4, 1.6 and 6.4
// seconds, unless RetriesMax says otherwise. Every try sends the same bytes.
//
// Repeating is safe for actions that move money. A CallerReference that is used
// twice within seven days is one request, and the second answer gives the
// transaction's current status. The server answers DuplicateRequest if the two
// requests differ. Settle and Cancel are identified by their transaction
// instead.
//
// A final refusal uses up the reference: send the corrected request with a new
// one. If the outcome is unknown, always reuse the same reference.
//
// Three requests that move no money are refused when they are sent a second
// time. After a lost answer, the refusal may mean that the first request
// succeeded: CancelToken then answers TokenNotActive, InstallPaymentInstruction
// answers DuplicateRequest, and CancelSubscriptionAndRefund without a refund
// answers InvalidSubscriptionState.
//
// # Amounts and times
//
// Amounts are of type money.Amount and exact to a millionth of a dollar.
// Requests take whole cents. Times in answers are the server's; in a sandbox
// they are those of the caller's own clock. Compare a Deadline with ServerTime,
// not with the local clock.
//
// # Reference
//
// docs/api in the repository describes every action and pipeline, all error
// codes, signing, notifications and return URLs. A server shows the same pages
// at /doc/.
package holdfast
