package processor

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// letIn are the parts of a mail that let its reader in: codes, and the secrets of
// links. An export leaves them out, because another person may make it.
var letIn = regexp.MustCompile(`(link=)[^\s&]+|\b[0-9]{6}\b`)

// The forms of further objects in an export.
type (
	exportedMail struct {
		To      string            `json:"to"`
		Subject string            `json:"subject"`
		Text    string            `json:"text"`
		Created time.Time         `json:"created"`
		Outcome store.MailOutcome `json:"outcome"`
	}
	exportedLetter struct {
		Purpose party.ProofPurpose `json:"purpose"`
		To      string             `json:"to"`
		Created time.Time          `json:"created"`
	}
	exportedFactor struct {
		App               time.Time `json:"app,omitzero"` // since when
		RecoveryCodesLeft int       `json:"recoveryCodesLeft"`
	}
	exportedMember struct {
		Caller      party.CallerID `json:"caller,omitzero"` // without one, of the whole server
		Role        party.Role     `json:"role"`
		RefundLimit string         `json:"refundLimit,omitzero"`
		Created     time.Time      `json:"created"`
	}
	exportedCustomer struct {
		Account payment.NetworkAccountID `json:"account"`
		Name    string                   `json:"name"`
	}
	exportedAggregate struct {
		Caller    party.CallerID         `json:"caller"`
		Method    holdfast.PaymentMethod `json:"method"`
		Limit     string                 `json:"limit"`
		Balance   string                 `json:"balance"`
		Installed time.Time              `json:"installed"`
		Expires   time.Time              `json:"expires,omitzero"`
	}
	exportedVisit struct {
		Caller    party.CallerID           `json:"caller"`
		Reference holdfast.CallerReference `json:"reference"`
		Status    holdfast.ReturnStatus    `json:"status,omitzero"`
		Addresses []map[string]string      `json:"addresses,omitzero"`
		Created   time.Time                `json:"created"`
		Ended     time.Time                `json:"ended,omitzero"`
	}
	exportedRecord struct {
		Caller  party.CallerID    `json:"caller"`
		Object  string            `json:"object"`
		Kind    party.MailKind    `json:"kind"`
		To      string            `json:"to"` // masked
		Outcome store.MailOutcome `json:"outcome"`
		Written time.Time         `json:"written"`
		Done    time.Time         `json:"done,omitzero"`
	}
	exportedApproval struct {
		Caller    party.CallerID       `json:"caller"`
		Action    party.ApprovalAction `json:"action"`
		Object    string               `json:"object"`
		Amount    string               `json:"amount"`
		State     party.ApprovalState  `json:"state"`
		AskedAt   time.Time            `json:"askedAt,omitzero"`   // by the party
		DecidedAt time.Time            `json:"decidedAt,omitzero"` // by the party
	}
	exportedDeed struct {
		At     time.Time         `json:"at"`
		Action party.AuditAction `json:"action"`
	}
)

func exportedMailOf(m store.Mail) exportedMail {
	return exportedMail{m.To, m.Subject, letIn.ReplaceAllString(m.Text, "${1}…"), m.Created, m.Outcome}
}

func exportedLetterOf(p party.Proof) exportedLetter {
	return exportedLetter{p.Purpose, p.Email, p.Created}
}

func exportedMemberOf(m party.Member) exportedMember {
	return exportedMember{m.Caller, m.Role, amountFact(m.RefundLimit), m.Created}
}

func exportedInvitationOf(i party.Invitation) exportedMember {
	return exportedMember{i.Caller, i.Role, amountFact(i.RefundLimit), i.Created}
}

func exportedCustomerOf(c store.NetworkCustomer) exportedCustomer {
	return exportedCustomer{c.Account, c.Customer}
}

func exportedAggregateOf(a payment.AggregateInstrument) exportedAggregate {
	return exportedAggregate{a.Caller, a.Method, a.Limit.String(), a.Balance.String(), a.Installed, a.Expires}
}

// A personalField is a named value of an export.
type personalField struct {
	name  string
	value any
}

// access reads how a party may sign in, and as what.
func (e *personalExport) access(tx *store.ReadTx, found party.Party) ([]personalField, error) {
	passkeys, err := tx.Passkeys(e.id)
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
	signedIn, err := tx.SignedInAll(e.id)
	if err != nil {
		return nil, err
	}
	letters, err := tx.ProofsOf(e.id)
	if err != nil {
		return nil, err
	}
	members, err := tx.Memberships(e.id)
	if err != nil {
		return nil, err
	}
	invitations, err := tx.InvitationsTo(found)
	if err != nil {
		return nil, err
	}
	return []personalField{
		{"passkeys", mapped(passkeys, exportedPasskeyOf)},
		{"secondFactor", exportedFactor{app.Confirmed, left}},
		{"signedIn", mapped(signedIn, exportedSessionOf)},
		{"letters", mapped(letters, exportedLetterOf)},
		{"memberships", mapped(members, exportedMemberOf)},
		{"invitations", mapped(invitations, exportedInvitationOf)},
	}, nil
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
	tokens, err := tx.TokensOf(e.id, false, e.p.now(), at.token, exportPage)
	for _, t := range tokens {
		at.token = store.TokenPlace{Installed: t.Installed, ID: t.ID}
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
