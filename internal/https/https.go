// Package https is how a listener speaks TLS: with a certificate from files or
// from a certificate authority (ACME), with a plain port beside it that sends
// people to the right one, and with the header that keeps browsers there.
package https

import (
	"crypto/tls"
	"net/http"
)

// suites are those of TLS 1.2 with forward secrecy and authenticated
// encryption; those of TLS 1.3 are all of that kind.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// config shows the certificates that get finds. It offers further protocols
// beside HTTP's.
func config(get func(*tls.ClientHelloInfo) (*tls.Certificate, error), protocols ...string) *tls.Config {
	return &tls.Config{
		GetCertificate: get,
		MinVersion:     tls.VersionTLS12,
		CipherSuites:   suites,
		NextProtos:     append([]string{"h2", "http/1.1", "http/1.0"}, protocols...),
	}
}

// Strict tells browsers to come by https only, for a year from each answer. It
// speaks for its own host alone: the hosts below may be somebody else's.
func Strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		next.ServeHTTP(w, r)
	})
}
