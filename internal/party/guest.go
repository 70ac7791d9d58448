package party

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// The numbers of guests that one subject may make. Each has two limits: one for an
// hour and one for a day. Many people may share a network address.
var (
	GuestsOfAddress     = GuessLimit{Free: 60, Every: time.Minute}
	GuestsOfAddressLong = GuessLimit{Free: 400, Every: 24 * time.Hour / 400}
	GuestsOfMailbox     = GuessLimit{Free: 20, Every: 3 * time.Minute}
	GuestsOfMailboxLong = GuessLimit{Free: 60, Every: 24 * time.Minute}
	GuestsOfCard        = GuessLimit{Free: 20, Every: 3 * time.Minute}
	GuestsOfCardLong    = GuessLimit{Free: 60, Every: 24 * time.Minute}
)

// EmailKey is the key by which the store finds a party's e-mail address. Guests
// have keys that no address has. So a guest conflicts with no other party, and is
// never found by an address.
func (p Party) EmailKey() string {
	if p.Guest {
		return "guest:" + string(p.ID)
	}
	return EmailKey(p.Email)
}

// GuestName returns a name that a network gave for a buyer in the form in which
// names are stored. It is empty if nothing can be stored.
func GuestName(name string) string {
	if HasCardDigits(name) {
		return ""
	}
	name = strings.Join(strings.FieldsFunc(name, func(r rune) bool {
		return unicode.IsSpace(r) || !unicode.IsGraphic(r)
	}), " ")
	if utf8.RuneCountInString(name) > NameMax {
		name = strings.TrimSpace(string([]rune(name)[:NameMax]))
	}
	if !ValidName(name) {
		return ""
	}
	return name
}

// GuestEmail returns an e-mail address that a network gave for a buyer. It is
// empty if the address cannot be stored, or if it has a card number in it.
func GuestEmail(email string) string {
	if email = strings.TrimSpace(email); ValidEmail(email) && !HasCardDigits(email) {
		return email
	}
	return ""
}
