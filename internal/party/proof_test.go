package party_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestProofsGrowOld(t *testing.T) {
	created := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	for purpose, want := range map[party.ProofPurpose]struct{ link, code time.Duration }{
		party.ProvesEmail:    {24 * time.Hour, 30 * time.Minute},
		party.ProvesNewEmail: {24 * time.Hour, 30 * time.Minute},
		party.ProvesOwner:    {link: time.Hour}, // without a code
	} {
		p := party.Proof{Purpose: purpose, Created: created}
		if want.code > 0 {
			p.Code = "argon2id$…"
		}
		for life, over := range map[time.Duration]func(time.Time) bool{want.link: p.LinkOver, want.code: p.CodeOver} {
			if at := created.Add(life - time.Microsecond); life > 0 && over(at) {
				t.Errorf("%s: expired at %v", purpose, at)
			}
			if at := created.Add(life); !over(at) {
				t.Errorf("%s: not expired at %v", purpose, at)
			}
		}
	}
	if (party.Proof{Guesses: 9}).CodeExhausted() || !(party.Proof{Guesses: 10}).CodeExhausted() {
		t.Error("a code may be guessed more or fewer than ten times")
	}
}

func TestNewcomersMayPayForAWhile(t *testing.T) {
	now := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	for name, row := range map[string]struct {
		party         party.Party
		pay, newcomer bool
	}{
		"verified":                          {party.Party{EmailVerified: true}, true, false},
		"new":                               {party.Party{VerifyBy: now.Add(time.Microsecond)}, true, true},
		"no longer new":                     {party.Party{VerifyBy: now}, false, true},
		"marked unverified by the operator": {party.Party{}, false, false},
	} {
		if got := row.party.MayPay(now); got != row.pay {
			t.Errorf("%s: may pay is %v", name, got)
		}
		if got := row.party.Newcomer(); got != row.newcomer {
			t.Errorf("%s: newcomer is %v", name, got)
		}
	}
}

func TestSessionsEndByThemselves(t *testing.T) {
	begun := time.Date(2026, time.November, 23, 12, 0, 0, 0, time.UTC)
	for name, row := range map[string]struct {
		seen, at time.Duration
		over     bool
	}{
		"just begun":        {0, 0, false},
		"idle":              {0, party.SessionIdle + party.SeenEvery, true},
		"nearly idle":       {0, party.SessionIdle, false},
		"a day, and busy":   {24*time.Hour - time.Minute, 24 * time.Hour, true},
		"nearly a day, too": {24*time.Hour - time.Minute, 24*time.Hour - time.Microsecond, false},
	} {
		s := party.SignedIn{Begun: begun, LastSeen: begun.Add(row.seen)}
		if got := s.Over(begun.Add(row.at)); got != row.over {
			t.Errorf("%s: over is %v", name, got)
		}
	}
}
