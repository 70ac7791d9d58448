package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// NetworkSecrets are the secrets of an account at a card network. They hide
// themselves, so that no formatter, logger or encoder can print them.
type NetworkSecrets struct{ reveal func() networkSecrets }

type networkSecrets struct {
	key    string
	events []string
}

// NewNetworkSecrets wraps an API key and the secrets that sign the network's
// messages: more than one while an old one is replaced.
func NewNetworkSecrets(key string, events ...string) NetworkSecrets {
	return NetworkSecrets{func() networkSecrets { return networkSecrets{key, events} }}
}

// Key returns the API key. Only the client of the network may call it.
func (s NetworkSecrets) Key() string { return s.revealed().key }

// Events returns the secrets that sign the network's messages.
func (s NetworkSecrets) Events() []string { return s.revealed().events }

func (s NetworkSecrets) revealed() networkSecrets {
	if s.reveal == nil {
		return networkSecrets{}
	}
	return s.reveal()
}

func (NetworkSecrets) String() string { return "NetworkSecrets(hidden)" }

// GoString keeps the secrets out of %#v.
func (NetworkSecrets) GoString() string { return "NetworkSecrets(hidden)" }

// LogValue keeps the secrets out of logs.
func (NetworkSecrets) LogValue() slog.Value { return slog.StringValue("hidden") }

// A NetworkAccount is an account at a card network with its secrets.
type NetworkAccount struct {
	payment.NetworkAccount
	Secrets NetworkSecrets
}

// A networkAccountRow is a row of the table network_accounts. Its secrets are
// sealed.
type networkAccountRow struct {
	payment.NetworkAccount
	credentials, eventSecrets []byte
}

var networkAccountTable = table[networkAccountRow]{name: "network_accounts", fields: fields[networkAccountRow]{
	textField("account_id", func(a *networkAccountRow) *payment.NetworkAccountID { return &a.ID }),
	textField("kind", func(a *networkAccountRow) *payment.NetworkKind { return &a.Kind }),
	textField("mode", func(a *networkAccountRow) *payment.NetworkMode { return &a.Mode }),
	textField("owner", func(a *networkAccountRow) *party.ID { return &a.Owner }),
	textField("name", func(a *networkAccountRow) *string { return &a.Name }),
	textField("remote", func(a *networkAccountRow) *string { return &a.Remote }),
	textField("base_url", func(a *networkAccountRow) *string { return &a.BaseURL }),
	textField("statement_prefix", func(a *networkAccountRow) *string { return &a.StatementPrefix }),
	bytesField("credentials", func(a *networkAccountRow) *[]byte { return &a.credentials }),
	bytesField("event_secrets", func(a *networkAccountRow) *[]byte { return &a.eventSecrets }),
	numberField("fee_share", func(a *networkAccountRow) *money.Rate { return &a.Fees.Share }),
	dollarsField("fee_fixed", func(a *networkAccountRow) *money.Amount { return &a.Fees.Fixed }),
	numberField("per_second", func(a *networkAccountRow) *int { return &a.PerSecond }),
	flagField("is_default", func(a *networkAccountRow) *bool { return &a.Default }),
	timeField("events_seen", func(a *networkAccountRow) *time.Time { return &a.EventsSeen }),
	textField("stopped", func(a *networkAccountRow) *string { return &a.Stopped }),
	timeField("created", func(a *networkAccountRow) *time.Time { return &a.Created }),
}}

var (
	networkAccountColumns = networkAccountTable.list()
	scanNetworkAccountRow = networkAccountTable.scanner()
	insertNetworkAccount  = networkAccountTable.insertText("")
	updateNetworkAccount  = networkAccountTable.update(`
		name, remote, base_url, statement_prefix, credentials, event_secrets, fee_share, fee_fixed, per_second, is_default,
		events_seen, stopped`, "account_id")
)

func (d dialect) scanNetworkAccount(from scanner) (NetworkAccount, error) {
	row, err := scanNetworkAccountRow(from)
	if err != nil {
		return NetworkAccount{}, err
	}
	key, err := d.sealer.unseal(row.credentials, networkKeyRow(row.ID))
	if err != nil {
		return NetworkAccount{}, err
	}
	plain, err := d.sealer.unseal(row.eventSecrets, networkEventsRow(row.ID))
	if err != nil {
		return NetworkAccount{}, err
	}
	var events []string
	if err := json.Unmarshal(plain, &events); err != nil {
		return NetworkAccount{}, fmt.Errorf("reading the event secrets of account %s: not a list", row.ID)
	}
	return NetworkAccount{row.NetworkAccount, NewNetworkSecrets(string(key), events...)}, nil
}

// ErrPlainStore refuses to store the key of a real account in a store that is
// not sealed.
var ErrPlainStore = errors.New("the key of a card network is stored only in a sealed store: run holdfast seal on, " +
	"and name the key file with --seal-key")

