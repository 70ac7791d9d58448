package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/inbox"
	"github.com/holdfast-pay/holdfast/internal/mail"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/shop"
)

type demoVerb struct {
	Listen     string `help:"Answer on this address; by default on the port of last time, or a free one." env:"HOLDFAST_DEMO_LISTEN" placeholder:"ADDR"`
	ShopListen string `help:"Open the shop on this address; by default on the port of last time, or a free one." env:"HOLDFAST_DEMO_SHOP_LISTEN" placeholder:"ADDR"`
	Network    string `help:"Take cards in the sandbox, or on the page of a fake of Stripe: sandbox or stripe-fake; by default as last time, or in the sandbox." enum:"sandbox,stripe-fake," default:"" env:"HOLDFAST_DEMO_NETWORK" placeholder:"NETWORK"`
	Prefix     string `name:"certificate-prefix" help:"Begin every certificateUrl with this, for a program that accepts only one host; by default the server's address." env:"HOLDFAST_DEMO_CERTIFICATE_PREFIX" placeholder:"URL"`
	Data       string `help:"Keep everything in this directory, and find it there again; by default a new one." type:"path" env:"HOLDFAST_DEMO_DATA" placeholder:"DIR"`
	JSON       bool   `name:"json" help:"Print one line of JSON, and no guide, when everything answers."`
}

// A demoAnswer is what --json prints.
type demoAnswer struct {
	Endpoint          string `json:"endpoint"`
	CoBranded         string `json:"cobranded"`
	Account           string `json:"account"`
	Console           string `json:"console"`
	Shop              string `json:"shop"`
	Inbox             string `json:"inbox"`
	CallerID          string `json:"callerId"`
	AccessKeyID       string `json:"accessKeyId"`
	SecretAccessKey   string `json:"secretAccessKey"`
	BuyerEmail        string `json:"buyerEmail"`
	BuyerPassword     string `json:"buyerPassword"`
	RecipientEmail    string `json:"recipientEmail"`
	RecipientPassword string `json:"recipientPassword"`
	OperatorEmail     string `json:"operatorEmail"`
	OperatorPassword  string `json:"operatorPassword"`
	DataDir           string `json:"dataDir"`
	Network           string `json:"network,omitempty"` // where the fake of a card network is
}

func (v demoVerb) Run(ctx context.Context, w world) (err error) {
	if err := checkPrefix(v.Prefix); err != nil {
		return err
	}
	dir, err := v.directory()
	if err != nil {
		return err
	}
	unlock, err := lockData(dir)
	if err != nil {
		return err
	}
	defer unlock()
	d := &demo{dir: dir, prefix: v.Prefix, world: w, ended: newEnding()}
	defer func() { err = errors.Join(err, d.stop()) }()
	if err := d.start(ctx, v); err != nil {
		return unlessStopped(ctx, err)
	}
	answer := d.answer()
	if err := probe(ctx, answer); err != nil {
		return unlessStopped(ctx, err)
	}
	if v.JSON {
		err = printJSON(w.Out, answer)
	} else {
		err = d.guide(w.Out, answer)
	}
	if err != nil {
		return err
	}
	err = d.ended.wait(ctx)
	w.Log.Info("stopping")
	return err
}

// unlessStopped drops an error if the demo was told to stop.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = nil
	}
	return err
}

// directory makes the demo's directory. Only its owner can read it, because it
// contains secret keys.
func (v demoVerb) directory() (string, error) {
	if v.Data == "" {
		dir, err := os.MkdirTemp("", "holdfast-demo-")
		if err != nil {
			return "", fmt.Errorf("making a directory: %w", err)
		}
		return dir, nil
	}
	if err := os.MkdirAll(v.Data, 0o700); err != nil {
		return "", fmt.Errorf("making the directory: %w", err)
	}
	return filepath.Abs(v.Data)
}

// A demo is a server and a shop on one directory.
type demo struct {
	dir    string
	prefix string // of certificateUrl; empty means the server's address
	world  world

	kept   demoState
	fake   *stripefake.Server // nil in the sandbox
	public *url.URL           // the server's
	shopAt *url.URL
	stops  []func() error // in the order of starting
	ended  ending
}

func (d *demo) start(ctx context.Context, v demoVerb) error {
	if _, err := checkPrivate(filepath.Join(d.dir, demoFile), refuseShared); err != nil {
		return err
	}
	kept, _, err := readDemo(d.dir)
	if err != nil {
		return err
	}
	d.kept = kept
	if err := d.chooseDemoNetwork(v.Network); err != nil {
		return err
	}
	serverListener, public, err := d.listen(ctx, "--listen", v.Listen, kept.Listen)
	if err != nil {
		return err
	}
	shopListener, shopAt, err := d.listen(ctx, "--shop-listen", v.ShopListen, kept.ShopListen)
	if err != nil {
		return err
	}
	d.public, d.shopAt = public, shopAt
	d.kept.Listen, d.kept.ShopListen = public.Host, shopAt.Host
	if err := d.startNetwork(ctx); err != nil {
		return err
	}

	path := filepath.Join(d.dir, serverFile)
	unlock, err := lockStore(store.Location{File: path})
	if err != nil {
		return err
	}
	d.later(func() error { unlock(); return nil })
	db, err := openStore(ctx, store.Config{Address: path})
	if err != nil {
		return err
	}
	d.later(db.Close)
	if err := d.startServer(ctx, db, serverListener); err != nil {
		return err
	}
	return d.startShop(ctx, shopListener)
}

