package party

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-pay/holdfast"
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

// guestLinkPurpose keeps the MAC of a link apart from other texts that might be
// signed with the same key.
const guestLinkPurpose = "holdfast guest link 1\n"

// GuestLink returns the text of a link with which a guest sees its payments until a
// time. Only the key can make it. It ends earlier if the guest gets an account.
func GuestLink(key holdfast.SecretKey, guest ID, until time.Time) string {
	text := string(guest) + "." + strconv.FormatInt(until.Unix(), 36)
	return text + "." + guestMAC(key, text)
}

// ReadGuestLink returns the guest that a link was made for. ok is false if the key
// did not make the link, or if it has expired.
func ReadGuestLink(key holdfast.SecretKey, link string, now time.Time) (guest ID, ok bool) {
	end := strings.LastIndexByte(link, '.')
	if end < 0 || !hmac.Equal([]byte(guestMAC(key, link[:end])), []byte(link[end+1:])) {
		return "", false
	}
	id, until, _ := strings.Cut(link[:end], ".")
	seconds, err := strconv.ParseInt(until, 36, 64)
	if err != nil || !now.Before(time.Unix(seconds, 0)) {
		return "", false
	}
	return ID(id), true
}

// GuestLinkMax is the largest size of a guest's link, in bytes.
const GuestLinkMax = 256

func guestMAC(key holdfast.SecretKey, text string) string {
	mac := hmac.New(sha256.New, key.Reveal())
	mac.Write([]byte(guestLinkPurpose + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
