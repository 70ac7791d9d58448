package processor_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// wantFacts fails the test unless a change of each field of *of changes the facts. The
// fields of except are no settings.
func wantFacts[T any](t *testing.T, of *T, facts func() party.Facts, except ...string) {
	t.Helper()
	v := reflect.ValueOf(of).Elem()
	for i := range v.NumField() {
		name, field := v.Type().Field(i).Name, v.Field(i)
		if slices.Contains(except, name) {
			continue
		}
		before, had := facts(), reflect.ValueOf(field.Interface())
		switch field.Interface().(type) {
		case money.Amount:
			field.Set(reflect.ValueOf(money.Micros(7)))
		case payment.FeeRate:
			field.Set(reflect.ValueOf(payment.FeeRate{Share: 7, Fixed: money.Micros(7)}))
		default:
			switch field.Kind() {
			case reflect.String:
				field.SetString("changed")
			case reflect.Bool:
				field.SetBool(!field.Bool())
			case reflect.Int, reflect.Int64:
				field.SetInt(field.Int() + int64(time.Hour))
			default:
				t.Fatalf("the test cannot change the field %s", name)
			}
		}
		if maps.Equal(before, facts()) {
			t.Errorf("the audit log does not show a change of %s.%s", v.Type(), name)
		}
		field.Set(had)
	}
}

// The audit log shows the change of any setting.
func TestEachSettingHasAFact(t *testing.T) {
	var c party.Caller
	wantFacts(t, &c, func() party.Facts { return processor.CallerFacts(c) }, "ID", "Stopped", "Events", "Created")
	var a store.NetworkAccount
	wantFacts(t, &a.NetworkAccount, func() party.Facts { return processor.NetworkFacts(a) },
		"ID", "EventsSeen", "Stopped", "Created")
}

// The parts of an address that may hold secrets are not in the audit log, but a change
// of them shows.
func TestAChangedSecretOfAnAddressShows(t *testing.T) {
	fact := func(address string) string { return processor.CallerFacts(party.Caller{IPNURL: address})["ipn_url"] }
	const plain = "https://shop.example/ipn"
	if got := fact(plain); got != plain {
		t.Errorf("an address without secrets is %s", got)
	}
	seen := map[string]string{}
	for _, address := range []string{
		plain, plain + "?key=secret", plain + "?key=other", "https://secret:x@shop.example/ipn",
		"https://secret:y@shop.example/ipn", plain + "#secret", "https://%zz.example/secret", "https://%zz.example/other",
	} {
		got := fact(address)
		if strings.Contains(got, "secret") || strings.Contains(got, "other") {
			t.Errorf("%s is %s, with the secret", address, got)
		}
		if same, is := seen[got]; is {
			t.Errorf("%s and %s are both %s", address, same, got)
		}
		seen[got] = address
	}
}
