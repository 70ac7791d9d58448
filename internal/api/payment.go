package api

import (
	"context"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Payment is money that was taken: at once, or from a hold.
type Payment struct {
	ID          string            `json:"id"`
	Type        string            `json:"type" enum:"settle,pay,fund_prepaid,settle_debt" doc:"settle: taken from a hold. pay: taken at once. fund_prepaid, settle_debt: paid to a prepaid or a credit instrument."`
	State       string            `json:"state" enum:"pending,succeeded,failed,cancelled" doc:"pending: the card network has not answered."`
	Amount      Money             `json:"amount"`
	Fee         Money             `json:"fee" doc:"The operator's fee. It is zero until the payment has succeeded."`
	Refunded    Money             `json:"refunded" doc:"The total of the refunds, with those that are pending."`
	Hold        string            `json:"hold,omitempty" doc:"The hold that it was taken from."`
	Reference   string            `json:"reference"`
	Description string            `json:"description,omitempty"`
	Token       string            `json:"token,omitempty"`
	Created     time.Time         `json:"created"`
	Completed   *time.Time        `json:"completed,omitempty"`
	Code        string            `json:"code" doc:"Why the payment is in this state." example:"Success"`
	Message     string            `json:"message" doc:"The same in words, for people."`
	Metadata    map[string]string `json:"metadata,omitempty"`
	Expanded    *Expanded         `json:"expanded,omitempty" doc:"The objects that expand asks for."`
}

// isPayment reports whether a transaction is shown as a payment. A hold that was
// settled without parts is one.
func isPayment(t *payment.Transaction) bool {
	switch t.Kind {
	case payment.KindPay, payment.KindPart, payment.KindFundPrepaid, payment.KindSettleDebt:
		return true
	case payment.KindReserve:
		return t.Settled.Positive() && !t.Parted()
	default:
		return false
	}
}

func paymentOf(t payment.Transaction, hold holdfast.TransactionID, metadata payment.Metadata) Payment {
	p := Payment{
		ID: string(t.ID), Type: paymentType(t.Kind), State: paidState(t.State), Amount: moneyOf(t.Current()),
		Fee: moneyOf(t.FeeCharged()), Refunded: moneyOf(t.Refunded), Hold: string(hold), Reference: string(t.Reference),
		Description: t.CallerDescription, Token: string(t.Token), Created: t.Received, Code: string(t.StatusCode),
		Message: t.StatusMessage, Metadata: metadata,
	}
	if !t.Completed.IsZero() {
		p.Completed = &t.Completed
	}
	return p
}

func paymentType(k payment.Kind) string {
	switch k {
	case payment.KindFundPrepaid:
		return "fund_prepaid"
	case payment.KindSettleDebt:
		return "settle_debt"
	case payment.KindReserve, payment.KindPart:
		return "settle"
	default:
		return "pay"
	}
}

// paidState is the state of a payment or a refund in the words of this API.
func paidState(s payment.State) string {
	switch s {
	case payment.Success:
		return "succeeded"
	case payment.Failure:
		return "failed"
	case payment.Cancelled:
		return "cancelled"
	case payment.None, payment.Pending, payment.Reserved, payment.Settling:
	}
	return "pending"
}

const tagPayments = "Payments"

func addPayments(s *Server) {
	register(s, operation{
		id: "create-payment", method: http.MethodPost, path: Path + "payments", tag: tagPayments, scope: party.ScopeHold,
		keyed: true, status: http.StatusCreated, summary: "Take an amount at once",
		about: "Takes an amount from the card, the bank account or the balance of a token, without a hold. If the card " +
			"network does not answer in time, the state is `pending`, and an event tells the outcome. The key also needs " +
			"the scope `settle`.",
	}, (*Server).createPayment)
	register(s, operation{
		id: "list-payments", method: http.MethodGet, path: Path + "payments", tag: tagPayments, scope: party.ScopeRead,
		summary: "List payments",
		about:   "Lists payments, the newest first. A hold that was settled at once is listed at the time of the hold.",
	}, (*Server).listPayments)
	register(s, operation{
		id: "get-payment", method: http.MethodGet, path: Path + "payments/{id}", tag: tagPayments, scope: party.ScopeRead,
		summary: "Get a payment", about: "Returns a payment as it is now.",
	}, (*Server).getPayment)
}

// NewPayment is the body of create-payment.
type NewPayment struct {
	Token            string            `json:"token" minLength:"1" maxLength:"65" doc:"The token that the buyer has approved."`
	Amount           Money             `json:"amount" doc:"The total, with tax and shipping."`
	Reference        string            `json:"reference,omitempty" minLength:"1" maxLength:"128" doc:"Your own name for the payment, such as an order number. The default is the Idempotency-Key." example:"order-1002"`
	Description      string            `json:"description,omitempty" maxLength:"160" doc:"For your own books."`
	BuyerDescription string            `json:"buyer_description,omitempty" maxLength:"160" doc:"What the buyer sees in the account's history."`
	FeePaidBy        string            `json:"fee_paid_by,omitempty" enum:"recipient,caller" doc:"Who bears the operator's fee. The default is the recipient."`
	Statement        string            `json:"statement,omitempty" enum:"static,dynamic" doc:"What the card statement shows: always your name, or your name and the description."`
	RecipientToken   string            `json:"recipient_token,omitempty" maxLength:"65" doc:"For marketplaces: the token of the seller."`
	MarketplaceFee   *MarketplaceFee   `json:"marketplace_fee,omitempty" doc:"For marketplaces: what you keep."`
	Metadata         map[string]string `json:"metadata,omitempty" doc:"What you want to keep with the object: at most 20 keys of 40 characters, with values of 500."`
}

type (
	createPaymentInput struct {
		Keyed
		Body NewPayment
	}
	paymentAnswer struct{ Body Payment }
)

func (s *Server) createPayment(ctx context.Context, q *request, in *createPaymentInput) (*paymentAnswer, error) {
	n := NewHold{
		Token: in.Body.Token, Amount: in.Body.Amount, Reference: in.Body.Reference, Description: in.Body.Description,
		BuyerDescription: in.Body.BuyerDescription, FeePaidBy: in.Body.FeePaidBy, Statement: in.Body.Statement,
		RecipientToken: in.Body.RecipientToken, MarketplaceFee: in.Body.MarketplaceFee,
	}
	asked, err := n.request()
	if err != nil {
		return nil, err
	}
	q.call.Metadata = in.Body.Metadata
	t, err := s.Processor.CreatePayment(ctx, q.caller, q.call, asked)
	if err != nil {
		return nil, s.aboutToken(ctx, q, asked.Token, err)
	}
	q.move = processor.MoveOf(&t)
	return s.payment(ctx, q, t.ID)
}

type getPaymentInput struct {
	ByID
	Expand []string `query:"expand" enum:"token,hold,refunds" doc:"Objects to add in full, with commas."`
}

func (s *Server) getPayment(ctx context.Context, q *request, in *getPaymentInput) (*paymentAnswer, error) {
	id := holdfast.TransactionID(in.ID)
	answer, err := s.payment(ctx, q, id)
	if err != nil || len(in.Expand) == 0 {
		return answer, err
	}
	err = s.view(ctx, func(tx *store.ReadTx) (err error) {
		answer.Body.Expanded, err = q.expand(tx, in.Expand, related{
			token: answer.Body.Token, hold: answer.Body.Hold,
			refunds: func() ([]payment.Transaction, error) { return q.refundsOf(tx, id) },
		})
		return err
	})
	return answer, err
}

// payment reads a payment of the caller.
func (s *Server) payment(ctx context.Context, q *request, id holdfast.TransactionID) (*paymentAnswer, error) {
	var shown []Payment
	err := s.view(ctx, func(tx *store.ReadTx) error {
		t, found, err := tx.Transaction(q.caller.ID, id)
		if err == nil && (!found || !isPayment(&t)) {
			err = notFound("payment")
		}
		if err != nil {
			return err
		}
		shown, err = q.payments(tx, []payment.Transaction{t})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &paymentAnswer{shown[0]}, nil
}

// payments shows some payments at the caller's time.
func (q *request) payments(tx *store.ReadTx, all []payment.Transaction) ([]Payment, error) {
	holds, err := tx.HoldIDs(q.caller.ID, all)
	if err != nil {
		return nil, err
	}
	metadata, err := tx.Metadata(q.caller.ID, idsOf(all)...)
	if err != nil {
		return nil, err
	}
	shown := make([]Payment, len(all))
	for i, t := range all {
		shown[i] = paymentOf(t.AsOf(q.now()), holds[t.ID], metadata[string(t.ID)])
	}
	return shown, nil
}

func idsOf(all []payment.Transaction) []string {
	ids := make([]string, len(all))
	for i, t := range all {
		ids[i] = string(t.ID)
	}
	return ids
}

// Filtered is embedded in the input of lists of payments and refunds.
type Filtered struct {
	State       string    `query:"state" enum:"pending,succeeded,failed,cancelled"`
	Reference   string    `query:"reference" maxLength:"128" doc:"Only the object that was made with this reference, in the last seven days."`
	CreatedFrom time.Time `query:"created_from" doc:"Only objects that were made at this time or later."`
	CreatedTo   time.Time `query:"created_to" doc:"Only objects that were made before this time."`
	AmountFrom  Decimal   `query:"amount_from" doc:"Only objects of at least this amount."`
	AmountTo    Decimal   `query:"amount_to" doc:"Only objects of at most this amount."`
}

// A listing is a list of payments or refunds. name has its filters, for the cursors.
type listing struct {
	store.Selection
	page Paged
	name string
}

// listing is the list of the objects of a kind that the filter selects. of is the
// object that they must belong to, or empty.
func (f Filtered) listing(
	q *request, page Paged, of string, kind func(*payment.Transaction) bool,
) (l listing, err error) {
	least, err := amountIn(f.AmountFrom, "amount_from")
	if err != nil {
		return l, err
	}
	most, err := amountIn(f.AmountTo, "amount_to")
	now := q.now()
	return listing{page: page, name: listOf(f, of), Selection: store.Selection{
		Caller: q.caller.ID, From: f.CreatedFrom, To: f.CreatedTo, Reference: holdfast.CallerReference(f.Reference),
		Selects: func(t *payment.Transaction) bool {
			if !kind(t) || f.State != "" && paidState(t.AsOf(now).State) != f.State {
				return false
			}
			amount := t.Current()
			return (!least.Given() || amount.Cmp(least) >= 0) && (!most.Given() || amount.Cmp(most) <= 0)
		},
	}}, err
}

type listPaymentsInput struct {
	Paged
	Filtered
	Hold string `query:"hold" maxLength:"128" doc:"Only payments that were taken from this hold."`
}

type paymentsAnswer struct{ Body List[Payment] }

func (s *Server) listPayments(ctx context.Context, q *request, in *listPaymentsInput) (*paymentsAnswer, error) {
	l, err := in.listing(q, in.Paged, in.Hold, isPayment)
	if err != nil {
		return nil, err
	}
	if in.Hold != "" {
		l.Of = func(tx *store.ReadTx) ([]payment.Transaction, error) {
			h, found, err := tx.Hold(q.caller.ID, holdfast.TransactionID(in.Hold))
			if err != nil || !found {
				return nil, err
			}
			return append(h.Members, h.Parts...), nil
		}
	}
	page, err := listed(ctx, s, q, l, q.payments)
	return &paymentsAnswer{page}, err
}

// listed reads one page of a list. show shows its objects.
func listed[T any](
	ctx context.Context, s *Server, q *request, l listing,
	show func(*store.ReadTx, []payment.Transaction) ([]T, error),
) (page List[T], err error) {
	after, err := q.cursorOf(l.page.After, l.name)
	if err != nil {
		return page, err
	}
	from := store.HoldCursor{At: after.at, ID: holdfast.TransactionID(after.id)}
	err = s.view(ctx, func(tx *store.ReadTx) error {
		all, next, err := tx.Select(l.Selection, from, l.page.Limit)
		if err != nil {
			return err
		}
		if page.More = next.Begun(); page.More {
			page.Next = cursor{next.At, string(next.ID)}.text(q, l.name)
		}
		page.Data, err = show(tx, all)
		return err
	})
	return page, err
}
