package identity

import (
	"crypto/rand"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// Random draws characters of an alphabet with equal probability: it discards
// bytes that are not below the largest multiple of the alphabet's size.
func Random(size int, alphabet string) string {
	out := make([]byte, 0, size)
	limit := 256 - 256%len(alphabet)
	var drawn [64]byte
	for len(out) < size {
		rand.Read(drawn[:]) // never fails; see crypto/rand
		for _, b := range drawn {
			if int(b) < limit && len(out) < size {
				out = append(out, alphabet[int(b)%len(alphabet)])
			}
		}
	}
	return string(out)
}

// randomBytes returns size random bytes.
func randomBytes(size int) []byte {
	b := make([]byte, size)
	rand.Read(b) // never fails; see crypto/rand
	return b
}

// salt is for one password.
func salt() []byte { return randomBytes(party.SaltSize) }
