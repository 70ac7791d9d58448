package payment_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

func testAccount() payment.NetworkAccount {
	return payment.NetworkAccount{
		ID: "N1", Kind: payment.NetworkStripe, Mode: payment.NetworkTest, Owner: "P1", Name: "fen", PerSecond: 10,
	}
}

// refused fails the test unless an error says want. An empty want is no error.
func refused(t *testing.T, what string, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}

func TestNetworkAccountCheck(t *testing.T) {
	for what, row := range map[string]struct {
		change func(*payment.NetworkAccount)
		want   string
	}{
		"as it is":             {func(*payment.NetworkAccount) {}, ""},
		"another network":      {func(a *payment.NetworkAccount) { a.Kind = "adyen" }, "the only card network"},
		"no mode":              {func(a *payment.NetworkAccount) { a.Mode = "" }, "the mode"},
		"no name":              {func(a *payment.NetworkAccount) { a.Name = "" }, "the name"},
		"a name with blanks":   {func(a *payment.NetworkAccount) { a.Name = "fen pottery" }, "the name"},
		"a name like an id":    {func(a *payment.NetworkAccount) { a.Name = "N1" }, "the name"},
		"the longest name":     {func(a *payment.NetworkAccount) { a.Name = strings.Repeat("a", 40) }, ""},
		"a longer name":        {func(a *payment.NetworkAccount) { a.Name = strings.Repeat("a", 41) }, "the name"},
		"the sandbox's name":   {func(a *payment.NetworkAccount) { a.Name = "sandbox" }, "the name"},
		"a prefix":             {func(a *payment.NetworkAccount) { a.StatementPrefix = "FEN POTS" }, ""},
		"a short prefix":       {func(a *payment.NetworkAccount) { a.StatementPrefix = "F" }, "prefix"},
		"the longest prefix":   {func(a *payment.NetworkAccount) { a.StatementPrefix = "FENPOTTERY" }, ""},
		"a longer prefix":      {func(a *payment.NetworkAccount) { a.StatementPrefix = "FENPOTTERYS" }, "prefix"},
		"a prefix of digits":   {func(a *payment.NetworkAccount) { a.StatementPrefix = "1234" }, "prefix"},
		"a star in the prefix": {func(a *payment.NetworkAccount) { a.StatementPrefix = "FEN*" }, "prefix"},
		"quotes in the prefix": {func(a *payment.NetworkAccount) { a.StatementPrefix = "FEN'S" }, "prefix"},
		"another script":       {func(a *payment.NetworkAccount) { a.StatementPrefix = "陶器店" }, "prefix"},
		"no speed":             {func(a *payment.NetworkAccount) { a.PerSecond = 0 }, "requests a second"},
		"the highest speed":    {func(a *payment.NetworkAccount) { a.PerSecond = 500 }, ""},
		"a higher speed":       {func(a *payment.NetworkAccount) { a.PerSecond = 501 }, "requests a second"},
		"a negative fee":       {func(a *payment.NetworkAccount) { a.Fees.Share = -1 }, "fee"},
		"a negative fixed fee": {func(a *payment.NetworkAccount) { a.Fees.Fixed.Micro = -1 }, "fee"},
		"a fake in test mode":  {func(a *payment.NetworkAccount) { a.BaseURL = "http://127.0.0.1:1" }, ""},
		"a fake with real keys": {
			func(a *payment.NetworkAccount) { a.Mode, a.BaseURL = "live", "http://127.0.0.1:1" },
			"address",
		},
	} {
		a := testAccount()
		row.change(&a)
		refused(t, what, a.Check(), row.want)
	}
}

// A key is for its mode, and has only some rights unless the operator accepts
// more. No error repeats a key.
func TestNetworkKeys(t *testing.T) {
	const rest = "51abcdefghij"
	for _, row := range []struct {
		key  string
		mode payment.NetworkMode
		full bool
		want string
	}{
		{"rk_test_" + rest, payment.NetworkTest, false, ""},
		{"rk_live_" + rest, payment.NetworkLive, false, ""},
		{"rk_live_" + rest, payment.NetworkTest, false, "this is a live key, but the account is a test account"},
		{"rk_test_" + rest, payment.NetworkLive, true, "this is a test key, but the account is a live account"},
		{"sk_test_" + rest, payment.NetworkTest, false, "may do everything"},
		{"sk_test_" + rest, payment.NetworkTest, true, ""},
		{"sk_live_" + rest, payment.NetworkLive, false, "may do everything"},
		{"sk_live_" + rest, payment.NetworkTest, true, "this is a live key"},
		{"pk_live_" + rest, payment.NetworkLive, true, "publishable"},
		{"whsec_" + rest, payment.NetworkLive, true, "webhook"},
		{"", payment.NetworkLive, true, "no key of Stripe"},
		{"rk_live_", payment.NetworkLive, true, "no key of Stripe"},
		{"rk_live_" + rest + "\n", payment.NetworkLive, true, "no key of Stripe"},
		{" rk_live_" + rest, payment.NetworkLive, true, "no key of Stripe"},
		{"rk_live_" + strings.Repeat("a", 248), payment.NetworkLive, true, "no key of Stripe"},
		{"sk_org_live_" + rest, payment.NetworkLive, true, "no key of Stripe"},
	} {
		a := testAccount()
		a.Mode = row.mode
		err := a.CheckKey(row.key, row.full)
		refused(t, row.key+" in "+string(row.mode), err, row.want)
		if err != nil && strings.Contains(err.Error(), rest) {
			t.Errorf("the key is in %v", err)
		}
	}
}

