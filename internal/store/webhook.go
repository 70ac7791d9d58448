package store

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// A WebhookSecret signs the events that go to an endpoint.
type WebhookSecret struct {
	Key   holdfast.SecretKey // as its owner knows it, such as "whsec_MfKQ9r8…"
	Until time.Time          // real time; zero for the newest secret, which has no end
}

// A WebhookEndpoint is an endpoint with its secrets.
type WebhookEndpoint struct {
	payment.Endpoint
	Secrets []WebhookSecret // the newest first
	Tests   int             // its test events
}

// Live returns the secrets that sign at a time, the newest first.
func (e WebhookEndpoint) Live(now time.Time) []WebhookSecret {
	return slices.DeleteFunc(slices.Clone(e.Secrets), func(s WebhookSecret) bool {
		return !s.Until.IsZero() && !now.Before(s.Until)
	})
}

// An endpointRow is a row of the table webhook_endpoints. Its secrets are sealed.
type endpointRow struct {
	payment.Endpoint
	types       string
	secrets     []byte
	tests       int
	leasedUntil time.Time
}

var endpointTable = table[endpointRow]{name: "webhook_endpoints", fields: fields[endpointRow]{
	textField("endpoint_id", func(e *endpointRow) *payment.EndpointID { return &e.ID }),
	textField("caller_id", func(e *endpointRow) *party.CallerID { return &e.Caller }),
	textField("url", func(e *endpointRow) *string { return &e.URL }),
	textField("description", func(e *endpointRow) *string { return &e.Description }),
	textField("types", func(e *endpointRow) *string { return &e.types }),
	flagField("ordered", func(e *endpointRow) *bool { return &e.Ordered }),
	textField("pause", func(e *endpointRow) *payment.EndpointPause { return &e.Pause }),
	bytesField("secrets", func(e *endpointRow) *[]byte { return &e.secrets }),
	timeField("created", func(e *endpointRow) *time.Time { return &e.Created }),
	timeField("leased_until", func(e *endpointRow) *time.Time { return &e.leasedUntil }),
	numberField("events", func(e *endpointRow) *int { return &e.tests }).orNull(),
}}

var (
	endpointColumns   = endpointTable.list()
	scanEndpointTable = endpointTable.scanner()
	insertEndpoint    = endpointTable.insertText("")
	updateEndpoint    = endpointTable.update("url, description, types, ordered, pause, secrets, events", "endpoint_id")
)

func scanEndpointRow(from scanner) (endpointRow, error) {
	row, err := scanEndpointTable(from)
	row.Types = strings.Fields(row.types)
	return row, err
}

// A secretRow is one secret in the column secrets.
type secretRow struct {
	Key   string `json:"key"`
	Until int64  `json:"until,omitempty"`
}

// unsealed is the endpoint of a row with its secrets.
func (d dialect) unsealed(row endpointRow) (WebhookEndpoint, error) {
	e := WebhookEndpoint{Endpoint: row.Endpoint, Tests: row.tests}
	plain, err := d.sealer.unseal(row.secrets, webhookRow(row.ID))
	if err != nil {
		return e, err
	}
	var secrets []secretRow
	if err := json.Unmarshal(plain, &secrets); err != nil {
		return e, fmt.Errorf("reading the secrets of webhook endpoint %s: not a list", row.ID)
	}
	for _, s := range secrets {
		e.Secrets = append(e.Secrets, WebhookSecret{holdfast.NewSecretKey(s.Key), when(s.Until)})
	}
	return e, nil
}

func (tx *Tx) endpointRow(e WebhookEndpoint) (*endpointRow, error) {
	secrets := []secretRow{}
	for _, s := range e.Secrets {
		secrets = append(secrets, secretRow{string(s.Key.Reveal()), micros(s.Until)})
	}
	plain, err := json.Marshal(secrets)
	if err != nil {
		return nil, fmt.Errorf("writing the secrets of webhook endpoint %s: %w", e.ID, err)
	}
	return &endpointRow{
		Endpoint: e.Endpoint, types: strings.Join(e.Types, " "), tests: e.Tests,
		secrets: tx.dialect.sealer.seal(plain, webhookRow(e.ID)),
	}, nil
}

// WebhookEndpoint reads an endpoint of a caller with its secrets.
func (tx *ReadTx) WebhookEndpoint(
	c party.CallerID, id payment.EndpointID,
) (e WebhookEndpoint, found bool, err error) {
	row, found, err := tx.endpointOf(c, id)
	if err != nil || !found {
		return e, false, err
	}
	e, err = tx.dialect.unsealed(row)
	return e, err == nil, err
}

// Endpoint reads an endpoint of a caller without its secrets.
func (tx *ReadTx) Endpoint(c party.CallerID, id payment.EndpointID) (e payment.Endpoint, found bool, err error) {
	row, found, err := tx.endpointOf(c, id)
	return row.Endpoint, found, err
}

func (tx *ReadTx) endpointOf(c party.CallerID, id payment.EndpointID) (row endpointRow, found bool, err error) {
	rows, err := list(tx, "reading a webhook endpoint", scanEndpointRow, `
		SELECT `+endpointColumns+` FROM webhook_endpoints WHERE endpoint_id = $1 AND caller_id = $2`, id, c)
	if err != nil || len(rows) == 0 {
		return row, false, err
	}
	return rows[0], true, nil
}

// Endpoints reads the endpoints of a caller without their secrets, the oldest
// first.
func (tx *ReadTx) Endpoints(c party.CallerID) (all []payment.Endpoint, err error) {
	rows, err := list(tx, "reading webhook endpoints", scanEndpointRow, `
		SELECT `+endpointColumns+` FROM webhook_endpoints WHERE caller_id = $1 ORDER BY created, endpoint_id`, c)
	for _, row := range rows {
		all = append(all, row.Endpoint)
	}
	return all, err
}

// InsertWebhookEndpoint adds an endpoint.
func (tx *Tx) InsertWebhookEndpoint(e WebhookEndpoint) error {
	row, err := tx.endpointRow(e)
	if err != nil {
		return err
	}
	return tx.one("adding a webhook endpoint", insertEndpoint, endpointTable.fields.values(row)...)
}

// UpdateWebhookEndpoint writes the settings, the secrets and the number of test
// events of an endpoint.
func (tx *Tx) UpdateWebhookEndpoint(e WebhookEndpoint) error {
	row, err := tx.endpointRow(e)
	if err != nil {
		return err
	}
	return tx.one("changing a webhook endpoint", updateEndpoint.text, updateEndpoint.values.values(row)...)
}

// PauseEndpoint stops an endpoint, unless it is paused already.
func (tx *Tx) PauseEndpoint(id payment.EndpointID, why payment.EndpointPause) error {
	_, err := tx.exec("pausing a webhook endpoint", `
		UPDATE webhook_endpoints SET pause = $1 WHERE endpoint_id = $2 AND pause = ''`, string(why), id)
	return err
}

// RemoveEndpoint removes an endpoint. ForgetWebhooks removes its deliveries later,
// because there may be millions.
func (tx *Tx) RemoveEndpoint(id payment.EndpointID) error {
	return tx.one("removing a webhook endpoint", `DELETE FROM webhook_endpoints WHERE endpoint_id = $1`, id)
}
