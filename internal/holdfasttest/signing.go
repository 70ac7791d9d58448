package holdfasttest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net/url"
	"sync"

	"github.com/holdfast-pay/holdfast"
)

// CertificateURL is the address of the certificate that Sign names. Nothing is
// there.
const CertificateURL = "https://fps.sandbox.example.test/certs/112326/PKICert.pem"

type keyPair struct {
	key         *rsa.PrivateKey
	certificate *x509.Certificate
}

// signing makes the key once, because making a key takes longer than most
// tests.
var signing = sync.OnceValue(func() keyPair {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return keyPair{key, certificate}
})

// Sign signs a message to an endpoint as the server does.
func Sign(verb, endpoint string, p holdfast.Params) (holdfast.Params, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	p = append(append(holdfast.Params{}, p...),
		holdfast.Param{Name: "signatureVersion", Value: "2"},
		holdfast.Param{Name: "signatureMethod", Value: "RSA-SHA1"},
		holdfast.Param{Name: "certificateUrl", Value: CertificateURL})
	signature, err := holdfast.SignRSA(signing().key,
		holdfast.StringToSign(verb, holdfast.SignedHost(u), u.EscapedPath(), p))
	return append(p, holdfast.Param{Name: "signature", Value: signature}), err
}

// Verifier accepts the signatures that Sign makes, for a caller.
func Verifier(caller holdfast.CallerID) holdfast.Verifier {
	return holdfast.Verifier{CallerID: caller, Certificates: []*x509.Certificate{signing().certificate}}
}
