package processor

import (
	"regexp"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

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

// letIn are the parts of a mail that let its reader in: codes, and the secrets of
// links. An export leaves them out, because another person may make it.
var letIn = regexp.MustCompile(`(link=)[^\s&]+|\b[0-9]{6}\b`)

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
