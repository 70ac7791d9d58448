package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/docs"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/api"
	"github.com/holdfast-pay/holdfast/internal/calendar"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/cobranded"
	"github.com/holdfast-pay/holdfast/internal/console"
	"github.com/holdfast-pay/holdfast/internal/https"
	"github.com/holdfast-pay/holdfast/internal/inbox"
	"github.com/holdfast-pay/holdfast/internal/ipn"
	"github.com/holdfast-pay/holdfast/internal/jobs"
	"github.com/holdfast-pay/holdfast/internal/mail"
	"github.com/holdfast-pay/holdfast/internal/manual"
	"github.com/holdfast-pay/holdfast/internal/networkdoor"
	"github.com/holdfast-pay/holdfast/internal/pace"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
	"github.com/holdfast-pay/holdfast/internal/signed"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webhook"
)

// A server is the whole payment server: the doors on one listener, and the
// background work. Set the fields, start it, stop it.
type server struct {
	Store             *store.DB
	PublicURL         *url.URL // how the world reaches the listener
	CertificatePrefix string   // of certificateUrl in signed answers; ends in "/"; empty means PublicURL
	Hosts             []string // further host names accepted in signatures
	Paths             []string // further paths of the API
	Silent            bool     // notifications and webhooks are written, and left to another server on the same store
	AllowPrivate      bool     // notifications and webhooks may go to private addresses
	Proxy             *url.URL // that notifications and webhooks go through; nil without one
	LogMoves          bool     // the log has a line for each action that moves money
	SecureCookies     bool
	AddressHeader     string        // in which a proxy names the browser's address; empty without one
	RefundWindow      time.Duration // see payment.RefundInput
	BooksEvery        time.Duration // see processor.Config
	DeliveryTimeout   time.Duration // of one notification or webhook; zero means the senders' own
	Network           card.Network  // the sandbox
	Mail              *mail.Sender  // nil delivers none
	Logo              []byte        // an SVG of the demo's shop, for the payment pages; nil without one
	Now               func() time.Time
	Log               *slog.Logger
	Ended             ending
	Certifier         certifier    // nil where the listener speaks plain HTTP
	Plain             net.Listener // redirects plain HTTP; nil without one
	Monitor           *monitor     // nil without metrics

	Processor *processor.Processor // made by start
	callers   *signed.Callers
	keys      *api.Keys
	runner    *jobs.Runner
	started   time.Time
	networks  networkHealth
	row       store.Server
	http      *http.Server
	others    []*http.Server // on the other listeners
	running   sync.WaitGroup
	endJobs   context.CancelFunc
}

// Limits of one connection. A slow client may not hold one for longer.
const (
	headerTimeout  = 10 * time.Second
	readTimeout    = 30 * time.Second
	writeTimeout   = 60 * time.Second
	idleTimeout    = 2 * time.Minute
	headerBytesMax = 1 << 20 // a GET request is all header; what is too long for the API is told so by it
	stopTimeout    = 10 * time.Second
	strangerPause  = 250 * time.Millisecond
)

