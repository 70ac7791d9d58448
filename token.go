package holdfast

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A Token is the answer to GetTokenByCaller, and one row of the answer to
// GetTokens.
type Token struct {
	TokenID         TokenID
	FriendlyName    string
	Status          TokenStatus
	DateInstalled   time.Time
	CallerReference CallerReference
	Type            TokenType
	OldTokenID      TokenID // the token that this one replaced
	PaymentReason   string
	Answer
}

// A GetTokenByCallerRequest names a token by its id or by the CallerReference
// with which it was made. Give exactly one of the two.
type GetTokenByCallerRequest struct {
	TokenID         TokenID
	CallerReference CallerReference
}

// GetTokenByCaller finds a token by its id or by the CallerReference of the
// Co-Branded link with which it was made. Use it when a buyer authorised a
// payment but never came back. The code InvalidCallerReference means that there
// is no such token.
func (c *Client) GetTokenByCaller(ctx context.Context, r GetTokenByCallerRequest) (Token, error) {
	var p Params
	p.add("TokenId", string(r.TokenID))
	p.add("CallerReference", string(r.CallerReference))
	token, answer, err := ask(ctx, c, actionGetTokenByCaller, p, func(result xmlResult) (Token, error) {
		var x struct{ Token xmlToken }
		if err := result(&x); err != nil {
			return Token{}, err
		}
		return x.Token.token()
	})
	token.Answer = answer
	return token, err
}

type xmlToken struct {
	TokenID         TokenID `xml:"TokenId"`
	FriendlyName    string
	TokenStatus     TokenStatus
	DateInstalled   xmlTime
	CallerReference CallerReference
	TokenType       TokenType
	OldTokenID      TokenID `xml:"OldTokenId"`
	PaymentReason   string
}

func (x xmlToken) token() (Token, error) {
	if x.TokenID == "" {
		return Token{}, errors.New("it has no token id")
	}
	return Token{
		TokenID: x.TokenID, FriendlyName: x.FriendlyName, Status: x.TokenStatus,
		DateInstalled: x.DateInstalled.Time, CallerReference: x.CallerReference, Type: x.TokenType,
		OldTokenID: x.OldTokenID, PaymentReason: x.PaymentReason,
	}, nil
}

// A GetTokensRequest selects tokens of the caller (API action GetTokens). An
// empty field does not restrict the selection, except TokenStatus.
type GetTokensRequest struct {
	TokenStatus       TokenStatus // empty means TokenActive
	TokenType         TokenType
	CallerReference   CallerReference
	TokenFriendlyName string
}

// Tokens are the answer to GetTokens.
type Tokens struct {
	Tokens []Token
	Answer
}

// GetTokens returns the caller's tokens, the newest first. If there are very
// many, a server may leave out the oldest.
func (c *Client) GetTokens(ctx context.Context, r GetTokensRequest) (Tokens, error) {
	var p Params
	p.add("TokenStatus", string(r.TokenStatus))
	p.add("TokenType", string(r.TokenType))
	p.add("CallerReference", string(r.CallerReference))
	p.add("TokenFriendlyName", r.TokenFriendlyName)
	tokens, answer, err := ask(ctx, c, actionGetTokens, p, func(result xmlResult) (all Tokens, err error) {
		var x struct{ Token []xmlToken }
		if err := result(&x); err != nil {
			return all, err
		}
		for _, row := range x.Token {
			t, err := row.token()
			if err != nil {
				return all, err
			}
			all.Tokens = append(all.Tokens, t)
		}
		return all, nil
	})
	tokens.Answer = answer
	return tokens, err
}

// A UsageLimit is one limit of a token: a number of uses, or an amount.
type UsageLimit struct {
	Count      int          // uses allowed in a period; zero if the limit is an amount
	Amount     money.Amount // allowed in a period; not given if the limit is a number of uses
	UsedCount  int          // since LastReset
	UsedAmount money.Amount // since LastReset
	LastReset  time.Time    // when the current period began
}

// UsageTerms are one limit of a new token: a number of uses, or an amount
// (docs/api/pipelines/MultiUse.md, usageLimitType1; FPS Advanced Guide). Give
// either Count or Amount.
type UsageTerms struct {
	Count  int          // uses allowed in a period
	Amount money.Amount // allowed in a period for all payments together
	Period string       // such as "1 Hour", "7 Days" or "12 Months"; empty means the token's whole life
}

// A TokenUsage is the answer to GetTokenUsage.
type TokenUsage struct {
	Limits []UsageLimit // at most three
	Answer
}

// GetTokenUsage returns the limits of a token and how much of them is used. For
// a single-use token it is refused with InvalidTokenType.
func (c *Client) GetTokenUsage(ctx context.Context, id TokenID) (TokenUsage, error) {
	var p Params
	p.add("TokenId", string(id))
	usage, answer, err := ask(ctx, c, actionGetTokenUsage, p, readTokenUsage)
	usage.Answer = answer
	return usage, err
}

