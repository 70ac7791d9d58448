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

func TestFindTokens(t *testing.T) {
	token := payment.Token{ID: "K1", Caller: "C1", Use: payment.UseReceive, Recipient: "P1"}
	call := token
	call.Use = payment.UseCall
	pays := token
	pays.Use, pays.Sender = payment.UsePay, "P2"
	for name, row := range map[string]struct {
		err  error
		want holdfast.Code
	}{
		"its caller's":               {payment.FindToken(token, true, "C1", "K1"), ""},
		"another caller's":           {payment.FindToken(token, true, "C2", "K1"), holdfast.InvalidTokenID},
		"not there":                  {payment.FindToken(token, false, "C1", "K1"), holdfast.InvalidTokenID},
		"one's own":                  {payment.FindOwnToken(token, true, "P1", "K1"), ""},
		"another's":                  {payment.FindOwnToken(token, true, "P2", "K1"), holdfast.InvalidTokenID},
		"a sender's own":             {payment.FindOwnToken(pays, true, "P2", "K1"), ""},
		"its recipient's":            {payment.FindOwnToken(pays, true, "P1", "K1"), holdfast.InvalidTokenID},
		"one's own, not there":       {payment.FindOwnToken(token, false, "P1", "K1"), holdfast.InvalidTokenID},
		"one that calls":             {payment.FindOwnToken(call, true, "P1", "K1"), holdfast.InvalidTokenID},
		"a recipient's":              {payment.FindRecipient(token, true, "C1", "K1"), ""},
		"a recipient's, not there":   {payment.FindRecipient(token, false, "C1", "K1"), holdfast.InvalidTokenIDRecipient},
		"a recipient's of another":   {payment.FindRecipient(token, true, "C2", "K1"), holdfast.InvalidTokenIDRecipient},
		"one that pays, to be named": {payment.FindRecipient(pays, true, "C1", "K1"), holdfast.InvalidTokenIDRecipient},
	} {
		if code(row.err) != row.want {
			t.Errorf("%s: %v, want %q", name, row.err, row.want)
		}
	}
}

func TestCancelToken(t *testing.T) {
	cents := money.Cents
	for name, row := range map[string]struct {
		spoil func(*payment.Token, *payment.AggregateInstrument)
		want  holdfast.Code
		words string
	}{
		"an active one": {func(*payment.Token, *payment.AggregateInstrument) {}, "", ""},
		"cancelled": {
			func(k *payment.Token, _ *payment.AggregateInstrument) { k.Cancelled = true },
			holdfast.TokenNotActive, "already cancelled",
		},
		"used": {
			func(k *payment.Token, _ *payment.AggregateInstrument) { k.UsedBy = "1T1" }, holdfast.TokenNotActive,
			"used by transaction 1T1",
		},
		"expired": {
			func(k *payment.Token, _ *payment.AggregateInstrument) { k.Expires = now }, holdfast.TokenNotActive,
			"expired",
		},
		"its last moment": {func(k *payment.Token, _ *payment.AggregateInstrument) {
			k.Expires = now.Add(1)
		}, "", ""},
		"spends what is left": {func(k *payment.Token, a *payment.AggregateInstrument) {
			k.Aggregate, a.Balance = "G1", cents(2_00)
		}, holdfast.TokenAccessDenied, "of which USD 2.00 is left"},
		"spends what is being added": {func(k *payment.Token, a *payment.AggregateInstrument) {
			k.Aggregate, a.Pending = "G1", cents(3_00)
		}, holdfast.TokenAccessDenied, "to which USD 3.00 is being added"},
		"spends nothing": {func(k *payment.Token, _ *payment.AggregateInstrument) { k.Aggregate = "G1" }, "", ""},
		"adds to what is left": {func(k *payment.Token, a *payment.AggregateInstrument) {
			k.Aggregate, k.Use, a.Balance = "G1", payment.UseFund, cents(2_00)
		}, "", ""},
		"of no instrument": {func(_ *payment.Token, a *payment.AggregateInstrument) { a.Balance = cents(2_00) }, "", ""},
		"settles a debt": {func(k *payment.Token, a *payment.AggregateInstrument) {
			k.Aggregate, k.Use, a.Method, a.Balance = "G1", payment.UseSettle, holdfast.MethodDebt, cents(4_00)
		}, holdfast.TokenAccessDenied, "settles a debt, of which USD 4.00 is open"},
	} {
		t.Run(name, func(t *testing.T) {
			token := payment.Token{ID: "K1", Use: payment.UsePay, Type: holdfast.TokenMultiUse}
			a := payment.AggregateInstrument{ID: "G1", Method: holdfast.MethodPrepaid, Balance: cents(0), Pending: cents(0)}
			row.spoil(&token, &a)
			before := token.Cancelled
			after, err := token.CancelToken(a, now)
			if code(err) != row.want || err != nil && !strings.Contains(err.Error(), row.words) {
				t.Fatalf("refused with %v, want %q and %q", err, row.want, row.words)
			}
			if after.Cancelled != (before || err == nil) {
				t.Error("Cancelled does not match the answer")
			}
		})
	}
}

