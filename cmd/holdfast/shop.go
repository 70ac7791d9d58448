package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-pay/holdfast"
)

// benchPath is the path of the packing bench.
const benchPath = "bench"

type shopVerb struct {
	Listen      string `help:"Answer on this address." default:"127.0.0.1:8020" env:"HOLDFAST_SHOP_LISTEN" placeholder:"ADDR"`
	PublicURL   string `name:"public-url" help:"Name the address by which buyers and the server reach the shop; by default the listener's." env:"HOLDFAST_SHOP_PUBLIC_URL" placeholder:"URL"`
	Endpoint    string `help:"Ask the server with this Query API address." default:"http://127.0.0.1:8010/" env:"HOLDFAST_ENDPOINT" placeholder:"URL"`
	CoBranded   string `name:"cobranded" help:"Send buyers to the payment pages at this address." default:"http://127.0.0.1:8010/cobranded-ui/actions/start" env:"HOLDFAST_COBRANDED" placeholder:"URL"`
	AccessKeyID string `name:"access-key-id" help:"Sign requests with this access key." required:"" env:"HOLDFAST_ACCESS_KEY_ID" placeholder:"ID"`
	SecretFile  string `help:"Read the secret key from the first line of this file." required:"" env:"HOLDFAST_SECRET_FILE" placeholder:"FILE"`
	CallerID    string `name:"caller-id" help:"Accept returns and notifications for this caller; by default the owner of the access key." env:"HOLDFAST_CALLER_ID" placeholder:"ID"`
	Database    string `help:"Keep orders in this SQLite file, which is made if it does not exist." default:"shop.db" type:"path" env:"HOLDFAST_SHOP_DATABASE" placeholder:"FILE"`

	configFlag
}

func (v shopVerb) Run(ctx context.Context, w world) error {
	for flag, address := range map[string]string{"--endpoint": v.Endpoint, "--cobranded": v.CoBranded} {
		if err := checkURL(flag, or(address, "empty")); err != nil {
			return err
		}
	}
	secret, err := readKey(v.SecretFile)
	if err != nil {
		return fmt.Errorf("--secret-file: %w", err)
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
		Client: holdfast.Client{
			Endpoint: v.Endpoint, CoBranded: v.CoBranded, AccessKeyID: v.AccessKeyID,
			SecretKey: holdfast.NewSecretKey(secret), Now: w.Now,
		},
		CallerID: holdfast.CallerID(v.CallerID), PublicURL: public, Database: v.Database, Now: w.Now, Log: w.Log,
		Ended: newEnding(),
	}
	if err := s.start(ctx, listener); err != nil {
		return errors.Join(err, s.stop())
	}
	w.Log.Info("the shop is open", "listen", listener.Addr().String(), "address", public.String())
	err = s.Ended.wait(ctx)
	w.Log.Info("stopping")
	return errors.Join(err, s.stop())
}
