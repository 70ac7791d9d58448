package party_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestGuestLinks(t *testing.T) {
	now := time.Date(2026, time.November, 30, 12, 0, 0, 0, time.UTC)
	key, until := holdfast.NewSecretKey("a key"), now.Add(time.Hour)
	link := party.GuestLink(key, "P01KABC", until)
	if id, ok := party.ReadGuestLink(key, link, until.Add(-time.Second)); !ok || id != "P01KABC" {
		t.Errorf("the link %s is read as %q, %v", link, id, ok)
	}
	if party.LooksLikeCard(link) {
		t.Errorf("the link %s looks like a card number", link)
	}
	longer := party.GuestLink(key, "P01KABC", until.Add(time.Hour))
	mac := link[strings.LastIndexByte(link, '.'):]
	for name, forged := range map[string]string{
		"empty": "", "without a MAC": strings.TrimSuffix(link, mac), "with an empty MAC": strings.TrimSuffix(link, mac) + ".",
		"only a MAC": mac, "for another guest": strings.Replace(link, "P01KABC", "P01KABD", 1),
		"with a later end": longer[:strings.LastIndexByte(longer, '.')] + mac,
		"by another key":   party.GuestLink(holdfast.NewSecretKey("another"), "P01KABC", until),
		"by no key":        party.GuestLink(holdfast.SecretKey{}, "P01KABC", until),
		"with more":        link + "A", "with less": link[:len(link)-1], "with another case": strings.ToLower(link),
		"for no time": party.GuestLink(key, "P01KABC", time.Time{}),
	} {
		if id, ok := party.ReadGuestLink(key, forged, now); ok {
			t.Errorf("a link %s is read as %q", name, id)
		}
	}
	if _, ok := party.ReadGuestLink(key, link, until); ok {
		t.Error("a link is valid at its end")
	}
}

// No text that a person can type has the key of a guest.
func TestGuestsHaveKeysOfTheirOwn(t *testing.T) {
	guest := party.Party{ID: "P01KABC", Email: "ann@example.test", Guest: true}
	key := guest.EmailKey()
	for _, typed := range []string{key, guest.Email, strings.ToUpper(key), " " + key} {
		if party.EmailKey(typed) == guest.EmailKey() {
			t.Errorf("%q has the key of a guest", typed)
		}
	}
	guest.Guest = false
	if guest.EmailKey() != party.EmailKey(guest.Email) {
		t.Errorf("an account has the key %q", guest.EmailKey())
	}
}

func TestGuestsMayPay(t *testing.T) {
	now := time.Date(2026, time.November, 30, 12, 0, 0, 0, time.UTC)
	for name, guest := range map[string]party.Party{
		"before the token": {Guest: true, VerifyBy: now.Add(time.Hour)}, "with a token": {Guest: true},
	} {
		if !guest.MayPay(now) || guest.Newcomer() {
			t.Errorf("a guest %s: may pay %t, newcomer %t", name, guest.MayPay(now), guest.Newcomer())
		}
	}
}

func TestNamesFromANetwork(t *testing.T) {
	for given, want := range map[string]string{
		"Ann Buyer": "Ann Buyer", "  Ann\n\tBuyer ": "Ann Buyer", "": "", "\u202eAnn": "Ann", "4242 4242 4242 4242": "",
		"Gus 4242-4242\x004242-4242": "",
		"\x004242\u200b424242424242": "", strings.Repeat("é", 120) + "4242424242424242": "",
		"Ann\x00Buyer": "Ann Buyer", strings.Repeat("é", 200): strings.Repeat("é", 128), "\x00": "", "李小龍": "李小龍",
	} {
		if got := party.GuestName(given); got != want {
			t.Errorf("the name %q is stored as %q, want %q", given, got, want)
		}
	}
	for given, want := range map[string]string{
		"ann@example.test": "ann@example.test", " ann@example.test ": "ann@example.test", "": "", "ann": "",
		"Ann <ann@example.test>": "", "4242424242424242@example.test": "", "a.4242.4242.4242.4242@x.test": "",
		"ann@example.test\nBcc: x@example.test": "", strings.Repeat("a", 60) + "@example.test": "",
	} {
		if got := party.GuestEmail(given); got != want {
			t.Errorf("the address %q is stored as %q, want %q", given, got, want)
		}
	}
}