func TestTokenBounds(t *testing.T) {
	for _, row := range []struct {
		kind          holdfast.AmountType
		low, at, high holdfast.Code
	}{
		{holdfast.AmountExact, holdfast.IncompatibleTokens, "", holdfast.IncompatibleTokens},
		{holdfast.AmountMinimum, holdfast.IncompatibleTokens, "", ""},
		{holdfast.AmountMaximum, "", "", holdfast.IncompatibleTokens},
	} {
		for cents, want := range map[int64]holdfast.Code{9_99: row.low, 10_00: row.at, 10_01: row.high} {
			in := good()
			in.Token.AmountType, in.Token.Amount, in.Request.TransactionAmount = row.kind, money.Cents(10_00), money.Cents(cents)
			if _, err := payment.Reserve(in.Input, in.Request); code(err) != want {
				t.Errorf("%s of $10, %d cents: %v, want %q", row.kind, cents, err, want)
			}
		}
	}
}

func TestARecipientIsOneThatTheSenderAuthorised(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(*asked)
		want  holdfast.Code
	}{
		"on the list": {func(*asked) {}, ""},
		"not on the list": {
			func(in *asked) { in.Token.Recipients = []holdfast.TokenID{"K4"} },
			holdfast.IncompatibleTokens,
		},
		"none named": {
			func(in *asked) { in.RecipientToken, in.Request.RecipientTokenID = nil, "" },
			holdfast.IncompatibleTokens,
		},
		"anybody": {func(in *asked) { in.Token.Recipients = nil }, ""},
		"the caller only": {
			func(in *asked) { in.Token.Recipients, in.Token.Recipient = nil, "P1" },
			holdfast.IncompatibleTokens,
		},
		"the one authorised": {func(in *asked) { in.Token.Recipients, in.Token.Recipient = nil, "P3" }, ""},
		"takes no cards": {
			func(in *asked) { in.RecipientToken.Methods = []holdfast.PaymentMethod{holdfast.MethodABT} },
			holdfast.InvalidPaymentMethod,
		},
		"takes cards": {
			func(in *asked) { in.RecipientToken.Methods = []holdfast.PaymentMethod{holdfast.MethodCC} },
			"",
		},
		"cancelled":           {func(in *asked) { in.RecipientToken.Cancelled = true }, holdfast.TokenNotActiveRecipient},
		"expired":             {func(in *asked) { in.RecipientToken.Expires = now }, holdfast.IncompatibleTokens},
		"not yet":             {func(in *asked) { in.RecipientToken.Starts = now.Add(1) }, holdfast.IncompatibleTokens},
		"no marketplace":      {func(in *asked) { in.Caller.Marketplace = false }, holdfast.NotMarketplaceApp},
		"the caller's buying": {func(in *asked) { in.Caller.Marketplace, in.Sender.ID = false, "P1" }, ""},
	} {
		in := sold()
		row.spoil(&in)
		if _, err := payment.Reserve(in.Input, in.Request); code(err) != row.want {
			t.Errorf("%s: %v, want %q", name, err, row.want)
		}
	}
}

