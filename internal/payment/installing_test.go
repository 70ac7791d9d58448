package payment_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

func install(in payment.InstallInput, kind holdfast.TokenType, text string) (payment.Installation, error) {
	return payment.Install(in, holdfast.InstallPaymentInstructionRequest{
		PaymentInstruction: text, TokenType: kind, CallerReference: "r",
	})
}

func TestInstructionRefusals(t *testing.T) {
	const sender = "MyRole == 'Sender'; "
	const counted = sender + "UsageType == 'Count'; UsageLimit == '2'; "
	long := func(bytes int) string { return "MyRole == 'Caller';" + strings.Repeat(" ", bytes-20) + "\t" }
	for name, row := range map[string]struct {
		kind holdfast.TokenType
		text string
		want holdfast.Code
	}{
		"a caller's":         {holdfast.TokenUnrestricted, "MyRole == 'Caller';", ""},
		"double quotes":      {holdfast.TokenUnrestricted, `MyRole == "Caller";`, ""},
		"nothing":            {holdfast.TokenUnrestricted, " ", holdfast.BadRule},
		"no role":            {holdfast.TokenUnrestricted, "PaymentMethod == 'CC';", holdfast.BadRule},
		"an unknown role":    {holdfast.TokenUnrestricted, "MyRole == 'Buyer';", holdfast.BadRule},
		"an unknown name":    {holdfast.TokenUnrestricted, "Colour == 'Red';", holdfast.BadRule},
		"no name":            {holdfast.TokenUnrestricted, "== 'Caller';", holdfast.BadRule},
		"a name with a sign": {holdfast.TokenUnrestricted, "My-Role == 'Caller';", holdfast.BadRule},
		"no operator":        {holdfast.TokenUnrestricted, "MyRole 'Caller';", holdfast.BadRule},
		"no quotes":          {holdfast.TokenUnrestricted, "MyRole == Caller;", holdfast.BadRule},
		"no value":           {holdfast.TokenUnrestricted, "MyRole ==", holdfast.BadRule},
		"an open quote":      {holdfast.TokenUnrestricted, "MyRole == 'Caller;", holdfast.BadRule},
		"no semicolon":       {holdfast.TokenUnrestricted, "MyRole == 'Caller'", holdfast.BadRule},
		"said twice": {
			holdfast.TokenUnrestricted, "MyRole == 'Caller'; MyRole == 'Caller';",
			holdfast.BadRule,
		},
		"a bound of the role": {holdfast.TokenUnrestricted, "MyRole <= 'Caller';", holdfast.BadRule},
		"the longest":         {holdfast.TokenUnrestricted, long(4096), ""},
		"a byte too long":     {holdfast.TokenUnrestricted, long(4097), holdfast.BadRule},
		"an unknown operation": {
			holdfast.TokenUnrestricted, sender + "OperationType == 'Steal';",
			holdfast.BadRule,
		},
		"a known operation": {holdfast.TokenUnrestricted, sender + "OperationType == 'Pay';", ""},
		"an unknown method": {
			holdfast.TokenUnrestricted, sender + "PaymentMethod == 'Cash';",
			holdfast.InvalidPaymentMethod,
		},
		"the balance": {holdfast.TokenUnrestricted, sender + "PaymentMethod == 'ABT';", ""},
		"a missing card": {
			holdfast.TokenUnrestricted, sender + "PaymentMethod == 'CC';",
			holdfast.PaymentInstrumentMissing,
		},
		"an invalid amount": {
			holdfast.TokenUnrestricted, sender + "TransactionAmount == 'much';",
			holdfast.BadRule,
		},
		"no amount": {
			holdfast.TokenUnrestricted, sender + "TransactionAmount == '0';",
			holdfast.BadRule,
		},
		"two bounds": {holdfast.TokenUnrestricted, sender +
			"TransactionAmount <= '2'; TransactionAmount >= '1';", holdfast.BadRule},
		"for many uses without a limit": {holdfast.TokenMultiUse, sender, holdfast.UsageNotDefined},
		"recurring without a limit":     {holdfast.TokenRecurring, sender, holdfast.UsageNotDefined},
		"for one use with a limit":      {holdfast.TokenSingleUse, counted, holdfast.CannotSpecifyUsageForSingleUseToken},
		"for one use":                   {holdfast.TokenSingleUse, sender, ""},
		"two uses":                      {holdfast.TokenMultiUse, counted, ""},
		"one use":                       {holdfast.TokenMultiUse, sender + "UsageType == 'Count'; UsageLimit == '1';", ""},
		"no use": {
			holdfast.TokenMultiUse, sender + "UsageType == 'Count'; UsageLimit == '0';",
			holdfast.InvalidUsageLimitCount,
		},
		"a count that is no number": {
			holdfast.TokenMultiUse, sender + "UsageType == 'Count'; UsageLimit == '1.5';",
			holdfast.InvalidUsageLimitCount,
		},
		"two dollars": {
			holdfast.TokenMultiUse, sender + "UsageType == 'Amount'; UsageLimit == '2.00';",
			"",
		},
		"no dollar": {
			holdfast.TokenMultiUse, sender + "UsageType == 'Amount'; UsageLimit == '0';",
			holdfast.InvalidUsageLimitCount,
		},
		"an amount that is no number": {
			holdfast.TokenMultiUse, sender + "UsageType == 'Amount'; UsageLimit == 'two';",
			holdfast.InvalidUsageLimitCount,
		},
		"a limit of something else": {
			holdfast.TokenMultiUse, sender + "UsageType == 'Weight'; UsageLimit == '2';",
			holdfast.InvalidUsageType,
		},
		"a period": {holdfast.TokenMultiUse, counted + "UsagePeriod == '1 Month';", ""},
		"an invalid period": {
			holdfast.TokenMultiUse, counted + "UsagePeriod == '1 Blink';",
			holdfast.InvalidUsageDuration,
		},
		"an invalid start": {
			holdfast.TokenMultiUse, counted + "UsageStart == 'soon';",
			holdfast.InvalidUsageStartTime,
		},
		"a start a minute ago": {holdfast.TokenMultiUse, counted + "UsageStart == '2026-11-23T10:14:30Z';", ""},
		"a start more than a minute ago": {
			holdfast.TokenMultiUse, counted + "UsageStart == '2026-11-23T10:14:29Z';",
			holdfast.InvalidUsageStartTime,
		},
		"64 statements, the last unknown": {holdfast.TokenUnrestricted, distinct(64), holdfast.BadRule},
	} {
		t.Run(name, func(t *testing.T) {
			made, err := install(installing(), row.kind, row.text)
			if got := code(err); got != row.want || err != nil && row.want == "" {
				t.Fatalf("got %v, want code %q", err, row.want)
			}
			if err == nil && len(made.Tokens) != 1 {
				t.Fatalf("it made %+v", made)
			}
		})
	}
	closed := installing()
	closed.Owner.Standing = party.Closed
	if _, err := install(closed, holdfast.TokenUnrestricted,
		"MyRole == 'Caller';"); code(err) != holdfast.InvalidAccountState {
		t.Errorf("a closed account: %v", err)
	}
}

