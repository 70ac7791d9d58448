package processor

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"

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
		e.writeAccount,
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

// writeAccount writes all that is bounded.
func (e *personalExport) writeAccount() error {
	var fields []personalField
	err := e.p.db.View(e.ctx, func(tx *store.ReadTx) (err error) {
		fields, err = e.account(tx)
		return err
	})
	if err != nil {
		return err
	}
	for _, f := range fields {
		if err := e.to.WriteToken(jsontext.String(f.name)); err != nil {
			return err
		}
		if err := json.MarshalEncode(e.to, f.value); err != nil {
			return err
		}
	}
	return nil
}

// A personalField is a named value of an export.
type personalField struct {
	name  string
	value any
}

func (e *personalExport) account(tx *store.ReadTx) ([]personalField, error) {
	in, err := eraseInput(tx, e.id)
	if err != nil {
		return nil, err
	}
	app, _, err := tx.TOTP(e.id)
	if err != nil {
		return nil, err
	}
	left, err := tx.RecoveryCodes(e.id)
	if err != nil {
		return nil, err
	}
	fields := []personalField{
		{"party", exportedPartyOf(in.Party)},
		{"balances", map[string]string{"sandbox": in.Sandbox.String(), "live": in.Live.String()}},
		{"secondFactor", exportedFactor{app.Confirmed, left}},
	}
	invitations := func(party.ID) ([]party.Invitation, error) { return tx.InvitationsTo(in.Party) }
	for _, read := range []func(party.ID) (personalField, error){
		allOf("addresses", tx.AllAddresses, exportedAddressOf),
		allOf("paymentMethods", tx.AllInstruments, exportedInstrumentOf),
		allOf("prepaidAndCredit", tx.AggregatesFor, exportedAggregateOf),
		allOf("namesAtCardNetworks", tx.NetworkCustomers, exportedCustomerOf),
		allOf("passkeys", tx.Passkeys, exportedPasskeyOf),
		allOf("signedIn", tx.SignedInAll, exportedSessionOf),
		allOf("letters", tx.ProofsOf, exportedLetterOf),
		allOf("memberships", tx.Memberships, exportedMemberOf),
		allOf("invitations", invitations, exportedInvitationOf),
	} {
		field, err := read(e.id)
		if err != nil {
			return nil, err
		}
		fields = append(fields, field)
	}
	return fields, nil
}