func TestTokensSayWhatTheyAre(t *testing.T) {
	amount := money.Cents(5_00)
	for _, row := range [][2]string{
		{payment.NameFor(holdfast.TokenSingleUse, "Mugs", amount), "Mugs"},
		{payment.NameFor(holdfast.TokenSingleUse, "", amount), "Single-use payment of USD 5.00"},
		{payment.NameFor(holdfast.TokenSingleUse, "", money.Amount{}), "SingleUse token"},
		{payment.NameFor(holdfast.TokenMultiUse, "", amount), "MultiUse token"},
	} {
		if row[0] != row[1] {
			t.Errorf("it is named %q, want %q", row[0], row[1])
		}
	}
	for kind, want := range map[holdfast.TokenType]bool{
		holdfast.TokenSingleUse: false, holdfast.TokenMultiUse: true, holdfast.TokenRecurring: true,
		holdfast.TokenUnrestricted: false,
	} {
		if (payment.Token{Type: kind}).Limited() != want {
			t.Errorf("uses of a %s token are counted: want %v", kind, want)
		}
	}
	for name, row := range map[string]struct {
		payment.Token
		want holdfast.TokenStatus
	}{
		"active":          {payment.Token{}, holdfast.TokenActive},
		"used":            {payment.Token{UsedBy: "1T1"}, holdfast.TokenInactive},
		"cancelled":       {payment.Token{Cancelled: true}, holdfast.TokenInactive},
		"expired":         {payment.Token{Expires: now}, holdfast.TokenInactive},
		"its last moment": {payment.Token{Expires: now.Add(1)}, holdfast.TokenActive},
	} {
		if got := row.Status(now); got != row.want {
			t.Errorf("%s: %s", name, got)
		}
	}
	in := good()
	in.Token.Expires = now
	if _, err := payment.Reserve(in.Input, in.Request); err == nil || !strings.Contains(err.Error(), "lives three hours") {
		t.Errorf("an expired single-use token: %v", err)
	}
	in.Token.Type = holdfast.TokenMultiUse
	if _, err := payment.Reserve(in.Input, in.Request); err == nil || strings.Contains(err.Error(), "lives three hours") {
		t.Errorf("an expired multi-use token: %v", err)
	}
}

func TestOnlyTokensThatPayAgainCanBeEdited(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(*payment.Token)
		want  bool
	}{
		"for many uses":    {func(*payment.Token) {}, true},
		"recurring":        {func(k *payment.Token) { k.Type = holdfast.TokenRecurring }, true},
		"for one use":      {func(k *payment.Token) { k.Type = holdfast.TokenSingleUse }, false},
		"another caller's": {func(k *payment.Token) { k.Caller = "C2" }, false},
		"a recipient's":    {func(k *payment.Token) { k.Sender = "" }, false},
		"of an instrument": {func(k *payment.Token) { k.Instrument = "" }, false},
		"a cancelled one":  {func(k *payment.Token) { k.Cancelled = true }, false},
		"an expired one":   {func(k *payment.Token) { k.Expires = now }, false},
	} {
		token := payment.Token{ID: "K1", Caller: "C1", Type: holdfast.TokenMultiUse, Sender: "P2", Instrument: "I1"}
		row.spoil(&token)
		end := token.CanEdit("C1", now)
		if (end == nil) != row.want || end != nil && end.Status != holdfast.ReturnInvalidToken {
			t.Errorf("%s: %v", name, end)
		}
	}
	token := payment.Token{Sender: "P2"}
	if token.CanBeEditedBy(party.Party{ID: "P2"}) != nil {
		t.Error("a sender cannot edit its own token")
	}
	if end := token.CanBeEditedBy(party.Party{ID: "P3"}); end == nil || end.Status != holdfast.ReturnOthersToken {
		t.Errorf("another account edits it: %v", end)
	}
}

// An edited token pays with another instrument, and keeps its limits and
// periods.
func TestAnEditedTokenGoesOn(t *testing.T) {
	began := now.Add(-time.Hour)
	a := payment.Agreement{
		Request: payment.PipelineRequest{Pipeline: payment.PipelineEditToken, Reference: "edit"},
		IDs:     [3]holdfast.TokenID{"K9"}, Caller: good().Caller, Party: "P2",
		Instrument: payment.Instrument{ID: "I2", Method: holdfast.MethodACH}, Now: now,
		Edited: payment.Token{
			ID: "K1", Caller: "C1", Sender: "P2", Instrument: "I1", Method: holdfast.MethodCC, Installed: began,
		},
		EditedLimits: []payment.Limit{{Subject: "K1", Kind: payment.LimitCount, Value: 3, UsedCount: 2}},
	}
	made := a.Install()
	if len(made.Tokens) != 1 || made.Replaces != "K1" || made.Status != holdfast.ReturnSuccessACH {
		t.Fatalf("it made %+v", made)
	}
	k, l := made.Tokens[0], made.Limits[0]
	if k.ID != "K9" || k.OldToken != "K1" || k.Instrument != "I2" || k.Method != holdfast.MethodACH ||
		!k.Begins().Equal(began) || l.Subject != "K9" || l.UsedCount != 2 {
		t.Errorf("it made %+v with %+v", k, l)
	}
	a.Instrument.ID = "I1"
	if made := a.Install(); len(made.Tokens) != 0 || made.Replaces != "" || made.Status != holdfast.ReturnTokenUnchanged {
		t.Errorf("with the same instrument it made %+v", made)
	}
}

