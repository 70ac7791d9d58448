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
	// SaltSize is the number of random bytes of a hash's salt.
	SaltSize = 16
	// passwordBytesMax is the largest input that is processed. It has room for
	// PasswordMax characters with all their accents as separate code points.
	passwordBytesMax = 4096
)

// Hashing sets the cost of hashing a password. All hashes of a store have the
// same cost.
type Hashing struct {
	Passes uint32
	Memory uint32 // KiB
}

// StrongHashing is the cost that servers use. It is OWASP's minimum for
// argon2id: 19 MiB and two passes. It takes about 20 ms on a small machine.
var StrongHashing = Hashing{Passes: 2, Memory: 19 * 1024}

// normalPassword is the password in the normal form of RFC 8265's OpaqueString
// profile: accents are composed with their letters, and there is one kind of
// blank. So all ways to type a password give the same form. ok is false if the
// profile forbids the password, such as one with control characters.
func normalPassword(password string) (normal string, ok bool) {
	if len(password) > passwordBytesMax || !utf8.ValidString(password) {
		return "", false
	}
	normal, err := precis.OpaqueString.String(password)
	return normal, err == nil
}

// SamePassword reports whether two passwords have the same normal form.
func SamePassword(a, b string) bool {
	normalA, okA := normalPassword(a)
	normalB, okB := normalPassword(b)
	return a == b || okA && okB && normalA == normalB
}

// Hash returns the hash of a password to store. It hashes the normal form if
// there is one. salt is 16 fresh random bytes.
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

// Check reports whether hash was made from the password, either from its normal
// form or, for older hashes, from the typed form. No password matches an empty
// hash, but the check takes the same time. So the time of an answer does not
// show whether an account exists.
func (h Hashing) Check(hash, password string) bool {
	normal, ok := normalPassword(password)
	if ok && h.matches(hash, normal) {
		return true
	}
	return (!ok || normal != password) && h.matches(hash, password)
}

// Outdated reports whether the hash of a correct password was made from its
// typed form. Such a hash accepts only the same way to type the password.
func (h Hashing) Outdated(hash, password string) bool {
	normal, ok := normalPassword(password)
	return ok && normal != password && !h.matches(hash, normal)
}

// matches reports whether the hash was made from exactly these bytes.
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

// The reasons to refuse a new password.
var (
	ErrPasswordShort = holdfast.Errorf(holdfast.InvalidParams, "a password must have at least %d characters",
		PasswordMin)
	ErrPasswordLong = holdfast.Errorf(holdfast.InvalidParams, "a password may have at most %d characters",
		PasswordMax)
	ErrPasswordCharacters = holdfast.Errorf(holdfast.InvalidParams,
		"a password must not have control characters or others that cannot be typed the same way everywhere (RFC 8265)")
	ErrPasswordSame = holdfast.Errorf(holdfast.InvalidParams, "the new password is the current one")
)

// ValidPassword refuses a new password that is too short, too long, or has
// characters that cannot be typed the same way everywhere. It returns one of
// the first three errors above.
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
