package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/recent"
)

// A signer is a caller with one of its JSON keys.
type signer struct {
	caller party.Caller
	key    party.JSONKey
}

// Keys finds JSON keys with their callers, and keeps each for a second. A key
// that was revoked works no longer than that.
type Keys struct{ reads recent.Reads[signer] }

// NewKeys returns the keys of a store, as store.Reader.CallerByJSONKey finds
// them.
func NewKeys(
	find func(context.Context, party.JSONKeyID) (party.Caller, party.JSONKey, bool, error), now func() time.Time,
) *Keys {
	k := &Keys{}
	k.reads.Now = now
	k.reads.Find = func(ctx context.Context, id string) (signer, error) {
		caller, key, found, err := find(ctx, party.JSONKeyID(id))
		switch {
		case err != nil:
			return signer{}, fmt.Errorf("finding a JSON key: %w", err)
		case !found:
			return signer{}, party.ErrKeyUnknown
		}
		return signer{caller, key}, nil
	}
	return k
}

// Forget makes the next request with every key read it again. Call it after a
// caller was changed.
func (k *Keys) Forget() { k.reads.Forget() }

const bearer = "Bearer "

// authenticate finds the key of a request and its caller.
func (s *Server) authenticate(r *http.Request, q *request) error {
	sent := r.Header.Values("Authorization")
	if len(sent) != 1 || len(sent[0]) < len(bearer) || !holdfast.SameName(sent[0][:len(bearer)], bearer) {
		return newProblem(KeyMissing, "")
	}
	parsed, err := party.ParseKey(strings.TrimSpace(sent[0][len(bearer):]))
	if err != nil {
		return keyProblem(err)
	}
	found, err := s.Keys.reads.Get(r.Context(), string(parsed.ID))
	if err != nil {
		return keyProblem(err)
	}
	if err := found.key.Open(parsed, found.caller, q.real); err != nil {
		return keyProblem(err)
	}
	q.key, q.caller = found.key, found.caller
	s.Processor.NoteKeyUse(q.key)
	return nil
}

// keyProblem is the problem of a key that is not accepted. Other errors stay as
// they are.
func keyProblem(err error) error {
	if wrong, ok := errors.AsType[party.KeyError](err); ok {
		return newProblem(Code(wrong), sentence(wrong.Error()))
	}
	return err
}

// readKeyed reads the header Idempotency-Key of an operation that needs it.
func (s *Server) readKeyed(r *http.Request, q *request) error {
	if !q.route.keyed {
		return nil
	}
	sent := r.Header.Values(headerIdempotency)
	switch {
	case len(sent) == 0 || sent[0] == "":
		return newProblem(IdempotencyKeyMissing, "", Fault{
			Header: headerIdempotency, Code: MissingField, Detail: "This header is required.",
		})
	case len(sent) > 1:
		return newProblem(IdempotencyKeyInvalid, "", Fault{
			Header: headerIdempotency, Code: DuplicateParameter, Detail: "Send this header once.",
		})
	}
	q.call = &processor.Call{Key: q.key, Idempotency: sent[0], Action: r.Method + " " + r.URL.Path}
	return payment.CheckIdempotencyKey(sent[0])
}

const headerIdempotency = "Idempotency-Key"
