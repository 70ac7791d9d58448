package client

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// The headers of a webhook request, by the specification of Standard Webhooks.
const (
	headerWebhookID        = "Webhook-Id"
	headerWebhookTimestamp = "Webhook-Timestamp"
	headerWebhookSignature = "Webhook-Signature"
)

const (
	webhookBytesMax        = 1 << 20
	webhookToleranceNormal = 5 * time.Minute
	webhookSecretPrefix    = "whsec_"
	webhookSignatureScheme = "v1,"
)

// The reasons why a webhook request is refused. Answer it with 400 or 401; the
// server sends an event that was lost again.
var (
	ErrWebhookUnsigned  = errors.New("the request has no signature of a webhook")
	ErrWebhookTimestamp = errors.New("the request was signed too long ago, or in the future")
	ErrWebhookSignature = errors.New("the signature was made with another secret, or for another body")
	ErrWebhookBody      = errors.New("the body of the webhook cannot be read")
)

// A Verifier checks that webhook requests come from the server.
type Verifier struct {
	// Secrets are those of the endpoint, "whsec_…". During a rotation there are two: a
	// request needs the signature of one of them.
	Secrets   []holdfast.SecretKey
	Tolerance time.Duration    // between the clocks of both sides; zero means five minutes
	Now       func() time.Time // nil means time.Now
}

// Read reads and checks a webhook request, and returns its event. An event may
// come more than once, and in another order than it happened: see package
// client/inbox.
func (v *Verifier) Read(r *http.Request) (Event, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, webhookBytesMax+1))
	if err != nil || len(body) > webhookBytesMax {
		return Event{}, ErrWebhookBody
	}
	return v.Verify(r.Header, body)
}

// Verify checks the headers and the body of a webhook request, and returns its
// event.
func (v *Verifier) Verify(header http.Header, body []byte) (Event, error) {
	id, at := header.Get(headerWebhookID), header.Get(headerWebhookTimestamp)
	signatures := strings.Fields(header.Get(headerWebhookSignature))
	if id == "" || at == "" || len(signatures) == 0 {
		return Event{}, ErrWebhookUnsigned
	}
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || v.distance(seconds) > v.tolerance() {
		return Event{}, ErrWebhookTimestamp
	}
	if err := v.signed(id+"."+at+".", body, signatures); err != nil {
		return Event{}, err
	}
	var e Event
	if err := json.Unmarshal(body, &e); err != nil || e.ID != id {
		return Event{}, ErrWebhookBody
	}
	return e, nil
}

// signed reports whether one of the signatures was made with one of the secrets.
func (v *Verifier) signed(head string, body []byte, signatures []string) error {
	if len(v.Secrets) == 0 {
		return errors.New("the verifier has no secret")
	}
	match := false
	for _, secret := range v.Secrets {
		encoded, ok := strings.CutPrefix(string(secret.Reveal()), webhookSecretPrefix)
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(key) == 0 {
			return fmt.Errorf("a secret of the verifier does not begin with %s and base64", webhookSecretPrefix)
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(head))
		mac.Write(body)
		want := []byte(webhookSignatureScheme + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		for _, signature := range signatures {
			match = hmac.Equal([]byte(signature), want) || match
		}
	}
	if !match {
		return ErrWebhookSignature
	}
	return nil
}

// distance is the time between the clocks.
func (v *Verifier) distance(seconds int64) time.Duration {
	now := v.Now
	if now == nil {
		now = time.Now //nolint:forbidigo // a program that uses the SDK need not set a clock
	}
	return now().Sub(time.Unix(seconds, 0)).Abs()
}

func (v *Verifier) tolerance() time.Duration {
	if v.Tolerance == 0 {
		return webhookToleranceNormal
	}
	return v.Tolerance
}
