package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

type networkSet struct {
	networkFlags
	Name               *string  `help:"Give the account this name." placeholder:"NAME"`
	FeePercent         *percent `help:"Charge recipients this percentage of each payment from now on." placeholder:"PERCENT"`
	FeeFixed           *dollars `help:"Charge recipients this amount for each payment, in addition." placeholder:"0.30"`
	PerSecond          *int     `help:"Send at most this many requests a second to one endpoint of the network." placeholder:"NUMBER"`
	StatementPrefix    *string  `help:"Name the prefix that the network puts in front of every text on card statements. Empty if there is none." placeholder:"TEXT"`
	Default            *bool    `help:"Give the account to new callers of the owner." negatable:""`
	KeyFile            string   `help:"Replace the API key by the one on the first line of this file; - is standard input. Servers use it within seconds." placeholder:"FILE"`
	FullKey            bool     `help:"Accept a key with all rights. It is a risk."`
	AddEventSecretFile string   `help:"Add the secret of a webhook endpoint on the first line of this file; - is standard input. An account may have two, while one replaces the other." placeholder:"FILE"`
	RemoveEventSecrets string   `help:"Remove event secrets: old keeps the one that was added last, all keeps none." enum:"old,all," default:"" placeholder:"WHICH"`
}

func (v networkSet) Run(ctx context.Context, w world) error {
	if err := v.check(); err != nil {
		return err
	}
	key, err := readNetworkSecret("--key-file", v.KeyFile, "")
	if err != nil {
		return err
	}
	secret, err := readNetworkSecret("--add-event-secret-file", v.AddEventSecretFile, "")
	if err != nil {
		return err
	}
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	chosen, err := v.find(ctx, db.Reader)
	if err != nil {
		return err
	}
	changed, err := clerk(db, w).ChangeNetworkAccount(ctx, chosen.ID, v.FullKey,
		func(a store.NetworkAccount) (store.NetworkAccount, error) {
			set(&a.Name, v.Name)
			set(&a.Fees.Share, (*money.Rate)(v.FeePercent))
			set(&a.Fees.Fixed, (*money.Amount)(v.FeeFixed))
			set(&a.PerSecond, v.PerSecond)
			set(&a.StatementPrefix, v.StatementPrefix)
			set(&a.Default, v.Default)
			a.Secrets = v.secrets(a.Secrets, key, secret)
			return a, nil
		})
	if err != nil {
		return err
	}
	if v.KeyFile != "" {
		warnFullKey(w, changed)
	}
	a := describeNetwork(changed, "")
	if v.JSON {
		return printJSON(w.Out, a)
	}
	return printFacts(w.Out, a.facts())
}

func (v networkSet) check() error {
	if v.Name == nil && v.FeePercent == nil && v.FeeFixed == nil && v.PerSecond == nil && v.StatementPrefix == nil &&
		v.Default == nil && v.KeyFile == "" && v.AddEventSecretFile == "" && v.RemoveEventSecrets == "" {
		return errors.New("nothing to set; see holdfast network set --help")
	}
	if v.KeyFile == "-" && v.AddEventSecretFile == "-" {
		return errors.New("--key-file and --add-event-secret-file cannot both be standard input")
	}
	return nil
}

// secrets are the account's secrets after the change. Old event secrets are
// removed before a new one is added.
func (v networkSet) secrets(had store.NetworkSecrets, key, event string) store.NetworkSecrets {
	events := had.Events()
	switch {
	case v.RemoveEventSecrets == "all":
		events = nil
	case v.RemoveEventSecrets == "old" && len(events) > 0:
		events = events[len(events)-1:]
	}
	if key == "" {
		key = had.Key()
	}
	return store.NewNetworkSecrets(key, append(some(events...), some(event)...)...)
}

type networkRemove struct {
	networkFlags
	GiveUpRefunds bool `help:"Remove the account although payments with it can then not be refunded any more."`
}

func (v networkRemove) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	chosen, err := v.find(ctx, db.Reader)
	if err != nil {
		return err
	}
	if err := clerk(db, w).RemoveNetworkAccount(ctx, chosen.ID, v.GiveUpRefunds); err != nil {
		return err
	}
	if v.JSON {
		return printJSON(w.Out, describeNetwork(chosen, ""))
	}
	_, err = fmt.Fprintf(w.Out, "The account %s is removed. Revoke its key in the network's dashboard.\n", chosen.Name)
	return err
}
