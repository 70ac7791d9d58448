package api

import (
	"context"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A Token is what a buyer or seller has approved.
type Token struct {
	ID         string       `json:"id"`
	State      string       `json:"state" enum:"active,used,cancelled,expired" doc:"active: it can be used, within its limits. used: it was for one payment."`
	Type       string       `json:"type" enum:"single_use,multi_use,recurring,unrestricted"`
	Use        string       `json:"use" enum:"pay,fund,settle_debt,receive,refund,call" doc:"pay: for holds and payments. receive: for payments to the seller who gave it."`
	Reference  string       `json:"reference,omitempty" doc:"Your own name for the token."`
	Name       string       `json:"name" doc:"The name under which the buyer sees it."`
	Method     string       `json:"method,omitempty" enum:"card,bank_account,balance,prepaid,credit" doc:"What it pays with."`
	Amount     *Money       `json:"amount,omitempty" doc:"What is allowed for one payment; amount_type says how."`
	AmountType string       `json:"amount_type,omitempty" enum:"exact,maximum,minimum"`
	Limits     []TokenLimit `json:"limits,omitempty" nullable:"false" doc:"What the token allows in all, or in each period. The first one that is used up counts."`
	Created    time.Time    `json:"created"`
	Starts     time.Time    `json:"starts" doc:"From when it can be used."`
	Expires    *time.Time   `json:"expires,omitempty" doc:"Until when it can be used. It is missing if the token does not expire."`
	UsedBy     string       `json:"used_by,omitempty" doc:"The hold or the payment that has used a single-use token."`
	Replaces   string       `json:"replaces,omitempty" doc:"The token that this one has replaced: the buyer has changed the card."`
	Instrument string       `json:"instrument,omitempty" doc:"The prepaid or credit instrument that it spends, funds or settles. Its balance is at /v1/balances."`
}

// A TokenLimit is one limit of a token, with what is left of it.
type TokenLimit struct {
	Count      *int64     `json:"count,omitempty" doc:"How many payments it allows."`
	CountLeft  *int64     `json:"count_left,omitempty"`
	Amount     *Money     `json:"amount,omitempty" doc:"How much the payments may take together."`
	AmountLeft *Money     `json:"amount_left,omitempty"`
	Period     string     `json:"period,omitempty" example:"1 month" doc:"The limit begins again with each period. It is missing if the limit never begins again."`
	Resets     *time.Time `json:"resets,omitempty" doc:"When the limit begins again."`
}

var (
	tokenStates = words[payment.TokenState]{
		{"active", payment.TokenIsActive},
		{"used", payment.TokenIsUsed},
		{"cancelled", payment.TokenIsCancelled},
		{"expired", payment.TokenIsExpired},
	}
	tokenTypes = words[holdfast.TokenType]{
		{"single_use", holdfast.TokenSingleUse},
		{"multi_use", holdfast.TokenMultiUse},
		{"recurring", holdfast.TokenRecurring},
		{"unrestricted", holdfast.TokenUnrestricted},
	}
	tokenUses = words[payment.TokenUse]{
		{"pay", payment.UsePay},
		{"fund", payment.UseFund},
		{"settle_debt", payment.UseSettle},
		{"receive", payment.UseReceive},
		{"refund", payment.UseRefund},
		{"call", payment.UseCall},
	}
)

const tagTokens = "Tokens"

func addTokens(s *Server) {
	register(s, operation{
		id: "list-tokens", method: http.MethodGet, path: Path + "tokens", tag: tagTokens, scope: party.ScopeRead,
		summary: "List tokens",
		about: "Lists tokens, the newest first. With the state `active`, the token with the latest expiry comes first. " +
			"With a reference, the other filters must fit, too.",
	}, (*Server).listTokens)
	register(s, operation{
		id: "get-token", method: http.MethodGet, path: Path + "tokens/{id}", tag: tagTokens, scope: party.ScopeRead,
		summary: "Get a token", about: "Returns a token with what is left of its limits.",
	}, (*Server).getToken)
	register(s, operation{
		id: "cancel-token", method: http.MethodPost, path: Path + "tokens/{id}/cancel", tag: tagTokens,
		scope: party.ScopeHold, summary: "Cancel a token",
		about: "Cancels a token. No payment can be made with it any more; holds that were made with it stay as they are. " +
			"A token that is cancelled stays as it is.",
	}, (*Server).cancelToken)
}

type tokenAnswer struct{ Body Token }

type listTokensInput struct {
	Paged
	State     string `query:"state" enum:"active,used,cancelled,expired" doc:"Only tokens in this state."`
	Type      string `query:"type" enum:"single_use,multi_use,recurring,unrestricted" doc:"Only tokens of this type."`
	Reference string `query:"reference" maxLength:"128" doc:"Only the token with this reference."`
}

type tokensAnswer struct{ Body List[Token] }

func (s *Server) listTokens(ctx context.Context, q *request, in *listTokensInput) (*tokensAnswer, error) {
	list := listOf(in.State, in.Type, in.Reference)
	at, err := q.cursorOf(in.After, list)
	if err != nil {
		return nil, err
	}
	filter := store.TokenFilter{State: tokenStates.engine(in.State), Now: q.now(), Type: tokenTypes.engine(in.Type)}
	page := List[Token]{Data: []Token{}}
	err = s.view(ctx, func(tx *store.ReadTx) error {
		var all []payment.Token
		var next *payment.Token
		if in.Reference != "" {
			all, err = tokenCalled(tx, q, holdfast.CallerReference(in.Reference), filter)
		} else {
			after := payment.Token{ID: holdfast.TokenID(at.id)}
			if !at.at.IsZero() && at.at.UnixMicro() != 0 {
				after.Expires = at.at
			}
			all, next, err = tx.TokensOfCaller(q.caller.ID, filter, after, in.Limit)
		}
		if err != nil {
			return err
		}
		if page.More = next != nil; page.More {
			page.Next = cursor{next.Expires, string(next.ID)}.text(q, list)
		}
		for _, t := range all {
			shown, err := tokenOf(tx, q, t)
			if err != nil {
				return err
			}
			page.Data = append(page.Data, shown)
		}
		return nil
	})
	return &tokensAnswer{page}, err
}

// tokenCalled is the token with a reference, if the filter selects it.
func tokenCalled(
	tx *store.ReadTx, q *request, ref holdfast.CallerReference, f store.TokenFilter,
) ([]payment.Token, error) {
	t, found, err := tx.TokenByReference(q.caller.ID, ref)
	if err != nil || !found || f.State != "" && t.State(f.Now) != f.State || f.Type != "" && t.Type != f.Type {
		return nil, err
	}
	return []payment.Token{t}, nil
}

func (s *Server) getToken(ctx context.Context, q *request, in *ByID) (*tokenAnswer, error) {
	answer := &tokenAnswer{}
	err := s.view(ctx, func(tx *store.ReadTx) error {
		t, err := q.token(tx, in.ID)
		if err != nil {
			return err
		}
		answer.Body, err = tokenOf(tx, q, t)
		return err
	})
	return answer, err
}

// token reads a token of the caller.
func (q *request) token(tx *store.ReadTx, id string) (payment.Token, error) {
	t, found, err := tx.TokenFor(q.caller.ID, holdfast.TokenID(id))
	if err == nil && (!found || t.Caller != q.caller.ID) {
		err = notFound("token")
	}
	return t, err
}

func (s *Server) cancelToken(ctx context.Context, q *request, in *ByID) (*tokenAnswer, error) {
	var t payment.Token
	err := s.view(ctx, func(tx *store.ReadTx) (err error) {
		t, err = q.token(tx, in.ID)
		return err
	})
	if err == nil && !t.Cancelled {
		err = s.Processor.CancelToken(ctx, q.caller, holdfast.CancelTokenRequest{TokenID: t.ID})
	}
	if err != nil {
		return nil, err
	}
	return s.getToken(ctx, q, in)
}

func tokenOf(tx *store.ReadTx, q *request, t payment.Token) (Token, error) {
	now := q.now()
	shown := Token{
		ID: string(t.ID), State: tokenStates.of(t.State(now)), Type: tokenTypes.of(t.Type), Use: tokenUses.of(t.Use),
		Reference: string(t.Reference), Name: t.FriendlyName, Method: paymentMethods.of(t.Method),
		Amount: maybeMoney(t.Amount), AmountType: amountTypes.of(t.AmountType), Created: t.Installed, Starts: t.Begins(),
		Expires: maybeTime(t.Expires), UsedBy: string(t.UsedBy), Replaces: string(t.OldToken),
		Instrument: string(t.Aggregate),
	}
	if !t.Limited() {
		return shown, nil
	}
	limits, err := tx.Limits(string(t.Caller), string(t.ID))
	for _, l := range limits {
		shown.Limits = append(shown.Limits, limitOf(l, now))
	}
	return shown, err
}

func limitOf(l payment.Limit, now time.Time) TokenLimit {
	l = l.At(now)
	shown := TokenLimit{Resets: maybeTime(l.Resets())}
	if !l.Period.Endless() {
		shown.Period = l.Period.Words()
	}
	left := l.Left(now)
	if l.Kind == payment.LimitCount {
		shown.Count, shown.CountLeft = &l.Value, &left
		return shown
	}
	shown.Amount, shown.AmountLeft = maybeMoney(money.Micros(l.Value)), maybeMoney(money.Micros(left))
	return shown
}
