package holdfast

import (
	"crypto/hmac"
	"crypto/sha1" //nolint:gosec // HmacSHA1 is what the wire format prescribes
	"crypto/sha256"
	"hash"
	"sync"
)

// A SecretKey signs a caller's requests. It hides its bytes behind a function,
// so that no formatter, logger or encoder can print them.
type SecretKey struct {
	reveal func() []byte
	macs   *macs // nil without a key
}

// macs are HMACs that have hashed the key already. They are used again, because
// a server checks many signatures with one key.
type macs struct{ sha1, sha256 sync.Pool } // of *mac

type mac struct {
	hash.Hash
	text []byte
}

// sum returns the HMAC of a text.
func (m *mac) sum(text string) []byte {
	m.Reset()
	m.text = append(m.text[:0], text...)
	m.Write(m.text)
	return m.Sum(nil)
}

// NewSecretKey wraps a secret access key.
func NewSecretKey(secret string) SecretKey {
	key := SecretKey{reveal: func() []byte { return []byte(secret) }}
	if secret != "" {
		key.macs = new(macs)
		key.macs.sha1.New = func() any { return &mac{Hash: hmac.New(sha1.New, []byte(secret))} }
		key.macs.sha256.New = func() any { return &mac{Hash: hmac.New(sha256.New, []byte(secret))} }
	}
	return key
}

func (SecretKey) String() string { return "SecretKey(hidden)" }

// GoString makes %#v print the same as String.
func (SecretKey) GoString() string { return "SecretKey(hidden)" }

// Reveal returns the bytes of the key. Use them only to sign or to store the
// key. They are nil for the zero SecretKey.
func (s SecretKey) Reveal() []byte {
	if s.reveal == nil {
		return nil
	}
	return s.reveal()
}
