package payment_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// wantCall fails the test unless err is a CallError with a code and fields, or nil
// if the code is empty.
func wantCall(t *testing.T, name string, err error, code payment.CallCode, fields ...string) {
	t.Helper()
	refused, ok := errors.AsType[*payment.CallError](err)
	switch {
	case code == "" && err != nil:
		t.Errorf("%s: %v", name, err)
	case code == "":
	case !ok || refused.Code != code || refused.Message == "":
		t.Errorf("%s: %v, want %s", name, err, code)
	case !slices.Equal(refused.Fields, fields):
		t.Errorf("%s: the fields are %q, want %q", name, refused.Fields, fields)
	}
}

func TestCallAgain(t *testing.T) {
	c := payment.Call{
		Action: "POST /v1/holds", Body: `{"amount":{"amount":"1.00"},"metadata":{"a/b":"1"},"tags":["a","b"]}`,
	}
	wantCall(t, "same", c.Again(c.Action, c.Body), "")
	wantCall(t, "another action", c.Again("POST /v1/holds/1/settle", c.Body), payment.CallKeyReused)
	wantCall(t, "another body", c.Again(c.Action,
		`{"amount":{"amount":"2.00"},"metadata":{"a/b":"1","c~":"2"},"tags":["a"]}`), payment.CallKeyReused,
		"/amount/amount", "/metadata/c~0", "/tags/1")
}

func TestCheckIdempotencyKey(t *testing.T) {
	for key, fine := range map[string]bool{
		"order-1": true, "!~": true, strings.Repeat("x", 128): true, `"quoted"`: true,
		"": false, strings.Repeat("x", 129): false, "a b": false, "a\n": false, "é": false, "\x7f": false,
	} {
		code := payment.CallKeyInvalid
		if fine {
			code = ""
		}
		wantCall(t, key, payment.CheckIdempotencyKey(key), code)
	}
}

func TestCheckScope(t *testing.T) {
	k := party.JSONKey{ID: "J01", Scopes: "read settle"}
	for _, scope := range party.AllScopes {
		err := payment.CheckScope(k, scope)
		if k.Scopes.Has(scope) {
			wantCall(t, string(scope), err, "")
			continue
		}
		wantCall(t, string(scope), err, payment.CallScopeMissing)
		if refused, ok := errors.AsType[*payment.CallError](err); !ok || refused.Scope != scope {
			t.Errorf("the refusal does not name the scope %s", scope)
		}
	}
}

func TestCheckDeadline(t *testing.T) {
	now := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for ahead, fine := range map[time.Duration]bool{
		time.Minute: true, 7 * 24 * time.Hour: true,
		time.Minute - 1: false, 7*24*time.Hour + 1: false, 0: false, -time.Hour: false,
	} {
		if err := payment.CheckDeadline(now.Add(ahead), now); fine {
			wantCall(t, ahead.String(), err, "")
		} else {
			wantCall(t, ahead.String(), err, payment.CallDeadlineInvalid, "/deadline")
		}
	}
}

func TestKeyDay(t *testing.T) {
	key := party.JSONKey{ID: "J02", Chain: "J01", HoldLimit: money.Cents(10_00), DayLimit: money.Cents(25_00)}
	evening := time.Date(2026, 11, 30, 23, 59, 59, 999_999_000, time.FixedZone("", 0))
	day := payment.KeyDayOf(key, party.ScopeHold, evening)
	if want := time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC); day.Chain != "J01" || !day.Day.Equal(want) {
		t.Errorf("the day is %+v", day)
	}
	next := payment.KeyDayOf(key, party.ScopeHold, evening.Add(time.Microsecond))
	if !next.Day.Equal(day.Day.Add(24 * time.Hour)) {
		t.Errorf("after midnight it is %v", next.Day)
	}
	for i, row := range []struct {
		amount, whole int64 // cents
		code          payment.CallCode
	}{
		{10_01, 0, payment.CallHoldLimit},
		{10_00, 0, ""},
		{1, 10_01, payment.CallHoldLimit}, // a raise
		{5_00, 10_00, ""},
		{10_00, 0, ""},
		{1, 0, payment.CallDayLimit},
	} {
		u := payment.KeyUse{Scope: party.ScopeHold, Amount: money.Cents(row.amount)}
		if row.whole > 0 {
			u.Whole = money.Cents(row.whole)
		}
		after, err := day.Use(key, u)
		wantCall(t, fmt.Sprint(i), err, row.code)
		if err == nil {
			day = after
		}
	}
	if day.Amount.Cmp(money.Cents(25_00)) != 0 {
		t.Errorf("%v is used", day.Amount)
	}
	unlimited := party.JSONKey{ID: "J03"}
	if _, err := payment.KeyDayOf(unlimited, party.ScopeHold, evening).Use(unlimited,
		payment.KeyUse{Scope: party.ScopeHold, Amount: money.Cents(1_000_000_00)}); err != nil {
		t.Errorf("a key without limits: %v", err)
	}
}

func TestMetadata(t *testing.T) {
	many := func(n int) payment.Metadata {
		m := payment.Metadata{}
		for i := range n {
			m[fmt.Sprint("key ", i)] = "value"
		}
		return m
	}
	for name, row := range map[string]struct {
		metadata payment.Metadata
		field    string // empty if it is accepted
	}{
		"none":             {nil, ""},
		"twenty":           {many(20), ""},
		"one too many":     {many(21), "/metadata"},
		"longest":          {payment.Metadata{strings.Repeat("é", 40): strings.Repeat("é", 500)}, ""},
		"name too long":    {payment.Metadata{strings.Repeat("n", 41): ""}, "/metadata/" + strings.Repeat("n", 41)},
		"value too long":   {payment.Metadata{"n": strings.Repeat("v", 501)}, "/metadata/n"},
		"no name":          {payment.Metadata{"": "v"}, "/metadata/"},
		"name of two":      {payment.Metadata{"a\nb": "v"}, "/metadata/a\nb"},
		"lines in a value": {payment.Metadata{"n": "a\r\n\tb"}, ""},
		"empty value":      {payment.Metadata{"n": ""}, ""},
		"NUL":              {payment.Metadata{"a/b": "\x00"}, "/metadata/a~1b"},
		"not UTF-8":        {payment.Metadata{"n": "\xff"}, "/metadata/n"},
	} {
		if row.field == "" {
			wantCall(t, name, row.metadata.Check(), "")
		} else {
			wantCall(t, name, row.metadata.Check(), payment.CallMetadataInvalid, row.field)
		}
	}
	both, err := payment.Metadata{"a": "1", "b": "1"}.With(payment.Metadata{"b": "2", "c": "2"})
	if diff := cmp.Diff(payment.Metadata{"a": "1", "b": "2", "c": "2"}, both); diff != "" || err != nil {
		t.Errorf("together: %v\n%s", err, diff)
	}
	_, err = many(20).With(payment.Metadata{"more": ""})
	wantCall(t, "together too many", err, payment.CallMetadataInvalid, "/metadata")
}
