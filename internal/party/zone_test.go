package party_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestParseZone(t *testing.T) {
	for name, want := range map[string]string{
		"": "UTC", "UTC": "UTC", "Europe/Berlin": "Europe/Berlin", "Asia/Kathmandu": "Asia/Kathmandu",
		"America/Argentina/Buenos_Aires": "America/Argentina/Buenos_Aires", "Etc/GMT+5": "Etc/GMT+5",
	} {
		z, err := party.ParseZone(name)
		if err != nil || z.String() != want {
			t.Errorf("%q is the zone %q, %v", name, z, err)
		}
	}
	for _, wrong := range []string{
		"Local", "europe/berlin", "Europe/Nowhere", "../etc/passwd", "/etc/localtime", "right/Europe/Berlin", "CET ",
		"4242 4242 4242 4242", "Europe/Berlin\n", strings.Repeat("A", 70), "Europe\\Berlin",
	} {
		z, err := party.ParseZone(wrong)
		if !errors.Is(err, party.ErrZone) || z != "" || strings.Contains(err.Error(), wrong) {
			t.Errorf("%q is the zone %q, %v", wrong, z, err)
		}
	}
	for zone, want := range map[party.Zone]string{
		"": "2026-10-25 00:30 UTC", "Europe/Berlin": "2026-10-25 02:30 CEST", "Asia/Kolkata": "2026-10-25 06:00 IST",
		"Unknown/Here": "2026-10-25 00:30 UTC",
	} {
		at := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC).In(zone.Location())
		if got := at.Format("2006-01-02 15:04 MST"); got != want {
			t.Errorf("in %s it is %s, want %s", zone, got, want)
		}
	}
}
