package holdfasttest

import (
	"encoding/json"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// JSONKey makes a key of a caller for the JSON API, and returns it with its text.
// Without scopes it has all of them.
func (w *World) JSONKey(c party.Caller, n processor.NewKey) (party.JSONKey, string) {
	w.T.Helper()
	if n.Name == "" {
		n.Name = "test"
	}
	if n.Scopes == "" {
		n.Scopes = "read hold settle refund manage"
	}
	key, text, err := w.Processor.AddKey(w.T.Context(), c.ID, n)
	w.must("making a JSON key", err)
	return key, text
}

// Call is a call of the JSON API by the shop, with a key that may do everything.
// The body is marshalled; nil is an empty one.
func (w *World) Call(idempotency, action string, body any) *processor.Call {
	w.T.Helper()
	if w.jsonKey.ID == "" {
		w.jsonKey, _ = w.JSONKey(w.Shop, processor.NewKey{})
	}
	return w.CallWith(w.jsonKey, idempotency, action, body)
}

// CallWith is Call with another key.
func (w *World) CallWith(key party.JSONKey, idempotency, action string, body any) *processor.Call {
	w.T.Helper()
	text := []byte(nil)
	if body != nil {
		var err error
		text, err = json.Marshal(body)
		w.must("writing a body", err)
	}
	canonical, err := payment.CanonicalBody(text)
	w.must("writing a body", err)
	return &processor.Call{Key: key, Idempotency: idempotency, Action: action, Body: canonical}
}
