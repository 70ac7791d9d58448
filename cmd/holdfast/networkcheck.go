package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card/stripe"
	"github.com/holdfast-pay/holdfast/internal/networkdoor"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type networkCheck struct {
	networkFlags
	PublicURL string        `name:"public-url" help:"Send a signed message to the server with this public address, to see that it takes the messages of the network and refuses others. It keeps neither." env:"HOLDFAST_PUBLIC_URL" placeholder:"URL"`
	Ring      bool          `help:"Let the network send a message, and wait for it: make a payment without a card at the network and cancel it. No money moves."`
	Within    time.Duration `help:"Wait this long for the network's message." default:"30s" placeholder:"DURATION"`
}

func (networkCheck) Help() string {
	return `Asks the network whether the key works, is of the account's mode and has its rights, and compares the clocks.
Without --ring it changes nothing. It exits with 1 if something must be put right.

Examples:

    holdfast network check --store holdfast.db fen
    holdfast network check --store holdfast.db fen --public-url https://pay.example.com/ --ring
`
}

func (v networkCheck) Run(ctx context.Context, w world) error {
	if err := checkURL("--public-url", v.PublicURL); err != nil {
		return misuseError{err}
	}
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	account, err := v.find(ctx, db.Reader)
	if err != nil {
		return err
	}
	client, err := networkClient(account, stripe.Config{Now: w.Now})
	if err != nil {
		return err
	}
	report, err := client.Check(ctx)
	if err != nil {
		return fmt.Errorf("asking %s about the account %s: %w", account.Kind, account.Name, err)
	}
	a := describeCheck(account, report)
	if err := v.checkMessages(ctx, w, db, account, client, &a); err != nil {
		return err
	}
	if v.JSON {
		err = printJSON(w.Out, a)
	} else {
		err = printFacts(w.Out, a.facts())
	}
	if err == nil && len(a.Problems) > 0 {
		err = errSaid
	}
	return err
}

// A checkAnswer is what was found out about an account, as --json prints it.
type checkAnswer struct {
	AccountID  payment.NetworkAccountID `json:"accountId"`
	Name       string                   `json:"name"`
	Mode       payment.NetworkMode      `json:"mode"`
	Restricted bool                     `json:"restrictedKey"`
	Remote     string                   `json:"remote,omitempty"`
	Country    string                   `json:"country,omitempty"`
	Currency   string                   `json:"currency,omitempty"`
	APIVersion string                   `json:"apiVersion"`
	Missing    []string                 `json:"missingRights"`
	Clock      string                   `json:"clockAhead"`
	Door       string                   `json:"eventsAddress,omitempty"`
	Message    string                   `json:"networkMessage,omitempty"`
	Problems   []string                 `json:"problems"`
	Untested   []string                 `json:"notTested"`
}

func describeCheck(a store.NetworkAccount, r stripe.Report) checkAnswer {
	c := checkAnswer{
		AccountID: a.ID, Name: a.Name, Mode: r.Mode, Restricted: r.Restricted, Remote: r.Remote, Country: r.Country,
		Currency: r.Currency, APIVersion: r.APIVersion, Missing: append([]string{}, r.Missing...),
		Clock: r.Clock.Round(time.Second).String(), Problems: append([]string{}, r.Problems...), Untested: []string{},
	}
	if r.Remote == "" {
		c.Untested = append(c.Untested, "whether the account may take money, and its currency: a restricted key may not "+
			"read the account. See the network's dashboard.")
	}
	if r.Prefix != "" && a.StatementPrefix != "" && r.Prefix != a.StatementPrefix {
		c.Problems = append(c.Problems, fmt.Sprintf("The statement prefix at the network is %q, and here %q: run holdfast "+
			"network set %s --statement-prefix.", r.Prefix, a.StatementPrefix, a.Name))
	}
	return c
}

func (c checkAnswer) facts() []fact {
	key, rights := "full", "all"
	if c.Restricted {
		key = "restricted"
	}
	if len(c.Missing) > 0 {
		rights = "missing: " + strings.Join(c.Missing, ", ")
	}
	facts := []fact{
		{"account", string(c.AccountID)},
		{"name", c.Name},
		{"mode", string(c.Mode)},
		{"key", key},
		{"rights", rights},
		{"network's id", c.Remote},
		{"country", c.Country},
		{"currency", c.Currency},
		{"API version", c.APIVersion},
		{"clock ahead", c.Clock},
		{"events address", c.Door},
		{"network's message", c.Message},
	}
	for _, text := range c.Untested {
		facts = append(facts, fact{"not tested", text})
	}
	for _, text := range c.Problems {
		facts = append(facts, fact{"PROBLEM", text})
	}
	return facts
}

