package main

import (
	"context"
	"fmt"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/networks"
	"github.com/holdfast-pay/holdfast/internal/card/stripe"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// errNotLive is the error of questions about a live account on a server that was
// started without one. Its pages show the sandbox, and its mails may be in an
// inbox.
var errNotLive = fmt.Errorf("the account is live: %w", card.ErrNotServed)

// checkNetworks refuses accounts that a server cannot serve, and reports whether
// real money moves.
func (s *server) checkNetworks(ctx context.Context) (live bool, err error) {
	all, err := s.Store.NetworkAccounts(ctx)
	if err != nil {
		return false, err
	}
	for _, a := range all {
		if err := a.CheckKey(a.Secrets.Key(), true); err != nil {
			return false, fmt.Errorf("the account %s at a card network: %w; store the right key with holdfast network set %s "+
				"--key-file", a.Name, err, a.Name)
		}
		s.Log.Info("takes cards", "account", a.Name, "id", a.ID, "network", a.Kind, "mode", a.Mode)
		if a.Mode != payment.NetworkLive {
			continue
		}
		live = true
		switch {
		case !s.Store.Sealed():
			return false, fmt.Errorf("the account %s is live: %w", a.Name, store.ErrPlainStore)
		case s.PublicURL.Scheme != "https":
			return false, fmt.Errorf("the account %s is live, but the server's public address %s has no TLS: give an https "+
				"address with --public-url", a.Name, s.PublicURL)
		case s.hasInbox():
			return false, fmt.Errorf("an inbox is for a sandbox: real money moves on the account %s, so mails are sent with "+
				"--smtp", a.Name)
		}
	}
	return live, nil
}

// router sends each question to the sandbox or to the account that its card is
// at.
func (s *server) router(live bool) *networks.Router {
	return &networks.Router{
		Sandbox: s.Network,
		Find: func(ctx context.Context, id payment.NetworkAccountID) (store.NetworkAccount, bool, error) {
			a, found, err := s.Store.NetworkAccount(ctx, id)
			if err == nil && found && a.Mode == payment.NetworkLive && !live {
				err = errNotLive
			}
			return a, found, err
		},
		Make:   s.client,
		Now:    s.Now,
		Paused: s.paused,
	}
}

// networkClerk makes the processor of a command that asks card networks, live
// accounts included, also about a paused store.
func networkClerk(db *store.DB, w world) *processor.Processor {
	s := &server{Store: db, Network: noNetwork{}, Now: w.Now, Log: w.Log}
	router := s.router(true)
	router.Paused = nil // the operator asks
	s.Processor = processor.New(db, processor.Config{Network: router, Now: w.Now, Log: w.Log})
	return s.Processor // the server has it, too: it is told when a network refuses a key
}

// client makes the client of an account at a card network. It asks nobody.
func (s *server) client(a store.NetworkAccount) (card.Client, error) {
	client, err := networkClient(a, stripe.Config{
		Now: s.Now, Observe: s.networkAsked(),
		Stopped: func(why string) { s.Processor.NetworkStopped(context.Background(), a, why) },
	})
	if err != nil {
		return nil, err
	}
	return client, nil
}

// networkClient makes the client of an account. It asks nobody.
func networkClient(a store.NetworkAccount, config stripe.Config) (*stripe.Client, error) {
	switch a.Kind {
	case payment.NetworkStripe:
		config.Account, config.Secrets, config.Version = a.NetworkAccount, a.Secrets, programVersion().Version
		return stripe.New(config), nil
	}
	return nil, fmt.Errorf("the account %s is at a network that this version does not know: %s", a.Name, a.Kind)
}
