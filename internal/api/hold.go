package api

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A Hold keeps an amount available on the buyer's card.
type Hold struct {
	ID          string            `json:"id"`
	State       payment.HoldState `json:"state" enum:"pending,held,settling,settled,released,expired,failed" doc:"pending: the card network was asked. held: an amount can be settled. settling: nothing is left to settle, and the network was asked to take the last amount. settled: it ended, and at least a part was paid. released and expired: it ended, and nothing was paid. failed: declined."`
	Amount      Money             `json:"amount" doc:"What was held in all, with raises."`
	Open        Money             `json:"open" doc:"What can still be settled."`
	Settled     Money             `json:"settled" doc:"What was paid."`
	Released    Money             `json:"released" doc:"What was held and is the buyer's again."`
	Refunded    Money             `json:"refunded" doc:"What was paid and then refunded."`
	Reference   string            `json:"reference" doc:"Your own name for the hold."`
	Description string            `json:"description,omitempty" doc:"What you wrote for your own books."`
	Token       string            `json:"token" doc:"The token that the buyer has approved."`
	Created     time.Time         `json:"created"`
	Deadline    *time.Time        `json:"deadline,omitempty" doc:"When the hold expires. Settle before. If the hold was raised, it is the earliest deadline of its members. It is missing when nothing can be settled any more."`
	SecondsLeft *int64            `json:"seconds_left,omitempty" doc:"The time until the deadline, by your clock at the server."`
	Code        string            `json:"code" doc:"Why the hold is in this state, such as the reason of a decline." example:"Success"`
	Message     string            `json:"message" doc:"The same in words, for people."`
	Members     []Member          `json:"members" doc:"The holds at the card network that this hold consists of: the first one, its raises and its renewals."`
	Payments    []string          `json:"payments" doc:"The payments that were taken from the hold."`
	Metadata    map[string]string `json:"metadata,omitempty" doc:"What you keep with the hold."`
	Expanded    *Expanded         `json:"expanded,omitempty" doc:"The objects that expand asks for."`
}

func holdOf(h payment.Hold, now time.Time, metadata payment.Metadata) Hold {
	root := h.Root()
	shown := Hold{
		ID: string(root.ID), State: h.State(), Amount: moneyOf(h.Amount()), Open: moneyOf(h.Open()),
		Settled: moneyOf(h.Settled()), Released: moneyOf(h.Released()), Refunded: moneyOf(h.Refunded()),
		Reference: string(root.Reference), Description: root.CallerDescription, Token: string(root.Token),
		Created: root.Received, Code: string(root.StatusCode), Message: root.StatusMessage, Metadata: metadata,
	}
	shown.Deadline, shown.SecondsLeft = leftUntil(h.Deadline(), now)
	for _, m := range h.Members {
		shown.Members = append(shown.Members, memberOf(m, now))
	}
	for _, paid := range paymentsOf(h) {
		shown.Payments = append(shown.Payments, string(paid.ID))
	}
	return shown
}

// leftUntil is a deadline in an answer, with the seconds until then. Both are nil
// without a deadline.
func leftUntil(deadline, now time.Time) (at *time.Time, seconds *int64) {
	if deadline.IsZero() {
		return nil, nil
	}
	left := int64(max(deadline.Sub(now), 0) / time.Second)
	return &deadline, &left
}

const tagHolds = "Holds"

func addHolds(s *Server) {
	register(s, operation{
		id: "create-hold", method: http.MethodPost, path: Path + "holds", tag: tagHolds, scope: party.ScopeHold,
		keyed: true, status: http.StatusCreated, summary: "Hold an amount",
		about: "Holds an amount on the card of a token that the buyer has approved. If the card network does not answer " +
			"in time, the state is `pending`, and an event tells the outcome. A decline is an answer, too: the state is " +
			"`failed`, and `code` says why.",
	}, (*Server).createHold)
	register(s, operation{
		id: "list-holds", method: http.MethodGet, path: Path + "holds", tag: tagHolds, scope: party.ScopeRead,
		summary: "List holds",
		about: "Lists holds, the newest first. With the state `held` or `pending`, or with a bound of the deadline, the " +
			"hold with the earliest deadline comes first.",
	}, (*Server).listHolds)
	register(s, operation{
		id: "get-hold", method: http.MethodGet, path: Path + "holds/{id}", tag: tagHolds, scope: party.ScopeRead,
		summary: "Get a hold", about: "Returns a hold as it is now.",
	}, (*Server).getHold)
}

type holdAnswer struct{ Body Hold }