func (tx *Tx) networkAccountRow(a NetworkAccount) (*networkAccountRow, error) {
	if tx.dialect.sealer == nil && a.Mode == payment.NetworkLive {
		return nil, ErrPlainStore
	}
	events := a.Secrets.Events()
	if events == nil {
		events = []string{}
	}
	plain, err := json.Marshal(events)
	if err != nil {
		return nil, fmt.Errorf("writing the event secrets of account %s: %w", a.ID, err)
	}
	return &networkAccountRow{
		a.NetworkAccount,
		tx.dialect.sealer.seal([]byte(a.Secrets.Key()), networkKeyRow(a.ID)),
		tx.dialect.sealer.seal(plain, networkEventsRow(a.ID)),
	}, nil
}

// NetworkAccounts reads all accounts at card networks, the oldest first.
func (tx *ReadTx) NetworkAccounts() ([]NetworkAccount, error) {
	return list(tx, "reading accounts at card networks", tx.dialect.scanNetworkAccount, `
		SELECT `+networkAccountColumns+` FROM network_accounts ORDER BY created, account_id`)
}

// NetworkAccount reads an account at a card network.
func (tx *ReadTx) NetworkAccount(id payment.NetworkAccountID) (a NetworkAccount, found bool, err error) {
	all, err := list(tx, "reading an account at a card network", tx.dialect.scanNetworkAccount, `
		SELECT `+networkAccountColumns+` FROM network_accounts WHERE account_id = $1`, id)
	if err != nil || len(all) == 0 {
		return a, false, err
	}
	return all[0], true, nil
}

// NetworkAccount reads an account at a card network for the beginning of a
// question.
func (r Reader) NetworkAccount(
	ctx context.Context, id payment.NetworkAccountID,
) (a NetworkAccount, found bool, err error) {
	err = r.View(ctx, func(tx *ReadTx) error {
		a, found, err = tx.NetworkAccount(id)
		return err
	})
	return a, found, err
}

// NetworkAccountSettings reads an account without its secrets.
func (tx *ReadTx) NetworkAccountSettings(
	id payment.NetworkAccountID,
) (a payment.NetworkAccount, found bool, err error) {
	row, err := scanNetworkAccountRow(tx.sql.QueryRow(`
		SELECT `+networkAccountColumns+` FROM network_accounts WHERE account_id = $1`, id))
	found, err = maybe("reading the settings of an account at a card network", err)
	return row.NetworkAccount, found, err
}

// NetworkFees reads the operator's fee for payments of an account. It is zero for
// an account that does not exist.
func (tx *ReadTx) NetworkFees(id payment.NetworkAccountID) (payment.FeeRate, error) {
	all, err := list(tx, "reading the fee of an account at a card network",
		func(row scanner) (rate payment.FeeRate, err error) {
			rate.Fixed = money.Micros(0)
			return rate, row.Scan(&rate.Share, dollarsDest{&rate.Fixed})
		}, `SELECT fee_share, fee_fixed FROM network_accounts WHERE account_id = $1`, id)
	if err != nil || len(all) == 0 {
		return payment.FeeRate{Fixed: money.Micros(0)}, err
	}
	return all[0], nil
}

// NetworkAccounts is [ReadTx.NetworkAccounts] outside an action.
func (r Reader) NetworkAccounts(ctx context.Context) (all []NetworkAccount, err error) {
	err = r.glance(ctx, func(tx *ReadTx) (err error) {
		all, err = tx.NetworkAccounts()
		return err
	})
	return all, err
}

// InsertNetworkAccount adds an account. It is ErrPlainStore for a live account in
// a store that is not sealed.
func (tx *Tx) InsertNetworkAccount(a NetworkAccount) error {
	row, err := tx.networkAccountRow(a)
	if err != nil {
		return err
	}
	return tx.one("adding an account at a card network", insertNetworkAccount, networkAccountTable.fields.values(row)...)
}

// UpdateNetworkAccount writes an account's settings and secrets.
func (tx *Tx) UpdateNetworkAccount(a NetworkAccount) error {
	row, err := tx.networkAccountRow(a)
	if err != nil {
		return err
	}
	return tx.one("changing an account at a card network", updateNetworkAccount.text,
		updateNetworkAccount.values.values(row)...)
}

// RemoveNetworkAccount removes an account. The caller has made sure that nothing
// needs it any more.
func (tx *Tx) RemoveNetworkAccount(id payment.NetworkAccountID) error {
	if _, err := tx.exec("removing the health of an account", `
		DELETE FROM network_health WHERE account_id = $1`, id); err != nil {
		return err
	}
	return tx.one("removing an account at a card network", `DELETE FROM network_accounts WHERE account_id = $1`, id)
}
