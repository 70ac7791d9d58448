package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

type networkVerb struct {
	Add    networkAdd    `cmd:"" help:"Add a merchant's account at a card network."`
	List   networkList   `cmd:"" help:"List the accounts at card networks."`
	Show   networkShow   `cmd:"" help:"Show an account and what uses it."`
	Set    networkSet    `cmd:"" help:"Change an account's settings, its key or its event secrets."`
	Check  networkCheck  `cmd:"" help:"Check an account's key, its rights, the clocks, and the way of the network's messages."`
	Remove networkRemove `cmd:"" help:"Remove an account that nothing needs any more."`

	Payment   networkPayment   `cmd:"" help:"Show what is known of a transaction at its card network."`
	Questions networkQuestions `cmd:"" help:"List the payments whose question to a card network has no answer, and when it is asked again."`
	Attention networkAttention `cmd:"" help:"List the transactions that a person must look at before they can go on."`
	Clear     networkClear     `cmd:"" help:"Confirm that you have looked at a transaction at its card network. It can then be settled and cancelled again."`
	Events    networkEvents    `cmd:"" help:"List the events of card networks that wait or were given up."`
	Retry     networkRetry     `cmd:"" help:"Take up the events of an account again that were given up."`
	Reconcile networkReconcile `cmd:"" help:"Compare the books with the network's own for each day, and exit with 1 if they differ."`
	Restored  networkRestored  `cmd:"" help:"Read again what card networks have told since a backup that was restored."`
	Disputes  networkDisputes  `cmd:"" help:"List the disputes that are not decided, and when they must be answered."`
}

// networkFlags name an account in a store.
type networkFlags struct {
	storeFlags
	Account string `arg:"" help:"Choose the account by its name or its id."`
	JSON    bool   `name:"json" help:"Print one line of JSON."`
}

func (f networkFlags) find(ctx context.Context, r store.Reader) (store.NetworkAccount, error) {
	all, err := r.NetworkAccounts(ctx)
	if err != nil {
		return store.NetworkAccount{}, err
	}
	return chooseNetwork(all, f.Account)
}

// chooseNetwork finds an account by its name or its id.
func chooseNetwork(all []store.NetworkAccount, name string) (store.NetworkAccount, error) {
	for _, a := range all {
		if a.Name == name || string(a.ID) == name {
			return a, nil
		}
	}
	return store.NetworkAccount{}, fmt.Errorf("there is no account %s at a card network; see holdfast network list",
		quote(name))
}

// Environment variables that hold a secret itself, for a machine without files
// for secrets.
const (
	networkKeyEnv         = "HOLDFAST_NETWORK_KEY"
	networkEventSecretEnv = "HOLDFAST_NETWORK_EVENT_SECRET"
)

// readNetworkSecret reads a secret from a file, or from the environment if no
// file is named. It is empty if there is none.
func readNetworkSecret(flag, file, env string) (string, error) {
	if file == "" {
		return strings.TrimSpace(os.Getenv(env)), nil
	}
	secret, err := readKey(file)
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	return secret, nil
}

// percent is a share on the command line, such as 2.9.
type percent money.Rate

// UnmarshalText reads a percentage.
func (p *percent) UnmarshalText(text []byte) error {
	rate, err := money.ParsePercent(string(text))
	*p = percent(rate)
	return err
}

type networkAdd struct {
	storeFlags
	Kind            payment.NetworkKind `arg:"" help:"Choose the card network: stripe." enum:"stripe"`
	Name            string              `arg:"" help:"Name the account, for the other commands: small letters, digits, dots and dashes."`
	Owner           string              `help:"Name the party that is the merchant, by its e-mail address." required:"" placeholder:"EMAIL"`
	Mode            payment.NetworkMode `help:"Choose whether real money moves: test or live." required:"" enum:"test,live" placeholder:"MODE"`
	KeyFile         string              `help:"Read the account's restricted API key from the first line of this file; - is standard input. Without it, the key is taken from the environment variable HOLDFAST_NETWORK_KEY." placeholder:"FILE"`
	EventSecretFile string              `help:"Read the secret of the account's webhook endpoint from the first line of this file; - is standard input. Without it, the secret is taken from HOLDFAST_NETWORK_EVENT_SECRET. An account may have none: then the server asks the network for events." placeholder:"FILE"`
	FullKey         bool                `help:"Accept a key with all rights. It is a risk."`
	StatementPrefix string              `help:"Name the prefix that the network puts in front of every text on card statements, 2 to 10 characters." placeholder:"TEXT"`
	FeePercent      percent             `help:"Charge recipients this percentage of each payment; by default nothing." placeholder:"PERCENT"`
	FeeFixed        dollars             `help:"Charge recipients this amount for each payment, in addition; by default nothing." placeholder:"0.30"`
	PerSecond       int                 `help:"Send at most this many requests a second to one endpoint of the network; by default 20 in live mode and 10 in test mode." placeholder:"NUMBER"`
	Default         bool                `help:"Give the account to new callers of the owner: live ones, or all others for a test account."`
	BaseURL         string              `name:"base-url" help:"Ask a fake of the network at this address of this machine. For test accounts." placeholder:"URL"`
	PublicURL       string              `name:"public-url" help:"Name the server's public address, to print where the network sends events." env:"HOLDFAST_PUBLIC_URL" placeholder:"URL"`
	JSON            bool                `name:"json" help:"Print one line of JSON."`
}

