package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
)

type tokenVerb struct {
	List        tokenList        `cmd:"" help:"List the caller's tokens, the newest first."`
	Show        tokenShow        `cmd:"" help:"Show a token, by its id or by its CallerReference."`
	Usage       tokenUsage       `cmd:"" help:"Show how much of a token's limits is used."`
	Instruction tokenInstruction `cmd:"" help:"Show what a token allows, in the language of payment instructions."`
	Cancel      tokenCancel      `cmd:"" help:"Cancel a token for good."`
}

// tokenFlags name a token and the caller that asks about it.
type tokenFlags struct {
	apiFlags
	ID holdfast.TokenID `arg:"" help:"Choose the token by its id."`
}

type tokenList struct {
	apiFlags
	Inactive bool               `help:"List tokens that are used up, expired or cancelled, and not those that can be used."`
	Type     holdfast.TokenType `help:"List only these: SingleUse, MultiUse, Recurring or Unrestricted." enum:"SingleUse,MultiUse,Recurring,Unrestricted," default:"" placeholder:"TYPE"`
	Name     string             `help:"List only tokens with this friendly name." placeholder:"TEXT"`
}

func (v tokenList) Run(ctx context.Context, w world) error {
	client, err := v.client(ctx, w)
	if err != nil {
		return err
	}
	request := holdfast.GetTokensRequest{TokenType: v.Type, TokenFriendlyName: v.Name}
	if v.Inactive {
		request.TokenStatus = holdfast.TokenInactive
	}
	tokens, err := client.GetTokens(ctx, request)
	if err != nil {
		return err
	}
	table := newColumns(w.Out, "TOKEN", "TYPE", "STATUS", "INSTALLED", "REFERENCE", "NAME")
	for _, t := range tokens.Tokens {
		a := describeToken(t)
		if !v.JSON {
			table.row(string(a.TokenID), string(a.TokenType), string(a.TokenStatus), a.DateInstalled.Format(shortLayout),
				string(a.CallerReference), a.FriendlyName)
		} else if err := printJSON(w.Out, a); err != nil {
			return err
		}
	}
	return table.Flush()
}

// A tokenAnswer is a token as --json prints it.
type tokenAnswer struct {
	TokenID         holdfast.TokenID         `json:"tokenId"`
	TokenType       holdfast.TokenType       `json:"tokenType"`
	TokenStatus     holdfast.TokenStatus     `json:"tokenStatus"`
	FriendlyName    string                   `json:"friendlyName,omitempty"`
	CallerReference holdfast.CallerReference `json:"callerReference,omitempty"`
	DateInstalled   time.Time                `json:"dateInstalled,omitzero"`
	PaymentReason   string                   `json:"paymentReason,omitempty"`
	OldTokenID      holdfast.TokenID         `json:"oldTokenId,omitempty"`
}

func describeToken(t holdfast.Token) tokenAnswer {
	return tokenAnswer{
		TokenID: t.TokenID, TokenType: t.Type, TokenStatus: t.Status, FriendlyName: t.FriendlyName,
		CallerReference: t.CallerReference, DateInstalled: t.DateInstalled.UTC(), PaymentReason: t.PaymentReason,
		OldTokenID: t.OldTokenID,
	}
}

func (a tokenAnswer) facts() []fact {
	return []fact{
		{"token", string(a.TokenID)},
		{"type", string(a.TokenType)},
		{"status", string(a.TokenStatus)},
		{"friendly name", a.FriendlyName},
		{"caller reference", string(a.CallerReference)},
		{"installed", moment(a.DateInstalled)},
		{"payment reason", a.PaymentReason},
		{"replaces", string(a.OldTokenID)},
	}
}

type tokenShow struct {
	apiFlags
	ID        holdfast.TokenID         `arg:"" optional:"" help:"Choose the token by its id."`
	Reference holdfast.CallerReference `help:"Choose the token by the CallerReference it was made with." placeholder:"REF"`
}

