package holdfast

import (
	"crypto"
	"crypto/hmac"
	"crypto/rsa"
	"crypto/sha1" //nolint:gosec // HmacSHA1 and RSA-SHA1 are what the wire format prescribes
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// A SignatureMethod is a method of signing, under its name in messages.
type SignatureMethod string

// The methods. Callers sign requests with their secret key and one of the
// HMACs. The server signs return URLs and notifications with RSA-SHA1 and the
// key of its certificate.
const (
	HmacSHA256 SignatureMethod = "HmacSHA256"
	HmacSHA1   SignatureMethod = "HmacSHA1"
	RSASHA1    SignatureMethod = "RSA-SHA1"
)

// signatureVersion is the version with which the Client signs, and the only one
// that VerifyMessage accepts.
const signatureVersion = "2"

// errForged says that a well-formed message has a wrong signature.
var errForged = errors.New("the signature does not match the message")

// CanonicalPath returns the form of a path that is signed: decoded, then
// encoded again except for "/". The argument is the path as it is sent
// (URL.EscapedPath). The empty path becomes "/". A path with a broken escape is
// not decoded.
func CanonicalPath(path string) string {
	if path == "" || path == "/" { // as nearly always
		return "/"
	}
	if decoded, err := url.PathUnescape(path); err == nil {
		path = decoded
	}
	return strings.ReplaceAll(canonical(path), "%2F", "/")
}

// StringToSign returns the text that signature version 2 signs: the verb, the
// host in lower case, the path and the sorted parameters, on one line each
// (docs/api/signing.md; FPS API Reference, "Request Security"). The path is
// given as it is sent. The parameters must not include the signature itself.
func StringToSign(verb, host, path string, p Params) string {
	sorted := slices.Clone(p)
	slices.SortStableFunc(sorted, func(a, b Param) int {
		if byName := strings.Compare(a.Name, b.Name); byName != 0 {
			return byName
		}
		return strings.Compare(a.Value, b.Value)
	})
	return verb + "\n" + strings.ToLower(host) + "\n" + CanonicalPath(path) + "\n" + sorted.Encode()
}

// SignHMAC signs text and returns the signature in base64. It fails if the
// method is not an HMAC or the SecretKey is zero.
func SignHMAC(secret SecretKey, m SignatureMethod, text string) (string, error) {
	sum, err := sumHMAC(secret, m, text)
	if err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(sum), nil
}

// VerifyHMAC reports whether the signature is that of text. It compares in
// constant time. A blank in the signature counts as a plus sign, because some
// clients forget to encode plus signs.
func VerifyHMAC(secret SecretKey, m SignatureMethod, text, signature string) bool {
	want, err := sumHMAC(secret, m, text)
	if err != nil {
		return false
	}
	got, err := decodeSignature(signature)
	return err == nil && hmac.Equal(got, want)
}

func sumHMAC(secret SecretKey, m SignatureMethod, text string) ([]byte, error) {
	switch m {
	case HmacSHA256, HmacSHA1:
	case RSASHA1:
		return nil, errors.New("RSA-SHA1 needs a private key, not a secret key")
	default:
		return nil, fmt.Errorf("signature method %q is not known", m)
	}
	if secret.macs == nil {
		return nil, errors.New("there is no secret key to sign with")
	}
	pool := &secret.macs.sha256
	if m == HmacSHA1 {
		pool = &secret.macs.sha1
	}
	keyed := pool.Get().(*mac)
	defer pool.Put(keyed)
	return keyed.sum(text), nil
}

// SignRSA signs text with RSA-SHA1 (PKCS #1 v1.5) and returns the signature in
// base64, on one line because a line break would break a URL.
func SignRSA(key *rsa.PrivateKey, text string) (string, error) {
	digest := sha1.Sum([]byte(text)) //nolint:gosec // prescribed by the wire format
	signature, err := rsa.SignPKCS1v15(nil, key, crypto.SHA1, digest[:])
	if err != nil {
		return "", fmt.Errorf("signing with RSA-SHA1: %w", err)
	}
	return base64.StdEncoding.EncodeToString(signature), nil
}

// VerifyRSA checks an RSA-SHA1 signature of text with the certificate's key. It
// ignores line breaks in the base64 and reads blanks as plus signs. It checks
// neither the issuer nor the validity of the certificate.
func VerifyRSA(cert *x509.Certificate, text, signature string) error {
	key, ok := cert.PublicKey.(*rsa.PublicKey)
	if !ok {
		return fmt.Errorf("the certificate of %q holds no RSA key", cert.Subject.CommonName)
	}
	return verifyRSA(key, text, signature)
}

func verifyRSA(key *rsa.PublicKey, text, signature string) error {
	decoded, err := decodeSignature(signature)
	if err != nil {
		return err
	}
	digest := sha1.Sum([]byte(text)) //nolint:gosec // prescribed by the wire format
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA1, digest[:], decoded); err != nil {
		return errForged
	}
	return nil
}

var signatureRepairs = strings.NewReplacer(" ", "+", "\t", "", "\r", "", "\n", "")

func decodeSignature(signature string) ([]byte, error) {
	decoded, err := base64.StdEncoding.DecodeString(signatureRepairs.Replace(signature))
	if err != nil {
		return nil, errors.New("the signature is not base64")
	}
	return decoded, nil
}

// SignedHost returns the host of u in the form that is signed: in lower case,
// and without the port if it is the scheme's default.
func SignedHost(u *url.URL) string {
	host := strings.TrimSuffix(strings.ToLower(u.Host), ":")
	switch strings.ToLower(u.Scheme) {
	case "http":
		return strings.TrimSuffix(host, ":80")
	case "https":
		return strings.TrimSuffix(host, ":443")
	}
	return host
}