// distinct has n statements with different names.
func distinct(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString("x" + strings.Repeat("y", i) + " == 'a';")
	}
	return b.String()
}

// A refusal says which rule was broken, because the caller sees nothing else.
func TestInstructionsAreRefusedInWords(t *testing.T) {
	for text, want := range map[string]string{
		distinct(64): "x is not known",
		distinct(65): "more than 64 statements",
		" ":          "is empty",
		"MyRole == 'Caller'; MyRole == 'Sender';":                                 "MyRole appears twice",
		"TransactionAmount <= '2'; TransactionAmount >= '1'; MyRole == 'Sender';": "TransactionAmount appears twice",
		"PaymentMethod >= 'CC';":                                                  "PaymentMethod can be used only with ==",
		"azAZ09 == 'a';":                                                          "azAZ09 is not known",
		"a{ == 'a';":                                                              "a statement is a name",
		"a` == 'a';":                                                              "a statement is a name",
		"a@ == 'a';":                                                              "a statement is a name",
		"a[ == 'a';":                                                              "a statement is a name",
		"a/ == 'a';":                                                              "a statement is a name",
		"a: == 'a';":                                                              "a statement is a name",
		"x == y;":                                                                 "the value of x is not in quotes",
		"x ==":                                                                    "the value of x is not in quotes",
		"x == 'y'":                                                                "does not end in a quote and a semicolon",
		"PaymentMethod == 'CC';":                                                  "MyRole is missing",
		"MyRole == '" + strings.Repeat("r", 60) + "';": "not " + strings.Repeat("r", 60) + "",
		"MyRole == '" + strings.Repeat("r", 61) + "';": "not " + strings.Repeat("r", 60) + "…",
	} {
		if _, err := install(installing(), holdfast.TokenUnrestricted, text); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%.80q gets %v, want %q", text, err, want)
		}
	}
	_, err := install(installing(), holdfast.TokenUnrestricted, "MyRole == '"+strings.Repeat("r", 60)+"';")
	if strings.Contains(err.Error(), "…") {
		t.Errorf("a text of 60 characters is cut: %v", err)
	}
}

