package holdfast

// A SecretKey signs a caller's requests. It hides its bytes behind a function,
// so that no formatter, logger or encoder can print them.
type SecretKey struct{ reveal func() []byte }

// NewSecretKey wraps a secret access key.
func NewSecretKey(secret string) SecretKey {
	return SecretKey{reveal: func() []byte { return []byte(secret) }}
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
