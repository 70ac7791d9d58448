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
//	// 1. Pay now: send the buyer to the Co-Branded pages.
//	link, err := c.SingleUseURL(holdfast.SingleUseRequest{
//		CallerReference: "order-4711", ReturnURL: "https://shop.example.com/return",
//		TransactionAmount: money.Cents(1250), Reserve: true,
//	})
//
//	// 2. The buyer comes back. Nothing in the URL counts unless it verifies.
//	back, err := holdfast.Verifier{CallerID: …, Certificates: certs}.ParseReturn(ctx, rawURL)
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
// # Other paths
//
// The other pipelines make tokens for more than one payment: MultiUseURL for
// many, RecurringURL for one in each period, SetupPrepaidURL and
// SetupPostpaidURL for instruments that add small payments up. RecipientURL
// makes the token by which a marketplace's seller is paid, and EditTokenURL
// changes what pays. Each ends in ParseReturn, as step 2 does, and what was
// agreed to is good for Pay or Reserve as often as it says.
//
// # Other actions
//
// [Client] has a method for every action of the Query API:
//
//   - Payments: [Client.Pay] charges at once; [Client.Reserve], [Client.Settle]
//     and [Client.Cancel] hold, charge and let go; [Client.Refund] pays back.
//   - What became of them: [Client.GetTransactionStatus], [Client.GetTransaction].
//   - The account: [Client.GetAccountBalance], [Client.GetAccountActivity], and
//     [Client.AccountActivity], which walks over all its pages.
//   - Tokens: [Client.GetTokenByCaller], [Client.GetTokens],
//     [Client.GetTokenUsage], [Client.CancelToken]; those of the caller's own
//     account: [Client.InstallPaymentInstruction],
//     [Client.GetPaymentInstruction]; and those that are paid to:
//     [Client.GetRecipientVerificationStatus].
//   - Prepaid instruments, which are paid first and spent later:
//     [Client.FundPrepaid], [Client.GetPrepaidBalance],
//     [Client.GetTotalPrepaidLiability].
//   - Credit instruments, which are spent first and paid later:
//     [Client.SettleDebt], [Client.WriteOffDebt], [Client.GetDebtBalance],
//     [Client.GetOutstandingDebtBalance].
//   - Subscriptions: [Client.GetSubscriptionDetails],
//     [Client.GetTransactionsForSubscription],
//     [Client.CancelSubscriptionAndRefund].
//   - Messages: [Client.VerifySignature]; a [Verifier] needs no server for it.
//
// A method sends what its request has and leaves out what is zero.
//
// # Errors
//
// There are three kinds, to be told apart with errors.As or errors.AsType:
//
//   - [*Error]: the server refused. Branch on its Code; if Retriable, the same
//     request may be sent again as it is. InternalError and ServiceUnavailable
//     do not say what an earlier try did: where money moves, take them for
//     doubt.
//   - [*InDoubtError]: money may have moved or not, because no answer came, the
//     SDK's own retries included. Send the very same request again, within
//     seven days.
//   - anything else: the request was not sent, or asked for no money.
//
// Messages that claim to come from the server but do not verify give an
// [*UnverifiedError].
//
// # Sending again
//
// The SDK repeats a request by itself when the connection fails or the status
// is 500, 502, 503 or 504: three times, after 0.4, 1.6 and 6.4 seconds, unless
// RetriesMax says otherwise. What it sends is the same to the last byte.
//
// That is safe where money moves. A CallerReference used twice within seven
// days is one request, which is answered with how it stands now; under the
// reference of another request it is DuplicateRequest. Settle and Cancel are
// known by their transaction instead. A refusal for good uses the reference up,
// and a corrected request needs a new one; doubt does not, and never take a new
// one then.
//
// Three requests that move no money are refused a second time, so that a lost
// answer can leave a refusal of what was carried out: CancelToken is then
// TokenNotActive, InstallPaymentInstruction is DuplicateRequest, and
// CancelSubscriptionAndRefund without a refund is InvalidSubscriptionState.
//
// # Words
//
// Amounts are money.Amount, exact to a millionth of a dollar; what is asked for
// is in whole cents. Identifiers have types of their own. Times in answers are the
// server's, and in a sandbox that of the caller's own clock: compare a
// Deadline with ServerTime, not with the local clock.
package holdfast
