package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webhook"
)

type listenVerb struct {
	ForwardTo string        `help:"Send the events to this address, such as a program on this machine." required:"" placeholder:"URL"`
	Server    string        `help:"Read the events from the server with this address." required:"" env:"HOLDFAST_JSON_SERVER" placeholder:"URL"`
	KeyFile   string        `help:"Read the JSON key from the first line of this file; - is standard input. The key needs the scope read." required:"" env:"HOLDFAST_KEY_FILE" placeholder:"FILE"`
	After     string        `help:"Begin after this cursor; by default with the next event." placeholder:"CURSOR"`
	Types     []string      `help:"Send only events of these types, such as hold.settled or hold.*." placeholder:"TYPE"`
	Every     time.Duration `help:"Ask the server for new events this often." default:"1s" placeholder:"DURATION"`
}

func (listenVerb) Help() string {
	return `Brings the events of a caller to a program on a developer's machine, which has no public address. The requests are
those of a webhook endpoint, signed with a secret that is printed at the start.

Examples:

    holdfast listen --server https://pay.example.com --key-file key --forward-to http://localhost:3000/hook
`
}

const (
	feedPage        = 100
	feedBytesMax    = 16 << 20 // of a page
	feedTimeout     = 30 * time.Second
	forwardTimeout  = 15 * time.Second
	forwardTriesMax = 5
	listenPauseMax  = 30 * time.Second
)

func (v listenVerb) Run(ctx context.Context, w world) error {
	if err := errors.Join(checkURL("--forward-to", v.ForwardTo), checkURL("--server", v.Server)); err != nil {
		return misuseError{err}
	}
	key, err := readKey(v.KeyFile)
	if err != nil {
		return fmt.Errorf("--key-file: %w", err)
	}
	l := &listener{
		listenVerb: v, world: w, key: holdfast.NewSecretKey(key), secret: newListenSecret(),
		feed: &http.Client{Timeout: feedTimeout, CheckRedirect: noRedirect},
		to:   &http.Client{Timeout: forwardTimeout, CheckRedirect: noRedirect},
	}
	err = l.run(ctx)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the user has ended the command
	}
	return err
}

func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func newListenSecret() holdfast.SecretKey {
	var key [24]byte
	rand.Read(key[:]) // never fails; see crypto/rand
	return payment.EndpointSecret(key[:])
}

// A listener reads a server's feed and forwards its events.
type listener struct {
	listenVerb
	world

	key      holdfast.SecretKey // of the server
	secret   holdfast.SecretKey // signs what is forwarded
	feed, to *http.Client
}

// A feedPageAnswer is a page of the feed.
type feedPageAnswer struct {
	Data []json.RawMessage `json:"data"`
	More bool              `json:"has_more"`
	Next string            `json:"next"`
}

// A feedEvent is what a listener needs of an event.
type feedEvent struct {
	ID   payment.EventID   `json:"id"`
	Type payment.EventType `json:"type"`
}

func (l *listener) run(ctx context.Context) error {
	after := l.After
	if after == "" {
		var err error
		if after, err = l.end(ctx); err != nil {
			return err
		}
	}
	fmt.Fprintf(l.Out, "Events go to %s, signed with the secret %s\n", l.ForwardTo, l.secret.Reveal())
	for pause := l.Every; ; {
		page, err := l.page(ctx, url.Values{"after": {after}})
		refused, final := errors.AsType[*feedError](err)
		switch {
		case final && refused.final():
			return err
		case err != nil:
			pause = min(2*pause, listenPauseMax)
			l.Log.Warn("the events cannot be read, will be tried again", "in", pause, "error", err)
		default:
			pause = l.Every
			for _, event := range page.Data {
				if err := l.forward(ctx, event); err != nil {
					return err
				}
			}
			if page.Next != "" {
				after = page.Next
			}
			if page.More {
				continue
			}
		}
		if err := waitFor(ctx, pause); err != nil {
			return err
		}
	}
}

func waitFor(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// end returns the cursor at the end of the feed: the server skips what a filter
// leaves out, and no object has this id.
func (l *listener) end(ctx context.Context) (after string, err error) {
	page, err := l.page(ctx, url.Values{"object": {"none"}})
	return page.Next, err
}

// A feedError is the answer of a server that gives no events.
type feedError struct {
	status int
	detail string
}

func (e *feedError) Error() string {
	words := strconv.Itoa(e.status) + " " + http.StatusText(e.status)
	if e.detail != "" {
		words += ": " + e.detail
	}
	return "the server answers " + words
}

// final reports whether asking again would not help.
func (e *feedError) final() bool {
	return e.status/100 != 5 && e.status != http.StatusTooManyRequests
}

func (l *listener) page(ctx context.Context, query url.Values) (page feedPageAnswer, err error) {
	query.Set("limit", strconv.Itoa(feedPage))
	r, err := http.NewRequestWithContext(ctx, http.MethodGet,
		strings.TrimSuffix(l.Server, "/")+"/v1/events?"+query.Encode(), nil)
	if err != nil {
		return page, fmt.Errorf("--server: %w", err)
	}
	r.Header.Set("Authorization", "Bearer "+string(l.key.Reveal()))
	answer, err := l.feed.Do(r)
	if err != nil {
		return page, fmt.Errorf("reading events: %w", err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, feedBytesMax))
	if err != nil {
		return page, fmt.Errorf("reading events: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		var problem struct {
			Detail string `json:"detail"`
		}
		_ = json.Unmarshal(body, &problem) // another program may have answered
		return page, &feedError{answer.StatusCode, oneLine(problem.Detail)}
	}
	if err := json.Unmarshal(body, &page); err != nil {
		return page, fmt.Errorf("reading events: the answer is no page of events: %w", err)
	}
	return page, nil
}

// forward sends an event as it is in the feed, and prints what came of it. An
// event that the program does not take is sent a few times.
func (l *listener) forward(ctx context.Context, body json.RawMessage) error {
	var event feedEvent
	if err := json.Unmarshal(body, &event); err != nil || event.ID == "" {
		return errors.New("reading events: the server sent something that is no event")
	}
	if wanted := (payment.Endpoint{Types: l.Types}); !wanted.Wants(payment.Event{Type: event.Type}) {
		return nil
	}
	for try := 1; ; try++ {
		answer := webhook.Post(ctx, l.to, webhook.Message{
			URL: l.ForwardTo, ID: string(event.ID), Body: body, At: l.Now(), Secrets: []holdfast.SecretKey{l.secret},
		})
		if err := ctx.Err(); err != nil {
			return err
		}
		fmt.Fprintf(l.Out, "%s  %-24s %s  %s\n", l.Now().UTC().Format(shortLayout), event.Type, event.ID,
			oneLine(answer.Words))
		if answer.Status/100 == 2 || try == forwardTriesMax {
			return nil
		}
		if err := waitFor(ctx, max(l.Every, answer.RetryAfter)); err != nil {
			return err
		}
	}
}
