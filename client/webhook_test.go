package client_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/client"
)

var (
	webhookNow   = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	webhookOld   = webhookSecret("old secret of an endpoint 1234567")
	webhookNew   = webhookSecret("new secret of an endpoint 1234567")
	webhookEvent = `{"id":"evt_1","type":"hold.held","timestamp":"2026-11-30T12:00:00.000Z","object":"hold",` +
		`"object_id":"1T1","sequence":2,"data":{"id":"1T1","state":"held","amount":{"amount":"12.50","currency":"USD"}}}`
)

func webhookSecret(bytes string) holdfast.SecretKey {
	return holdfast.NewSecretKey("whsec_" + base64.StdEncoding.EncodeToString([]byte(bytes)))
}

// signWebhook signs as the specification of Standard Webhooks says.
func signWebhook(id string, at time.Time, body string, secrets ...holdfast.SecretKey) http.Header {
	seconds := strconv.FormatInt(at.Unix(), 10)
	var signatures []string
	for _, secret := range secrets {
		key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(string(secret.Reveal()), "whsec_"))
		if err != nil {
			panic(err)
		}
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(id + "." + seconds + "." + body))
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	return http.Header{
		"Webhook-Id": {id}, "Webhook-Timestamp": {seconds}, "Webhook-Signature": {strings.Join(signatures, " ")},
	}
}

func verifier(secrets ...holdfast.SecretKey) *client.Verifier {
	return &client.Verifier{Secrets: secrets, Now: func() time.Time { return webhookNow }}
}

func TestVerifyWebhook(t *testing.T) {
	header := signWebhook("evt_1", webhookNow, webhookEvent, webhookOld, webhookNew)
	without := func(name string) http.Header {
		h := header.Clone()
		h.Del(name)
		return h
	}
	other := func(name, value string) http.Header {
		h := header.Clone()
		h.Set(name, value)
		return h
	}
	right, huge := verifier(webhookNew), strconv.Itoa(math.MaxInt64)
	for name, row := range map[string]struct {
		verifier *client.Verifier
		header   http.Header
		body     string
		want     error
	}{
		"right":              {right, header, webhookEvent, nil},
		"the other secret":   {verifier(webhookOld), header, webhookEvent, nil},
		"during a rotation":  {verifier(webhookSecret("x"), webhookOld), header, webhookEvent, nil},
		"wrong secret":       {verifier(webhookSecret("x")), header, webhookEvent, client.ErrWebhookSignature},
		"other body":         {right, header, webhookEvent + " ", client.ErrWebhookSignature},
		"other id":           {right, other("Webhook-Id", "evt_2"), webhookEvent, client.ErrWebhookSignature},
		"no id":              {right, without("Webhook-Id"), webhookEvent, client.ErrWebhookUnsigned},
		"no time":            {right, without("Webhook-Timestamp"), webhookEvent, client.ErrWebhookUnsigned},
		"no signature":       {right, without("Webhook-Signature"), webhookEvent, client.ErrWebhookUnsigned},
		"time is no number":  {right, other("Webhook-Timestamp", "x"), webhookEvent, client.ErrWebhookTimestamp},
		"time is huge":       {right, other("Webhook-Timestamp", huge), webhookEvent, client.ErrWebhookTimestamp},
		"another version":    {right, other("Webhook-Signature", "v2,A v1a,A"), webhookEvent, client.ErrWebhookSignature},
		"signature is empty": {right, other("Webhook-Signature", "v1,"), webhookEvent, client.ErrWebhookSignature},
		"last moment": {
			right, signWebhook("evt_1", webhookNow.Add(-5*time.Minute), webhookEvent, webhookNew), webhookEvent,
			nil,
		},
		"too old": {
			right, signWebhook("evt_1", webhookNow.Add(-5*time.Minute-time.Second), webhookEvent, webhookNew),
			webhookEvent, client.ErrWebhookTimestamp,
		},
		"in the future": {
			right, signWebhook("evt_1", webhookNow.Add(5*time.Minute+time.Second), webhookEvent, webhookNew),
			webhookEvent, client.ErrWebhookTimestamp,
		},
		"signed, but no event": {
			right, signWebhook("evt_1", webhookNow, "[]", webhookNew), "[]", client.ErrWebhookBody,
		},
		"signed, but of another event": {
			right, signWebhook("evt_2", webhookNow, webhookEvent, webhookNew), webhookEvent,
			client.ErrWebhookBody,
		},
	} {
		e, err := row.verifier.Verify(row.header, []byte(row.body))
		if !errors.Is(err, row.want) {
			t.Errorf("%s: %v, want %v", name, err, row.want)
		}
		if (err == nil) != (e.ID == "evt_1") {
			t.Errorf("%s: the event is %+v", name, e)
		}
	}
}

// A verifier without a usable secret accepts nothing, and its error names none.
func TestAVerifierWithoutASecret(t *testing.T) {
	header := signWebhook("evt_1", webhookNow, webhookEvent, webhookNew)
	for _, v := range []*client.Verifier{
		verifier(), verifier(holdfast.NewSecretKey("")), verifier(holdfast.NewSecretKey("hidden")),
		verifier(holdfast.NewSecretKey("whsec_hidden?")), verifier(holdfast.NewSecretKey("whsec_")),
	} {
		if _, err := v.Verify(header, []byte(webhookEvent)); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("the error is %v", err)
		}
	}
}

func TestReadWebhook(t *testing.T) {
	request := httptest.NewRequest(http.MethodPost, "/hook", strings.NewReader(webhookEvent))
	request.Header = signWebhook("evt_1", webhookNow, webhookEvent, webhookNew)
	e, err := verifier(webhookNew).Read(request)
	if err != nil || e.Type != "hold.held" || e.ObjectID != "1T1" || e.Sequence != 2 || !e.Timestamp.Equal(webhookNow) {
		t.Fatalf("the event is %+v, %v", e, err)
	}
	var h client.Hold
	if err := e.Into(&h); err != nil || h.State != client.HoldHeld || h.Amount != client.Cents(1250) {
		t.Errorf("the hold is %+v, %v", h, err)
	}
	if err := e.Into(new([]string)); err == nil {
		t.Error("a hold is read as a list")
	}
	request = httptest.NewRequest(http.MethodPost, "/hook", bytes.NewReader(make([]byte, 1<<20+1)))
	if _, err := verifier(webhookNew).Read(request); !errors.Is(err, client.ErrWebhookBody) {
		t.Errorf("a large body: %v", err)
	}
}

func FuzzVerifyWebhook(f *testing.F) {
	header := signWebhook("evt_1", webhookNow, webhookEvent, webhookNew)
	f.Add("evt_1", header.Get("Webhook-Timestamp"), header.Get("Webhook-Signature"), webhookEvent)
	f.Add("", "-1", "v1, v1,, ,", "{}")
	f.Fuzz(func(t *testing.T, id, at, signature, body string) {
		_, err := verifier(webhookNew).Verify(http.Header{
			"Webhook-Id": {id}, "Webhook-Timestamp": {at}, "Webhook-Signature": {signature},
		}, []byte(body))
		if err == nil && (id != "evt_1" || body != webhookEvent) {
			t.Fatalf("a forged webhook is accepted: %q %q %q %q", id, at, signature, body)
		}
	})
}
