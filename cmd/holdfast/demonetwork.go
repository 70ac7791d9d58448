package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// stripeFake is a demo's card network that is a fake of Stripe.
const stripeFake = "stripe-fake"

// networkFile has what happened at the fake so far.
const networkFile = "stripe-fake.journal"

// A demoNetwork is what a demo remembers of its fake of a card network.
type demoNetwork struct {
	Listen string    `json:"listen"`
	Began  time.Time `json:"began"`
	// Account is the shop's account there. Events is the address that it sends
	// events to.
	Account payment.NetworkAccountID `json:"account,omitempty"`
	Events  string                   `json:"events,omitempty"`
}

// chooseDemoNetwork finds the card network of a demo. A demo keeps its network,
// because cards and payments belong to one.
func (d *demo) chooseDemoNetwork(asked string) error {
	began := d.kept.BuyerPassword != ""
	has := payment.SandboxName
	if d.kept.Fake != nil {
		has = stripeFake
	}
	switch {
	case began && asked != "" && asked != has:
		return misuseError{fmt.Errorf("--network %s: the demo in %s takes cards at %s; start a new one on another directory "+
			"(--data)", asked, d.dir, has)}
	case asked == stripeFake && d.kept.Fake == nil:
		d.kept.Fake = &demoNetwork{Began: d.world.Now().UTC()}
	}
	return nil
}

// startNetwork starts the fake of Stripe, with what happened there before.
func (d *demo) startNetwork(ctx context.Context) error {
	if d.kept.Fake == nil {
		return nil
	}
	listener, _, err := d.listen(ctx, "--network", "", d.kept.Fake.Listen)
	if err != nil {
		return err
	}
	d.kept.Fake.Listen = listener.Addr().String()
	name := filepath.Join(d.dir, networkFile)
	if _, err := checkPrivate(name, refuseShared); err != nil {
		return err
	}
	journal, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("opening what happened at the fake of Stripe: %w", err)
	}
	d.later(journal.Close)
	fake := stripefake.NewAt(d.world.Now, d.kept.Fake.Began)
	fake.Set(func(s *stripefake.Settings) { s.StatementPrefix, s.PagesAt = shopPrefix, "http://"+d.kept.Fake.Listen })
	if err := fake.Replay(journal); err != nil {
		return err
	}
	if err := endAtLastLine(journal); err != nil {
		return fmt.Errorf("reading what happened at the fake of Stripe: %w", err)
	}
	fake.Journal(journal)
	fake.Serve(listener)
	d.later(fake.Close)
	sending, stop := context.WithCancel(context.Background())
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		fake.Run(sending)
	}()
	d.later(func() error { stop(); <-sent; return nil })
	d.fake = fake
	return nil
}

// endAtLastLine removes a last line that was cut short by a crash.
func endAtLastLine(file *os.File) error {
	text, err := io.ReadAll(io.NewSectionReader(file, 0, 1<<62))
	if err != nil {
		return err
	}
	whole := int64(len(text))
	for whole > 0 && text[whole-1] != '\n' {
		whole--
	}
	if err := file.Truncate(whole); err != nil {
		return err
	}
	_, err = file.Seek(whole, io.SeekStart)
	return err
}

// shopPrefix is the shop's text on card statements.
const shopPrefix = "FENPOTTERY"

// account makes the shop's account at the fake, and lets the fake tell the server
// what happens. If it exists, it gets the present addresses.
func (c *cast) account(ctx context.Context, kept demoState, owner party.ID) (demoState, error) {
	if kept.Fake.Account == "" {
		var err error
		if kept, err = c.newAccount(ctx, kept, owner); err != nil {
			return kept, err
		}
	}
	events := c.Public.JoinPath(eventsPath(kept.Fake.Account)).String()
	secret := ""
	if kept.Fake.Events != events {
		secret = c.Fake.Subscribe(events, false)
	}
	_, err := c.Processor.ChangeNetworkAccount(ctx, kept.Fake.Account, false,
		func(a store.NetworkAccount) (store.NetworkAccount, error) {
			a.BaseURL = c.Fake.URL()
			if secret != "" {
				a.Secrets = store.NewNetworkSecrets(a.Secrets.Key(), secret)
			}
			return a, nil
		})
	if err != nil {
		return kept, fmt.Errorf("giving the shop its account at the fake of Stripe: %w", err)
	}
	kept.Fake.Events = events
	return kept, kept.write(c.Dir)
}

// newAccount makes the shop's account, or finds it after a start that was cut
// short.
func (c *cast) newAccount(ctx context.Context, kept demoState, owner party.ID) (demoState, error) {
	all, err := c.Store.NetworkAccounts(ctx)
	if err != nil {
		return kept, err
	}
	if i := slices.IndexFunc(all, func(a store.NetworkAccount) bool { return a.Name == stripeFake }); i >= 0 {
		kept.Fake.Account = all[i].ID
		return kept, nil
	}
	made, err := c.Processor.CreateNetworkAccount(ctx, processor.NewNetworkAccount{
		NetworkAccount: payment.NetworkAccount{
			Kind: payment.NetworkStripe, Mode: payment.NetworkTest, Owner: owner, Name: stripeFake, BaseURL: c.Fake.URL(),
			StatementPrefix: shopPrefix, Default: true,
		},
		Secrets: store.NewNetworkSecrets(stripefake.TestKey),
	})
	if err != nil {
		return kept, fmt.Errorf("giving the shop an account at the fake of Stripe: %w", err)
	}
	kept.Fake.Account = made.ID
	return kept, nil
}
