package party_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

func TestDurations(t *testing.T) {
	for name, row := range map[string][2]time.Duration{
		"a guess at an account":           {party.AccountGuesses.Every, 30 * time.Second},
		"a guess at an account, long run": {party.AccountGuessesLong.Every, 900 * time.Second},
		"a guess from an address":         {party.AddressGuesses.Every, 120 * time.Second},
		"a letter to an account":          {party.AccountLetters.Every, 900 * time.Second},
		"a passkey's question":            {party.PasskeyPatience, 300 * time.Second},
		"a device that is known":          {party.KnownDeviceLife, 4320 * time.Hour},
		"a session without a request":     {party.SessionIdle, 1800 * time.Second},
		"a session":                       {party.SessionLifeMax, 1440 * time.Minute},
	} {
		if row[0] != row[1] {
			t.Errorf("%s lasts %v, want %v", name, row[0], row[1])
		}
	}
}

func TestVerification(t *testing.T) {
	whole := party.Party{Verified: true, EmailVerified: true, Standing: party.Active}
	for name, row := range map[string]struct {
		spoil func(*party.Party)
		want  holdfast.RecipientVerificationStatus
	}{
		"verified":           {func(*party.Party) {}, holdfast.VerificationCompleteNoLimits},
		"with a limit":       {func(p *party.Party) { p.ReceivingLimit = money.Cents(1) }, holdfast.VerificationComplete},
		"without an address": {func(p *party.Party) { p.EmailVerified = false }, holdfast.VerificationPending},
		"not verified":       {func(p *party.Party) { p.Verified = false }, holdfast.VerificationPending},
		"suspended":          {func(p *party.Party) { p.Standing = party.Suspended }, holdfast.VerificationPending},
		"suspended, with limits": {
			func(p *party.Party) { p.Standing, p.ReceivingLimit = party.Suspended, money.Cents(1) },
			holdfast.VerificationPending,
		},
	} {
		p := whole
		row.spoil(&p)
		if got := p.Verification(); got != row.want {
			t.Errorf("%s: %s, want %s", name, got, row.want)
		}
	}
}

func TestLargestAcceptedValues(t *testing.T) {
	address := func(characters int) string { // each part of the domain is short enough
		return strings.Repeat("a", 40) + "@" + strings.Repeat("b", characters-46) + ".test"
	}
	if !party.ValidEmail(address(65)) || party.ValidEmail(address(66)) {
		t.Error("the limit of e-mail addresses is not 65 characters")
	}
	const offsetMax = 10 * 366 * 24 * time.Hour
	ahead, err := (party.Caller{Sandbox: true}).Advance(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ahead.Advance(offsetMax - time.Hour); err != nil {
		t.Errorf("ten years ahead: %v", err)
	}
	if _, err := ahead.Advance(offsetMax - time.Hour + 1); err == nil {
		t.Error("a clock may be more than ten years ahead")
	}
	if err := party.ValidPassword("1234567\x00"); !errors.Is(err, party.ErrPasswordCharacters) {
		t.Errorf("eight characters that cannot be typed: %v", err)
	}
	p := party.Party{ID: "P1", PasswordHash: "argon2id$a$b"}
	now := time.Unix(1_700_000_000, 0)
	short := len(p.KnownDevice("", now))
	for bytes, want := range map[int]bool{256: true, 257: false} {
		if _, known := p.Knows(p.KnownDevice(strings.Repeat("n", bytes-short), now), now); known != want {
			t.Errorf("a proof of %d bytes is known: %v", bytes, known)
		}
	}
}

// Only a phone number may look like a card number, and only if it begins like a
// number that can be dialled.
func TestAPhoneNumberMayLookLikeACard(t *testing.T) {
	const number = "+4242 4242 4242 4242"
	a := holdfast.Address{
		Name: "Ann", Line1: "1 Main St", City: "Ames", State: "IA", Zip: "50010", Country: "US", Phone: number,
	}
	if got := party.CheckAddress(a); len(got) != 0 {
		t.Errorf("for the phone: %v", got)
	}
	a.Phone, a.Line2 = "", number
	if got := party.CheckAddress(a); got["addressLine2"] != party.FieldCard {
		t.Errorf("for a line: %v", got)
	}
	a.Phone, a.Line2 = strings.Repeat("0", 121), ""
	if got := party.CheckAddress(a); got["phoneNumber"] != party.FieldTooLong {
		t.Errorf("a phone number that is too long: %v", got)
	}
}
