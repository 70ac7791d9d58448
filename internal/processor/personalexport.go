package processor

import (
	"context"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// ExportParty writes everything that is kept about a party as JSON, and an entry
// into the audit log.
func (p *Processor) ExportParty(ctx context.Context, id party.ID, to io.Writer) error {
	err := p.db.Update(ctx, func(tx *store.Tx) error {
		if _, err := partyOf(&tx.ReadTx, id); err != nil {
			return err
		}
		return tx.Log(party.AuditEntry{Action: "party.export", Object: string(id)}, p.now())
	})
	if err != nil {
		return err
	}
	e := personalExport{ctx: ctx, p: p, id: id, to: jsontext.NewEncoder(to, jsontext.WithIndent("  "))}
	return e.write()
}

// A personalExport writes the personal data of a party. It reads long lists page by
// page, so a long history needs no more memory than a short one.
type personalExport struct {
	ctx context.Context
	p   *Processor
	id  party.ID
	to  *jsontext.Encoder
}

const exportPage = 500

func (e *personalExport) write() error {
	if err := e.to.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, part := range []func() error{
		func() error { return e.p.db.View(e.ctx, e.writeAccount) },
		e.writeMails,
		e.writeVisits,
		e.writeTokens,
		func() error { return e.writePayments("paid", (*store.ReadTx).PaidBy) },
		func() error { return e.writePayments("received", (*store.ReadTx).PaidTo) },
		e.writeSentMails,
		e.writeApprovals,
		e.writeEntries,
		e.writeDeeds,
	} {
		if err := part(); err != nil {
			return err
		}
	}
	return e.to.WriteToken(jsontext.EndObject)
}

// field writes a name and its value.
func (e *personalExport) field(name string, value any) error {
	if err := e.to.WriteToken(jsontext.String(name)); err != nil {
		return err
	}
	return json.MarshalEncode(e.to, value)
}

// writeAccount writes all that is bounded.
func (e *personalExport) writeAccount(tx *store.ReadTx) error {
	found, err := partyOf(tx, e.id)
	if err != nil {
		return err
	}
	addresses, err := tx.AllAddresses(e.id)
	if err != nil {
		return err
	}
	instruments, err := tx.AllInstruments(e.id)
	if err != nil {
		return err
	}
	aggregates, err := tx.AggregatesFor(e.id)
	if err != nil {
		return err
	}
	customers, err := tx.NetworkCustomers(e.id)
	if err != nil {
		return err
	}
	access, err := e.access(tx, found)
	if err != nil {
		return err
	}
	in, err := eraseInput(tx, e.id)
	if err != nil {
		return err
	}
	for _, one := range append([]personalField{
		{"party", exportedPartyOf(found)},
		{"balances", map[string]string{"sandbox": in.Sandbox.String(), "live": in.Live.String()}},
		{"addresses", mapped(addresses, exportedAddressOf)},
		{"paymentMethods", mapped(instruments, exportedInstrumentOf)},
		{"prepaidAndCredit", mapped(aggregates, exportedAggregateOf)},
		{"namesAtCardNetworks", mapped(customers, exportedCustomerOf)},
	}, access...) {
		if err := e.field(one.name, one.value); err != nil {
			return err
		}
	}
	return nil
}

func mapped[T, U any](all []T, to func(T) U) []U {
	made := make([]U, len(all))
	for i, one := range all {
		made[i] = to(one)
	}
	return made
}

// list writes an array, a page at a time. read returns no entry at the end.
func (e *personalExport) list(name string, read func(*store.ReadTx) ([]any, error)) error {
	for _, token := range []jsontext.Token{jsontext.String(name), jsontext.BeginArray} {
		if err := e.to.WriteToken(token); err != nil {
			return err
		}
	}
	for {
		var page []any
		err := e.p.db.View(e.ctx, func(tx *store.ReadTx) (err error) {
			page, err = read(tx)
			return err
		})
		if err != nil {
			return err
		}
		if len(page) == 0 {
			return e.to.WriteToken(jsontext.EndArray)
		}
		for _, one := range page {
			if err := json.MarshalEncode(e.to, one); err != nil {
				return err
			}
		}
	}
}

func (e *personalExport) writeMails() error {
	var after store.MailPlace
	return e.list("mails", func(tx *store.ReadTx) (page []any, err error) {
		owner, err := partyOf(tx, e.id)
		if err != nil {
			return nil, err
		}
		mails, err := tx.MailsTo(owner, after, exportPage)
		for _, m := range mails {
			after = store.MailPlace{Created: m.Created, ID: m.ID}
			page = append(page, exportedMailOf(m))
		}
		return page, err
	})
}

func (e *personalExport) writeTokens() error {
	var after store.TokenPlace
	return e.list("authorisations", func(tx *store.ReadTx) (page []any, err error) {
		tokens, err := tx.TokensOf(e.id, false, e.p.now(), after, exportPage)
		for _, t := range tokens {
			after = store.TokenPlace{Installed: t.Installed, ID: t.ID}
			consent, _, err := tx.Consent(t.Caller, t.ID)
			if err != nil {
				return nil, err
			}
			page = append(page, exportedTokenOf(t, consent))
		}
		return page, err
	})
}

func (e *personalExport) writePayments(
	name string, read func(*store.ReadTx, party.ID, store.PaymentPlace, int) ([]payment.Transaction, error),
) error {
	var after store.PaymentPlace
	return e.list(name, func(tx *store.ReadTx) (page []any, err error) {
		transactions, err := read(tx, e.id, after, exportPage)
		for _, t := range transactions {
			after = store.PaymentPlace{Received: t.Received, ID: t.ID}
			page = append(page, exportedPaymentOf(t))
		}
		return page, err
	})
}

func (e *personalExport) writeEntries() error {
	return e.entries("auditLog", store.AuditQuery{Actor: string(e.id)}, func(one party.AuditEntry) any {
		return exportedEntry{one.At, one.Actor.From, one.Action, one.Object}
	})
}

// The forms of the objects in an export. Times are in UTC; those of authorisations and
// payments are by the clocks of their callers.
type (
	exportedParty struct {
		ID             party.ID       `json:"id"`
		Name           string         `json:"name"`
		Email          string         `json:"email"`
		EmailVerified  bool           `json:"emailVerified"`
		Language       string         `json:"language"`
		Standing       party.Standing `json:"standing"`
		Business       bool           `json:"business"`
		Verified       bool           `json:"verified"`
		Guest          bool           `json:"guest"`
		SendingLimit   string         `json:"sendingLimit,omitzero"`
		ReceivingLimit string         `json:"receivingLimit,omitzero"`
		Created        time.Time      `json:"created"`
	}
	exportedAddress struct {
		Name    string    `json:"name"`
		Line1   string    `json:"line1"`
		Line2   string    `json:"line2"`
		City    string    `json:"city"`
		State   string    `json:"state"`
		Zip     string    `json:"zip"`
		Country string    `json:"country"`
		Phone   string    `json:"phone"`
		Removed bool      `json:"removed"`
		Created time.Time `json:"created"`
	}
	exportedInstrument struct {
		Method      holdfast.PaymentMethod `json:"method"`
		Brand       string                 `json:"brand,omitzero"`
		Last4       string                 `json:"last4,omitzero"`
		Holder      string                 `json:"holder,omitzero"`
		ExpiryMonth int                    `json:"expiryMonth,omitzero"`
		ExpiryYear  int                    `json:"expiryYear,omitzero"`
		Country     string                 `json:"country,omitzero"`
		Removed     bool                   `json:"removed"`
		Created     time.Time              `json:"created"`
	}
	exportedPasskey struct {
		Name     string    `json:"name"`
		Created  time.Time `json:"created"`
		LastUsed time.Time `json:"lastUsed,omitzero"`
	}
	exportedSession struct {
		Browser  string    `json:"browser"`
		System   string    `json:"system"`
		Network  string    `json:"network"`
		Begun    time.Time `json:"begun"`
		LastSeen time.Time `json:"lastSeen"`
	}
	exportedToken struct {
		Handle    payment.TokenHandle    `json:"handle"`
		Caller    party.CallerID         `json:"caller"`
		Type      holdfast.TokenType     `json:"type"`
		Use       payment.TokenUse       `json:"use"`
		Method    holdfast.PaymentMethod `json:"method,omitzero"`
		Reason    string                 `json:"reason,omitzero"`
		Amount    string                 `json:"amount,omitzero"`
		Installed time.Time              `json:"installed"`
		Expires   time.Time              `json:"expires,omitzero"`
		Cancelled bool                   `json:"cancelled"`
		Consent   string                 `json:"consent,omitzero"`
		ConsentAt time.Time              `json:"consentAt,omitzero"`
	}
	exportedPayment struct {
		ID          holdfast.TransactionID `json:"id"`
		Caller      party.CallerID         `json:"caller"`
		Order       string                 `json:"order,omitzero"` // the caller's reference
		Kind        payment.Kind           `json:"kind"`
		State       payment.State          `json:"state"`
		Method      holdfast.PaymentMethod `json:"method"`
		Amount      string                 `json:"amount"`
		Refunded    string                 `json:"refunded,omitzero"`
		Description string                 `json:"description,omitzero"`
		Received    time.Time              `json:"received"`
		Completed   time.Time              `json:"completed,omitzero"`
	}
	exportedEntry struct {
		At     time.Time         `json:"at"`
		From   string            `json:"from,omitzero"`
		Action party.AuditAction `json:"action"`
		Object string            `json:"object,omitzero"`
	}
)

func exportedPartyOf(p party.Party) exportedParty {
	return exportedParty{
		ID: p.ID, Name: p.Name, Email: p.Email, EmailVerified: p.EmailVerified, Language: p.Language, Standing: p.Standing,
		Business: p.Business, Verified: p.Verified, Guest: p.Guest, SendingLimit: amountFact(p.SendingLimit),
		ReceivingLimit: amountFact(p.ReceivingLimit), Created: p.Created,
	}
}

func exportedAddressOf(a party.Address) exportedAddress {
	return exportedAddress{
		a.Name, a.Line1, a.Line2, a.City, a.State, a.Zip, a.Country, a.Phone, a.Removed, a.Created,
	}
}

func exportedInstrumentOf(i payment.Instrument) exportedInstrument {
	return exportedInstrument{
		i.Method, i.Brand, i.Last4, i.Holder, i.ExpiryMonth, i.ExpiryYear, i.Country, i.Removed, i.Created,
	}
}

func exportedPasskeyOf(k party.Passkey) exportedPasskey {
	return exportedPasskey{k.Name, k.Created, k.LastUsed}
}

func exportedSessionOf(s party.SignedIn) exportedSession {
	return exportedSession{s.Browser, s.System, s.Network, s.Begun, s.LastSeen}
}

func exportedTokenOf(t payment.Token, c payment.Consent) exportedToken {
	return exportedToken{
		Handle: t.Handle(), Caller: t.Caller, Type: t.Type, Use: t.Use, Method: t.Method, Reason: t.Reason,
		Amount: amountFact(t.Amount), Installed: t.Installed, Expires: t.Expires, Cancelled: t.Cancelled, Consent: c.Text,
		ConsentAt: c.At,
	}
}

func exportedPaymentOf(t payment.Transaction) exportedPayment {
	made := exportedPayment{
		ID: t.ID, Caller: t.Caller, Order: string(t.Reference), Kind: t.Kind, State: t.State, Method: t.Method,
		Amount: t.Amount.String(), Description: t.SenderDescription, Received: t.Received, Completed: t.Completed,
	}
	if t.Refunded.Positive() {
		made.Refunded = t.Refunded.String()
	}
	return made
}