func TestInstructionsMakeTokens(t *testing.T) {
	const sender = "MyRole == 'Sender';"
	for text, want := range map[string]struct {
		kind  holdfast.TokenType
		check func(payment.Installation) bool
	}{
		"MyRole == 'Caller';": {holdfast.TokenUnrestricted, func(m payment.Installation) bool {
			k := m.Tokens[0]
			return k.Use == payment.UseCall && k.Recipient == "P1" && k.Sender == "" && k.Expires.IsZero() && len(m.Limits) == 0
		}},
		"MyRole == 'Recipient'; PaymentMethod == 'CC';": {holdfast.TokenUnrestricted, func(m payment.Installation) bool {
			k := m.Tokens[0]
			return k.Use == payment.UseReceive && k.PaysFee && k.Recipient == "P1" && len(k.Methods) == 1 &&
				k.Methods[0] == holdfast.MethodCC && k.Method == ""
		}},
		"MyRole == 'Recipient';": {
			holdfast.TokenUnrestricted,
			func(m payment.Installation) bool { return len(m.Tokens[0].Methods) == 0 },
		},
		"MyRole == 'Caller'; PaymentMethod == 'CC';": {
			holdfast.TokenUnrestricted,
			func(m payment.Installation) bool { return len(m.Tokens[0].Methods) == 0 },
		},
		sender + "OperationType == 'Refund';": {holdfast.TokenUnrestricted, func(m payment.Installation) bool {
			return m.Tokens[0].Use == payment.UseRefund && m.Tokens[0].Recipient == "P1"
		}},
		sender + "OperationType == 'Settle';": {holdfast.TokenUnrestricted, func(m payment.Installation) bool {
			k := m.Tokens[0]
			return k.Use == payment.UsePay && k.Sender == "P1" && k.Instrument == ""
		}},
		sender + "PaymentMethod == 'ABT'; TransactionAmount <= 'USD 25.00';": {
			holdfast.TokenSingleUse,
			func(m payment.Installation) bool {
				k := m.Tokens[0]
				return k.Instrument == "I9" && k.Expires.Equal(now.Add(3*time.Hour)) && k.AmountType == holdfast.AmountMaximum &&
					k.Amount == money.Cents(25_00) &&
					k.FriendlyName == "Single-use payment of "+money.Cents(25_00).String()
			},
		},
		sender + "TransactionAmount>='1'; UsageType=='Count'; UsageLimit=='3'; UsagePeriod=='2 Weeks';": {
			holdfast.TokenMultiUse,
			func(m payment.Installation) bool {
				l := m.Limits[0]
				return m.Tokens[0].AmountType == holdfast.AmountMinimum && m.Tokens[0].FriendlyName == "MultiUse token" &&
					m.Tokens[0].Expires.IsZero() &&
					l.Kind == payment.LimitCount && l.Value == 3 && l.Period == (payment.Period{N: 2, Unit: payment.Week}) &&
					l.Start.Equal(now) && l.Window.Equal(now)
			},
		},
		sender + "UsageStart == '2026-12-01T01:00:00+01:00'; UsageType == 'Amount'; UsageLimit == '9.99';": {
			holdfast.TokenRecurring,
			func(m payment.Installation) bool {
				l, start := m.Limits[0], time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
				return l.Kind == payment.LimitAmount && l.Value == money.Cents(9_99).Micro && l.Period.Endless() &&
					l.Start.Equal(start) && l.Window.Equal(start)
			},
		},
	} {
		made, err := install(installing(), want.kind, text)
		if err != nil || !want.check(made) {
			t.Errorf("%s makes %+v, %v", text, made, err)
		}
	}
}

// A sender token uses the first instrument that can still pay.
func TestAnInstructionTakesAnInstrumentThatCanPay(t *testing.T) {
	in := installing()
	card := good().Instrument
	removed, expired, other := card, card, card
	removed.ID, removed.Removed = "I1", true
	expired.ID, expired.ExpiryYear = "I2", 2025
	card.ID, other.ID = "I3", "I4"
	in.Instruments = append(in.Instruments, removed, expired, card, other)
	made, err := install(in, holdfast.TokenUnrestricted, "MyRole == 'Sender'; PaymentMethod == 'cc';")
	if err != nil || made.Tokens[0].Instrument != "I3" {
		t.Errorf("it pays by %+v, %v", made.Tokens, err)
	}
}

func TestTokensSayTheirInstruction(t *testing.T) {
	for want, token := range map[string]payment.Token{
		"as it was written": {
			Instruction: "as it was written", Use: payment.UsePay,
			Method: holdfast.MethodCC,
		},
		"MyRole == 'Sender';":                               {Use: payment.UsePay},
		"MyRole == 'Recipient';":                            {Use: payment.UseReceive},
		"MyRole == 'Recipient'; OperationType == 'Refund';": {Use: payment.UseRefund},
		"MyRole == 'Sender'; PaymentMethod == 'CC'; TransactionAmount == '5.00';": {
			Use:    payment.UsePay,
			Method: holdfast.MethodCC, Amount: money.Cents(5_00), AmountType: holdfast.AmountExact,
		},
		"MyRole == 'Sender'; TransactionAmount >= '5.00';": {
			Use: payment.UseFund, Amount: money.Cents(5_00),
			AmountType: holdfast.AmountMinimum,
		},
	} {
		if got := token.InstructionText(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
