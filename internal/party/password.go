package party

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/secure/precis"

	"github.com/holdfast-pay/holdfast"
)

const (
	argonThreads = 1
	argonKeySize = 32 // bytes
	// SaltSize is how many random bytes a hash begins with.
	SaltSize = 16
	// passwordBytesMax bounds what is looked at: a password of PasswordMax characters
	// with all their accents typed apart.
	passwordBytesMax = 4096
)

// Hashing is how much work it is to hash a password. All hashes of a store are
// made with the same.
type Hashing struct {
	Passes uint32
	Memory uint32 // KiB
}

// StrongHashing is what servers use: argon2id with the parameters RFC 9106
// recommends where memory is scarce, a little above OWASP's minimum. It takes about
// 20 ms on a small machine.
var StrongHashing = Hashing{Passes: 2, Memory: 19 * 1024}

// normalPassword is the password in the one form that stands for all the ways to
// type it, as the OpaqueString profile of RFC 8265 says: letters with their accents
// composed, and one kind of blank. ok is false where the profile has no such form,
// as for control characters.
func normalPassword(password string) (normal string, ok bool) {
	if len(password) > passwordBytesMax || !utf8.ValidString(password) {
		return "", false
	}
	normal, err := precis.OpaqueString.String(password)
	return normal, err == nil
}

// SamePassword reports whether two passwords are one, however they were typed.
func SamePassword(a, b string) bool {
	normalA, okA := normalPassword(a)
	normalB, okB := normalPassword(b)
	return a == b || okA && okB && normalA == normalB
}

// Hash derives what is kept of a password, in its normal form if it has
// one. salt is 16 fresh random bytes.
func (h Hashing) Hash(password string, salt []byte) string {
	if len(salt) != SaltSize {
		panic("party: a password's salt has 16 bytes")
	}
	if normal, ok := normalPassword(password); ok {
		password = normal
	}
	key := h.derive(password, salt)
	return fmt.Sprintf("argon2id$%s$%s", base64.RawStdEncoding.EncodeToString(salt),
		base64.RawStdEncoding.EncodeToString(key))
}

func (h Hashing) derive(password string, salt []byte) []byte {
	return argon2.IDKey([]byte(password), salt, h.Passes, h.Memory, argonThreads, argonKeySize)
}

// Check reports whether the password is the one hash was made of: in its
// normal form, or as it was typed, which is what older hashes were made of. An
// empty hash is no password's, and takes as long to say so: how long the answer
// takes does not tell whether an account exists.
func (h Hashing) Check(hash, password string) bool {
	normal, ok := normalPassword(password)
	if ok && h.matches(hash, normal) {
		return true
	}
	return (!ok || normal != password) && h.matches(hash, password)
}

// Outdated reports whether the hash of a password that is right was made of the
// password as it was typed, so that only the same way to type it is taken.
func (h Hashing) Outdated(hash, password string) bool {
	normal, ok := normalPassword(password)
	return ok && normal != password && !h.matches(hash, normal)
}

// matches reports whether the hash was made of exactly these bytes.
func (h Hashing) matches(hash, password string) bool {
	salt, want := make([]byte, SaltSize), make([]byte, argonKeySize)
	parts := strings.Split(hash, "$")
	known := len(parts) == 3 && parts[0] == "argon2id"
	if known {
		s, errSalt := base64.RawStdEncoding.DecodeString(parts[1])
		k, errKey := base64.RawStdEncoding.DecodeString(parts[2])
		if known = errSalt == nil && errKey == nil && len(s) == SaltSize && len(k) == argonKeySize; known {
			salt, want = s, k
		}
	}
	if len(password) > passwordBytesMax {
		password, known = "", false
	}
	return subtle.ConstantTimeCompare(h.derive(password, salt), want) == 1 && known
}

// What may be wrong with a new password.
var (
	ErrPasswordShort      = holdfast.Errorf(holdfast.InvalidParams, "a password has at least %d characters", PasswordMin)
	ErrPasswordLong       = holdfast.Errorf(holdfast.InvalidParams, "a password has at most %d characters", PasswordMax)
	ErrPasswordCharacters = holdfast.Errorf(holdfast.InvalidParams,
		"a password has no control characters, and none that cannot be typed the same way everywhere (RFC 8265)")
	ErrPasswordSame = holdfast.Errorf(holdfast.InvalidParams, "the new password is the present one")
)

// ValidPassword says whether a new password is long enough to keep, short enough to
// hash and made of characters that can be typed again; it is one of the first three
// errors above.
func ValidPassword(password string) error {
	normal, ok := normalPassword(password)
	length := utf8.RuneCountInString(normal)
	switch {
	case !ok && utf8.RuneCountInString(password) < PasswordMin || ok && length < PasswordMin:
		return ErrPasswordShort
	case len(password) > passwordBytesMax || length > PasswordMax:
		return ErrPasswordLong
	case !ok:
		return ErrPasswordCharacters
	}
	return nil
}
