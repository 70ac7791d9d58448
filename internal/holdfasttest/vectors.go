package holdfasttest

import (
	"crypto/x509"
	"encoding/json"
	"io/fs"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/docs"
)

// Vectors are the test vectors for signatures in docs/api/vectors.json.
type Vectors struct {
	SecretAccessKey string
	CallerID        holdfast.CallerID
	Certificate     string
	Vectors         []Vector
}

// A Vector is one test vector.
type Vector struct {
	Name, Kind, SignatureVersion, SignatureMethod, Verb, Address string

	Parameters []string
	Sent       string // the address of a GET, or the body of a POST
}

// PublishedVectors reads the test vectors.
func PublishedVectors(t testing.TB) (v Vectors) {
	t.Helper()
	text, err := fs.ReadFile(docs.API(), "vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// Certificates returns the certificates with the key that signed the messages.
func (v Vectors) Certificates(t testing.TB) []*x509.Certificate {
	t.Helper()
	certs, err := holdfast.ParseCertificates([]byte(v.Certificate))
	if err != nil {
		t.Fatal(err)
	}
	return certs
}
