package party_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestKnownDevices(t *testing.T) {
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	ann := party.Party{ID: "P1", PasswordHash: "argon2id$a$b"}
	proof := ann.KnownDevice("D1", now)
	changed, other := ann, ann
	changed.PasswordHash = "argon2id$a$c"
	other.ID = "P2"
	end := now.Add(party.KnownDeviceLife)
	for name, row := range map[string]struct {
		of    party.Party
		proof string
		at    time.Time
		known bool
	}{
		"at once":                {ann, proof, now, true},
		"at the end":             {ann, proof, end.Add(-time.Second), true},
		"after the end":          {ann, proof, end, false},
		"a changed password":     {changed, proof, now, false},
		"another party":          {other, proof, now, false},
		"nobody":                 {party.Party{}, party.Party{}.KnownDevice("D1", now), now, false},
		"another device":         {ann, strings.Replace(proof, "D1", "D2", 1), now, false},
		"a longer life":          {ann, strings.Replace(proof, ".1", ".2", 1), now, false},
		"nothing":                {ann, "", now, false},
		"no signature":           {ann, proof[:strings.LastIndexByte(proof, '.')+1], now, false},
		"huge":                   {ann, proof + strings.Repeat("x", 10_000), now, false},
		"with something between": {ann, "x." + proof, now, false},
	} {
		nonce, known := row.of.Knows(row.proof, row.at)
		if known != row.known || known && nonce != "D1" {
			t.Errorf("%s: %q, %v", name, nonce, known)
		}
	}
}
