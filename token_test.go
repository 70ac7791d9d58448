package holdfast_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

const tokenXML = "<Token><TokenId>" + testToken +
	"</TokenId><FriendlyName>Tea club</FriendlyName><TokenStatus>Active</TokenStatus>" +
	"<DateInstalled>2026-11-23T02:15:30.044-08:00</DateInstalled><CallerReference>club-1</CallerReference>" +
	"<TokenType>MultiUse</TokenType>" +
	"<OldTokenId>OLD</OldTokenId><PaymentReason>Tea</PaymentReason></Token>"

var teaClub = holdfast.Token{
	TokenID: testToken, FriendlyName: "Tea club", Status: holdfast.TokenActive, DateInstalled: testNow,
	CallerReference: "club-1", Type: holdfast.TokenMultiUse, OldTokenID: "OLD", PaymentReason: "Tea",
}

func answeredToken(t holdfast.Token) holdfast.Token {
	t.Answer = answered
	return t
}

// flawsOfToken make a token unreadable in every answer.
var flawsOfToken = map[string]string{
	"<TokenId>" + testToken + "</TokenId>": "",
	"2026-11-23T02:15:30.044-08:00":        "2026-11-23",
}

var tokenCalls = []call{
	{
		action: "GetTokenByCaller", variant: "by its id",
		ask:    asking((*holdfast.Client).GetTokenByCaller, holdfast.GetTokenByCallerRequest{TokenID: testToken}),
		sent:   holdfast.Params{{"TokenId", testToken}},
		result: tokenXML, want: answeredToken(teaClub), flaws: flawsOfToken,
	},
	{
		action: "GetTokenByCaller", variant: "by its reference",
		ask:    asking((*holdfast.Client).GetTokenByCaller, holdfast.GetTokenByCallerRequest{CallerReference: "club-1"}),
		sent:   holdfast.Params{{"CallerReference", "club-1"}},
		result: "<Token><TokenId>" + testToken + "</TokenId></Token>",
		want:   holdfast.Token{TokenID: testToken, Answer: answered},
		flaws:  map[string]string{"<Token><TokenId>" + testToken + "</TokenId></Token>": ""},
	},
	{
		action: "GetTokens", variant: "with everything",
		ask: asking((*holdfast.Client).GetTokens, holdfast.GetTokensRequest{
			TokenStatus: holdfast.TokenInactive, TokenType: holdfast.TokenMultiUse, CallerReference: "club-1",
			TokenFriendlyName: "Tea club",
		}),
		sent: holdfast.Params{
			{"TokenStatus", "Inactive"},
			{"TokenType", "MultiUse"},
			{"CallerReference", "club-1"},
			{"TokenFriendlyName", "Tea club"},
		},
		result: "<Token><TokenId>SECOND</TokenId></Token>" + tokenXML,
		want:   holdfast.Tokens{Tokens: []holdfast.Token{{TokenID: "SECOND"}, teaClub}, Answer: answered},
		flaws:  flawsOfToken,
	},
	{
		action: "GetTokens",
		ask:    asking((*holdfast.Client).GetTokens, holdfast.GetTokensRequest{}),
		want:   holdfast.Tokens{Answer: answered},
		flaws:  map[string]string{"<GetTokensResult></GetTokensResult>": ""},
	},
	{
		action: "GetTokenUsage", variant: "with everything",
		ask:  asking((*holdfast.Client).GetTokenUsage, testToken),
		sent: holdfast.Params{{"TokenId", testToken}},
		result: "<TokenUsageLimits><Count>3</Count><LastResetCount>1</LastResetCount>" +
			"<LastResetTimestamp>2026-11-23T02:15:30.044-08:00</LastResetTimestamp></TokenUsageLimits>" +
			"<TokenUsageLimits>" + amountXML("Amount", "60.000000") + amountXML("LastResetAmount", "55.000000") +
			"</TokenUsageLimits>",
		want: holdfast.TokenUsage{Limits: []holdfast.UsageLimit{
			{Count: 3, UsedCount: 1, LastReset: testNow},
			{Amount: money.Cents(6000), UsedAmount: money.Cents(5500)},
		}, Answer: answered},
		flaws: map[string]string{
			"<Count>3":      "<Count>three",
			"ResetCount>1":  "ResetCount>99999999999999999999",
			"T02:15:30.044": "",
			"60.000000":     "60.0000000",
			"55.000000":     "fifty-five",
			"USD</Currency": "</Currency",
		},
	},
	{
		action: "GetTokenUsage",
		ask:    asking((*holdfast.Client).GetTokenUsage, testToken),
		sent:   holdfast.Params{{"TokenId", testToken}},
		want:   holdfast.TokenUsage{Answer: answered},
	},
	{
		action: "CancelToken", variant: "with everything",
		ask: asking((*holdfast.Client).CancelToken, holdfast.CancelTokenRequest{
			TokenID: testToken, ReasonText: "moved away", OverrideIPNURL: "https://shop.example.test/ipn",
		}),
		sent: holdfast.Params{
			{"TokenId", testToken},
			{"ReasonText", "moved away"},
			{"OverrideIPNURL", "https://shop.example.test/ipn"},
		},
		want: answered,
	},
	{
		action: "CancelToken",
		ask:    asking((*holdfast.Client).CancelToken, holdfast.CancelTokenRequest{TokenID: testToken}),
		sent:   holdfast.Params{{"TokenId", testToken}},
		want:   answered,
	},
	{
		action: "InstallPaymentInstruction", variant: "with everything",
		ask: asking((*holdfast.Client).InstallPaymentInstruction, holdfast.InstallPaymentInstructionRequest{
			PaymentInstruction: "MyRole == 'Recipient'; PaymentMethod == 'CC';", TokenFriendlyName: "House",
			CallerReference: "house-1", TokenType: holdfast.TokenUnrestricted, PaymentReason: "Payments",
		}),
		sent: holdfast.Params{
			{"PaymentInstruction", "MyRole == 'Recipient'; PaymentMethod == 'CC';"},
			{"TokenFriendlyName", "House"},
			{"CallerReference", "house-1"},
			{"TokenType", "Unrestricted"},
			{"PaymentReason", "Payments"},
		},
		result: "<TokenId>" + testToken + "</TokenId>",
		want:   holdfast.InstalledToken{TokenID: testToken, Answer: answered},
		flaws:  map[string]string{testToken: "", "<TokenId>" + testToken + "</TokenId>": "<Token/>"},
	},
	{
		action: "InstallPaymentInstruction",
		ask: asking((*holdfast.Client).InstallPaymentInstruction, holdfast.InstallPaymentInstructionRequest{
			PaymentInstruction: "MyRole == 'Caller';", CallerReference: "house-1", TokenType: holdfast.TokenUnrestricted,
		}),
		sent: holdfast.Params{
			{"PaymentInstruction", "MyRole == 'Caller';"},
			{"CallerReference", "house-1"},
			{"TokenType", "Unrestricted"},
		},
		result: "<TokenId>" + testToken + "</TokenId>",
		want:   holdfast.InstalledToken{TokenID: testToken, Answer: answered},
	},
	{
		action: "GetPaymentInstruction",
		ask:    asking((*holdfast.Client).GetPaymentInstruction, testToken),
		sent:   holdfast.Params{{"TokenId", testToken}},
		result: tokenXML + "<PaymentInstruction>MyRole == 'Sender'; TransactionAmount &lt;= '25.00';</PaymentInstruction>" +
			"<CallerReference>club-2</CallerReference><TokenFriendlyName>Tea club, once</TokenFriendlyName>",
		want: holdfast.InstalledInstruction{
			Token: teaClub, PaymentInstruction: "MyRole == 'Sender'; TransactionAmount <= '25.00';",
			CallerReference: "club-2", TokenFriendlyName: "Tea club, once", Answer: answered,
		},
		flaws: flawsOfToken,
	},
	{
		action: "GetRecipientVerificationStatus",
		ask:    asking((*holdfast.Client).GetRecipientVerificationStatus, testToken),
		sent:   holdfast.Params{{"RecipientTokenId", testToken}},
		result: "<RecipientVerificationStatus>VerificationCompleteNoLimits</RecipientVerificationStatus>",
		want:   holdfast.RecipientVerification{Status: holdfast.VerificationCompleteNoLimits, Answer: answered},
		flaws:  map[string]string{"VerificationCompleteNoLimits": ""},
	},
}

func TestTokens(t *testing.T) { checkCalls(t, tokenCalls) }
