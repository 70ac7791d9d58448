package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"path/filepath"

	"github.com/holdfast-pay/holdfast/internal/https"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// tlsFlags say how the server speaks TLS. Without any of them it speaks plain
// HTTP, to a proxy or on this machine.
type tlsFlags struct {
	TLSCert       string   `name:"tls-cert" help:"Speak TLS with the certificate and its chain in this PEM file, which is read again when it changes." type:"path" env:"HOLDFAST_TLS_CERT" placeholder:"FILE"`
	TLSKey        string   `name:"tls-key" help:"Use this key of the certificate, in a PEM file." type:"path" env:"HOLDFAST_TLS_KEY" placeholder:"FILE"`
	ACME          []string `name:"acme" help:"Speak TLS with a certificate for this host from a certificate authority, by ACME; may be repeated." env:"HOLDFAST_ACME" placeholder:"HOST"`
	ACMEAgree     bool     `name:"acme-agree" help:"Agree to the authority's terms." env:"HOLDFAST_ACME_AGREE"`
	ACMEEmail     string   `name:"acme-email" help:"Let the authority write to this address." env:"HOLDFAST_ACME_EMAIL" placeholder:"ADDRESS"`
	ACMEDirectory string   `name:"acme-directory" help:"Use the authority with this directory; by default Let's Encrypt." env:"HOLDFAST_ACME_DIRECTORY" placeholder:"URL"`
	ACMEDir       string   `name:"acme-dir" help:"Keep certificates and keys in this directory; by default acme, next to the SQLite file." type:"path" env:"HOLDFAST_ACME_DIR" placeholder:"DIR"`
	HTTPRedirect  string   `name:"http-redirect" help:"Redirect browsers to https from this second address, usually :80, and answer the authority there." env:"HOLDFAST_HTTP_REDIRECT" placeholder:"ADDR"`
}

// A certifier has the server's certificate and renews it.
type certifier interface {
	TLS() *tls.Config
	// Run renews the certificate until ctx ends.
	Run(ctx context.Context)
	// Challenges answers a certificate authority on the plain port.
	Challenges(next http.Handler) http.Handler
}

// on reports whether the server speaks TLS.
func (f tlsFlags) on() bool { return f.TLSCert != "" || len(f.ACME) > 0 }

// check refuses flags that contradict each other, before anything is opened.
func (f tlsFlags) check(at store.Location) error {
	switch {
	case (f.TLSCert == "") != (f.TLSKey == ""):
		return errors.New("--tls-cert and --tls-key: give both, the certificate and its key")
	case f.TLSCert != "" && len(f.ACME) > 0:
		return errors.New("--tls-cert and --acme: give one of them; a certificate comes from a file or from an authority")
	case f.HTTPRedirect != "" && !f.on():
		return errors.New("--http-redirect: there is nothing to redirect to without --tls-cert or --acme; a proxy that " +
			"speaks TLS redirects by itself")
	case len(f.ACME) > 0:
		return f.checkACME(at)
	case f.ACMEAgree || f.ACMEEmail != "" || f.ACMEDirectory != "" || f.ACMEDir != "":
		return errors.New("--acme-agree, --acme-email, --acme-directory and --acme-dir do nothing without --acme HOST")
	}
	return nil
}

func (f tlsFlags) checkACME(at store.Location) error {
	for _, host := range f.ACME {
		if err := https.CheckHost(host, f.directory()); err != nil {
			return fmt.Errorf("--acme %s: %w", host, err)
		}
	}
	if !f.ACMEAgree {
		return errors.New("--acme: the authority gives certificates to those who agree to its terms " +
			"(https://letsencrypt.org/repository/); say so with --acme-agree")
	}
	if u, err := url.Parse(f.directory()); err != nil || u.Scheme != "https" || u.Host == "" {
		return errors.New("--acme-directory: give an https address such as " + https.LetsEncrypt)
	}
	if f.ACMEDir == "" && !at.IsFile() {
		return errors.New("--acme-dir: say where to keep certificates and keys; there is no SQLite file to put them next to")
	}
	return nil
}

func (f tlsFlags) directory() string { return or(f.ACMEDirectory, https.LetsEncrypt) }

// public is the listener's public address.
func (f tlsFlags) public(given string, listener net.Listener) (*url.URL, error) {
	scheme := "http"
	if f.on() {
		scheme = "https"
	}
	if given == "" && len(f.ACME) > 0 {
		given = "https://" + f.ACME[0] + "/"
	}
	public, err := publicURL(given, scheme, listener)
	if err == nil && f.on() && public.Scheme != scheme {
		err = errors.New("--public-url: the server speaks TLS by itself, so its address begins with https://")
	}
	return public, err
}

// listenPlain opens the plain port, if there is to be one.
func (f tlsFlags) listenPlain(ctx context.Context) (net.Listener, error) {
	if f.HTTPRedirect == "" {
		return nil, nil
	}
	return listen(ctx, "--http-redirect", f.HTTPRedirect)
}

// certifier is the source of the certificate; nil means that there is none.
func (v serveVerb) certifier(public *url.URL, listener, plain net.Listener, w world) (certifier, error) {
	switch {
	case v.TLSCert != "":
		files := &https.Files{
			Cert: v.TLSCert, Key: v.TLSKey, CheckKey: checkSecret, Host: public.Hostname(), Now: w.Now, Log: w.Log,
		}
		if err := files.Load(); err != nil {
			return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
		}
		return files, nil
	case len(v.ACME) > 0:
		authority := &https.ACME{
			Hosts: v.ACME, Directory: v.directory(), Email: v.ACMEEmail,
			Dir:     or(v.ACMEDir, filepath.Join(filepath.Dir(v.Store), "acme")),
			TLSPort: portOf(listener), PlainPort: portOf(plain), Log: w.Log,
		}
		authority.Prepare()
		return authority, nil
	}
	return nil, nil
}

// portOf is a listener's port, and 0 without one.
func portOf(listener net.Listener) int {
	if listener == nil {
		return 0
	}
	if tcp, ok := listener.Addr().(*net.TCPAddr); ok {
		return tcp.Port
	}
	return 0
}