func (v tokenShow) Run(ctx context.Context, w world) error {
	if (v.ID == "") == (v.Reference == "") {
		return errors.New("give either the token's id or --reference REF")
	}
	client, err := v.client(ctx, w)
	if err != nil {
		return err
	}
	token, err := client.GetTokenByCaller(ctx, holdfast.GetTokenByCallerRequest{
		TokenID: v.ID, CallerReference: v.Reference,
	})
	if err != nil {
		return err
	}
	return v.print(w, describeToken(token))
}

type tokenUsage struct{ tokenFlags }

func (v tokenUsage) Run(ctx context.Context, w world) error {
	client, err := v.client(ctx, w)
	if err != nil {
		return err
	}
	usage, err := client.GetTokenUsage(ctx, v.ID)
	if err != nil {
		return err
	}
	a := usageAnswer{TokenID: v.ID, Limits: []limitAnswer{}}
	for _, l := range usage.Limits {
		limit := limitAnswer{Amount: dollars(l.Amount), UsedAmount: dollars(l.UsedAmount), LastReset: l.LastReset.UTC()}
		if l.Count > 0 {
			limit.Count, limit.UsedCount = &l.Count, &l.UsedCount
		}
		a.Limits = append(a.Limits, limit)
	}
	return v.print(w, a)
}

// A usageAnswer is how much of a token is used, as --json prints it.
type usageAnswer struct {
	TokenID holdfast.TokenID `json:"tokenId"`
	Limits  []limitAnswer    `json:"limits"`
}

// A limitAnswer is of a number of uses, or of an amount.
type limitAnswer struct {
	Count      *int      `json:"count,omitempty"`
	UsedCount  *int      `json:"usedCount,omitempty"`
	Amount     dollars   `json:"amount,omitzero"`
	UsedAmount dollars   `json:"usedAmount,omitzero"`
	LastReset  time.Time `json:"lastReset,omitzero"`
}

func (a usageAnswer) facts() []fact {
	if len(a.Limits) == 0 {
		return []fact{{"limits", "none"}}
	}
	var facts []fact
	for _, l := range a.Limits {
		about, what := "amount", fmt.Sprintf("%s of %s", l.UsedAmount, l.Amount)
		if l.Count != nil {
			about, what = "uses", fmt.Sprintf("%d of %d", *l.UsedCount, *l.Count)
		}
		facts = append(facts, fact{about, what + " since " + moment(l.LastReset)})
	}
	return facts
}

type tokenInstruction struct{ tokenFlags }

func (v tokenInstruction) Run(ctx context.Context, w world) error {
	client, err := v.client(ctx, w)
	if err != nil {
		return err
	}
	installed, err := client.GetPaymentInstruction(ctx, v.ID)
	if err != nil {
		return err
	}
	return v.print(w, instructionAnswer{
		tokenAnswer: describeToken(installed.Token), PaymentInstruction: installed.PaymentInstruction,
	})
}

// An instructionAnswer is a token with its limits, as --json prints it.
type instructionAnswer struct {
	tokenAnswer
	PaymentInstruction string `json:"paymentInstruction"`
}

func (a instructionAnswer) facts() []fact {
	return append(a.tokenAnswer.facts(), fact{"instruction", a.PaymentInstruction})
}

type tokenCancel struct {
	tokenFlags
	Reason string `help:"Record this reason." placeholder:"TEXT"`
}

func (v tokenCancel) Run(ctx context.Context, w world) error {
	client, err := v.client(ctx, w)
	if err != nil {
		return err
	}
	if _, err := client.CancelToken(ctx, holdfast.CancelTokenRequest{TokenID: v.ID, ReasonText: v.Reason}); err != nil {
		return err
	}
	return v.print(w, cancelledAnswer{TokenID: v.ID, TokenStatus: holdfast.TokenInactive})
}

// A cancelledAnswer is a cancelled token, as --json prints it.
type cancelledAnswer struct {
	TokenID     holdfast.TokenID     `json:"tokenId"`
	TokenStatus holdfast.TokenStatus `json:"tokenStatus"`
}

func (a cancelledAnswer) facts() []fact {
	return []fact{{"token", string(a.TokenID)}, {"status", string(a.TokenStatus)}}
}
