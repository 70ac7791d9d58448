package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A demoState is what a demo remembers between starts, in demo.json. Only its
// owner can read the file, because it contains secrets.
type demoState struct {
	Listen     string `json:"listen"`
	ShopListen string `json:"shopListen"`

	OwnerEmail       string `json:"ownerEmail"`
	OwnerPassword    string `json:"ownerPassword"`
	BuyerEmail       string `json:"buyerEmail"`
	BuyerPassword    string `json:"buyerPassword"`
	OperatorEmail    string `json:"operatorEmail"`
	OperatorPassword string `json:"operatorPassword"`

	CallerID        party.CallerID `json:"callerId"`
	AccessKeyID     string         `json:"accessKeyId"`
	SecretAccessKey string         `json:"secretAccessKey"`
	ShopKey         string         `json:"shopKey"` // the shop's JSON key

	Deposited bool `json:"deposited"` // the buyer was given a balance, once

	Fake *demoNetwork `json:"fake,omitempty"` // the card network, unless it is the sandbox
}

func readDemo(dir string) (kept demoState, found bool, err error) {
	text, err := os.ReadFile(filepath.Join(dir, demoFile))
	switch {
	case errors.Is(err, os.ErrNotExist):
		return kept, false, nil
	case err != nil:
		return kept, false, fmt.Errorf("reading what the demo remembers: %w", err)
	case len(text) == 0:
		return kept, false, nil
	}
	if err := json.Unmarshal(text, &kept); err != nil {
		return kept, false, fmt.Errorf("reading %s: %w", filepath.Join(dir, demoFile), err)
	}
	return kept, true, nil
}

// write replaces the file in one step, so that a crash leaves the old or the
// new one. When it returns, the new file survives a power cut, like later
// writes to the store.
func (kept demoState) write(dir string) error {
	text, err := json.MarshalIndent(kept, "", "\t")
	if err != nil {
		return fmt.Errorf("writing what the demo remembers: %w", err)
	}
	name := filepath.Join(dir, demoFile)
	if err := replaceFile(name, append(text, '\n')); err != nil {
		return fmt.Errorf("writing what the demo remembers: %w", err)
	}
	return nil
}

func replaceFile(name string, text []byte) error {
	file, err := os.OpenFile(name+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Rename(name+".new", name); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close()) // the name is the directory's
}

// A cast has the people of a demo: the shop's owner, which is paid; a buyer with two
// cards and a balance; the operator of the server; and the shop's caller. At a card
// network, the buyer has neither cards nor a balance.
type cast struct {
	Processor *processor.Processor
	Store     store.Reader
	Dir       string
	Now       func() time.Time
	Fake      *stripefake.Server // the card network; nil is the sandbox
	Public    *url.URL           // the server's
}

// assemble makes the missing people. It remembers each one before it is used,
// so that the next start completes one that was cut short.
func (c *cast) assemble(ctx context.Context, kept demoState) (demoState, error) {
	if kept.BuyerPassword == "" {
		if err := c.strangers(ctx); err != nil {
			return kept, err
		}
		kept.OwnerEmail, kept.OwnerPassword = ownerEmail, passphrase()
		kept.BuyerEmail, kept.BuyerPassword = "buyer@demo.example", passphrase()
	}
	if kept.OperatorPassword == "" {
		kept.OperatorEmail, kept.OperatorPassword = "operator@demo.example", passphrase()
	}
	if err := kept.write(c.Dir); err != nil {
		return kept, err
	}
	owner, err := c.party(ctx, shopName, kept.OwnerEmail, kept.OwnerPassword)
	if err != nil {
		return kept, err
	}
	if err := c.operator(ctx, kept); err != nil {
		return kept, err
	}
	buyer, err := c.party(ctx, "Bea Buyer", kept.BuyerEmail, kept.BuyerPassword)
	if err != nil {
		return kept, err
	}
	if err := c.address(ctx, buyer); err != nil {
		return kept, err
	}
	if c.Fake != nil {
		if kept, err = c.account(ctx, kept, owner.ID); err != nil {
			return kept, err
		}
		return c.caller(ctx, kept, owner.ID)
	}
	if err := c.cards(ctx, buyer); err != nil {
		return kept, err
	}
	if kept, err = c.caller(ctx, kept, owner.ID); err != nil {
		return kept, err
	}
	return c.deposit(ctx, kept, buyer.ID)
}

const ownerEmail = "shop@demo.example"

// shopName is the name of the caller and of its owner: the buyer sees one shop.
const shopName = "Fen Pottery"

// strangers checks that the store has no earlier cast. Its passwords could not
// be found out, and new ones would not fit. The owner comes first.
func (c *cast) strangers(ctx context.Context) error {
	return c.Store.View(ctx, func(tx *store.ReadTx) error {
		if _, known, err := tx.PartyByEmail(ownerEmail); err != nil || !known {
			return err
		}
		return fmt.Errorf("%s is gone or empty, and the passwords and keys of this demo were nowhere else; put the file "+
			"back from a copy, or start a new demo on another directory (--data)",
			filepath.Join(c.Dir, demoFile))
	})
}

func (c *cast) party(ctx context.Context, name, email, password string) (found party.Party, err error) {
	var ok bool
	err = c.Store.View(ctx, func(tx *store.ReadTx) error {
		found, ok, err = tx.PartyByEmail(email)
		return err
	})
	if err != nil || ok {
		return found, err
	}
	return c.Processor.Identity.CreateParty(ctx, identity.NewParty{Name: name, Email: email, Password: password})
}