// start begins to serve on an open listener, and returns.
func (s *server) start(ctx context.Context, listener net.Listener) error {
	ctx = store.ByActor(ctx, party.TheServer)
	if _, ok := s.Network.(*sandbox.Network); !ok && s.hasInbox() {
		return errors.New("an inbox is for a sandbox: with a real card network, mails are sent")
	}
	live, err := s.checkNetworks(ctx)
	if err != nil {
		return err
	}
	s.started = s.Now()
	if err := s.firstBeat(ctx); err != nil {
		return err
	}
	prefix := s.CertificatePrefix
	if prefix == "" {
		prefix = strings.TrimSuffix(s.PublicURL.String(), "/") + "/"
	}
	signer, err := ipn.LoadSigner(ctx, s.Store, prefix, s.Now())
	if err != nil {
		return fmt.Errorf("loading the signing key: %w", err)
	}
	s.callers = &signed.Callers{Find: s.Store.CallerByKey, Now: s.Now}
	s.keys = api.NewKeys(s.Store.CallerByJSONKey, s.Now)
	s.Processor = processor.New(s.Store, processor.Config{
		Network: s.router(live), Now: s.Now, Log: s.Log, RefundWindow: s.RefundWindow, CallerChanged: s.callerChanged,
		LogMoves: s.LogMoves, Live: live, BooksEvery: s.BooksEvery, BooksChecked: s.Monitor.booksChecked(),
	})
	if s.Monitor != nil {
		s.Processor.Expired, s.Processor.Released = s.Monitor.Expired, s.Monitor.Released
		s.Processor.Warned = s.Monitor.Warned
		s.Processor.Reconciled = s.Monitor.reconciled()
	}
	if err := s.prepareMails(ctx); err != nil {
		return err
	}
	s.http = httpServer(s.routes(signer), s.Log)

	background, endJobs := context.WithCancel(context.Background())
	s.endJobs = endJobs
	runner := &jobs.Runner{Processor: s.Processor, Mail: s.Mail, Now: s.Now, Log: s.Log}
	if !s.Silent {
		runner.Sender = &ipn.Sender{
			Store: s.Store, Signer: signer, Now: s.Now, AllowPrivate: s.AllowPrivate, Proxy: s.Proxy, Log: s.Log,
			Timeout: s.DeliveryTimeout, Tried: s.Monitor.tried(),
		}
		runner.Webhooks = &webhook.Sender{
			Store: s.Store, Now: s.Now, AllowPrivate: s.AllowPrivate, Proxy: s.Proxy, Log: s.Log,
			Timeout: s.DeliveryTimeout, Tried: s.Monitor.webhookTried(),
		}
	}
	s.runner = runner
	s.running.Go(func() { runner.Run(background) })
	s.running.Go(func() { s.keepBeating(background) })
	if s.Mail != nil && s.Mail.Relay != nil {
		s.running.Go(func() { s.tryRelay(background) })
	}
	if s.Certifier != nil {
		listener = tls.NewListener(listener, s.Certifier.TLS())
		s.running.Go(func() { s.Certifier.Run(background) })
	}
	s.running.Go(func() { serve(s.http, listener, s.Ended) })
	if s.Plain != nil {
		s.startBeside(s.Certifier.Challenges(https.Redirect(s.PublicURL)), s.Plain)
	}
	if s.Monitor != nil {
		s.startBeside(s.Monitor.Handler(), s.Monitor.Listener)
	}
	return nil
}

// prepareMails lets the processor write letters, if this server sends mails.
func (s *server) prepareMails(ctx context.Context) error {
	if s.Mail == nil || !s.Mail.On() {
		return nil
	}
	letters := account.Letters{Public: s.PublicURL}
	s.Processor.Identity.Letters, s.Processor.Receipts = letters.Write, letters.Receipt
	s.Processor.NetworkLetters, s.Processor.BooksLetters = letters.Network, letters.Books
	s.Processor.DueLetters = letters.Due
	if s.Mail.Relay != nil {
		s.Processor.Operator = s.Mail.Relay.From.Address
	}
	if err := s.Processor.PrepareReceipts(ctx); err != nil {
		return fmt.Errorf("preparing receipts: %w", err)
	}
	return nil
}

// callerChanged makes the doors read callers again.
func (s *server) callerChanged() {
	s.callers.Forget()
	s.keys.Forget()
}

func (s *server) startBeside(handler http.Handler, listener net.Listener) {
	other := httpServer(handler, s.Log)
	s.others = append(s.others, other)
	s.running.Go(func() { serve(other, listener, s.Ended) })
}

func (s *server) hasInbox() bool { return s.Mail != nil && s.Mail.Inbox }

// tryRelay logs a fault of the mail server at the start, before a user waits
// for a mail.
func (s *server) tryRelay(ctx context.Context) {
	switch err := s.Mail.Relay.Check(ctx); {
	case err == nil:
		s.Log.Info("the mail server lets us in", "host", s.Mail.Relay.Host)
	case ctx.Err() == nil:
		s.Log.Error("mails cannot be sent now", "error", err)
	}
}

