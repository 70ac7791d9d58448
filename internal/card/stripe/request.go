package stripe

import (
	"context"
	"fmt"

	stripego "github.com/stripe/stripe-go/v85"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Stripe takes these amounts of dollars, in cents.
const (
	amountMin = 50
	amountMax = 99_999_999
)

// The parameters of a request come from the question alone. Stripe refuses a
// request that differs from an earlier one with the same key, so a new release
// must not change them for questions that are open.

// marks are the metadata of an object that a question makes.
func marks(a payment.Attempt) map[string]string {
	return map[string]string{
		metaKey: a.Key(), metaCaller: string(a.Caller), metaTransaction: string(a.Transaction),
	}
}

// create makes an intent. It asks for no money yet. second is empty, or marks a
// second key.
func (c *Client) create(ctx context.Context, q card.Question, second string) (intent, *failure) {
	amount, _ := cents(q.Amount)
	params := &stripego.PaymentIntentCreateParams{
		Amount:             stripego.Int64(amount),
		Currency:           stripego.String("usd"),
		PaymentMethod:      stripego.String(q.Card.Ref),
		PaymentMethodTypes: stripego.StringSlice([]string{"card"}),
		CaptureMethod:      stripego.String(captureMethod(q.Step)),
		Metadata:           marks(q.Attempt),
		Description:        stripego.String(string(q.Transaction)),
	}
	if q.Card.Customer != "" {
		params.Customer = stripego.String(q.Card.Customer)
	}
	if text := suffix(q.Descriptor, c.config.Account.StatementPrefix); text != "" {
		params.StatementDescriptorSuffix = stripego.String(text)
	}
	return c.intent(ctx, q.Key()+":c"+second, func(ctx context.Context) (*stripego.PaymentIntent, error) {
		return c.api.V1PaymentIntents.Create(ctx, params)
	})
}

// send asks Stripe to change an intent.
func (c *Client) send(ctx context.Context, q card.Question, m move, id, second string) (intent, *failure) {
	switch m {
	case moveConfirm:
		return c.confirm(ctx, q, id, second)
	case moveCapture:
		return c.take(ctx, q, id, second)
	case moveCancel:
		return c.cancel(ctx, q, id, second)
	case moveAnswer, moveDoubt:
	}
	panic(fmt.Sprintf("stripe: move %d is not a request", m))
}

// confirm asks the issuer to hold or to pay the amount.
func (c *Client) confirm(ctx context.Context, q card.Question, id, second string) (intent, *failure) {
	params := &stripego.PaymentIntentConfirmParams{}
	params.AddExpand("latest_charge")
	if q.Present {
		params.ReturnURL = stripego.String(q.ReturnURL)
	} else {
		params.OffSession = stripego.Bool(true)
	}
	return c.intent(ctx, q.Key()+":f"+second, func(ctx context.Context) (*stripego.PaymentIntent, error) {
		return c.api.V1PaymentIntents.Confirm(ctx, id, params)
	})
}

// take captures a hold. Stripe lets the rest go.
func (c *Client) take(ctx context.Context, q card.Question, id, second string) (intent, *failure) {
	amount, _ := cents(q.Amount)
	params := &stripego.PaymentIntentCaptureParams{AmountToCapture: stripego.Int64(amount)}
	params.AddExpand("latest_charge")
	return c.intent(ctx, secondKey(q.Key(), second), func(ctx context.Context) (*stripego.PaymentIntent, error) {
		return c.api.V1PaymentIntents.Capture(ctx, id, params)
	})
}

// cancel releases a hold, or ends an intent that holds nothing.
func (c *Client) cancel(ctx context.Context, q card.Question, id, second string) (intent, *failure) {
	reason, key := "abandoned", q.Key()+":x"+second
	if q.Step == payment.StepRelease {
		key = secondKey(q.Key(), second)
		if !q.Expired {
			reason = "requested_by_customer"
		}
	}
	params := &stripego.PaymentIntentCancelParams{CancellationReason: stripego.String(reason)}
	params.AddExpand("latest_charge")
	return c.intent(ctx, key, func(ctx context.Context) (*stripego.PaymentIntent, error) {
		return c.api.V1PaymentIntents.Cancel(ctx, id, params)
	})
}

func secondKey(key, second string) string {
	if second == "" {
		return key
	}
	return key + ":" + second
}

// get reads an intent.
func (c *Client) get(ctx context.Context, id string) (intent, *failure) {
	params := &stripego.PaymentIntentRetrieveParams{}
	params.AddExpand("latest_charge")
	return c.intent(ctx, "", func(ctx context.Context) (*stripego.PaymentIntent, error) {
		return c.api.V1PaymentIntents.Retrieve(ctx, id, params)
	})
}

func (c *Client) intent(
	ctx context.Context, key string, send func(context.Context) (*stripego.PaymentIntent, error),
) (intent, *failure) {
	pi, fresh, f := callFresh(ctx, c, key, send)
	switch {
	case f != nil:
		return intent{}, f
	case !fresh:
		now, f := c.get(ctx, pi.ID)
		if f != nil {
			f.seen = pi.ID
		}
		return now, f
	}
	return readIntent(pi), nil
}

// listMax bounds the intents and refunds that are read to find one of ours.
const listMax = 2000

// made lists the intents that a question has made.
func (c *Client) made(ctx context.Context, q card.Question) ([]intent, *failure) {
	const early = 300 // seconds, for clocks that differ
	params := &stripego.PaymentIntentListParams{
		CreatedRange: &stripego.RangeQueryParams{GreaterThanOrEqual: q.Since.Unix() - early},
	}
	params.Limit = stripego.Int64(100)
	params.AddExpand("data.latest_charge")
	if q.Card.Customer != "" {
		params.Customer = stripego.String(q.Card.Customer)
	}
	read := 0
	found, f := call(ctx, c, "", func(ctx context.Context) (found []intent, err error) {
		for pi, err := range c.api.V1PaymentIntents.List(ctx, params).All(ctx) {
			if err != nil || read == listMax {
				return found, err
			}
			if read++; pi.Metadata[metaKey] == q.Key() {
				found = append(found, readIntent(pi))
			}
		}
		return found, nil
	})
	if f == nil && len(found) == 0 && read == listMax {
		return nil, tooMany()
	}
	return found, f
}

// tooMany is the failure of a search among so many objects that ours may be one
// that was not read.
func tooMany() *failure {
	return &failure{why: "there are too many objects at Stripe to find ours", refused: true}
}
