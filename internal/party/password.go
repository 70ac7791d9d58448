package party

import (
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/holdfast-pay/holdfast"
)

// argon2id with the parameters RFC 9106 recommends where memory is scarce, a
// little above OWASP's minimum: about 20 ms on a small machine.
const (
	argonTime    = 2
	argonMemory  = 19 * 1024 // KiB
	argonThreads = 1
	argonKeySize = 32 // bytes
	// SaltSize is how many random bytes a hash begins with.
	SaltSize = 16
)

// HashPassword derives what is kept of a password. salt is 16 fresh random
// bytes.
func HashPassword(password string, salt []byte) string {
	if len(salt) != SaltSize {
		panic("party: a password's salt has 16 bytes")
	}
	key := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonKeySize)
	return fmt.Sprintf("argon2id$%s$%s", base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// CheckPassword reports whether the password is the one hash was made of. An
// empty hash is no password's, and takes as long to say so: how long the answer
// takes does not tell whether an account exists.
func CheckPassword(hash, password string) bool {
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
	if len(password) > PasswordMax {
		password, known = "", false
	}
	got := argon2.IDKey([]byte(password), salt, argonTime, argonMemory, argonThreads, argonKeySize)
	return subtle.ConstantTimeCompare(got, want) == 1 && known
}

// What may be wrong with a new password.
var (
	ErrPasswordShort = holdfast.Errorf(holdfast.InvalidParams, "a password has at least %d characters", PasswordMin)
	ErrPasswordLong  = holdfast.Errorf(holdfast.InvalidParams, "a password has at most %d bytes", PasswordMax)
)

// ValidPassword says whether a new password is long enough to keep and short
// enough to hash; it is ErrPasswordShort or ErrPasswordLong.
func ValidPassword(password string) error {
	if utf8.RuneCountInString(password) < PasswordMin {
		return ErrPasswordShort
	}
	if len(password) > PasswordMax {
		return ErrPasswordLong
	}
	return nil
}