// operator makes the person who can open every page of the console.
func (c *cast) operator(ctx context.Context, kept demoState) error {
	operator, err := c.party(ctx, "Olga Operator", kept.OperatorEmail, kept.OperatorPassword)
	if err != nil {
		return err
	}
	people := c.Processor.Identity
	had, err := people.Memberships(ctx, operator.ID)
	if err != nil || len(had) > 0 {
		return err
	}
	return people.SetMember(ctx, "", party.Membership{Party: operator.ID, Role: party.RoleOwner})
}

const (
	demoCards     = 2 // the first is the default
	demoCardYears = 3 // until they expire
)

func (c *cast) cards(ctx context.Context, buyer party.Party) error {
	var have []payment.Instrument
	err := c.Store.View(ctx, func(tx *store.ReadTx) (err error) {
		have, err = tx.Instruments(buyer.ID)
		return err
	})
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for _, i := range have {
		known[i.NetworkRef] = true
	}
	for n, test := range sandbox.Cards()[:demoCards] {
		if known[test.Ref()] {
			continue
		}
		_, err := c.Processor.AddCard(ctx, buyer.ID, card.Details{
			Number: card.NewNumber(test.Number), SecurityCode: card.NewNumber("123"), Holder: buyer.Name,
			ExpiryMonth: 12, ExpiryYear: c.Now().Year() + demoCardYears,
		}, n == 0)
		if err != nil {
			return fmt.Errorf("adding the buyer's cards: %w", err)
		}
	}
	return nil
}

// address gives the buyer an address, so that users who try the shop have to
// type only a password.
func (c *cast) address(ctx context.Context, buyer party.Party) error {
	var have []party.Address
	err := c.Store.View(ctx, func(tx *store.ReadTx) (err error) {
		have, err = tx.Addresses(buyer.ID)
		return err
	})
	if err != nil || len(have) > 0 {
		return err
	}
	_, err = c.Processor.Identity.AddAddress(ctx, buyer.ID, holdfast.Address{
		Name: buyer.Name, Line1: "12 Mill Lane", City: "Portland", State: "OR", Zip: "97201", Country: "US",
	})
	if err != nil {
		return fmt.Errorf("adding the buyer's address: %w", err)
	}
	return nil
}

var demoDeposit = money.Cents(500_00)

// deposit gives the buyer a balance, once. If an earlier start was cut short
// after the deposit, it finds the balance and only remembers it.
func (c *cast) deposit(ctx context.Context, kept demoState, buyer party.ID) (demoState, error) {
	if kept.Deposited {
		return kept, nil
	}
	balance, err := balanceOf(ctx, c.Store, buyer)
	if err != nil {
		return kept, err
	}
	if !balance.Positive() {
		if err := c.Processor.Deposit(ctx, kept.CallerID, buyer, demoDeposit); err != nil {
			return kept, fmt.Errorf("giving the buyer a balance: %w", err)
		}
	}
	kept.Deposited = true
	return kept, kept.write(c.Dir)
}

// caller makes the shop's caller with its keys. In the sandbox it is a marketplace,
// so that every feature can be tried. If the caller exists, it gets what is missing.
func (c *cast) caller(ctx context.Context, kept demoState, owner party.ID) (demoState, error) {
	if kept.CallerID == "" {
		n := processor.NewCaller{Owner: owner, Name: shopName, Marketplace: c.Fake == nil, Sandbox: true}
		if kept.Fake != nil {
			n.Network = kept.Fake.Account
		}
		made, key, err := c.Processor.CreateCaller(ctx, n)
		if err != nil {
			return kept, fmt.Errorf("making the demo's caller: %w", err)
		}
		kept.CallerID, kept.AccessKeyID, kept.SecretAccessKey = made.ID, key.ID, string(key.Secret.Reveal())
		if err := kept.write(c.Dir); err != nil {
			return kept, err
		}
	} else {
		_, err := c.Processor.ChangeCaller(ctx, kept.CallerID, func(had party.Caller) (party.Caller, error) {
			had.Marketplace = c.Fake == nil
			return had, nil
		})
		if err != nil {
			return kept, fmt.Errorf("finding the demo's caller: %w", err)
		}
	}
	return c.shopKey(ctx, kept)
}

// shopKey makes the shop's JSON key. If an earlier start was cut short after that,
// nobody has its key, and it makes another one.
func (c *cast) shopKey(ctx context.Context, kept demoState) (demoState, error) {
	if kept.ShopKey != "" {
		return kept, nil
	}
	scopes, err := party.ParseScopes([]string{"read", "hold", "settle", "refund"})
	if err != nil {
		return kept, err
	}
	_, kept.ShopKey, err = c.Processor.AddKey(ctx, kept.CallerID, processor.NewKey{Name: shopName, Scopes: scopes})
	if err != nil {
		return kept, fmt.Errorf("making the shop's key: %w", err)
	}
	return kept, kept.write(c.Dir)
}

// passphrase is easy to type and hard to guess.
func passphrase() string {
	drawn := make([]byte, phraseWords)
	rand.Read(drawn) // never fails; see crypto/rand
	chosen := make([]string, phraseWords)
	for i, b := range drawn {
		chosen[i] = words[int(b)%len(words)] // 64 words: no remainder is likelier than another
	}
	return strings.Join(chosen, "-")
}

const phraseWords = 5

var words = strings.Fields(`
	amber apple april arrow basil beach birch bread brick brook cabin candle cedar chalk cherry clover
	copper coral cotton daisy delta ember fable falcon ferry flint forest garden ginger harbor hazel honey
	indigo island ivory jasper juniper kettle lantern lemon linen maple marble meadow mint nutmeg oaken olive
	orchard otter paper pebble pepper pillow plum quartz raven river saddle silver spruce summer thistle willow`)
