package stripe

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
)

const (
	// messageAge is how old or how early a message may be.
	messageAge = 300 * time.Second
	// messageBytesMax bounds a message. The door refuses longer ones before they are
	// read.
	messageBytesMax = 256 << 10
)

// Hear checks the signature of a message that Stripe has sent, and reads what it
// is about. The message itself is not believed: see [Client.Look].
func (c *Client) Hear(header map[string][]string, body []byte, now time.Time) (card.Event, error) {
	if len(body) > messageBytesMax {
		return card.Event{}, &card.MessageError{Reason: "it is too long"}
	}
	signed := http.Header(header).Get("Stripe-Signature")
	if why := verify(signed, body, c.config.Secrets.Events(), now); why != "" {
		return card.Event{}, &card.MessageError{Reason: why}
	}
	var e event
	if err := json.Unmarshal(body, &e); err != nil {
		return card.Event{}, &card.MessageError{Reason: "it is not an event"}
	}
	switch {
	case e.Object != "event" || !isID(e.ID) || !isID(e.Type):
		return card.Event{}, &card.MessageError{Reason: "it is not an event"}
	case e.Live != c.live():
		return card.Event{}, &card.MessageError{Reason: "it is of the other mode", Foreign: true}
	case e.Account != "" && e.Account != c.config.Account.Remote:
		return card.Event{}, &card.MessageError{Reason: "it is about another account", Foreign: true}
	}
	return e.read(), nil
}

// verify says why a message was not signed with one of the secrets at about this
// time. It is empty for a good message.
func verify(signed string, body []byte, secrets []string, now time.Time) string {
	var at int64
	var given [][]byte
	for part := range strings.SplitSeq(signed, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		switch name {
		case "t":
			seconds, err := strconv.ParseInt(value, 10, 64)
			if err != nil || at != 0 {
				return "its signature has no time"
			}
			at = seconds
		case "v1":
			if sum, err := hex.DecodeString(value); err == nil {
				given = append(given, sum)
			}
		}
	}
	if len(given) == 0 {
		return "it is not signed"
	}
	good := false
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		want := sign(secret, at, body)
		for _, sum := range given {
			good = hmac.Equal(want, sum) || good
		}
	}
	if !good {
		return "its signature is wrong"
	}
	if age := now.Sub(time.Unix(at, 0)); age > messageAge || age < -messageAge {
		return "it is too old, or the clocks differ"
	}
	return ""
}

// sign is Stripe's signature of a message that is sent at a time, in seconds.
func sign(secret string, at int64, body []byte) []byte {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(strconv.FormatInt(at, 10) + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// An event has the fields that are read of an event of Stripe. Every version of the
// API has them.
type event struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Type    string `json:"type"`
	Created int64  `json:"created"`
	Live    bool   `json:"livemode"`
	Account string `json:"account"`
	Data    struct {
		Object about `json:"object"`
	} `json:"data"`
}

// about is the object of an event.
type about struct {
	ID            string          `json:"id"`
	Object        string          `json:"object"`
	PaymentIntent json.RawMessage `json:"payment_intent"` // an id or an object
	Metadata      json.RawMessage `json:"metadata"`
}

func (e event) read() card.Event {
	o := e.Data.Object
	got := card.Event{ID: e.ID, Type: e.Type, Created: time.Unix(e.Created, 0).UTC()}
	if isID(o.ID) {
		got.Object = o.ID
	}
	if got.Parent = idOf(o.PaymentIntent); o.Object == "payment_intent" {
		got.Parent = got.Object
	}
	var ours map[string]string
	if json.Unmarshal(o.Metadata, &ours) == nil {
		got.Key = keyOf(ours)
	}
	return got
}

// keyOf is the name of our question, or else of our page, that an object carries.
func keyOf(metadata map[string]string) string {
	const longest = 128
	key := cmp.Or(metadata[metaKey], metadata[metaPage])
	if len(key) > longest || !plain(strings.ReplaceAll(key, "/", "")) {
		return ""
	}
	return key
}

// idOf reads an id that stands alone or in an object.
func idOf(raw json.RawMessage) string {
	var id string
	if json.Unmarshal(raw, &id) != nil {
		var o struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(raw, &o) != nil {
			return ""
		}
		id = o.ID
	}
	if !isID(id) {
		return ""
	}
	return id
}