func (v networkAdd) Run(ctx context.Context, w world) error {
	if err := v.check(); err != nil {
		return misuseError{err}
	}
	key, err := readNetworkSecret("--key-file", v.KeyFile, networkKeyEnv)
	if err != nil {
		return err
	}
	if key == "" {
		return errors.New("--key-file: name the file with the account's API key")
	}
	secret, err := readNetworkSecret("--event-secret-file", v.EventSecretFile, networkEventSecretEnv)
	if err != nil {
		return err
	}
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	owner, err := partyByEmail(ctx, db.Reader, v.Owner)
	if err != nil {
		return err
	}
	made, err := clerk(db, w).CreateNetworkAccount(ctx, processor.NewNetworkAccount{
		NetworkAccount: payment.NetworkAccount{
			Kind: v.Kind, Mode: v.Mode, Owner: owner.ID, Name: v.Name, BaseURL: v.BaseURL, StatementPrefix: v.StatementPrefix,
			Fees:      payment.FeeRate{Share: money.Rate(v.FeePercent), Fixed: money.Amount(v.FeeFixed)},
			PerSecond: v.PerSecond, Default: v.Default,
		},
		Secrets: store.NewNetworkSecrets(key, some(secret)...), FullKey: v.FullKey,
	})
	if err != nil {
		return err
	}
	warnFullKey(w, made)
	a := describeNetwork(made, v.PublicURL)
	if v.JSON {
		return printJSON(w.Out, a)
	}
	if err := printFacts(w.Out, a.facts()); err != nil {
		return err
	}
	fmt.Fprint(w.Out, "\n", a.next())
	return nil
}

// check refuses flags that do not go together.
func (v networkAdd) check() error {
	if v.KeyFile == "-" && v.EventSecretFile == "-" {
		return errors.New("--key-file and --event-secret-file cannot both be standard input")
	}
	return errors.Join(checkLoopback("--base-url", v.BaseURL), checkURL("--public-url", v.PublicURL))
}

// checkLoopback refuses an address of another machine, which would get the
// account's key.
func checkLoopback(flag, address string) error {
	if address == "" {
		return nil
	}
	u, err := url.Parse(address)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.User == nil && u.RawQuery == "" &&
		u.Fragment == "" {
		if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsLoopback() || u.Hostname() == "localhost" {
			return nil
		}
	}
	return fmt.Errorf("%s: give an address of this machine, such as http://127.0.0.1:12111", flag)
}

// some is a list without empty texts.
func some(texts ...string) (list []string) {
	for _, text := range texts {
		if text != "" {
			list = append(list, text)
		}
	}
	return list
}

// warnFullKey prints the risk of a key with all rights.
func warnFullKey(w world, a store.NetworkAccount) {
	if form, err := payment.ReadNetworkKey(a.Secrets.Key()); err == nil && form.Full {
		fmt.Fprintf(w.Err, `Warning: the key of the account %s may do everything, such as pay out money to another bank account. A
thief of the key can do that, too. Make a restricted key in the network's dashboard, and replace this one: holdfast
network set %s --key-file FILE
`, a.Name, a.Name)
	}
}

// A networkAnswer is an account as --json prints it. It has no secrets.
type networkAnswer struct {
	AccountID       payment.NetworkAccountID `json:"accountId"`
	Name            string                   `json:"name"`
	Kind            payment.NetworkKind      `json:"kind"`
	Mode            payment.NetworkMode      `json:"mode"`
	Owner           party.ID                 `json:"owner"`
	Remote          string                   `json:"remote,omitempty"`
	Key             string                   `json:"key"` // restricted or full
	EventSecrets    int                      `json:"eventSecrets"`
	Events          string                   `json:"events"` // where the network sends them
	StatementPrefix string                   `json:"statementPrefix,omitempty"`
	FeePercent      string                   `json:"feePercent"`
	FeeFixed        dollars                  `json:"feeFixed"`
	PerSecond       int                      `json:"perSecond"`
	Default         bool                     `json:"default"`
	BaseURL         string                   `json:"baseUrl,omitempty"`
	Stopped         string                   `json:"stopped,omitempty"`
	Created         time.Time                `json:"created"`
}

