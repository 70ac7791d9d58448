package store

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"

	"filippo.io/age"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A SealKey opens a sealed store. It is an age identity and is kept outside the
// store.
type SealKey struct{ identity *age.X25519Identity }

// NewSealKey generates a key.
func NewSealKey() (SealKey, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return SealKey{}, fmt.Errorf("making a seal key: %w", err)
	}
	return SealKey{identity}, nil
}

const sealKeyBytesMax = 64 << 10

// ReadSealKey reads a key in the format of age-keygen and SealKey.Reveal.
func ReadSealKey(r io.Reader) (SealKey, error) {
	identities, err := age.ParseIdentities(io.LimitReader(r, sealKeyBytesMax))
	if err != nil || len(identities) != 1 { // age's error could quote the key
		return SealKey{}, errors.New("the file must hold exactly one age secret key, AGE-SECRET-KEY-1…")
	}
	identity, ok := identities[0].(*age.X25519Identity)
	if !ok {
		return SealKey{}, errors.New("the age secret key in the file is not of the kind AGE-SECRET-KEY-1…")
	}
	return SealKey{identity}, nil
}

// Name returns the key's public half, which is not secret.
func (k SealKey) Name() string { return k.identity.Recipient().String() }

// Reveal returns the secret key as text, for its file.
func (k SealKey) Reveal() string { return k.identity.String() }

// String keeps the key out of logs.
func (k SealKey) String() string { return k.Name() }

// GoString keeps the key out of %#v.
func (k SealKey) GoString() string { return fmt.Sprintf("store.SealKey(%q)", k.Name()) }

// LogValue keeps the key out of logs.
func (k SealKey) LogValue() slog.Value { return slog.StringValue(k.Name()) }

// wrap encrypts a data key so that only this key can decrypt it.
func (k SealKey) wrap(dataKey []byte) ([]byte, error) {
	var wrapped bytes.Buffer
	w, err := age.Encrypt(&wrapped, k.identity.Recipient())
	if err != nil {
		return nil, fmt.Errorf("encrypting the data key: %w", err)
	}
	if _, err := w.Write(dataKey); err != nil {
		return nil, fmt.Errorf("encrypting the data key: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encrypting the data key: %w", err)
	}
	return wrapped.Bytes(), nil
}

func (k SealKey) unwrap(wrapped []byte) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(wrapped), k.identity)
	if err != nil {
		return nil, fmt.Errorf("decrypting the data key: %w", err)
	}
	dataKey, err := io.ReadAll(io.LimitReader(r, dataKeySize+1))
	if err != nil {
		return nil, fmt.Errorf("decrypting the data key: %w", err)
	}
	return dataKey, nil
}

const dataKeySize = 32

// A sealer seals single secrets with AES-256-GCM. A nil sealer leaves them
// plain.
type sealer struct{ aead cipher.AEAD }

func newSealer(dataKey []byte) (*sealer, error) {
	if len(dataKey) != dataKeySize {
		return nil, errors.New("the data key does not have 32 bytes")
	}
	block, err := aes.NewCipher(dataKey)
	if err != nil {
		return nil, fmt.Errorf("making a cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("making a cipher: %w", err)
	}
	return &sealer{aead}, nil
}

func newDataKey() []byte {
	key := make([]byte, dataKeySize)
	rand.Read(key) // never fails; see crypto/rand
	return key
}

// Sealed reports whether the store's secrets are sealed.
func (r Reader) Sealed() bool { return r.dialect.sealer != nil }

// sealedPrefix begins every sealed secret. No plain secret begins with a zero
// byte: access secrets are letters and digits, and private keys are DER.
const sealedPrefix = "\x00sealed1\x00"

// seal seals a secret for its row. It cannot be unsealed in another row.
func (s *sealer) seal(plain []byte, row string) []byte {
	if s == nil {
		return plain
	}
	//nolint:gosec // the cipher draws the nonce by itself
	return s.aead.Seal([]byte(sealedPrefix), nil, plain, []byte(row))
}

// ErrSealed: a sealed secret cannot be read without the key.
var ErrSealed = errors.New("the store is sealed")

// unseal opens a sealed secret. It returns a plain secret unchanged.
func (s *sealer) unseal(kept []byte, row string) ([]byte, error) {
	sealed, ok := bytes.CutPrefix(kept, []byte(sealedPrefix))
	if !ok {
		return kept, nil
	}
	if s == nil {
		return nil, fmt.Errorf("opening a secret: %w, but was not when this program opened it; restart with its key",
			ErrSealed)
	}
	plain, err := s.aead.Open(nil, nil, sealed, []byte(row))
	if err != nil {
		return nil, fmt.Errorf("opening a secret: %w with another key, or its row was changed", ErrSealed)
	}
	return plain, nil
}

// These functions name the row that a secret belongs to.
func accessKeyRow(id string) string    { return "access_keys " + id }
func signingKeyRow(path string) string { return "signing_keys " + path }
func linkKeyRow(purpose string) string { return "link_keys " + purpose }
func totpRow(owner string) string      { return "totps " + owner }

func networkKeyRow(id payment.NetworkAccountID) string { return "network_accounts key " + string(id) }

func networkEventsRow(id payment.NetworkAccountID) string {
	return "network_accounts events " + string(id)
}

func webhookRow(id payment.EndpointID) string { return "webhook_endpoints " + string(id) }
