package ipn

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/holdfast-pay/holdfast"
)

// deliver makes one try. A try that was cut short by the end of the server or of
// the lease does not count.
func (s *Sender) deliver(ctx context.Context, t try) ending {
	if ctx.Err() != nil || s.Now().Add(s.timeout()).After(t.LeasedUntil) {
		return ending{try: t, back: true}
	}
	e := ending{try: t}
	if e.result = s.compose(&e.try); e.result == "" {
		e.result, e.arrived = post(ctx, s.client, e.URL, deliveryID(e.try), e.Body)
	}
	e.back = !e.arrived && ctx.Err() != nil
	return e
}

// deliveryID is the same for all tries, so that a receiver can tell them from
// another notification.
func deliveryID(t try) string { return fmt.Sprintf("%s-%d", t.Subject(), t.Seq) }

// compose sets the address and the body of a try, or says why there is none. A
// try that failed keeps both, so that later tries send the same, unless the
// caller's own address has changed.
//
// A server that crashes during the first try leaves no body. The next try then
// composes it from the same step. It has the same signature, because RSA PKCS #1
// v1.5 is deterministic, unless a party's name or e-mail address has changed.
func (s *Sender) compose(t *try) (obstacle string) {
	if t.telling.Missing != nil {
		// The row may stay missing or broken, so this counts as a try.
		s.Log.Error("notification cannot be composed", "caller", t.Caller, "delivery", deliveryID(*t), "error",
			t.telling.Missing)
		return "not sent: what it tells of cannot be read"
	}
	address := t.URL
	if !t.Overrides {
		address = t.telling.Caller.IPNURL
	}
	switch {
	case address == "":
		return "not sent: the caller's account has no address for notifications"
	case t.Body != "" && address == t.URL:
		return ""
	}
	body, err := s.signedBody(address, Compose(MessageOf(t.telling)))
	if err != nil {
		return "not sent: " + err.Error()
	}
	t.URL, t.Body = address, body
	return ""
}

// signedBody signs the fields only. Parameters in the address's own query are
// not part of the message: receivers verify the body that they got, at the
// address without its query (VerifySignature, UrlEndPoint).
func (s *Sender) signedBody(address string, fields holdfast.Params) (string, error) {
	endpoint, _, _ := strings.Cut(address, "?")
	signed, err := s.Signer.Sign(http.MethodPost, endpoint, fields)
	if err != nil {
		return "", err
	}
	return signed.Encode(), nil
}
