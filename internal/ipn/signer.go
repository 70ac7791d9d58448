// Package ipn composes, signs and delivers Instant Payment Notifications. It
// also keeps the key that signs notifications and return URLs.
package ipn

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net/url"
	"runtime"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const (
	keyBits           = 2048
	certificateYears  = 10
	certificateURLMax = 1024 // bytes; notifications promise no more
	clockSkew         = time.Hour
)

// A Signer signs return URLs and notifications with RSA-SHA1 (signature version
// 2, outbound).
type Signer struct {
	key            *rsa.PrivateKey
	sign           func(*rsa.PrivateKey, string) (string, error)
	certificateURL string
	certificates   []*x509.Certificate
	pems           map[string][]byte // by path

	// slots limits the signatures made at a time. A signature takes a millisecond
	// of one core, and requests come first.
	slots chan struct{}
}

// LoadSigner reads the signing key from the store, and makes it when there is
// none. certificatePrefix is what certificateUrl begins with, such as
// "https://fps.example.com/"; verifiers compare it, so it has to end in "/".
func LoadSigner(ctx context.Context, db *store.DB, certificatePrefix string, now time.Time) (*Signer, error) {
	prefix, err := url.Parse(certificatePrefix)
	if err != nil || prefix.Scheme != "http" && prefix.Scheme != "https" || prefix.Host == "" ||
		!strings.HasSuffix(certificatePrefix, "/") {
		return nil, fmt.Errorf("loading the signing key: the certificate prefix has to be an address that ends in a slash, "+
			"such as https://fps.example.com/, not %q", certificatePrefix)
	}
	keys, err := signingKeys(ctx, db, now)
	if err != nil {
		return nil, fmt.Errorf("loading the signing key: %w", err)
	}
	s := &Signer{
		certificateURL: certificatePrefix + strings.TrimPrefix(keys[0].Path, "/"),
		sign:           holdfast.SignRSA,
		pems:           make(map[string][]byte, len(keys)),
		slots:          make(chan struct{}, max(2, runtime.GOMAXPROCS(0)/2)),
	}
	if len(s.certificateURL) > certificateURLMax {
		return nil, fmt.Errorf("loading the signing key: certificateUrl would have more than %d bytes", certificateURLMax)
	}
	for _, k := range keys {
		certs, err := holdfast.ParseCertificates([]byte(k.Certificate))
		if err != nil {
			return nil, fmt.Errorf("loading the signing key at %s: %w", k.Path, err)
		}
		s.certificates = append(s.certificates, certs...)
		s.pems[k.Path] = []byte(k.Certificate)
	}
	if s.key, err = privateKey(keys[0]); err != nil {
		return nil, fmt.Errorf("loading the signing key at %s: %w", keys[0].Path, err)
	}
	if !s.key.PublicKey.Equal(s.certificates[0].PublicKey) {
		return nil, fmt.Errorf("loading the signing key at %s: it is not the certificate's", keys[0].Path)
	}
	return s, nil
}

// signingKeys reads the keys and makes one if there is none. It makes the key
// outside the transaction, because that takes time.
func signingKeys(ctx context.Context, db *store.DB, now time.Time) (keys []store.SigningKey, err error) {
	err = db.View(ctx, func(tx *store.ReadTx) error {
		keys, err = tx.SigningKeys()
		return err
	})
	if err != nil || len(keys) > 0 {
		return keys, err
	}
	made, err := newSigningKey(now)
	if err != nil {
		return nil, err
	}
	err = db.Update(ctx, func(tx *store.Tx) error {
		// Another server may have been faster, and its path has another date if
		// midnight was in between.
		if keys, err = tx.SigningKeys(); err != nil || len(keys) > 0 {
			return err
		}
		if err := tx.InsertSigningKey(made, len(keys)); err != nil {
			return err
		}
		keys, err = tx.SigningKeys()
		return err
	})
	return keys, err
}

func newSigningKey(now time.Time) (store.SigningKey, error) {
	now = now.UTC()
	date := now.Format("010206")
	key, err := rsa.GenerateKey(rand.Reader, keyBits)
	if err != nil {
		return store.SigningKey{}, fmt.Errorf("making an RSA key: %w", err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return store.SigningKey{}, fmt.Errorf("making a serial number: %w", err)
	}
	template := &x509.Certificate{
		SerialNumber: serial.Add(serial, big.NewInt(1)),
		Subject:      pkix.Name{CommonName: "Holdfast message signing " + date},
		NotBefore:    now.Add(-clockSkew),
		NotAfter:     now.AddDate(certificateYears, 0, 0),
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return store.SigningKey{}, fmt.Errorf("making a certificate: %w", err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return store.SigningKey{}, fmt.Errorf("writing the private key: %w", err)
	}
	return store.SigningKey{
		Path:        "/certs/" + date + "/PKICert.pem",
		Certificate: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		PrivateKey:  private,
		Created:     now,
	}, nil
}

func privateKey(k store.SigningKey) (*rsa.PrivateKey, error) {
	parsed, err := x509.ParsePKCS8PrivateKey(k.PrivateKey)
	if err != nil {
		return nil, errors.New("the private key cannot be read") // the parser's words could quote it
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, errors.New("the private key is not RSA")
	}
	return key, nil
}

// CertificateURL is where receivers of a message find the certificate. Its
// prefix need not be this server's address.
func (s *Signer) CertificateURL() string { return s.certificateURL }

// Certificates returns the certificate in use and the retired ones.
func (s *Signer) Certificates() []*x509.Certificate { return s.certificates }

// CertificateFor returns the PEM that is served under a path such as
// "/certs/112326/PKICert.pem".
func (s *Signer) CertificateFor(path string) (pem []byte, ok bool) {
	pem, ok = s.pems[path]
	return pem, ok
}

// Sign returns p with the signature's own four parameters after it. The verb is
// GET for a return URL and POST for a notification; endpoint is where the
// message goes, whose query, if it has one, is in p already. Parameters with
// the names of the signature's own are refused.
func (s *Signer) Sign(verb, endpoint string, p holdfast.Params) (holdfast.Params, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" {
		return nil, errors.New("signing a message: its address cannot be read") // the address may hold secrets
	}
	own := []string{"signatureVersion", "signatureMethod", "certificateUrl", "signature"}
	for _, name := range own {
		if taken, ok := p.Fold(name); ok {
			return nil, fmt.Errorf("signing a message: it has a parameter %s already", taken.Name)
		}
	}
	signed := make(holdfast.Params, 0, len(p)+len(own))
	signed = append(append(signed, p...),
		holdfast.Param{Name: "signatureVersion", Value: "2"},
		holdfast.Param{Name: "signatureMethod", Value: string(holdfast.RSASHA1)},
		holdfast.Param{Name: "certificateUrl", Value: s.certificateURL},
	)
	text := holdfast.StringToSign(verb, holdfast.SignedHost(u), u.EscapedPath(), signed)
	s.slots <- struct{}{}
	defer func() { <-s.slots }()
	signature, err := s.sign(s.key, text)
	if err != nil {
		return nil, fmt.Errorf("signing a message: %w", err)
	}
	return append(signed, holdfast.Param{Name: "signature", Value: signature}), nil
}
