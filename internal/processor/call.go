package processor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A Call is one request of the JSON API that changes something, with its key and
// its idempotency key. The door for FPS calls the same actions with a nil Call. An
// action with a Call is carried out at most once, for good; the same Call again
// gets the same objects, as they are now.
//
// An action asks [decision.meet] before it decides, and [decision.keep] when it
// has written its changes, both in the same transaction. Both accept a nil Call.
type Call struct {
	Key party.JSONKey // as the door read it; the action reads it again
	// Person says that a person acts, by a command or in the console. Then there is no
	// key, and no limit of one: the door has checked what the person may do. Above the
	// caller's limit a second person is needed.
	Person bool
	// Member is the person of a call of the console. The action asks in its commit what
	// the member may do, and whether a second member must approve it: see
	// [decision.allow].
	Member party.ID
	// approval is the one that the member gives, and decide writes that.
	approval    party.ApprovalID
	decide      func(*store.Tx, party.Approval, party.ID, party.ApprovalState, time.Time) error
	Idempotency string // required
	// Action is the method and the path, such as "POST /v1/holds/1ABC/settle". So one
	// idempotency key cannot be used for two objects.
	Action string
	Body   string // canonical; see [payment.CanonicalBody]
	// Metadata is kept with the main object of the call.
	Metadata payment.Metadata
}

// ByPerson is the call of a person. The idempotency key comes from the form or from
// the command, so that the same one sent twice acts once.
func ByPerson(idempotency, action string, request any) (*Call, error) {
	body, err := json.Marshal(request)
	if err != nil {
		return nil, fmt.Errorf("writing a request: %w", err)
	}
	canonical, err := payment.CanonicalBody(body)
	return &Call{Person: true, Idempotency: idempotency, Action: action, Body: canonical}, err
}

// foresee announces the rows that every call needs.
func (c *Call) foresee(tx *store.Tx, caller party.CallerID) {
	if c == nil {
		return
	}
	if !c.Person {
		tx.Ahead().JSONKey(c.Key.ID)
	}
	tx.Ahead().Call(caller, c.Idempotency)
}

// reference is the reference of a request: the idempotency key, if none is given.
func (c *Call) reference(given holdfast.CallerReference) holdfast.CallerReference {
	if given == "" && c != nil {
		return holdfast.CallerReference(c.Idempotency)
	}
	return given
}

// meet refuses a call whose key does not work or lacks a scope. It returns the
// record of the same call if it was carried out before: then the action answers
// with those objects, and changes nothing. A nil record means that the call is
// new. A different call under the same idempotency key is refused.
func (d decision) meet(c *Call, scope party.Scope) (*payment.Call, error) {
	if c == nil {
		return nil, nil
	}
	if err := payment.CheckIdempotencyKey(c.Idempotency); err != nil {
		return nil, err
	}
	if err := d.mayCall(c, scope); err != nil {
		return nil, err
	}
	earlier, found, err := d.tx.Call(d.caller.ID, c.Idempotency)
	if err != nil {
		return nil, err
	}
	if found {
		return &earlier, earlier.Again(c.Action, c.Body)
	}
	return nil, c.Metadata.Check()
}

// mayCall refuses a call whose key does not work or lacks a scope.
func (d decision) mayCall(c *Call, scope party.Scope) error {
	if c.Person {
		return nil
	}
	key, err := d.key(c)
	if err != nil {
		return err
	}
	return payment.CheckScope(key, scope)
}

// key reads the key of a call again. It is a KeyError if the key works no more.
func (d decision) key(c *Call) (party.JSONKey, error) {
	key, found, err := d.tx.JSONKey(c.Key.ID)
	switch {
	case err != nil:
		return key, err
	case !found || key.Caller != d.caller.ID:
		return key, party.ErrKeyUnknown
	}
	return key, key.Usable(d.real)
}

// keep counts what a call takes of its key's limits, and refuses it if that is too
// much. It writes the call with the ids of its objects, the main one first, and
// the metadata of the main one. u is zero for a call that moves no money. An
// action calls it when nothing can be refused any more.
func (d decision) keep(c *Call, u payment.KeyUse, objects ...string) error {
	if c == nil {
		return nil
	}
	if !c.Person {
		key, err := d.key(c)
		if err != nil {
			return err
		}
		if u.Amount.Given() {
			if err := d.spend(key, u); err != nil {
				return err
			}
		}
	}
	if err := d.allow(c, u); err != nil {
		return err
	}
	if err := d.keepMetadata(objects[0], c.Metadata); err != nil {
		return err
	}
	return d.tx.InsertCall(payment.Call{
		Caller: d.caller.ID, Idempotency: c.Idempotency, Action: c.Action, Body: c.Body, Objects: objects, Created: d.now,
	})
}