func (d *demo) startServer(ctx context.Context, db *store.DB, listener net.Listener) error {
	logo, err := shop.Logo()
	if err != nil {
		return err
	}
	s := &server{
		Logo:  logo,
		Store: db, PublicURL: d.public, CertificatePrefix: d.prefix, AllowPrivate: true,
		Network: &sandbox.Network{Now: d.world.Now},
		Mail:    &mail.Sender{Store: db, Inbox: true, Now: d.world.Now, Log: d.log("server")},
		Now:     d.world.Now, Log: d.log("server"), Ended: d.ended,
	}
	if err := s.start(ctx, listener); err != nil {
		return err
	}
	d.later(func() error { s.stop(); return nil })
	people := &cast{
		Processor: s.Processor, Store: db.Reader, Dir: d.dir, Now: d.world.Now, Fake: d.fake, Public: d.public,
	}
	kept, err := people.assemble(ctx, d.kept)
	d.kept = kept
	return err
}

func (d *demo) startShop(ctx context.Context, listener net.Listener) error {
	s := &shopServer{
		Client:    client.Client{Address: d.public.String(), Key: holdfast.NewSecretKey(d.kept.ShopKey)},
		PublicURL: d.shopAt, LogoURL: d.public.JoinPath(demoLogoPath).String(),
		Database: filepath.Join(d.dir, shopFile), Now: d.world.Now, Log: d.log("shop"), Ended: d.ended,
	}
	if err := s.start(ctx, listener); err != nil {
		return err
	}
	d.later(s.stop)
	return nil
}

// listen opens the given address. Without one it opens the last one if it is
// free, or else a free port.
func (d *demo) listen(ctx context.Context, flag, given, last string) (net.Listener, *url.URL, error) {
	address := or(given, or(last, freePort))
	listener, err := listen(ctx, flag, address)
	if err != nil && given == "" {
		d.world.Log.Warn("the port of last time is taken, using another", "address", address)
		listener, err = listen(ctx, flag, freePort)
	}
	if err != nil {
		return nil, nil, err
	}
	d.later(func() error { listener.Close(); return nil }) // its server closes it first
	tcp, ok := listener.Addr().(*net.TCPAddr)
	switch {
	case !ok || tcp.IP.IsUnspecified():
		return nil, nil, fmt.Errorf("%s %s: name one address; 127.0.0.1 keeps the demo on this machine", flag, given)
	case !tcp.IP.IsLoopback():
		d.world.Log.Warn("who reaches this address can use the demo", "address", address)
	}
	return listener, &url.URL{Scheme: "http", Host: browserHost(tcp), Path: "/"}, nil
}

// browserHost names a listener for browsers. Passkeys need a host name, and
// every browser resolves localhost to this machine, so loopback addresses are
// shown as localhost.
func browserHost(tcp *net.TCPAddr) string {
	if tcp.IP.Equal(net.IPv4(127, 0, 0, 1)) || tcp.IP.Equal(net.IPv6loopback) {
		return net.JoinHostPort("localhost", strconv.Itoa(tcp.Port))
	}
	return tcp.String()
}

const freePort = "127.0.0.1:0"

func (d *demo) log(of string) *slog.Logger { return d.world.Log.With("of", of) }

func (d *demo) later(stop func() error) { d.stops = append(d.stops, stop) }

// stop stops everything that was started, the last first.
func (d *demo) stop() (err error) {
	for i := len(d.stops) - 1; i >= 0; i-- {
		err = errors.Join(err, d.stops[i]())
	}
	d.stops = nil
	return err
}

func (d *demo) answer() demoAnswer {
	network := ""
	if d.fake != nil {
		network = d.fake.URL()
	}
	return demoAnswer{
		Endpoint: d.public.String(), CoBranded: pipelineURL(d.public), Account: accountURL(d.public), Shop: d.shopAt.String(),
		Console:  d.public.JoinPath(account.ConsoleRoot).String(),
		Inbox:    d.public.JoinPath(inbox.Path).String(),
		CallerID: string(d.kept.CallerID), AccessKeyID: d.kept.AccessKeyID, SecretAccessKey: d.kept.SecretAccessKey,
		BuyerEmail: d.kept.BuyerEmail, BuyerPassword: d.kept.BuyerPassword,
		RecipientEmail: d.kept.OwnerEmail, RecipientPassword: d.kept.OwnerPassword,
		OperatorEmail: d.kept.OperatorEmail, OperatorPassword: d.kept.OperatorPassword,
		DataDir: d.dir, Network: network,
	}
}