func readTokenUsage(result xmlResult) (usage TokenUsage, err error) {
	var x struct {
		TokenUsageLimits []struct {
			Count              int
			Amount             xmlAmount
			LastResetCount     int
			LastResetAmount    xmlAmount
			LastResetTimestamp xmlTime
		}
	}
	if err := result(&x); err != nil {
		return usage, err
	}
	for i, row := range x.TokenUsageLimits {
		limit := UsageLimit{Count: row.Count, UsedCount: row.LastResetCount, LastReset: row.LastResetTimestamp.Time}
		if limit.Amount, err = row.Amount.amount(); err != nil {
			return usage, fmt.Errorf("limit %d: %w", i+1, err)
		}
		if limit.UsedAmount, err = row.LastResetAmount.amount(); err != nil {
			return usage, fmt.Errorf("limit %d: %w", i+1, err)
		}
		usage.Limits = append(usage.Limits, limit)
	}
	return usage, nil
}

// A CancelTokenRequest cancels a token (API action CancelToken).
type CancelTokenRequest struct {
	TokenID        TokenID // required
	ReasonText     string
	OverrideIPNURL string // not in version 2008-09-17
}

// CancelToken cancels a token. This cannot be undone. A second request is
// refused with TokenNotActive.
func (c *Client) CancelToken(ctx context.Context, r CancelTokenRequest) (Answer, error) {
	var p Params
	p.add("TokenId", string(r.TokenID))
	p.add("ReasonText", r.ReasonText)
	p.add("OverrideIPNURL", r.OverrideIPNURL)
	_, answer, err := ask(ctx, c, actionCancelToken, p, func(xmlResult) (struct{}, error) { return struct{}{}, nil })
	return answer, err
}

// An InstallPaymentInstructionRequest makes a token of the caller's owner (API
// action InstallPaymentInstruction).
type InstallPaymentInstructionRequest struct {
	PaymentInstruction string          // required; such as "MyRole == 'Recipient';"
	TokenFriendlyName  string          // at most 128 bytes
	CallerReference    CallerReference // required; at most 128 bytes
	TokenType          TokenType       // required
	PaymentReason      string          // at most 64 characters
}

// An InstalledToken is the answer to InstallPaymentInstruction.
type InstalledToken struct {
	TokenID TokenID
	Answer
}

// InstallPaymentInstruction makes a token of the caller's owner, with which the
// owner can pay or be paid. Unlike other requests, it is refused with
// DuplicateRequest when it is sent a second time. GetTokenByCaller then finds
// the token that the first request made.
func (c *Client) InstallPaymentInstruction(
	ctx context.Context, r InstallPaymentInstructionRequest,
) (InstalledToken, error) {
	var p Params
	p.add("PaymentInstruction", r.PaymentInstruction)
	p.add("TokenFriendlyName", r.TokenFriendlyName)
	p.add("CallerReference", string(r.CallerReference))
	p.add("TokenType", string(r.TokenType))
	p.add("PaymentReason", r.PaymentReason)
	token, answer, err := ask(ctx, c, actionInstallPaymentInstruction, p, func(result xmlResult) (InstalledToken, error) {
		var x struct {
			TokenID TokenID `xml:"TokenId"`
		}
		if err := result(&x); err != nil {
			return InstalledToken{}, err
		}
		if x.TokenID == "" {
			return InstalledToken{}, errors.New("it has no token id")
		}
		return InstalledToken{TokenID: x.TokenID}, nil
	})
	token.Answer = answer
	return token, err
}

// An InstalledInstruction is the answer to GetPaymentInstruction.
type InstalledInstruction struct {
	Token              Token
	PaymentInstruction string
	CallerReference    CallerReference
	TokenFriendlyName  string
	Answer
}

// GetPaymentInstruction returns the rules of a token, in the language of
// payment instructions.
func (c *Client) GetPaymentInstruction(ctx context.Context, id TokenID) (InstalledInstruction, error) {
	var p Params
	p.add("TokenId", string(id))
	instruction, answer, err := ask(ctx, c, actionGetPaymentInstruction, p,
		func(result xmlResult) (InstalledInstruction, error) {
			var x struct {
				Token              xmlToken
				PaymentInstruction string
				CallerReference    CallerReference
				TokenFriendlyName  string
			}
			if err := result(&x); err != nil {
				return InstalledInstruction{}, err
			}
			t, err := x.Token.token()
			return InstalledInstruction{
				Token: t, PaymentInstruction: x.PaymentInstruction, CallerReference: x.CallerReference,
				TokenFriendlyName: x.TokenFriendlyName,
			}, err
		})
	instruction.Answer = answer
	return instruction, err
}

// A RecipientVerification is the answer to GetRecipientVerificationStatus.
type RecipientVerification struct {
	Status RecipientVerificationStatus
	Answer
}

// GetRecipientVerificationStatus tells whether the account of a recipient token
// can be paid, and whether there is a limit on what it receives.
func (c *Client) GetRecipientVerificationStatus(ctx context.Context, recipient TokenID) (RecipientVerification, error) {
	var p Params
	p.add("RecipientTokenId", string(recipient))
	verification, answer, err := ask(ctx, c, actionGetRecipientVerificationStatus, p,
		func(result xmlResult) (RecipientVerification, error) {
			var x struct{ RecipientVerificationStatus RecipientVerificationStatus }
			if err := result(&x); err != nil {
				return RecipientVerification{}, err
			}
			if x.RecipientVerificationStatus == "" {
				return RecipientVerification{}, errors.New("it has no status")
			}
			return RecipientVerification{Status: x.RecipientVerificationStatus}, nil
		})
	verification.Answer = answer
	return verification, err
}