// stop stops the doors, then the background work, and leaves the store open.
func (s *server) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	for _, other := range s.others {
		other.Close()
	}
	if err := s.http.Shutdown(ctx); err != nil {
		s.Log.Warn("requests were cut short", "error", err)
	}
	s.Processor.Stop() // a job that asks a slow network would be waited for
	s.endJobs()
	s.running.Wait()
	s.Processor.Close()
}

// routes sends each request to its door. It is not an http.ServeMux, because
// that redirects untidy paths, and a redirect breaks a signature.
func (s *server) routes(signer *ipn.Signer) http.Handler {
	hosts := append([]string{holdfast.SignedHost(s.PublicURL)}, s.Hosts...)
	sessions := &account.Sessions{
		Processor: s.Processor, Store: s.Store.Reader, Kept: &store.Sessions{DB: s.Store, Now: s.Now}, Now: s.Now,
		Public: s.PublicURL, SecureCookies: s.SecureCookies,
		AddressHeader: s.AddressHeader,
		StrangerPause: strangerPause,
	}
	inFlight := new(pace.InFlight)
	query := (&queryapi.Server{
		InFlight:  inFlight,
		Processor: s.Processor, Store: s.Store.Reader, Callers: s.callers, Hosts: hosts, Paths: s.Paths, Now: s.Now,
		Log:            s.Log,
		StrangerPause:  strangerPause,
		From:           sessions.From,
		LogMoves:       s.LogMoves,
		Answered:       s.Monitor.answered(),
		Page:           s.Monitor.counted("welcome", s.welcome()),
		Certificates:   signer.Certificates,
		OwnCertificate: func(address string) bool { return ownCertificate(signer, address) },
	}).Handler()
	jsonAPI := (&api.Server{
		Processor: s.Processor, Store: s.Store.Reader, Keys: s.keys, Public: s.PublicURL, InFlight: inFlight, Now: s.Now,
		Log: s.Log, LogMoves: s.LogMoves, Answered: s.Monitor.answeredJSON(), StrangerPause: strangerPause,
		From: sessions.From,
	}).Handler()
	pages := (&cobranded.Server{
		Processor: s.Processor, Store: s.Store.Reader, Callers: s.callers, Sessions: sessions, Sign: signer.Sign,
		Hosts: hosts, Now: s.Now, Log: s.Log,
		Signing: manual.Path + "signing",
	}).Handler()
	accounts := (&account.Server{
		Processor: s.Processor, Store: s.Store.Reader, Sessions: sessions, Now: s.Now, Log: s.Log,
	}).Handler()
	mails := http.NotFoundHandler()
	if s.hasInbox() {
		mails = (&inbox.Server{Store: s.Store.Reader, Log: s.Log}).Handler()
	}
	messages := (&networkdoor.Server{
		Inbox: s.Processor, From: sessions.From, StrangerPause: strangerPause, Now: s.Now, Log: s.Log,
	}).Handler()
	certificates := func(w http.ResponseWriter, r *http.Request) { certificate(signer, w, r) }
	counted := s.Monitor.counted
	doors := map[door]http.Handler{
		doorHealth:       counted("health", http.HandlerFunc(s.health)),
		doorReady:        counted("health", http.HandlerFunc(s.ready)),
		doorPages:        counted("cobranded", pages),
		doorInbox:        counted("inbox", mails),
		doorAccount:      counted("account", accounts),
		doorConsole:      counted("console", s.console(sessions)),
		doorNetworks:     counted("networks", messages),
		doorCalendar:     counted("calendar", s.calendars(sessions)),
		doorCertificates: counted("certificates", http.HandlerFunc(certificates)),
		doorLogo:         s.logo(query),
		doorManual:       counted("manual", (&manual.Server{Files: docs.API(), Log: s.Log}).Handler(query)),
		doorJSON:         jsonAPI,
		doorAPI:          query,
	}
	all := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { doors[doorOf(r.URL.Path)].ServeHTTP(w, r) })
	if s.PublicURL.Scheme == "https" {
		return https.Strict(all)
	}
	return all
}

// calendars answers the calendars of callers' open holds.
func (s *server) calendars(sessions *account.Sessions) http.Handler {
	return (&calendar.Server{
		Store: s.Store.Reader, From: sessions.From, StrangerPause: strangerPause, Now: s.Now, Log: s.Log,
	}).Handler()
}

