// Package https gives a listener TLS, with a certificate from files or from a
// certificate authority (ACME). It also has the handler that redirects the
// plain port to https, and the header that keeps browsers on https.
package https

import (
	"crypto/tls"
	"net/http"
)

// suites are the cipher suites of TLS 1.2 with forward secrecy and
// authenticated encryption. All suites of TLS 1.3 have both.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// config uses the certificates that get finds. It offers protocols in addition
// to HTTP's.
func config(get func(*tls.ClientHelloInfo) (*tls.Certificate, error), protocols ...string) *tls.Config {
	return &tls.Config{
		GetCertificate: get,
		MinVersion:     tls.VersionTLS12,
		CipherSuites:   suites,
		NextProtos:     append([]string{"h2", "http/1.1", "http/1.0"}, protocols...),
	}
}

// Strict tells browsers to use only https for a year after each answer. It
// covers only this host, because subdomains may belong to others.
func Strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		next.ServeHTTP(w, r)
	})
}
