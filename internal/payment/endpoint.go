package payment

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// An EndpointID identifies a webhook endpoint.
type EndpointID string

// An Endpoint is an address to which a caller's events go, as signed requests
// (webhooks).
type Endpoint struct {
	ID          EndpointID
	Caller      party.CallerID
	URL         string
	Description string
	// Types are the types of the events that it gets, such as "hold.settled". All
	// types of an object are written "hold.*". Empty means all events.
	Types []string
	// Ordered sends one event at a time, in the order of the feed. The next one waits
	// until the receiver has taken the one before.
	Ordered bool
	Pause   EndpointPause
	Created time.Time
}

// An EndpointPause says why nothing is sent to an endpoint. Its events wait.
type EndpointPause string

// The pauses.
const (
	NotPaused     EndpointPause = ""
	PausedByWish  EndpointPause = "Paused"  // the caller or the operator has asked for it
	PausedGone    EndpointPause = "Gone"    // the receiver has answered 410 Gone
	PausedFailing EndpointPause = "Failing" // an ordered endpoint has not taken an event for three days
)

// Limits of endpoints.
const (
	EndpointsMax           = 16 // of one caller
	endpointURLMax         = 2048
	endpointDescriptionMax = 200
	endpointTypesMax       = 32
)

// CheckEndpoint refuses an endpoint that cannot be. live says that the caller
// moves real money: then its events are sent over https only.
func CheckEndpoint(e Endpoint, live bool) error {
	u, err := url.Parse(e.URL)
	switch {
	case err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https":
		return holdfast.Errorf(holdfast.InvalidParams,
			"the URL of a webhook endpoint looks like https://shop.example.com/webhooks")
	case len(e.URL) > endpointURLMax:
		return holdfast.Errorf(holdfast.InvalidParams, "the URL of a webhook endpoint has at most %d characters",
			endpointURLMax)
	case u.User != nil || u.Fragment != "":
		return holdfast.Errorf(holdfast.InvalidParams,
			"the URL of a webhook endpoint has no user, no password and no fragment")
	case live && u.Scheme != "https":
		return holdfast.Errorf(holdfast.InvalidParams, "events about real money go to https addresses only")
	case e.Description != "" && party.CheckLine(e.Description, endpointDescriptionMax) != "":
		return holdfast.Errorf(holdfast.InvalidParams,
			"the description of a webhook endpoint is one line of at most %d characters", endpointDescriptionMax)
	case len(e.Types) > endpointTypesMax:
		return holdfast.Errorf(holdfast.InvalidParams, "a webhook endpoint names at most %d types of events",
			endpointTypesMax)
	}
	for _, t := range e.Types {
		if !namesEvents(t) {
			return holdfast.Errorf(holdfast.InvalidParams, "%q is no type of events, such as hold.settled or hold.*", t)
		}
	}
	return nil
}

// namesEvents reports whether a text is a type of events, or all types of an object.
func namesEvents(t string) bool {
	object, all := strings.CutSuffix(t, ".*")
	return slices.ContainsFunc(EventTypes, func(known EventType) bool {
		return t == string(known) || all && object == string(known.Object())
	})
}

// Wants reports whether the endpoint gets an event. A test event goes only to the
// endpoint that it is about.
func (e Endpoint) Wants(event Event) bool {
	if event.Caller != e.Caller {
		return false
	}
	if event.Type == EventEndpointTest {
		return event.ObjectID == string(e.ID)
	}
	return len(e.Types) == 0 || slices.Contains(e.Types, string(event.Type)) ||
		slices.Contains(e.Types, string(event.Object())+".*")
}

// endpointSecretPrefix begins the secret of an endpoint, as Standard Webhooks
// prescribes. Base64 follows.
const endpointSecretPrefix = "whsec_"

// EndpointSecret is the secret of an endpoint with a key.
func EndpointSecret(key []byte) holdfast.SecretKey {
	return holdfast.NewSecretKey(endpointSecretPrefix + base64.StdEncoding.EncodeToString(key))
}

// EndpointKey is the key in the secret of an endpoint.
func EndpointKey(secret holdfast.SecretKey) (key []byte, ok bool) {
	text, ok := strings.CutPrefix(string(secret.Reveal()), endpointSecretPrefix)
	key, err := base64.StdEncoding.DecodeString(text)
	return key, ok && err == nil && len(key) > 0
}

// endpointData is an endpoint in its test event.
type endpointData struct {
	ID          EndpointID `json:"id"`
	Description string     `json:"description,omitempty"`
}

// TestEvent is the endpoint's test event with a number. at is the caller's time.
func (e Endpoint) TestEvent(seq int, at time.Time) Event {
	return Event{
		Caller: e.Caller, Type: EventEndpointTest, ObjectID: string(e.ID), Seq: seq, At: at,
		Data: encoded(endpointData{e.ID, e.Description}),
	}
}
