package processor

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// logCaller writes the audit entry of an action on something of a caller.
func (d decision) logCaller(action party.AuditAction, object string, after party.Facts) error {
	return d.tx.Log(party.AuditEntry{Action: action, Caller: d.caller.ID, Object: object, After: after}, d.real)
}

// logMove writes the audit entry of a request that moves money, by its first change.
// amount is not given if the request names none.
//
// The steps of Reserve, Pay and Settle are their record. They have an entry only for
// a call of the JSON API and for a person.
func (d decision) logMove(
	call *Call, action party.AuditAction, c *payment.Change, amount money.Amount,
) error {
	kind := d.tx.Actor().Kind
	if call == nil && kind != party.ActorMember && kind != party.ActorCommand {
		switch action {
		case actionHold, actionPay, actionSettle:
			return nil
		}
	}
	t := &c.After
	after := party.Facts{}
	if amount.Given() {
		after["amount"] = amount.String()
	}
	if t.Reference != "" {
		after["reference"] = string(t.Reference)
	}
	if t.Parent != "" {
		after["transaction"] = string(t.ID)
	}
	if call != nil {
		after["idempotency_key"] = call.Idempotency
	}
	return d.logCaller(action, string(cmp.Or(t.Parent, t.ID)), after)
}

// The actions of the audit log that move money.
const (
	actionHold     party.AuditAction = "hold.create"
	actionPay      party.AuditAction = "payment.create"
	actionSettle   party.AuditAction = "hold.settle"
	actionRelease  party.AuditAction = "hold.release"
	actionRaise    party.AuditAction = "hold.raise"
	actionRenew    party.AuditAction = "hold.renew"
	actionCancel   party.AuditAction = "payment.cancel"
	actionRefund   party.AuditAction = "payment.refund"
	actionFund     party.AuditAction = "prepaid.fund"
	actionPayDebt  party.AuditAction = "debt.settle"
	actionWriteOff party.AuditAction = "debt.write_off"
	actionEndSub   party.AuditAction = "subscription.cancel"
)

// callerFacts are a caller's settings, for the audit log.
func callerFacts(c party.Caller) party.Facts {
	return party.Facts{
		"owner": string(c.Owner), "name": c.Name, "descriptor": c.Descriptor, "ipn_url": plainURL(c.IPNURL),
		"zone":        c.Zone.String(),
		"bare_return": flagFact(c.BareReturn), "pending_first": flagFact(c.PendingFirst),
		"pending_notice": flagFact(c.PendingNotice), "signature_v1": flagFact(c.SignatureV1),
		"marketplace": flagFact(c.Marketplace), "resume": flagFact(c.Resume),
		"reuse_cancelled": flagFact(c.ReuseCancelled), "return_schemes": c.ReturnSchemes, "network": string(c.Network),
		"wait": durationFact(c.Wait), "hold_on_page": flagFact(c.HoldOnPage), "guests": flagFact(c.Guests),
		"guest_limit": amountFact(c.GuestLimit), "approve_above": amountFact(c.ApproveAbove),
		"warnings": string(c.Warnings), "warning_mails": flagFact(c.WarningMails), "buyer_mails": flagFact(c.BuyerMails),
		"sandbox": flagFact(c.Sandbox), "clock_offset": durationFact(c.ClockOffset),
	}
}

// keyFacts are the settings of a JSON key, for the audit log.
func keyFacts(k party.JSONKey) party.Facts {
	return party.Facts{
		"name": k.Name, "scopes": string(k.Scopes), "hold_limit": amountFact(k.HoldLimit),
		"day_limit": amountFact(k.DayLimit), "replaced_by": string(k.ReplacedBy), "expires": timeFact(k.Expires),
		"revoked": timeFact(k.Revoked),
	}
}

// endpointFacts are the settings of a webhook endpoint, for the audit log.
func endpointFacts(e payment.Endpoint) party.Facts {
	return party.Facts{
		"url": plainURL(e.URL), "description": e.Description, "types": strings.Join(e.Types, " "),
		"ordered": flagFact(e.Ordered), "pause": string(e.Pause),
	}
}

// networkFacts are the settings of an account at a card network, for the audit log.
// Of each secret they have a fingerprint, which shows that it was changed.
func networkFacts(a store.NetworkAccount) party.Facts {
	return party.Facts{
		"kind": string(a.Kind), "mode": string(a.Mode), "owner": string(a.Owner), "name": a.Name, "remote": a.Remote,
		"base_url": plainURL(a.BaseURL), "statement_prefix": a.StatementPrefix, "default": flagFact(a.Default), "per_second": strconv.Itoa(a.PerSecond),
		"fee_share": strconv.FormatInt(int64(a.Fees.Share), 10), "fee_fixed": amountFact(a.Fees.Fixed),
		"key": fingerprint(a.Secrets.Key()), "event_secrets": fingerprint(a.Secrets.Events()...),
	}
}

// fingerprint is the beginning of a hash of random secrets.
func fingerprint(secrets ...string) string {
	hash := sha256.Sum256([]byte(strings.Join(secrets, "\n")))
	return hex.EncodeToString(hash[:fingerprintBytes])
}

const fingerprintBytes = 6

func flagFact(is bool) string { return strconv.FormatBool(is) }

func durationFact(d time.Duration) string { return d.String() }

func amountFact(a money.Amount) string {
	if !a.Given() {
		return ""
	}
	return a.String()
}

func timeFact(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// plainURL is an address without user, password, query and fragment, which may hold
// secrets. A fingerprint stands for them, so that a change of them shows, too.
func plainURL(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "… (" + fingerprint(address) + ")"
	}
	hidden := []string{u.User.String(), u.RawQuery, u.Fragment}
	u.User, u.RawQuery, u.Fragment, u.RawFragment = nil, "", "", ""
	if strings.Join(hidden, "") == "" {
		return u.String()
	}
	return u.String() + " … (" + fingerprint(hidden...) + ")"
}
