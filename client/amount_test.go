package client_test

import (
	"encoding/json"
	"testing"

	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/money"
)

func TestAmountAsJSON(t *testing.T) {
	for text, want := range map[string]client.Amount{
		`{"amount":"12.50","currency":"USD"}`: client.Cents(1250),
		`{"amount":"0.00","currency":"USD"}`:  client.Cents(0),
		`null`:                                {},
	} {
		var got client.Amount
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s is %+v, %v", text, got, err)
		}
		again, err := json.Marshal(want)
		if err != nil || string(again) != text {
			t.Errorf("%+v is written as %s, %v", want, again, err)
		}
	}
	for _, text := range []string{
		`12.5`, `"12.50"`, `{"amount":12.5,"currency":"USD"}`, `{"amount":"1e2","currency":"USD"}`,
		`{"amount":"1.00","currency":"EUR"}`, `{"amount":"1.00"}`, `{}`, `[]`,
	} {
		if err := json.Unmarshal([]byte(text), new(client.Amount)); err == nil {
			t.Errorf("%s is accepted", text)
		}
	}
}

// Fees may have parts of a cent, and an amount that is not given is left out.
func TestAmountsInObjects(t *testing.T) {
	type object struct {
		Fee   client.Amount `json:"fee"`
		Limit client.Amount `json:"limit,omitzero"`
	}
	const text = `{"fee":{"amount":"0.000001","currency":"USD"}}`
	var o object
	if err := json.Unmarshal([]byte(text), &o); err != nil || o.Fee.Cmp(money.Micros(1)) != 0 || !o.Limit.IsZero() {
		t.Errorf("read as %+v, %v", o, err)
	}
	if again, err := json.Marshal(o); err != nil || string(again) != text {
		t.Errorf("written as %s, %v", again, err)
	}
}
