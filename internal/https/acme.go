package https

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"
	"regexp"

	"github.com/caddyserver/certmagic"
	"github.com/mholt/acmez/v3"
	"go.uber.org/zap"
)

// An ACME gets a certificate for each of its hosts from a certificate
// authority, keeps it in a folder, and renews it while Run runs. Set the
// fields, then Prepare.
//
// By running it, the operator agrees to the authority's terms.
type ACME struct {
	Hosts     []string // the first is for clients that send no host name
	Directory string   // the authority's address
	Email     string   // for the authority's mails; may be empty
	Dir       string   // made if missing; servers that share it share the certificates
	Log       *slog.Logger
	// TLSPort and PlainPort are the ports of the listeners. The authority connects
	// to ports 443 and 80. If the listeners have other ports, 443 and 80 must be
	// forwarded to them.
	TLSPort   int
	PlainPort int // 0 if there is no plain port

	cache   *certmagic.Cache
	managed *certmagic.Config
	issuer  *certmagic.ACMEIssuer
}

// LetsEncrypt is the directory of Let's Encrypt.
const LetsEncrypt = certmagic.LetsEncryptProductionCA

// name matches a DNS identifier of ACME. It excludes wildcards, because this
// package has no challenge that can prove them.
var name = regexp.MustCompile(`(?i)^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

const nameBytesMax = 253

// CheckHost says why an authority gives no certificate for a host.
func CheckHost(host, directory string) error {
	if !name.MatchString(host) || len(host) > nameBytesMax {
		return errors.New("give a host name such as pay.example.com, without port; " +
			"write a name with non-ASCII letters in its xn-- form")
	}
	if directory == LetsEncrypt && !certmagic.SubjectQualifiesForPublicCert(host) {
		return errors.New("the authority (Let's Encrypt) gives certificates only for public names")
	}
	return nil
}

// Prepare sets up TLS and Challenges. It sends no request.
func (a *ACME) Prepare() {
	log := zap.New(logCore{a.Log})
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return a.managed, nil },
		Logger:           log,
	})
	// Old clients send no host name, or send FPS's own host name and reach this
	// server through a hosts file. They get the first host's certificate.
	a.managed = certmagic.New(a.cache, certmagic.Config{
		Storage:           &certmagic.FileStorage{Path: a.Dir},
		DefaultServerName: a.Hosts[0], FallbackServerName: a.Hosts[0],
		OnEvent: a.tell, Logger: log,
	})
	a.issuer = certmagic.NewACMEIssuer(a.managed, certmagic.ACMEIssuer{
		CA: a.Directory, Email: a.Email, Agreed: true,
		DisableHTTPChallenge: a.PlainPort == 0, AltHTTPPort: a.PlainPort, AltTLSALPNPort: a.TLSPort,
		Logger: log,
	})
	a.managed.Issuers = []certmagic.Issuer{a.issuer}
}

// Run gets missing certificates and renews those that are about to expire,
// until ctx ends. It retries failures with growing pauses, and logs them.
func (a *ACME) Run(ctx context.Context) {
	if err := a.managed.ManageAsync(ctx, a.Hosts); err != nil {
		a.Log.Error("certificates cannot be managed", "error", err)
	}
	<-ctx.Done()
	a.cache.Stop()
}

// tell logs each new certificate, since the operator waits for it.
func (a *ACME) tell(_ context.Context, event string, about map[string]any) error {
	switch event {
	case "cert_obtained":
		a.Log.Info("the authority gave a certificate", "host", about["identifier"], "renewal", about["renewal"])
	case "cached_managed_cert":
		a.Log.Info("certificate read", "hosts", about["sans"])
	}
	return nil
}

// TLS is the listener's configuration. Handshakes fail until there is a
// certificate.
func (a *ACME) TLS() *tls.Config {
	return config(a.managed.GetCertificate, acmez.ACMETLS1Protocol)
}

// Challenges answers the authority's challenges on the plain port. next answers
// all other requests.
func (a *ACME) Challenges(next http.Handler) http.Handler { return a.issuer.HTTPChallengeHandler(next) }
