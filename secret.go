package holdfast

// A SecretKey signs a caller's requests. It is held behind a function so that
// no formatter, logger or encoder can reach the bytes.
type SecretKey struct{ reveal func() []byte }

// NewSecretKey wraps a secret access key as it was issued.
func NewSecretKey(secret string) SecretKey {
	return SecretKey{reveal: func() []byte { return []byte(secret) }}
}

func (SecretKey) String() string { return "SecretKey(hidden)" }

// GoString keeps %#v from printing more than String does.
func (SecretKey) GoString() string { return "SecretKey(hidden)" }

// Reveal returns the bytes, for signing and for the one place that stores them.
// It is nil for the zero SecretKey.
func (s SecretKey) Reveal() []byte {
	if s.reveal == nil {
		return nil
	}
	return s.reveal()
}
