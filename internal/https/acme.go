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
// Whoever runs it has agreed to the authority's terms.
type ACME struct {
	Hosts     []string // the first is for clients that do not say which they mean
	Directory string   // the authority's address
	Email     string   // for the authority's letters; may be empty
	Dir       string   // made if there is none; servers that share it share the certificates
	Log       *slog.Logger
	// TLSPort and PlainPort are what the listeners have here. The authority
	// comes to 443 and 80, so these, if they are others, are where those lead.
	TLSPort   int
	PlainPort int // 0 if nothing answers there

	cache   *certmagic.Cache
	managed *certmagic.Config
	issuer  *certmagic.ACMEIssuer
}

// LetsEncrypt is the directory of Let's Encrypt.
const LetsEncrypt = certmagic.LetsEncryptProductionCA

// name is what authorities call a DNS identifier, but for wildcards, which are
// not had by the ways that this package knows.
var name = regexp.MustCompile(`(?i)^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$`)

const nameBytesMax = 253

// CheckHost says why an authority gives no certificate for a host.
func CheckHost(host, directory string) error {
	if !name.MatchString(host) || len(host) > nameBytesMax {
		return errors.New("give a host name such as pay.example.com, without port; " +
			"write a name with other than ASCII letters in its xn-- form")
	}
	if directory == LetsEncrypt && !certmagic.SubjectQualifiesForPublicCert(host) {
		return errors.New("the authority (Let's Encrypt) gives certificates for public names only")
	}
	return nil
}

// Prepare makes what TLS and Challenges need. Nothing is asked of anybody yet.
func (a *ACME) Prepare() {
	log := zap.New(logCore{a.Log})
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return a.managed, nil },
		Logger:           log,
	})
	// Clients of the time do not name the host that they mean, or name FPS's own
	// and come by a hosts file.
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

// Run gets what is missing and renews what is about to end, until ctx ends. What
// fails is tried again, ever more slowly, and the log tells.
func (a *ACME) Run(ctx context.Context) {
	if err := a.managed.ManageAsync(ctx, a.Hosts); err != nil {
		a.Log.Error("certificates cannot be managed", "error", err)
	}
	<-ctx.Done()
	a.cache.Stop()
}

// tell logs what an operator waits for.
func (a *ACME) tell(_ context.Context, event string, about map[string]any) error {
	switch event {
	case "cert_obtained":
		a.Log.Info("the authority gave a certificate", "host", about["identifier"], "renewal", about["renewal"])
	case "cached_managed_cert":
		a.Log.Info("certificate read", "hosts", about["sans"])
	}
	return nil
}

// TLS is for the listener. Handshakes fail until there is a certificate.
func (a *ACME) TLS() *tls.Config {
	return config(a.managed.GetCertificate, acmez.ACMETLS1Protocol)
}

// Challenges answers the authority on the plain port, and lets next answer
// everybody else.
func (a *ACME) Challenges(next http.Handler) http.Handler { return a.issuer.HTTPChallengeHandler(next) }
