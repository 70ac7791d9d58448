package party_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestWarnings(t *testing.T) {
	for text, want := range map[string]party.Warnings{
		"48h,24h,6h,1h": party.DefaultWarnings, " 1h, 6h ,24h,2d": party.DefaultWarnings, "none": "", "None": "",
		"90m": "90m", "60m": "1h", "1h30m,30d": "720h,90m", "1m": "1m", "8h,7h,6h,5h,4h,3h,2h,1h": "8h,7h,6h,5h,4h,3h,2h,1h",
	} {
		got, err := party.ParseWarnings(text)
		if err != nil || got != want {
			t.Errorf("%q is %q (%v), want %q", text, got, err, want)
		}
		if again, err := party.ParseWarnings(got.String()); again != got || err != nil {
			t.Errorf("%q is printed as %v, which is %q (%v)", got, got, again, err)
		}
	}
	for _, text := range []string{
		"", ",", "1h,", "soon", "1", "0h", "-1h", "30s", "1h30s", "31d", "721h", "1h,60m", "1d12h", "none,1h", "256d", "+1d",
		"9h,8h,7h,6h,5h,4h,3h,2h,1h",
	} {
		got, err := party.ParseWarnings(text)
		if refused, ok := errors.AsType[*holdfast.Error](err); !ok || refused.Code != holdfast.InvalidParams {
			t.Errorf("%q is %q (%v), want a refusal", text, got, err)
		}
	}
	want := []time.Duration{48 * time.Hour, 90 * time.Minute}
	if diff := cmp.Diff(want, party.Warnings("48h,90m").Times()); diff != "" {
		t.Errorf("times (-want +got):\n%s", diff)
	}
	if times := party.Warnings("").Times(); times != nil {
		t.Errorf("no warnings come at %v", times)
	}
}
