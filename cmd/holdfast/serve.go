package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type serveVerb struct {
	Listen            string        `help:"Answer on this address." default:"127.0.0.1:8010" env:"HOLDFAST_LISTEN" placeholder:"ADDR"`
	Store             string        `help:"Keep everything in this SQLite file, which is made if it does not exist, or in PostgreSQL at postgres://…" default:"holdfast.db" env:"HOLDFAST_STORE" placeholder:"ADDRESS"`
	PublicURL         string        `name:"public-url" help:"Name the address by which the world reaches the server; by default the listener's." env:"HOLDFAST_PUBLIC_URL" placeholder:"URL"`
	CertificatePrefix string        `help:"Begin every certificateUrl with this; by default the public address." env:"HOLDFAST_CERTIFICATE_PREFIX" placeholder:"URL"`
	SignatureHosts    []string      `help:"Accept signatures for these host names, too." env:"HOLDFAST_SIGNATURE_HOSTS" placeholder:"HOST"`
	APIPaths          []string      `name:"api-paths" help:"Answer the Query API at these paths, too, and accept signatures for them: for a proxy in front that has it under a prefix." env:"HOLDFAST_API_PATHS" placeholder:"PATH"`
	Metrics           string        `help:"Answer /metrics for Prometheus on this second address. Keep it off the open network." env:"HOLDFAST_METRICS" placeholder:"ADDR"`
	IPNAllowPrivate   bool          `name:"ipn-allow-private" help:"Deliver notifications and webhooks to private and loopback addresses, too." env:"HOLDFAST_IPN_ALLOW_PRIVATE"`
	IPNProxy          string        `name:"ipn-proxy" help:"Send notifications and webhooks through this proxy: http://, https:// or socks5://. It must refuse private addresses." env:"HOLDFAST_IPN_PROXY" placeholder:"URL"`
	AddressHeader     string        `help:"Read the browser's address from this header of a proxy in front, such as X-Forwarded-For. Without it, all clients behind the proxy share one limit." env:"HOLDFAST_ADDRESS_HEADER" placeholder:"NAME"`
	SecureCookies     bool          `help:"Set cookies for https only; always on if the public address is https." env:"HOLDFAST_SECURE_COOKIES"`
	RefundWindow      time.Duration `help:"Accept refunds for this long after a payment; below zero for ever." default:"90d" env:"HOLDFAST_REFUND_WINDOW" placeholder:"DURATION"`
	BooksEvery        time.Duration `help:"Check the whole books once in this time, in the background; below zero never." default:"24h" env:"HOLDFAST_BOOKS_EVERY" placeholder:"DURATION"`
	Deliver           bool          `help:"Deliver notifications and webhooks. Without it, another server on the same store has to deliver them." default:"true" negatable:"" env:"HOLDFAST_DELIVER"`
	GroupCommit       bool          `help:"Commit waiting steps together. Without it, each step has a commit of its own, for comparison." default:"true" negatable:"" env:"HOLDFAST_GROUP_COMMIT"`
	LogActions        bool          `help:"Write a line into the log for each action that moves money." default:"true" negatable:"" env:"HOLDFAST_LOG_ACTIONS"`
	AcceptDataLoss    bool          `help:"Serve even if PostgreSQL may lose answered requests in a crash (fsync, full_page_writes or synchronous_commit is off). For tests." env:"HOLDFAST_ACCEPT_DATA_LOSS"`
	DeclineByAmount   bool          `help:"Decline amounts whose first decimal is 6, 7 or 8, as the sandbox of FPS did." default:"true" negatable:"" env:"HOLDFAST_DECLINE_BY_AMOUNT"`

	sealKeyFlag
	configFlag
	tlsFlags  `group:"TLS:"`
	mailFlags `group:"Mail:"`
}

