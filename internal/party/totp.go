package party

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // RFC 6238; every authenticator app has SHA-1
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// A TOTP is the second factor of a party: an authenticator app that shows a code
// for each half minute (RFC 6238).
type TOTP struct {
	Party  ID
	Secret holdfast.SecretKey // in base 32
	// Confirmed is when the party entered the first code. Before that the app may have
	// another secret, so it proves nothing. Zero means not yet.
	Confirmed time.Time
	// BegunIn is the session that was shown the secret. Only the same session can
	// confirm it, so a thief of the password cannot prepare a secret that the owner then
	// confirms.
	BegunIn SignedInID
	// LastStep is the half minute whose code was used last. Codes of it and of earlier
	// ones are refused, so that a code works once.
	LastStep int64
}

const (
	totpDigits = 6
	totpStep   = 30 // seconds
	// totpWindow is by how many steps the clock of the app may be wrong.
	totpWindow = 1
)

var totpText = base32.StdEncoding.WithPadding(base32.NoPadding)

// TOTPSecretSize is the number of random bytes in a secret: the size of the hash.
const TOTPSecretSize = sha1.Size

// NewTOTP makes a second factor from TOTPSecretSize random bytes.
func NewTOTP(owner ID, random []byte) TOTP {
	return TOTP{Party: owner, Secret: holdfast.NewSecretKey(totpText.EncodeToString(random))}
}

// Grouped is the secret in groups of four characters, so that a person can type it.
func (t TOTP) Grouped() string { return inFours(string(t.Secret.Reveal()), " ") }

// inFours puts a separator between every four characters.
func inFours(text, separator string) string {
	var groups []string
	const group = 4
	for ; len(text) > group; text = text[group:] {
		groups = append(groups, text[:group])
	}
	return strings.Join(append(groups, text), separator)
}

// Check returns the step of a code, and whether the code is right. A right code is of
// the present half minute or of one next to it, and was not used before.
// It takes the same time for every code.
func (t TOTP) Check(code string, now time.Time) (step int64, ok bool) {
	secret, err := totpText.DecodeString(string(t.Secret.Reveal()))
	if err != nil || len(secret) == 0 {
		return 0, false
	}
	at := now.Unix() / totpStep
	for candidate := at - totpWindow; candidate <= at+totpWindow; candidate++ {
		right := subtle.ConstantTimeCompare([]byte(totpCode(secret, candidate)), []byte(code)) == 1
		if right && candidate > t.LastStep {
			step, ok = candidate, true
		}
	}
	return step, ok
}

// totpCode is the code of a step (RFC 4226, section 5.3).
func totpCode(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	_ = binary.Write(mac, binary.BigEndian, step) // a hash never fails
	sum := mac.Sum(nil)
	from := sum[len(sum)-1] & 0xf
	number := binary.BigEndian.Uint32(sum[from:]) & 0x7fffffff
	return fmt.Sprintf("%0*d", totpDigits, number%1_000_000)
}

// URI is the address that an authenticator app reads from a picture. It contains
// the secret. The site is the host name of the server.
func (t TOTP) URI(email, site string) string {
	p := url.Values{
		"secret": {string(t.Secret.Reveal())}, "issuer": {site}, "algorithm": {"SHA1"},
		"digits": {fmt.Sprint(totpDigits)}, "period": {fmt.Sprint(totpStep)},
	}
	label := url.PathEscape(site) + ":" + url.PathEscape(email)
	return "otpauth://totp/" + label + "?" + strings.ReplaceAll(p.Encode(), "+", "%20")
}

// RecoveryCodes is how many recovery codes a party gets with its second factor.
const RecoveryCodes = 10

// RecoveryCodeSize is the number of random bytes in a recovery code: enough that a
// plain hash hides it.
const RecoveryCodeSize = 10

// A RecoveryHash is the stored hash of a recovery code.
type RecoveryHash [sha256.Size]byte

// RecoveryCode writes random bytes as a code for people, such as
// "abcd-efgh-ijkl-mnop".
func RecoveryCode(random []byte) string {
	return inFours(strings.ToLower(totpText.EncodeToString(random)), "-")
}

// HashRecovery hashes a recovery code. It ignores case, blanks and hyphens.
func HashRecovery(owner ID, typed string) RecoveryHash {
	code := strings.ToLower(strings.Map(func(r rune) rune {
		if r == '-' || r == ' ' {
			return -1
		}
		return r
	}, typed))
	return sha256.Sum256([]byte(string(owner) + " " + code))
}