// A door answers at a path.
type door int

const (
	doorAPI door = iota // wherever nothing else does
	doorPages
	doorInbox
	doorAccount
	doorConsole
	doorNetworks
	doorCalendar
	doorCertificates
	doorHealth
	doorReady
	doorLogo
	doorManual // and the schemas, which the API has
	doorJSON
)

func doorOf(path string) door {
	switch {
	case path == "/healthz":
		return doorHealth
	case path == "/readyz":
		return doorReady
	case path == demoLogoPath:
		return doorLogo
	case strings.HasPrefix(path, "/cobranded-ui/"):
		return doorPages
	case strings.HasPrefix(path, inbox.Path):
		return doorInbox
	case strings.HasPrefix(path, account.Root), path+"/" == account.Root:
		return doorAccount
	case strings.HasPrefix(path, console.Root), path+"/" == console.Root:
		return doorConsole
	case strings.HasPrefix(path, networkdoor.Path):
		return doorNetworks
	case strings.HasPrefix(path, manual.Path), path+"/" == manual.Path:
		return doorManual
	case strings.HasPrefix(path, calendar.Path): // which is below the next one
		return doorCalendar
	case strings.HasPrefix(path, api.Path), path+"/" == api.Path:
		return doorJSON
	case strings.HasPrefix(path, "/certs/"):
		return doorCertificates
	}
	return doorAPI
}

// ownCertificate reports whether the path of an address is that of a
// certificate kept here. It ignores the host, which may have changed since the
// message was signed.
func ownCertificate(signer *ipn.Signer, address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	_, ok := signer.CertificateFor(u.Path)
	return ok
}

func certificate(signer *ipn.Signer, w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "certificates are only read", http.StatusMethodNotAllowed)
		return
	}
	pem, ok := signer.CertificateFor(r.URL.Path)
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "application/x-pem-file")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(pem))
}

// health answers whether the store can be read.
func (s *server) health(w http.ResponseWriter, r *http.Request) {
	if err := s.Store.Ping(r.Context()); err != nil {
		s.Log.Error("the store cannot be read", "error", err)
		http.Error(w, "the store cannot be read", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	fmt.Fprintln(w, "ok")
}

func httpServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytesMax,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}

// serve answers until the server is shut down.
func serve(s *http.Server, listener net.Listener, ended ending) {
	if err := s.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		ended.because(fmt.Errorf("the listener on %s ended: %w", listener.Addr(), err))
	}
}

// An ending collects the reason when a part of the server ends unexpectedly.
// The process then ends, too, so that a supervisor can start it again.
type ending chan error

func newEnding() ending { return make(ending, 1) }

// because ends the run; the first reason is enough.
func (e ending) because(err error) {
	select {
	case e <- err:
	default:
	}
}

// wait waits for ctx, the usual end of a run, or for a reason why it cannot go
// on.
func (e ending) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-e:
		return err
	}
}

// listen opens a listener. Its error names the flag to change.
func listen(ctx context.Context, flag, address string) (net.Listener, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", flag, address, err)
	}
	return listener, nil
}

// publicURL is the default public address of a listener.
func publicURL(given, scheme string, listener net.Listener) (*url.URL, error) {
	if given == "" {
		address := listener.Addr().String()
		if tcp, ok := listener.Addr().(*net.TCPAddr); ok && tcp.IP.IsUnspecified() {
			return nil, fmt.Errorf("listening on all addresses (%s): say with --public-url how the world gets here", address)
		}
		given = scheme + "://" + address + "/"
	}
	u, err := url.Parse(given)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("--public-url: give an address such as https://pay.example.com/")
	case strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil:
		return nil, errors.New("--public-url: give scheme and host only; the server answers at the root")
	}
	u.Path = "/"
	return u, nil
}

// pipelineURL is the address of a server's Co-Branded pages.
func pipelineURL(public *url.URL) string {
	return public.JoinPath(holdfast.CoBrandedPath).String()
}

// accountURL is the address of a server's account pages.
func accountURL(public *url.URL) string { return public.JoinPath(account.Root).String() }