func describeNetwork(a store.NetworkAccount, public string) networkAnswer {
	key := "restricted"
	if form, err := payment.ReadNetworkKey(a.Secrets.Key()); err == nil && form.Full {
		key = "full"
	}
	return networkAnswer{
		AccountID: a.ID, Name: a.Name, Kind: a.Kind, Mode: a.Mode, Owner: a.Owner, Remote: a.Remote, Key: key,
		EventSecrets: len(a.Secrets.Events()), Events: strings.TrimSuffix(public, "/") + eventsPath(a.ID),
		StatementPrefix: a.StatementPrefix, FeePercent: a.Fees.Share.Percent(), FeeFixed: dollars(a.Fees.Fixed),
		PerSecond: a.PerSecond, Default: a.Default, BaseURL: a.BaseURL, Stopped: a.Stopped, Created: a.Created,
	}
}

// eventsPath is where a network sends the events of an account.
func eventsPath(id payment.NetworkAccountID) string { return "/networks/" + string(id) + "/events" }

func (a networkAnswer) facts() []fact {
	byDefault := ""
	if a.Default {
		byDefault = "yes"
	}
	return []fact{
		{"account", string(a.AccountID)},
		{"name", a.Name},
		{"network", string(a.Kind)},
		{"mode", string(a.Mode)},
		{"owner", string(a.Owner)},
		{"network's id", a.Remote},
		{"key", a.Key},
		{"event secrets", strconv.Itoa(a.EventSecrets)},
		{"events", a.Events},
		{"statement prefix", a.StatementPrefix},
		{"fee", a.FeePercent + " % + " + a.FeeFixed.String()},
		{"requests a second", strconv.Itoa(a.PerSecond)},
		{"default", byDefault},
		{"address", a.BaseURL},
		{"stopped", a.Stopped},
		{"created", moment(a.Created)},
	}
}

// next says what an operator does after adding an account.
func (a networkAnswer) next() string {
	text := ""
	if a.EventSecrets == 0 {
		text = fmt.Sprintf(`Make a webhook endpoint in the network's dashboard for the address of your server with the path
%s, and store its secret: holdfast network set %s --add-event-secret-file FILE
`, eventsPath(a.AccountID), a.Name)
	}
	text += fmt.Sprintf("Let a caller use the account: holdfast caller set --network %s", a.Name)
	if a.Mode == payment.NetworkLive {
		return text + " --live\nStart the server, or restart servers that were started without a live account.\n"
	}
	return text + "\n"
}

type networkList struct {
	storeFlags
	JSON bool `name:"json" help:"Print one line of JSON for each."`
}

func (v networkList) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	all, err := db.NetworkAccounts(ctx)
	if err != nil {
		return err
	}
	table := newColumns(w.Out, "ACCOUNT", "NAME", "NETWORK", "MODE", "OWNER", "KEY", "STATE")
	for _, account := range all {
		a := describeNetwork(account, "")
		if v.JSON {
			if err := printJSON(w.Out, a); err != nil {
				return err
			}
			continue
		}
		table.row(string(a.AccountID), a.Name, string(a.Kind), string(a.Mode), string(a.Owner), a.Key, a.state())
	}
	return table.Flush()
}

// state says in a few words what is special about an account.
func (a networkAnswer) state() string {
	var words []string
	if a.Default {
		words = append(words, "default")
	}
	if a.EventSecrets == 0 {
		words = append(words, "no event secret")
	}
	if a.Stopped != "" {
		words = append(words, "stopped: "+a.Stopped)
	}
	return strings.Join(words, ", ")
}

type networkShow struct {
	networkFlags
	PublicURL string `name:"public-url" help:"Name the server's public address, to print where the network sends events." env:"HOLDFAST_PUBLIC_URL" placeholder:"URL"`
}

func (v networkShow) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	account, err := v.find(ctx, db.Reader)
	if err != nil {
		return err
	}
	var need payment.NetworkNeed
	err = db.View(ctx, func(tx *store.ReadTx) (err error) {
		need, err = tx.NetworkNeed(account.ID, w.Now())
		return err
	})
	if err != nil {
		return err
	}
	a := networkUseAnswer{
		describeNetwork(account, v.PublicURL), need.Callers, need.Open, need.Tokens, need.PageHolds,
		need.Disputes, need.Paid,
	}
	if v.JSON {
		return printJSON(w.Out, a)
	}
	return printFacts(w.Out, a.facts())
}

// A networkUseAnswer is an account and what uses it, as --json prints it.
type networkUseAnswer struct {
	networkAnswer
	Callers   int64 `json:"callers"`
	Open      int64 `json:"openPayments"`
	Tokens    int64 `json:"tokens"`
	PageHolds int64 `json:"pageHolds"`
	Disputes  int64 `json:"openDisputes"`
	Paid      int64 `json:"payments"`
}

func (a networkUseAnswer) facts() []fact {
	return append(
		a.networkAnswer.facts(),
		fact{"callers", strconv.FormatInt(a.Callers, 10)},
		fact{"open payments", strconv.FormatInt(a.Open, 10)},
		fact{"tokens", strconv.FormatInt(a.Tokens, 10)},
		fact{"holds on pages", strconv.FormatInt(a.PageHolds, 10)},
		fact{"open disputes", strconv.FormatInt(a.Disputes, 10)},
		fact{"payments", strconv.FormatInt(a.Paid, 10)},
	)
}