func TestSubscriptions(t *testing.T) {
	monthly := payment.Token{
		ID: "K1", Caller: "C1", Type: holdfast.TokenRecurring, Use: payment.UsePay, Installed: now, Period: payment.Period{
			N: 1, Unit: payment.Month,
		},
	}
	with := func(spoil func(*payment.Token)) payment.Token {
		k := monthly
		spoil(&k)
		return k
	}
	find := func(k payment.Token, found bool) bool { return payment.FindSubscription(k, found, "C1", "K1") == nil }
	for name, ok := range map[string]bool{
		"a monthly one":    find(monthly, true),
		"not there":        !find(monthly, false),
		"another caller's": !find(with(func(k *payment.Token) { k.Caller = "C2" }), true),
		"for many uses":    !find(with(func(k *payment.Token) { k.Type = holdfast.TokenMultiUse }), true),
		"one that funds":   !find(with(func(k *payment.Token) { k.Use = payment.UseFund }), true),
		"every five hours": !find(with(func(k *payment.Token) { k.Period = payment.Period{N: 5, Unit: payment.Hour} }), true),
	} {
		if !ok {
			t.Errorf("%s: FindSubscription is wrong", name)
		}
	}
	for name, row := range map[string]struct {
		token  payment.Token
		paid   bool
		at     time.Time
		next   time.Time
		ok     bool
		cancel holdfast.Code
	}{
		"not paid":   {monthly, false, now.Add(1), now.Add(1), true, ""},
		"paid":       {monthly, true, now.Add(1), now.AddDate(0, 1, 0), true, ""},
		"paid later": {monthly, true, now.AddDate(0, 2, 1), now.AddDate(0, 3, 0), true, ""},
		"not begun":  {monthly, true, now.Add(-time.Hour), now, true, ""},
		"cancelled": {
			with(func(k *payment.Token) { k.Cancelled = true }), false, now, now, false,
			holdfast.InvalidSubscriptionState,
		},
		"over": {
			with(func(k *payment.Token) { k.Expires = now }), false, now, now, false,
			holdfast.InvalidSubscriptionState,
		},
		"over by then": {
			with(func(k *payment.Token) { k.Expires = now.AddDate(0, 1, 0) }), true, now,
			now.AddDate(0, 1, 0), false, "",
		},
		"over right after": {
			with(func(k *payment.Token) { k.Expires = now.AddDate(0, 1, 0).Add(1) }), true, now,
			now.AddDate(0, 1, 0), true, "",
		},
		"its first instant": {monthly, false, now, now, true, ""},
	} {
		next, ok := row.token.NextPayment(row.paid, row.at)
		if !next.Equal(row.next) || ok != row.ok {
			t.Errorf("%s: the next payment is at %v, %v", name, next, ok)
		}
		after, err := row.token.CancelSubscription(row.at)
		if code(err) != row.cancel || err == nil && !after.Cancelled {
			t.Errorf("%s: cancelled with %v", name, err)
		}
	}
}

func TestFrequency(t *testing.T) {
	for p, want := range map[payment.Period]struct {
		n    int
		unit holdfast.TimeUnit
		ok   bool
	}{
		{N: 3, Unit: payment.Day}: {3, holdfast.UnitDay, true}, {N: 2, Unit: payment.Week}: {2, holdfast.UnitWeek, true},
		{N: 1, Unit: payment.Month}: {1, holdfast.UnitMonth, true}, {N: 1, Unit: payment.Year}: {1, holdfast.UnitYear, true},
		{N: 24, Unit: payment.Hour}: {1, holdfast.UnitDay, true}, {N: 48, Unit: payment.Hour}: {2, holdfast.UnitDay, true},
		{N: 25, Unit: payment.Hour}: {}, {N: 1, Unit: payment.Hour}: {}, {}: {},
	} {
		if n, unit, ok := p.Frequency(); ok != want.ok || ok && (n != want.n || unit != want.unit) {
			t.Errorf("%v is every %d %s, %v", p, n, unit, ok)
		}
	}
	for p, want := range map[payment.Period]time.Duration{
		{N: 2, Unit: payment.Hour}: 6 * time.Hour, {N: 2, Unit: payment.Day}: 6 * 24 * time.Hour,
		{N: 2, Unit: payment.Week}: 6 * 7 * 24 * time.Hour,
	} {
		if got := p.After(now, 3); !got.Equal(now.Add(want)) {
			t.Errorf("three times %v after %v is %v", p, now, got)
		}
	}
}