func TestEventSecrets(t *testing.T) {
	one, two := "whsec_abcdefghijklmnop1", "whsec_abcdefghijklmnop2"
	for _, row := range []struct {
		secrets []string
		want    string
	}{
		{nil, ""},
		{[]string{one}, ""},
		{[]string{one, two}, ""},
		{[]string{one, one}, "already"},
		{[]string{one, two, "whsec_abcdefghijklmnop3"}, "2 event secrets already"},
		{[]string{"rk_live_abcdefghijklmnop1"}, "begins with whsec_"},
		{[]string{"whsec_short"}, "begins with whsec_"},
		{[]string{""}, "begins with whsec_"},
	} {
		err := payment.CheckEventSecrets(row.secrets)
		refused(t, strings.Join(row.secrets, " "), err, row.want)
		if err != nil && strings.Contains(err.Error(), "abcdefghij") {
			t.Errorf("a secret is in %v", err)
		}
	}
}

func TestCheckWait(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		0: "", 100 * time.Millisecond: "", 30 * time.Second: "",
		99 * time.Millisecond: "from 100ms to 30s", 30*time.Second + 1: "from 100ms to 30s", -1: "from 100ms to 30s",
	} {
		refused(t, wait.String(), payment.CheckWait(wait), want)
	}
}

func TestUseNetwork(t *testing.T) {
	test, live := testAccount(), testAccount()
	live.ID, live.Mode, live.Name = "N2", payment.NetworkLive, "fen-live"
	foreign := testAccount()
	foreign.Owner = "P2"
	sandbox := party.Caller{ID: "C1", Owner: "P1", Sandbox: true}
	at := func(id party.NetworkAccountID, real bool) party.Caller {
		return party.Caller{ID: "C1", Owner: "P1", Network: id, Sandbox: !real, HoldOnPage: true, Guests: true}
	}
	moved, market, choosy := sandbox, sandbox, at("N1", false)
	moved.ClockOffset, market.Marketplace, choosy.Guests = time.Hour, true, false
	for what, row := range map[string]struct {
		caller party.Caller
		choice payment.NetworkChoice
		want   party.Caller
		no     string
	}{
		"a test account":         {sandbox, payment.NetworkChoice{Account: &test, Began: true}, at("N1", false), ""},
		"a live account":         {sandbox, payment.NetworkChoice{Account: &live, Live: true}, at("N2", true), ""},
		"the sandbox again":      {at("N1", false), payment.NetworkChoice{Began: true}, sandbox, ""},
		"the same, with the old": {choosy, payment.NetworkChoice{Account: &test, Open: true, Elsewhere: true}, choosy, ""},
		"without a word": {
			sandbox, payment.NetworkChoice{Account: &live}, sandbox, "real money moves on the account fen-live; add --live",
		},
		"live on a test account": {
			sandbox,
			payment.NetworkChoice{Account: &test, Live: true},
			sandbox,
			"needs a live account",
		},
		"live in the sandbox": {sandbox, payment.NetworkChoice{Live: true}, sandbox, "needs a live account"},
		"another party's":     {sandbox, payment.NetworkChoice{Account: &foreign}, sandbox, "belongs to another party"},
		"live, with test money": {
			sandbox, payment.NetworkChoice{Account: &live, Live: true, Began: true}, sandbox, "make a new caller",
		},
		"the sandbox, with real money": {at("N2", true), payment.NetworkChoice{Began: true}, sandbox, "make a new caller"},
		"with open payments":           {sandbox, payment.NetworkChoice{Account: &test, Open: true}, sandbox, "not over"},
		"with tokens of the sandbox": {
			sandbox,
			payment.NetworkChoice{Account: &test, Elsewhere: true},
			sandbox,
			"tokens with cards that are not kept at this",
		},
		"with a moved clock": {moved, payment.NetworkChoice{Account: &test}, moved, "clock was moved"},
		"a marketplace":      {market, payment.NetworkChoice{Account: &test}, market, "a marketplace cannot"},
	} {
		got, err := payment.UseNetwork(row.caller, row.choice)
		refused(t, what, err, row.no)
		if err == nil && got != row.want {
			t.Errorf("%s: %+v, want %+v", what, got, row.want)
		}
	}
}

func TestMayRemove(t *testing.T) {
	for _, row := range []struct {
		need   payment.NetworkNeed
		giveUp bool
		want   string
	}{
		{payment.NetworkNeed{}, false, ""},
		{payment.NetworkNeed{Callers: 1}, true, "callers that use it: 1"},
		{payment.NetworkNeed{Open: 2}, true, "payments that are not over: 2"},
		{payment.NetworkNeed{Tokens: 3}, true, "tokens that can still pay with its cards: 3"},
		{payment.NetworkNeed{PageHolds: 4}, true, "and that are not over: 4"},
		{payment.NetworkNeed{Disputes: 5}, true, "open disputes: 5"},
		{payment.NetworkNeed{Paid: 6}, false, "has taken 6 payments"},
		{payment.NetworkNeed{Paid: 6}, true, ""},
	} {
		refused(t, "removing", row.need.MayRemove(row.giveUp), row.want)
	}
}
