package stripe

import (
	"context"
	"fmt"
	"net/http"
	"time"

	stripego "github.com/stripe/stripe-go/v85"
)

// metaRing marks the payments of Ring.
const metaRing = "holdfast_check"

// Ring makes Stripe send a message to the account's address: it makes a payment
// without a card and cancels it. No money is asked for. Ring returns Stripe's name
// of the payment, which the message is about.
func (c *Client) Ring(ctx context.Context) (payment string, err error) {
	key := fmt.Sprintf("ring/%s/%d", c.config.Account.ID, c.now().UnixNano())
	made, f := call(ctx, c, key+":c", func(ctx context.Context) (*stripego.PaymentIntent, error) {
		return c.api.V1PaymentIntents.Create(ctx, &stripego.PaymentIntentCreateParams{
			Amount:             stripego.Int64(amountMin),
			Currency:           stripego.String("usd"),
			PaymentMethodTypes: stripego.StringSlice([]string{"card"}),
			CaptureMethod:      stripego.String(methodManual),
			Metadata:           map[string]string{metaRing: "ring"},
			Description:        stripego.String("a check of the webhook endpoint"),
		})
	})
	if f != nil {
		return "", f.while("making a payment without a card")
	}
	if _, f = call(ctx, c, key+":x", func(ctx context.Context) (*stripego.PaymentIntent, error) {
		return c.api.V1PaymentIntents.Cancel(ctx, made.ID, nil)
	}); f != nil {
		return "", f.while("cancelling a payment without a card")
	}
	return made.ID, nil
}

// Knock is a message that the account's address takes and does not keep: it is
// signed with the newest of the account's secrets, and is of the other mode. It is
// false for an account without a secret.
func (c *Client) Knock(now time.Time) (header http.Header, body []byte, ok bool) {
	secrets := c.config.Secrets.Events()
	if len(secrets) == 0 {
		return nil, nil, false
	}
	body = fmt.Appendf(nil, `{"id":"evt_holdfastcheck","object":"event","type":"holdfast.check","livemode":%t}`, !c.live())
	sum := sign(secrets[len(secrets)-1], now.Unix(), body)
	header = http.Header{
		"Content-Type":     {"application/json"},
		"Stripe-Signature": {fmt.Sprintf("t=%d,v1=%x", now.Unix(), sum)},
	}
	return header, body, true
}