// checkMessages checks the way of a message from the network to the server, as far
// as it can.
func (v networkCheck) checkMessages(
	ctx context.Context, w world, db *store.DB, a store.NetworkAccount, client *stripe.Client, c *checkAnswer,
) error {
	switch {
	case len(a.Secrets.Events()) == 0:
		c.Door = "no event secret: the server asks for events every ten minutes"
	case v.PublicURL == "":
		c.Untested = append(c.Untested, "whether the server takes signed messages: give --public-url.")
	default:
		if err := v.knock(ctx, w, a, client); err != nil {
			text := sentence(err)
			c.Problems = append(c.Problems, strings.ToUpper(text[:1])+text[1:]+".")
		} else {
			c.Door = "takes signed messages, and refuses others"
		}
	}
	c.Untested = append(c.Untested,
		"which events the endpoint in the dashboard has, and its API version: compare them with docs/going-live.md.")
	if !v.Ring {
		c.Untested = append(c.Untested, "whether a message of the network arrives: give --ring.")
		return nil
	}
	if len(c.Problems) > 0 {
		c.Untested = append(c.Untested, "whether a message of the network arrives: put the problems right first.")
		return nil
	}
	return v.ring(ctx, w, db, a, client, c)
}

const knockTimeout = 10 * time.Second

// knock sends a signed message and an unsigned one to the server's public
// address. The server keeps neither.
func (v networkCheck) knock(ctx context.Context, w world, a store.NetworkAccount, client *stripe.Client) error {
	header, body, ok := client.Knock(w.Now())
	if !ok {
		return errors.New("the account has no event secret")
	}
	address := strings.TrimSuffix(v.PublicURL, "/") + eventsPath(a.ID)
	for _, message := range []struct {
		header http.Header
		want   int
		wrong  string
	}{
		{header, http.StatusOK, "does not take a message that is signed with the account's secret"},
		{
			http.Header{"Stripe-Signature": {"t=1,v1=00"}},
			http.StatusBadRequest,
			"does not refuse a message that nobody signed",
		},
	} {
		status, text, err := send(ctx, address, message.header, body)
		if err != nil {
			return fmt.Errorf("the address %s cannot be reached: %w", address, err)
		}
		if status == http.StatusServiceUnavailable && strings.TrimSpace(text) == networkdoor.NotServed {
			return errors.New("the server was started before there was a live account: restart the server")
		}
		if status != message.want {
			return fmt.Errorf("the address %s %s: it answers with %d, not %d", address, message.wrong, status, message.want)
		}
	}
	return nil
}

// send posts a message and returns the status and the beginning of the answer. It
// follows no redirect, as networks do not.
func send(
	ctx context.Context, address string, header http.Header, body []byte,
) (status int, text string, err error) {
	ctx, cancel := context.WithTimeout(ctx, knockTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return 0, "", err
	}
	r.Header = header
	client := http.Client{CheckRedirect: noRedirect}
	answer, err := client.Do(r)
	if err != nil {
		return 0, "", err
	}
	begins, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10)) // the status counts in any case
	return answer.StatusCode, string(begins), answer.Body.Close()
}

const ringLook = 200 * time.Millisecond

// ring lets the network send a message, and waits until a server has stored it.
func (v networkCheck) ring(
	ctx context.Context, w world, db *store.DB, a store.NetworkAccount, client *stripe.Client, c *checkAnswer,
) error {
	began := w.Now()
	object, err := client.Ring(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, v.Within)
	defer cancel()
	tick := time.NewTicker(ringLook)
	defer tick.Stop()
	for {
		arrived, err := arrivedAt(ctx, db.Reader, a.ID, object)
		switch {
		case ctx.Err() != nil:
			c.Problems = append(c.Problems, fmt.Sprintf("No message of the network arrived within %v. Look at the endpoint "+
				"in its dashboard: its address, its events, and failed deliveries. Until then, the server hears of everything "+
				"some minutes later, because it asks.", v.Within))
			return nil
		case err != nil:
			return err
		case !arrived.IsZero():
			c.Message = "arrived after " + arrived.Sub(began).Round(time.Millisecond).String()
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// arrivedAt is when an event about an object was stored; zero if none was.
func arrivedAt(
	ctx context.Context, r store.Reader, id payment.NetworkAccountID, object string,
) (at time.Time, err error) {
	const newest = 100
	err = r.View(ctx, func(tx *store.ReadTx) error {
		all, err := tx.NetworkEvents(id, "", newest)
		for _, e := range all {
			if e.Object == object {
				at = e.Received
			}
		}
		return err
	})
	return at, err
}