// allOf returns a function that reads all objects of one kind of a party.
func allOf[T, U any](
	name string, read func(party.ID) ([]T, error), form func(T) U,
) func(party.ID) (personalField, error) {
	return func(id party.ID) (personalField, error) {
		objects, err := read(id)
		return personalField{name, mapped(objects, form)}, err
	}
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
		tokens, _, err := tx.TokensOf(store.PartyTokens{Party: e.id}, after, exportPage)
		for _, t := range tokens {
			after = store.PlaceOfToken(t)
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

func (e *personalExport) writeVisits() error {
	var after payment.VisitID
	return e.list("visits", func(tx *store.ReadTx) (page []any, err error) {
		visits, err := tx.VisitsOf(e.id, after, exportPage)
		for _, v := range visits {
			after = v.ID
			addresses, err := addressesIn(v.Params, v.Answer)
			if err != nil {
				return nil, err
			}
			page = append(page, exportedVisit{v.Caller, v.Reference, v.Status, addresses, v.Created, v.Ended})
		}
		return page, err
	})
}

// addressesIn are the addresses in some encoded parameters.
func addressesIn(encoded ...string) (all []map[string]string, err error) {
	for _, one := range encoded {
		params, err := holdfast.ParseParams(one)
		if err != nil {
			return nil, fmt.Errorf("reading the parameters of a visit: %w", err)
		}
		address := make(map[string]string)
		for _, name := range payment.AddressFields {
			if param, found := params.Fold(name); found {
				address[name] = param.Value
			}
		}
		if len(address) > 0 {
			all = append(all, address)
		}
	}
	return all, nil
}

// writeSentMails writes the records of mails about what the party has paid and
// authorised. The mails are no longer in the store.
func (e *personalExport) writeSentMails() error {
	at := mailedPlace{}
	return e.list("sentMails", func(tx *store.ReadTx) (page []any, err error) {
		for !at.done && len(page) == 0 { // a page of objects may have no records
			objects, err := e.mailed(tx, &at)
			if err != nil {
				return nil, err
			}
			for _, c := range slices.Sorted(maps.Keys(objects)) {
				records, err := tx.SentMails(c, objects[c])
				if err != nil {
					return nil, err
				}
				for _, r := range records {
					page = append(page, exportedRecord{c, r.About.Object, r.About.Kind, r.Masked, r.Outcome, r.Written, r.Done})
				}
			}
		}
		return page, nil
	})
}

// A mailedPlace is a position in the objects that mails to a party can be about: its
// payments, then its tokens.
type mailedPlace struct {
	paid          store.PaymentPlace
	token         store.TokenPlace
	allPaid, done bool
}

// mailed reads a page of these objects, by caller, and moves the place behind it.
func (e *personalExport) mailed(tx *store.ReadTx, at *mailedPlace) (map[party.CallerID][]string, error) {
	objects := make(map[party.CallerID][]string)
	if !at.allPaid {
		transactions, err := tx.PaidBy(e.id, at.paid, exportPage)
		for _, t := range transactions {
			at.paid = store.PaymentPlace{Received: t.Received, ID: t.ID}
			objects[t.Caller] = append(objects[t.Caller], string(t.ID))
		}
		at.allPaid = len(transactions) < exportPage
		return objects, err
	}
	tokens, _, err := tx.TokensOf(store.PartyTokens{Party: e.id}, at.token, exportPage)
	for _, t := range tokens {
		at.token = store.PlaceOfToken(t)
		objects[t.Caller] = append(objects[t.Caller], string(t.ID))
	}
	at.done = len(tokens) < exportPage
	return objects, err
}

func (e *personalExport) writeApprovals() error {
	var after store.ApprovalPlace
	return e.list("approvals", func(tx *store.ReadTx) (page []any, err error) {
		approvals, err := tx.ApprovalsOf(e.id, after, exportPage)
		for _, a := range approvals {
			after = store.ApprovalPlace{Caller: a.Caller, ID: a.ID}
			made := exportedApproval{
				Caller: a.Caller, Action: a.Action, Object: a.Object, Amount: a.Amount.String(), State: a.State,
			}
			if a.AskedBy == e.id {
				made.AskedAt = a.AskedAt
			}
			if a.DecidedBy == e.id {
				made.DecidedAt = a.DecidedAt
			}
			page = append(page, made)
		}
		return page, err
	})
}

func (e *personalExport) writeEntries() error {
	return e.entries("auditLog", store.AuditQuery{Actor: string(e.id)}, func(one party.AuditEntry) any {
		return exportedEntry{one.At, one.Actor.From, one.Action, one.Object}
	})
}

// writeDeeds writes what others have done to the party, without their names.
func (e *personalExport) writeDeeds() error {
	return e.entries("auditLogAboutParty", store.AuditQuery{Object: string(e.id)}, func(one party.AuditEntry) any {
		return exportedDeed{one.At, one.Action}
	})
}

// entries writes entries of the audit log.
func (e *personalExport) entries(name string, q store.AuditQuery, form func(party.AuditEntry) any) error {
	q.Limit = exportPage
	done := false
	return e.list(name, func(tx *store.ReadTx) (page []any, err error) {
		for !done && len(page) == 0 && err == nil { // a page may be empty although more follow
			var some []party.AuditEntry
			some, q.After, err = tx.AuditPage(q)
			page, done = mapped(some, form), q.After == ""
		}
		return page, err
	})
}