func (v serveVerb) Run(ctx context.Context, w world) error {
	at, err := parseStore(v.Store)
	proxy, badProxy := parseProxy(v.IPNProxy)
	err = errors.Join(err, badProxy, checkPrefix(v.CertificatePrefix), checkPaths(v.APIPaths), v.check(at))
	if err != nil {
		return misuseError{err}
	}
	useMemory()
	listener, err := listen(ctx, "--listen", v.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	plain, err := v.listenPlain(ctx)
	if err != nil {
		return err
	}
	if plain != nil {
		defer plain.Close()
	}
	watched, err := newMonitor(ctx, v.Metrics, w)
	if err != nil {
		return err
	}
	defer watched.close()
	public, err := v.public(v.PublicURL, listener)
	if err != nil {
		return misuseError{err}
	}
	certificates, err := v.certifier(public, listener, plain, w)
	if err != nil {
		return err
	}
	mails, err := v.sender(w)
	if err != nil {
		return misuseError{err}
	}
	if err := v.checkInbox(public, listener, v.AddressHeader); err != nil {
		return misuseError{err}
	}
	db, unlock, err := v.open(ctx, at, watched, w)
	if err != nil {
		return err
	}
	defer unlock()
	defer db.Close()
	mails.Store = db
	if !mails.On() {
		w.Log.Warn("nobody gets mails, such as that which proves an e-mail address: there is neither --smtp nor --inbox")
	}
	s := &server{
		Store: db, PublicURL: public, CertificatePrefix: v.CertificatePrefix, Hosts: v.SignatureHosts, Paths: v.APIPaths,
		AllowPrivate: v.IPNAllowPrivate, Proxy: proxy, AddressHeader: v.AddressHeader, RefundWindow: v.RefundWindow,
		BooksEvery:    v.BooksEvery,
		SecureCookies: v.SecureCookies || public.Scheme == "https", Certifier: certificates, Plain: plain, Mail: mails,
		Monitor: watched, Silent: !v.Deliver, LogMoves: v.LogActions, Now: w.Now, Log: w.Log, Ended: newEnding(),
		Network: &sandbox.Network{Now: w.Now, PlainAmounts: !v.DeclineByAmount},
	}
	if err := s.start(ctx, listener); err != nil {
		return err
	}
	w.Log.Info("serving", "version", programVersion().Version, "listen", listener.Addr().String(),
		"endpoint", public.String(), "cobranded", pipelineURL(public), "account", accountURL(public))
	err = s.Ended.wait(ctx)
	w.Log.Info("stopping")
	s.stop()
	if closing := db.Close(); closing != nil {
		return errors.Join(err, fmt.Errorf("closing the store: %w", closing))
	}
	return err
}

// open opens the store, for the metrics to watch. An SQLite file is locked
// against other servers.
func (v serveVerb) open(
	ctx context.Context, at store.Location, m *monitor, w world,
) (db *store.DB, unlock func(), err error) {
	key, err := v.key()
	if err != nil {
		return nil, nil, err
	}
	if unlock, err = lockStore(at); err != nil {
		return nil, nil, err
	}
	config := store.Config{Address: v.Store, GroupMax: v.groupMax(), SealKey: key, Stats: m.stats(), Now: w.Now}
	if db, err = openStore(ctx, config); err == nil {
		err = v.checkDurable(ctx, db, w)
	}
	if err != nil {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
		unlock()
		return nil, nil, err
	}
	if db.Unclean {
		w.Log.Warn("sealing the store was cut short, and plain secrets may be left in its files: stop all servers, and run " +
			"holdfast seal on again")
	}
	m.watch(db, at)
	return db, unlock, nil
}

// checkDurable refuses a store that may lose answered requests.
func (v serveVerb) checkDurable(ctx context.Context, db *store.DB, w world) error {
	err := db.CheckDurable(ctx)
	switch {
	case err == nil || errors.Is(err, store.ErrUnreachable):
		return err
	case v.AcceptDataLoss:
		w.Log.Warn("a crash may lose answered requests", "reason", err)
		return nil
	}
	return fmt.Errorf("--store: %w. Switch it on, or accept the loss with --accept-data-loss", err)
}

// groupMax is the store's bound of a group: see store.Config.
func (v serveVerb) groupMax() int {
	if v.GroupCommit {
		return 0
	}
	return 1
}

// parseProxy reads the address of a proxy, which may hold a password.
func parseProxy(address string) (*url.URL, error) {
	if address == "" {
		return nil, nil
	}
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" && u.Scheme != "socks5" ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("--ipn-proxy: give an address such as http://proxy.example.com:3128 or " +
			"socks5://proxy.example.com:1080")
	}
	return u, nil
}

// checkPrefix requires a prefix to end in a slash. Verifiers compare it as
// text, and "https://pay.example.com" is also the beginning of
// "https://pay.example.com.evil".
func checkPrefix(prefix string) error {
	if prefix == "" {
		return nil
	}
	u, err := url.Parse(prefix)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" ||
		!strings.HasSuffix(prefix, "/") {
		return errors.New("--certificate-prefix: give an address that ends in a slash, such as https://pay.example.com/")
	}
	return nil
}

// checkPaths refuses paths of other doors.
func checkPaths(paths []string) error {
	for _, path := range paths {
		u, err := url.Parse(path)
		if err != nil || u.Path != path || !strings.HasPrefix(path, "/") || doorOf(path) != doorAPI {
			return fmt.Errorf("--api-paths: %q is no path that the API could have, such as /fps/", path)
		}
	}
	return nil
}