// spend counts a use of a key. Without a day limit it writes nothing.
func (d decision) spend(key party.JSONKey, u payment.KeyUse) error {
	day := payment.KeyDayOf(key, u.Scope, d.now)
	if !key.DayLimit.Given() {
		_, err := day.Use(key, u)
		return err
	}
	before, found, err := d.tx.KeyDay(day)
	if err != nil {
		return err
	}
	after, err := before.Use(key, u)
	if err != nil {
		return err
	}
	return d.tx.CountKeyDay(before, after, found)
}

// keepMetadata adds metadata to what is kept with an object.
func (d decision) keepMetadata(object string, more payment.Metadata) error {
	if len(more) == 0 {
		return nil
	}
	kept, err := d.tx.Metadata(d.caller.ID, object)
	if err != nil {
		return err
	}
	all, err := kept[object].With(more)
	if err != nil {
		return err
	}
	return d.tx.SaveMetadata(d.caller.ID, object, all)
}

// transactions reads the objects of an earlier call, as they are now.
func (d decision) transactions(earlier *payment.Call) (all []payment.Transaction, err error) {
	for _, id := range earlier.Objects {
		t, found, err := d.tx.Transaction(d.caller.ID, holdfast.TransactionID(id))
		if err != nil || !found {
			return nil, errors.Join(err, missing(found, "transaction", id))
		}
		all = append(all, t.AsOf(d.now))
	}
	return all, nil
}

// A CreateHold asks for a hold.
type CreateHold struct {
	Token          holdfast.TokenID // of the buyer
	RecipientToken holdfast.TokenID // of the seller; marketplaces only
	Amount         money.Amount
	// Reference is the caller's own name for the hold; empty means the idempotency
	// key.
	Reference        holdfast.CallerReference
	Description      string    // for the caller
	BuyerDescription string    // for the buyer
	Descriptor       string    // "Static" or "Dynamic"; see holdfast.ReserveRequest
	Deadline         time.Time // in the caller's time; zero means seven days from now
	FeeBy            holdfast.Role
	FixedFee         money.Amount // of a marketplace
	VariableFee      string       // percent, of a marketplace
}

// request is the Reserve that makes the hold. It leaves the deadline out.
func (h CreateHold) request(c *Call) holdfast.ReserveRequest {
	return holdfast.ReserveRequest{
		SenderTokenID: h.Token, RecipientTokenID: h.RecipientToken, TransactionAmount: h.Amount,
		CallerReference:   c.reference(h.Reference),
		CallerDescription: h.Description, SenderDescription: h.BuyerDescription, SoftDescriptorType: h.Descriptor,
		ChargeFeeTo: h.FeeBy, MarketplaceFixedFee: h.FixedFee, MarketplaceVariableFee: h.VariableFee,
	}
}

// CreateHold holds an amount on the card of a buyer's token. It is a Reserve with
// a Call.
func (p *Processor) CreateHold(
	ctx context.Context, caller party.Caller, c *Call, h CreateHold,
) (payment.Transaction, error) {
	r := h.request(c)
	digest := payment.DigestOf("Reserve", r) // so an FPS program may ask for the same again
	if !h.Deadline.IsZero() {
		digest = payment.DigestOf("CreateHold", h)
	}
	id, commissionID := p.paymentIDs(r)
	return p.onceFor(ctx, caller, c, party.ScopeHold,
		request{actionHold, r.CallerReference, digest, r.SenderTokenID, func(d decision) (payment.Change, error) {
			r := r
			if !h.Deadline.IsZero() {
				if err := payment.CheckDeadline(h.Deadline, d.now); err != nil {
					return payment.Change{}, err
				}
				const roundedUp = time.Minute - time.Microsecond
				r.TransactionTimeoutMins = int((h.Deadline.Sub(d.now) + roundedUp) / time.Minute)
			}
			change, err := p.reserve(d, r, id, commissionID)
			if err == nil && !h.Deadline.IsZero() {
				change.After.Deadline = Micro(h.Deadline)
			}
			return change, err
		}})
}

// A RefundPayment asks for money to be paid back.
type RefundPayment struct {
	Payment     holdfast.TransactionID
	Amount      money.Amount             // not given means all that is left
	Reference   holdfast.CallerReference // empty means the idempotency key
	Description string                   // for the caller
	Policy      holdfast.RefundPolicy    // of a marketplace
}

// RefundPayment pays a payment back, in full or in part. It is a Refund with a
// Call.
func (p *Processor) RefundPayment(
	ctx context.Context, caller party.Caller, c *Call, r RefundPayment,
) (payment.Transaction, error) {
	return p.refundOnce(ctx, caller, c, holdfast.RefundRequest{
		TransactionID: r.Payment, RefundAmount: r.Amount, CallerDescription: r.Description,
		CallerReference: c.reference(r.Reference), MarketplaceRefundPolicy: r.Policy,
	})
}
