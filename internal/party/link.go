package party

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// A linkPurpose keeps the MAC of a link apart from other texts that are signed with
// the same key.
type linkPurpose string

const (
	guestLinks   linkPurpose = "holdfast guest link 1\n"
	receiptLinks linkPurpose = "holdfast receipt link 1\n"
)

// LinkMax is the largest size of a link, in bytes.
const LinkMax = 256

// GuestLink returns the text of a link with which a guest sees its payments until a
// time. Only the key can make it. It ends earlier if the guest gets an account.
func GuestLink(key holdfast.SecretKey, guest ID, until time.Time) string {
	return guestLinks.link(key, string(guest), until)
}

// ReadGuestLink returns the guest that a link was made for. ok is false if the key
// did not make the link, or if it has expired.
func ReadGuestLink(key holdfast.SecretKey, link string, now time.Time) (guest ID, ok bool) {
	subject, ok := guestLinks.read(key, link, now)
	return ID(subject), ok
}

// ReceiptLink returns the text of a link with which its reader sees the receipt of
// one transaction until a time. Only the key can make it.
func ReceiptLink(key holdfast.SecretKey, c CallerID, t holdfast.TransactionID, until time.Time) string {
	return receiptLinks.link(key, string(c)+"."+string(t), until)
}

// ReadReceiptLink returns the transaction that a link was made for. ok is false if
// the key did not make the link, or if it has expired.
func ReadReceiptLink(
	key holdfast.SecretKey, link string, now time.Time,
) (c CallerID, t holdfast.TransactionID, ok bool) {
	subject, ok := receiptLinks.read(key, link, now)
	caller, transaction, _ := strings.Cut(subject, ".")
	return CallerID(caller), holdfast.TransactionID(transaction), ok
}

func (p linkPurpose) link(key holdfast.SecretKey, subject string, until time.Time) string {
	text := subject + "." + strconv.FormatInt(until.Unix(), 36)
	return text + "." + p.mac(key, text)
}

func (p linkPurpose) read(key holdfast.SecretKey, link string, now time.Time) (subject string, ok bool) {
	end := strings.LastIndexByte(link, '.')
	if end < 0 || len(link) > LinkMax || !hmac.Equal([]byte(p.mac(key, link[:end])), []byte(link[end+1:])) {
		return "", false
	}
	at := strings.LastIndexByte(link[:end], '.')
	if at < 0 {
		return "", false
	}
	seconds, err := strconv.ParseInt(link[at+1:end], 36, 64)
	if err != nil || !now.Before(time.Unix(seconds, 0)) {
		return "", false
	}
	return link[:at], true
}

func (p linkPurpose) mac(key holdfast.SecretKey, text string) string {
	mac := hmac.New(sha256.New, key.Reveal())
	mac.Write([]byte(string(p) + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