// NewHold is the body of create-hold.
type NewHold struct {
	Token            string            `json:"token" minLength:"1" maxLength:"65" doc:"The token that the buyer has approved."`
	Amount           Money             `json:"amount" doc:"The total, with tax and shipping."`
	Reference        string            `json:"reference,omitempty" minLength:"1" maxLength:"128" doc:"Your own name for the hold, such as an order number. The default is the Idempotency-Key." example:"order-1001"`
	Description      string            `json:"description,omitempty" maxLength:"160" doc:"For your own books."`
	BuyerDescription string            `json:"buyer_description,omitempty" maxLength:"160" doc:"What the buyer sees in the account's history."`
	Deadline         *time.Time        `json:"deadline,omitempty" doc:"When the hold expires, from one minute to seven days ahead. Without it, the hold lasts as long as the card network allows, at most seven days."`
	FeePaidBy        string            `json:"fee_paid_by,omitempty" enum:"recipient,caller" doc:"Who bears the operator's fee. The default is the recipient."`
	Statement        string            `json:"statement,omitempty" enum:"static,dynamic" doc:"What the card statement shows: always your name, or your name and the description."`
	RecipientToken   string            `json:"recipient_token,omitempty" maxLength:"65" doc:"For marketplaces: the token of the seller."`
	MarketplaceFee   *MarketplaceFee   `json:"marketplace_fee,omitempty" doc:"For marketplaces: what you keep."`
	Metadata         map[string]string `json:"metadata,omitempty" doc:"What you want to keep with the object: at most 20 keys of 40 characters, with values of 500."`
}

// A MarketplaceFee is what a marketplace keeps of a payment.
type MarketplaceFee struct {
	Fixed   *Money `json:"fixed,omitempty" doc:"A fixed amount."`
	Percent string `json:"percent,omitempty" pattern:"^[0-9]{1,3}(\\.[0-9]{1,4})?$" patternDescription:"a percentage from 0 to 100, such as 2.5" doc:"A part of the amount, in percent." example:"2.5"`
}

type createHoldInput struct {
	Keyed
	Body NewHold
}

func (s *Server) createHold(ctx context.Context, q *request, in *createHoldInput) (*holdAnswer, error) {
	h, err := in.Body.request()
	if err != nil {
		return nil, err
	}
	q.call.Metadata = in.Body.Metadata
	t, err := s.Processor.CreateHold(ctx, q.caller, q.call, h)
	if err != nil {
		return nil, s.aboutToken(ctx, q, h.Token, err)
	}
	q.move = processor.MoveOf(&t)
	if t.Steps > newHoldSteps || t.Linked > 0 { // it is an earlier hold
		return s.hold(ctx, q, t.ID)
	}
	now := q.now()
	return &holdAnswer{holdOf(payment.Hold{Members: []payment.Transaction{t}}.AsOf(now), now, in.Body.Metadata)}, nil
}

// aboutToken answers about a token of another caller as about one that does not
// exist. Other errors stay as they are.
func (s *Server) aboutToken(ctx context.Context, q *request, id holdfast.TokenID, err error) error {
	if refused, ok := errors.AsType[*holdfast.Error](err); !ok || refused.Code != holdfast.IncompatibleTokens {
		return err
	}
	foreign := false
	if failed := s.view(ctx, func(tx *store.ReadTx) error {
		t, found, err := tx.Token(id)
		foreign = found && t.Caller != q.caller.ID
		return err
	}); failed != nil {
		return failed
	}
	if foreign {
		return holdfast.Errorf(holdfast.InvalidTokenIDSender, "there is no token with this id")
	}
	return err
}

// newHoldSteps is how many steps a hold has that was just made: it was asked
// for, and approved or declined.
const newHoldSteps = 2

// request is what the processor is asked. The forms of all fields were checked.
func (n NewHold) request() (h processor.CreateHold, err error) {
	h = processor.CreateHold{
		Token: holdfast.TokenID(n.Token), RecipientToken: holdfast.TokenID(n.RecipientToken),
		Reference: holdfast.CallerReference(n.Reference), Description: n.Description,
		BuyerDescription: n.BuyerDescription, Descriptor: capital(n.Statement), FeeBy: holdfast.Role(capital(n.FeePaidBy)),
	}
	if n.Deadline != nil {
		h.Deadline = *n.Deadline
	}
	if h.Amount, err = amountOf(&n.Amount, "/amount"); err != nil || n.MarketplaceFee == nil {
		return h, err
	}
	h.VariableFee = n.MarketplaceFee.Percent
	h.FixedFee, err = amountOf(n.MarketplaceFee.Fixed, "/marketplace_fee/fixed")
	return h, err
}

// capital writes a word of this API as FPS does: "Recipient" for "recipient".
func capital(word string) string {
	if word == "" {
		return ""
	}
	return strings.ToUpper(word[:1]) + word[1:]
}

// ByID is embedded in the input of operations on one object.
type ByID struct {
	ID string `path:"id" maxLength:"128"`
}

const idMax = 128 // characters of an id in a path

type getHoldInput struct {
	ByID
	Expand []string `query:"expand" enum:"token,payments" doc:"Objects to add in full, with commas."`
}

