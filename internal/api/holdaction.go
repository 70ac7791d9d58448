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

// A Member is one hold at the card network. A hold that was never raised or
// renewed has one.
type Member struct {
	ID          string     `json:"id"`
	Kind        string     `json:"kind" enum:"first,raise,renewal" doc:"first: the hold as it was made. raise: a further amount. renewal: the open amount, held anew in place of the members before."`
	State       string     `json:"state" enum:"pending,held,settling,settled,released,expired,failed"`
	Amount      Money      `json:"amount"`
	Open        Money      `json:"open" doc:"What can still be settled of this member."`
	Reference   string     `json:"reference"`
	Created     time.Time  `json:"created"`
	Deadline    *time.Time `json:"deadline,omitempty" doc:"When this member expires."`
	SecondsLeft *int64     `json:"seconds_left,omitempty"`
	Code        string     `json:"code" example:"Success"`
	Message     string     `json:"message"`
}

func memberOf(t payment.Transaction, now time.Time) Member {
	m := Member{
		ID: string(t.ID), Kind: memberKind(t), State: string(payment.Hold{Members: []payment.Transaction{t}}.State()),
		Amount: moneyOf(t.Amount), Open: moneyOf(t.Open()), Reference: string(t.Reference), Created: t.Received,
		Code: string(t.StatusCode), Message: t.StatusMessage,
	}
	if !t.State.Final() {
		m.Deadline, m.SecondsLeft = leftUntil(t.Deadline, now)
	}
	return m
}

func memberKind(t payment.Transaction) string {
	switch t.Link {
	case payment.LinkRaise:
		return "raise"
	case payment.LinkRenew:
		return "renewal"
	}
	return "first"
}

func addHoldActions(s *Server) {
	post := func(id, name string, scope party.Scope, summary, about string) operation {
		return operation{
			id: id, method: http.MethodPost, path: Path + "holds/{id}/" + name, tag: tagHolds, scope: scope, keyed: true,
			summary: summary, about: about,
		}
	}
	register(s, post("settle-hold", "settle", party.ScopeSettle, "Settle a hold or a part of it",
		"Takes an amount from a hold: all that is open, or a part, such as one parcel of several. With `final` the rest is "+
			"released. Members that this settle takes nothing from are released at once, even if the settle is then "+
			"declined. A hold is also over when nothing is open. Only one settle of a member is under way at a time. If the "+
			"card network captures only once, a part that is not final is refused before money moves."),
		(*Server).settleHold)
	register(s, post("release-hold", "release", party.ScopeSettle, "Release a hold or a part of it",
		"Gives an amount of a hold back to the buyer: all that is open, which ends the hold, or a part, such as a line "+
			"that is not available. The card network lets a part go when the hold ends."), (*Server).releaseHold)
	register(s, post("raise-hold", "raise", party.ScopeHold, "Raise a hold",
		"Holds a further amount with the token of the hold, as a second hold at the card network that is shown as a "+
			"member of the first. The buyer's limit is never exceeded. `change` is that member: if it is declined, its "+
			"state is `failed`, and the hold is as it was."), (*Server).raiseHold)
	register(s, post("renew-hold", "renew", party.ScopeHold, "Renew a hold",
		"Holds the open amount anew under a multi-use token, before the hold expires. The old members are released when "+
			"the new one is approved. `change` is the new member: if it is declined, its state is `failed`, the hold is "+
			"as it was, and `seconds_left` of the hold says how long it lasts."), (*Server).renewHold)
}

// SettleHold is the body of settle-hold.
type SettleHold struct {
	Amount    *Money            `json:"amount,omitempty" doc:"The default is all that is open."`
	Final     bool              `json:"final,omitempty" doc:"Release the rest of the hold."`
	Reference string            `json:"reference,omitempty" minLength:"1" maxLength:"128" doc:"Your own name for the payment, such as a parcel's number. The default is the Idempotency-Key. A settle that takes all of a hold at once, or is its first and final one, keeps the hold's reference." example:"order-1001-parcel-1"`
	Metadata  map[string]string `json:"metadata,omitempty" doc:"What you want to keep with the payment."`
}

// A SettledHold is a hold after a settle.
type SettledHold struct {
	Hold     Hold      `json:"hold"`
	Payments []Payment `json:"payments" doc:"The payments that this settle has made. There are several if no member of a raised hold has the whole amount."`
}

type (
	settleHoldInput struct {
		Keyed
		ByID
		Body SettleHold
	}
	settledAnswer struct{ Body SettledHold }
)

