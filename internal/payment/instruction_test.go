package payment_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

func installing() payment.InstallInput {
	in := good()
	return payment.InstallInput{
		ID: "K9", Caller: in.Caller, Owner: in.Owner, Now: now,
		Instruments: []payment.Instrument{{ID: "I9", Owner: "P1", Method: holdfast.MethodABT}},
	}
}

// FuzzInstruction reads whatever a caller installs: it is a token or a refusal
// with one of the documented codes, and what a token's instruction says makes
// the same token again.
func FuzzInstruction(f *testing.F) {
	for _, seed := range []string{
		"MyRole == 'Caller';",
		"MyRole == 'Recipient' ; PaymentMethod == \"CC\";",
		"MyRole == 'Sender'; OperationType == 'Refund';",
		"MyRole == 'Sender'; PaymentMethod == 'ABT'; TransactionAmount <= '25.00'; UsageType == 'Count'; UsageLimit == '3'; UsagePeriod == '1 Month';",
		"MyRole == 'Sender'; UsageType == 'Amount'; UsageLimit == '9.99'; UsageStart == '2026-12-01T00:00:00Z';",
		"MyRole=='Sender';TransactionAmount=='USD 1';", "MyRole = 'Caller'", "== ;", "'';", "MyRole == 'Cal;ler';", "a <= b >= c;", "\x00", "MyRole == 'Caller';;",
		strings.Repeat("f", 2000) + " == 'a'",
	} {
		f.Add(seed, "MultiUse")
		f.Add(seed, "SingleUse")
	}
	allowed := []holdfast.Code{
		holdfast.BadRule, holdfast.InvalidPaymentMethod, holdfast.PaymentInstrumentMissing, holdfast.CannotSpecifyUsageForSingleUseToken,
		holdfast.UsageNotDefined, holdfast.InvalidUsageType, holdfast.InvalidUsageLimitCount, holdfast.InvalidUsageDuration, holdfast.InvalidUsageStartTime,
	}
	f.Fuzz(func(t *testing.T, text, kind string) {
		r := holdfast.InstallPaymentInstructionRequest{PaymentInstruction: text, TokenType: holdfast.TokenType(kind), CallerReference: "r"}
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
			t.Fatalf("%q says of itself %q, which is refused: %v", text, r.PaymentInstruction, err)
		}
		if diff := cmp.Diff(made, again); diff != "" {
			t.Errorf("%q (-made +again):\n%s", text, diff)
		}
		if strings.TrimSpace(r.PaymentInstruction) == "" {
			t.Error("the token says nothing of itself")
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
