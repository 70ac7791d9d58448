package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/client"
)

// benchPath is the path of the packing bench.
const benchPath = "bench"

type shopVerb struct {
	Listen    string `help:"Answer on this address." default:"127.0.0.1:8020" env:"HOLDFAST_SHOP_LISTEN" placeholder:"ADDR"`
	PublicURL string `name:"public-url" help:"Name the address by which buyers reach the shop; by default the listener's." env:"HOLDFAST_SHOP_PUBLIC_URL" placeholder:"URL"`
	Server    string `help:"Ask the server with this address." default:"http://127.0.0.1:8010/" env:"HOLDFAST_JSON_SERVER" placeholder:"URL"`
	KeyFile   string `help:"Read the JSON key from the first line of this file; - is standard input. The key needs the scopes read, hold, settle and refund." required:"" env:"HOLDFAST_KEY_FILE" placeholder:"FILE"`
	Pages     string `help:"Name the address of the payment pages for browsers, if it is not that of the server." env:"HOLDFAST_SHOP_PAGES" placeholder:"URL"`
	Database  string `help:"Keep orders in this SQLite file, which is made if it does not exist." default:"shop.db" type:"path" env:"HOLDFAST_SHOP_DATABASE" placeholder:"FILE"`

	configFlag
}

func (v shopVerb) Run(ctx context.Context, w world) error {
	for flag, address := range map[string]string{"--server": v.Server, "--pages": or(v.Pages, v.Server)} {
		if err := checkURL(flag, or(address, "empty")); err != nil {
			return misuseError{err}
		}
	}
	key, err := readKey(v.KeyFile)
	if err != nil {
		return fmt.Errorf("--key-file: %w", err)
	}
	listener, err := listen(ctx, "--listen", v.Listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	public, err := publicURL(v.PublicURL, "http", listener)
	if err != nil {
		return misuseError{err}
	}
	s := &shopServer{
		Client:    client.Client{Address: v.Server, Key: holdfast.NewSecretKey(key)},
		PublicURL: public, PaymentPages: v.Pages, Database: v.Database, Now: w.Now, Log: w.Log, Ended: newEnding(),
	}
	if err := s.start(ctx, listener); err != nil {
		return errors.Join(err, s.stop())
	}
	w.Log.Info("the shop is open", "listen", listener.Addr().String(), "address", public.String())
	err = s.Ended.wait(ctx)
	w.Log.Info("stopping")
	return errors.Join(err, s.stop())
}