func (s *Server) settleHold(ctx context.Context, q *request, in *settleHoldInput) (*settledAnswer, error) {
	amount, err := amountOf(in.Body.Amount, "/amount")
	if err != nil {
		return nil, err
	}
	q.call.Metadata = in.Body.Metadata
	paid, err := s.Processor.SettleHold(ctx, q.caller, q.call, processor.SettleHold{
		Hold: holdfast.TransactionID(in.ID), Amount: amount, Final: in.Body.Final,
		Reference: holdfast.CallerReference(in.Body.Reference),
	})
	if err != nil {
		return nil, err
	}
	q.moved(paid)
	answer := SettledHold{Payments: []Payment{}}
	err = s.view(ctx, func(tx *store.ReadTx) error {
		if answer.Hold, err = q.hold(tx, holdfast.TransactionID(in.ID)); err != nil {
			return err
		}
		answer.Payments, err = q.payments(tx, paid)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &settledAnswer{answer}, nil
}

// ReleaseHold is the body of release-hold.
type ReleaseHold struct {
	Amount *Money `json:"amount,omitempty" doc:"The default is all that is open, which ends the hold."`
	Reason string `json:"reason,omitempty" maxLength:"160" doc:"For the history of the hold."`
}

type releaseHoldInput struct {
	Keyed
	ByID
	Body ReleaseHold
}

func (s *Server) releaseHold(ctx context.Context, q *request, in *releaseHoldInput) (*holdAnswer, error) {
	amount, err := amountOf(in.Body.Amount, "/amount")
	if err != nil {
		return nil, err
	}
	released, err := s.Processor.ReleaseHold(ctx, q.caller, q.call, processor.ReleaseHold{
		Hold: holdfast.TransactionID(in.ID), Amount: amount, Reason: in.Body.Reason,
	})
	if err != nil {
		return nil, err
	}
	q.moved(released)
	return s.hold(ctx, q, holdfast.TransactionID(in.ID))
}

// RaiseHold is the body of raise-hold.
type RaiseHold struct {
	Amount    Money             `json:"amount" doc:"What is held in addition."`
	Reference string            `json:"reference,omitempty" minLength:"1" maxLength:"128" doc:"Your own name for the raise. The default is the Idempotency-Key."`
	Metadata  map[string]string `json:"metadata,omitempty" doc:"What you want to keep with the raise."`
}

// RenewHold is the body of renew-hold.
type RenewHold struct {
	Reference string            `json:"reference,omitempty" minLength:"1" maxLength:"128" doc:"Your own name for the renewal. The default is the Idempotency-Key."`
	Metadata  map[string]string `json:"metadata,omitempty" doc:"What you want to keep with the renewal."`
}

// A ChangedHold is a hold after it was raised or renewed.
type ChangedHold struct {
	Hold   Hold   `json:"hold"`
	Change Member `json:"change" doc:"The member that this call has made. Its state says whether the card network has approved it."`
}

type (
	raiseHoldInput struct {
		Keyed
		ByID
		Body RaiseHold
	}
	renewHoldInput struct {
		Keyed
		ByID
		Body RenewHold
	}
	changedAnswer struct{ Body ChangedHold }
)

func (s *Server) raiseHold(ctx context.Context, q *request, in *raiseHoldInput) (*changedAnswer, error) {
	amount, err := amountOf(&in.Body.Amount, "/amount")
	if err != nil {
		return nil, err
	}
	q.call.Metadata = in.Body.Metadata
	id := holdfast.TransactionID(in.ID)
	t, err := s.Processor.RaiseHold(ctx, q.caller, q.call, processor.RaiseHold{
		Hold: id, Amount: amount, Reference: holdfast.CallerReference(in.Body.Reference),
	})
	return s.changedHold(ctx, q, id, t, err)
}

func (s *Server) renewHold(ctx context.Context, q *request, in *renewHoldInput) (*changedAnswer, error) {
	q.call.Metadata = in.Body.Metadata
	id := holdfast.TransactionID(in.ID)
	t, err := s.Processor.RenewHold(ctx, q.caller, q.call, processor.RenewHold{
		Hold: id, Reference: holdfast.CallerReference(in.Body.Reference),
	})
	return s.changedHold(ctx, q, id, t, err)
}

func (s *Server) changedHold(
	ctx context.Context, q *request, id holdfast.TransactionID, t payment.Transaction, err error,
) (*changedAnswer, error) {
	if err != nil {
		return nil, err
	}
	q.move = processor.MoveOf(&t)
	shown, err := s.hold(ctx, q, id)
	if err != nil {
		return nil, err
	}
	return &changedAnswer{ChangedHold{shown.Body, memberOf(t.AsOf(q.now()), q.now())}}, nil
}

// moved notes the first of some transactions that an action has changed, for the
// log.
func (q *request) moved(all []payment.Transaction) {
	if len(all) > 0 {
		q.move = processor.MoveOf(&all[0])
	}
}
