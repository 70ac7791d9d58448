package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

var networkPageTable = table[payment.NetworkPage]{name: "network_pages", fields: fields[payment.NetworkPage]{
	textField("page_key", func(p *payment.NetworkPage) *string { return &p.Key }),
	textField("visit_id", func(p *payment.NetworkPage) *payment.VisitID { return &p.Visit }),
	textField("account_id", func(p *payment.NetworkPage) *payment.NetworkAccountID { return &p.Account }),
	textField("party_id", func(p *payment.NetworkPage) *party.ID { return &p.Party }),
	flagField("guest", func(p *payment.NetworkPage) *bool { return &p.Guest }),
	textField("mode", func(p *payment.NetworkPage) *payment.PageMode { return &p.Mode }),
	textField("hold_id", func(p *payment.NetworkPage) *payment.PageHoldID { return &p.Hold }),
	textField("page", func(p *payment.NetworkPage) *string { return &p.Page }),
	textField("language", func(p *payment.NetworkPage) *string { return &p.Language }),
	textField("consent", func(p *payment.NetworkPage) *string { return &p.Consent }),
	timeField("created", func(p *payment.NetworkPage) *time.Time { return &p.Created }),
	timeField("expires", func(p *payment.NetworkPage) *time.Time { return &p.Expires }),
	textField("state", func(p *payment.NetworkPage) *payment.NetworkPageState { return &p.State }),
	timeField("next_at", func(p *payment.NetworkPage) *time.Time { return &p.NextAt }),
}}

var (
	networkPageColumns = networkPageTable.list()
	scanNetworkPage    = networkPageTable.scanner()
	insertNetworkPage  = networkPageTable.insertText("")
	updateNetworkPage  = networkPageTable.update("page, expires, state, next_at", "page_key")
)

// NetworkPage reads a page by its key.
func (tx *ReadTx) NetworkPage(key string) (p payment.NetworkPage, found bool, err error) {
	p, err = scanNetworkPage(tx.sql.QueryRow(`
		SELECT `+networkPageColumns+` FROM network_pages WHERE page_key = $1`, key))
	found, err = maybe("reading a network's page", err)
	return p, found, err
}

// NetworkPageCalled reads a page by the network's id.
func (tx *ReadTx) NetworkPageCalled(
	a payment.NetworkAccountID, page string,
) (p payment.NetworkPage, found bool, err error) {
	p, err = scanNetworkPage(tx.sql.QueryRow(`
		SELECT `+networkPageColumns+` FROM network_pages WHERE account_id = $1 AND page = $2 AND page <> ''`, a, page))
	found, err = maybe("reading a network's page by its id", err)
	return p, found, err
}

// NetworkPagesOf reads the pages of a visit, the oldest first.
func (tx *ReadTx) NetworkPagesOf(v payment.VisitID) ([]payment.NetworkPage, error) {
	return list(tx, "reading a visit's pages", scanNetworkPage, `
		SELECT `+networkPageColumns+` FROM network_pages WHERE visit_id = $1 ORDER BY created, page_key`, v)
}

// NetworkPagesDue reads open pages that the server must look at, the longest due
// first.
func (tx *ReadTx) NetworkPagesDue(now time.Time, limit int) ([]payment.NetworkPage, error) {
	return list(tx, "looking for pages that are due", scanNetworkPage, `
		SELECT `+networkPageColumns+` FROM network_pages
		WHERE state IN ('Asking', 'Open') AND next_at <= $1 ORDER BY next_at LIMIT $2`, micros(now), limit)
}

// InsertNetworkPage adds a page.
func (tx *Tx) InsertNetworkPage(p payment.NetworkPage) error {
	return tx.one("adding a network's page", insertNetworkPage, networkPageTable.fields.values(&p)...)
}

// ChangeNetworkPage writes what has changed of a page. It is ErrStale if the page
// has another state since it was read.
func (tx *Tx) ChangeNetworkPage(before, after payment.NetworkPage) error {
	return tx.one("changing a network's page", updateNetworkPage.text+" AND state = $6",
		append(updateNetworkPage.values.values(&after), string(before.State))...)
}

// NetworkCustomer reads a network's name for a party, or nothing.
func (tx *ReadTx) NetworkCustomer(p party.ID, a payment.NetworkAccountID) (customer string, err error) {
	err = tx.sql.QueryRow(`
		SELECT customer FROM network_customers WHERE party_id = $1 AND account_id = $2`, p, a).Scan(&customer)
	_, err = maybe("reading a network's name for a party", err)
	return customer, err
}

// SetNetworkCustomer writes a network's name for a party, unless there is one.
func (tx *Tx) SetNetworkCustomer(p party.ID, a payment.NetworkAccountID, customer string) error {
	_, err := tx.exec("writing a network's name for a party", `
		INSERT INTO network_customers (party_id, account_id, customer) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
		p, a, customer)
	return err
}

// ForgetNetworkCustomer removes a network's name for a party, because the network
// no longer has the customer.
func (tx *Tx) ForgetNetworkCustomer(p party.ID, a payment.NetworkAccountID, customer string) error {
	_, err := tx.exec("removing a network's name for a party", `
		DELETE FROM network_customers WHERE party_id = $1 AND account_id = $2 AND customer = $3`, p, a, customer)
	return err
}