func (s *Server) getHold(ctx context.Context, q *request, in *getHoldInput) (*holdAnswer, error) {
	answer := &holdAnswer{}
	err := s.view(ctx, func(tx *store.ReadTx) (err error) {
		if answer.Body, err = q.hold(tx, holdfast.TransactionID(in.ID)); err != nil {
			return err
		}
		answer.Body.Expanded, err = q.expand(tx, in.Expand, related{
			token: answer.Body.Token, payments: func() ([]payment.Transaction, error) {
				h, _, err := tx.Hold(q.caller.ID, holdfast.TransactionID(in.ID))
				return paymentsOf(h), err
			},
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}

// hold reads a hold of the caller.
func (s *Server) hold(ctx context.Context, q *request, id holdfast.TransactionID) (*holdAnswer, error) {
	var shown Hold
	err := s.view(ctx, func(tx *store.ReadTx) (err error) {
		shown, err = q.hold(tx, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &holdAnswer{shown}, nil
}

// hold reads a hold at the caller's time. The id may be that of any member.
func (q *request) hold(tx *store.ReadTx, id holdfast.TransactionID) (Hold, error) {
	h, found, err := tx.Hold(q.caller.ID, id)
	switch {
	case err != nil:
		return Hold{}, err
	case !found:
		return Hold{}, notFound("hold")
	}
	root := string(h.ID())
	metadata, err := tx.Metadata(q.caller.ID, root)
	now := q.now()
	return holdOf(h.AsOf(now), now, metadata[root]), err
}

func notFound(object string) error {
	return newProblem(NotFound, "You have no "+object+" with this id.")
}

type listHoldsInput struct {
	Paged
	State        payment.HoldState `query:"state" enum:"pending,held,settling,settled,released,expired,failed"`
	Reference    string            `query:"reference" maxLength:"128" doc:"Only the hold that this reference belongs to."`
	DeadlineFrom time.Time         `query:"deadline_from" doc:"Only holds whose deadline is at this time or later."`
	DeadlineTo   time.Time         `query:"deadline_to" doc:"Only holds whose deadline is before this time."`
	CreatedFrom  time.Time         `query:"created_from" doc:"Only holds that were made at this time or later."`
	CreatedTo    time.Time         `query:"created_to" doc:"Only holds that were made before this time."`
	AmountFrom   Decimal           `query:"amount_from" doc:"Only holds of at least this amount."`
	AmountTo     Decimal           `query:"amount_to" doc:"Only holds of at most this amount."`
}

// filter is the filter of a list.
func (in *listHoldsInput) filter() (f payment.HoldFilter, err error) {
	f = payment.HoldFilter{
		State: in.State, Reference: holdfast.CallerReference(in.Reference), DeadlineFrom: in.DeadlineFrom,
		DeadlineTo: in.DeadlineTo, CreatedFrom: in.CreatedFrom, CreatedTo: in.CreatedTo,
	}
	if f.AmountFrom, err = amountIn(in.AmountFrom, "amount_from"); err != nil {
		return f, err
	}
	f.AmountTo, err = amountIn(in.AmountTo, "amount_to")
	return f, err
}

// amountIn reads an amount of dollars in a parameter; not given if it is empty.
func amountIn(value Decimal, parameter string) (money.Amount, error) {
	if value == "" {
		return money.Amount{}, nil
	}
	a, err := money.Parse(string(value), money.USD)
	if err != nil {
		return a, newProblem(InvalidRequest, "", Fault{
			Parameter: parameter, Code: InvalidValue, Detail: sentence(err.Error()),
		})
	}
	return a, nil
}

type holdsAnswer struct{ Body List[Hold] }

func (s *Server) listHolds(ctx context.Context, q *request, in *listHoldsInput) (*holdsAnswer, error) {
	filter, err := in.filter()
	if err != nil {
		return nil, err
	}
	list := listOf(filter)
	after, err := q.cursorOf(in.After, list)
	if err != nil {
		return nil, err
	}
	answer := &holdsAnswer{List[Hold]{Data: []Hold{}}}
	err = s.view(ctx, func(tx *store.ReadTx) error {
		now := q.now()
		page, next, err := tx.Holds(store.HoldListing{Caller: q.caller.ID, HoldFilter: filter, Now: now},
			store.HoldCursor{At: after.at, ID: holdfast.TransactionID(after.id)}, in.Limit)
		if err != nil {
			return err
		}
		ids := make([]string, len(page))
		for i, h := range page {
			ids[i] = string(h.ID())
		}
		metadata, err := tx.Metadata(q.caller.ID, ids...)
		for i, h := range page {
			answer.Body.Data = append(answer.Body.Data, holdOf(h, now, metadata[ids[i]]))
		}
		if next.Begun() {
			answer.Body.More, answer.Body.Next = true, cursor{next.At, string(next.ID)}.text(q, list)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return answer, nil
}
