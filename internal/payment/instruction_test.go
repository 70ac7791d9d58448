package payment_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

func installing() payment.InstallInput {
	in := good()
	return payment.InstallInput{
		ID: "K9", Caller: in.Caller, Owner: in.Owner, Now: now,
		Instruments: []payment.Instrument{{ID: "I9", Owner: "P1", Method: holdfast.MethodABT}},
	}
}

// FuzzInstruction installs arbitrary texts. The result is a token or a refusal
// with a documented code. The token's InstructionText makes the same token
// again.
func FuzzInstruction(f *testing.F) {
	for _, seed := range []string{
		"MyRole == 'Caller';",
		"MyRole == 'Recipient' ; PaymentMethod == \"CC\";",
		"MyRole == 'Sender'; OperationType == 'Refund';",
		"MyRole == 'Sender'; PaymentMethod == 'ABT'; TransactionAmount <= '25.00'; UsageType == 'Count'; UsageLimit == " +
			"'3'; UsagePeriod == '1 Month';",
		"MyRole == 'Sender'; UsageType == 'Amount'; UsageLimit == '9.99'; UsageStart == '2026-12-01T00:00:00Z';",
		"MyRole=='Sender';TransactionAmount=='USD 1';", "MyRole = 'Caller'", "== ;", "'';", "MyRole == 'Cal;ler';",
		"a <= b >= c;", "\x00", "MyRole == 'Caller';;",
		"MyRole == 'Caller' orSay 'Roles do not match';", "MyRole == 'Sender'; TransactionAmount <= '5' ORSAY \"Too much\" ;",
		"MyRole == 'Caller' orSay;",
		strings.Repeat("f", 2000) + " == 'a'",
	} {
		f.Add(seed, "MultiUse")
		f.Add(seed, "SingleUse")
	}
	allowed := []holdfast.Code{
		holdfast.BadRule, holdfast.InvalidPaymentMethod, holdfast.PaymentInstrumentMissing,
		holdfast.CannotSpecifyUsageForSingleUseToken, holdfast.UsageNotDefined, holdfast.InvalidUsageType,
		holdfast.InvalidUsageLimitCount, holdfast.InvalidUsageDuration, holdfast.InvalidUsageStartTime,
	}
	f.Fuzz(func(t *testing.T, text, kind string) {
		r := holdfast.InstallPaymentInstructionRequest{
			PaymentInstruction: text, TokenType: holdfast.TokenType(kind), CallerReference: "r",
		}
		made, err := payment.Install(installing(), r)
		if err != nil {
			e, ok := errors.AsType[*holdfast.Error](err)
			if !ok || !containsCode(allowed, e.Code) || len(e.Message) > 1024 {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		token := made.Tokens[0]
		if token.Holder() != "P1" || len(made.Tokens) != 1 || token.Limited() && len(made.Limits) == 0 {
			t.Fatalf("made %+v", made)
		}
		r.PaymentInstruction = token.InstructionText()
		again, err := payment.Install(installing(), r)
		if err != nil {
			t.Fatalf("%q has the instruction text %q, which is refused: %v", text, r.PaymentInstruction, err)
		}
		if diff := cmp.Diff(made, again); diff != "" {
			t.Errorf("%q (-made +again):\n%s", text, diff)
		}
		if strings.TrimSpace(r.PaymentInstruction) == "" {
			t.Error("the token has no instruction text")
		}
	})
}

func containsCode(codes []holdfast.Code, code holdfast.Code) bool {
	for _, c := range codes {
		if c == code {
			return true
		}
	}
	return false
}

// A statement may have its own error message for requests that break it.
func TestOrSay(t *testing.T) {
	install := func(text string) (payment.Installation, error) {
		return payment.Install(installing(), holdfast.InstallPaymentInstructionRequest{
			PaymentInstruction: text, TokenType: holdfast.TokenUnrestricted, CallerReference: "r",
		})
	}
	const text = "MyRole == 'Sender' orSay 'Roles; do not match'; TransactionAmount <= '25.00' orSay \"That's too much\";"
	made, err := install(text)
	if err != nil {
		t.Fatal(err)
	}
	token := made.Tokens[0]
	if token.InstructionText() != text || token.Use != payment.UsePay || token.Amount != money.Cents(2500) {
		t.Errorf("made %+v", token)
	}
	for refused, words := range map[string]string{
		"MyRole == 'Sender' orSay":                                     "not in quotes",
		"MyRole == 'Sender' orSay;":                                    "not in quotes",
		"MyRole == 'Sender' orSay 'x":                                  "does not end in a quote",
		"MyRole == 'Sender' orSay 'x' 'y';":                            "does not end in a quote and a semicolon",
		"MyRole == 'Sender' orElse 'x';":                               "does not end in a quote and a semicolon",
		"MyRole == 'Sender' or\u017fay 'x';":                           "does not end in a quote and a semicolon",
		"MyRole == 'Sender' orSay 'a\nb';":                             "line break",
		"MyRole == 'Sender' orSay '" + strings.Repeat("x", 201) + "';": "more than 200",
	} {
		if _, err := install(refused); err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v, want %q", refused, err, words)
		}
	}
	if _, err := install("MyRole == 'Sender' orSay '" + strings.Repeat("x", 200) + "';"); err != nil {
		t.Errorf("as much as may be said: %v", err)
	}
	asked := good()
	asked.Token.Amount, asked.Token.Instruction = money.Cents(2500), text
	_, err = payment.Reserve(asked.Input, asked.Request)
	if code(err) != holdfast.IncompatibleTokens || !strings.Contains(err.Error(), "That's too much") {
		t.Errorf("a request that breaks the rule gets %v", err)
	}
}
