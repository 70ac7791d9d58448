package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// A Client calls the JSON API with one key. Set the fields first. Then any number
// of goroutines may use it.
type Client struct {
	Address string             // of the server, e.g. "https://pay.example.com"
	Key     holdfast.SecretKey // the bearer key, "hf_test_…" or "hf_live_…"

	HTTP       *http.Client // nil means one with a timeout of 50 s; redirects are never followed
	RetriesMax int          // tries after the first; zero means 3, a negative number none

	// Pause waits between tries and between reads of an empty feed; nil means a
	// timer, which ends early when the context does.
	Pause func(context.Context, time.Duration) error
}

const (
	answerTimeout  = 50 * time.Second
	answerBytesMax = 8 << 20 // a page of 100 events
	retriesDefault = 3
	retryUnit      = 200 * time.Millisecond // the n-th pause is 2^n units, and up to half of it more
	retryAfterMax  = 30 * time.Second
)

// A call is one request. Every try sends the same bytes and the same idempotency
// key, so the server knows that all tries are one call.
type call struct {
	method string
	path   string // below /v1/, escaped
	query  url.Values
	key    string // the idempotency key; empty if the operation needs none
	body   any    // nil if the operation has none
}

// at is the path of an object, or of an operation on it.
func at(parts ...string) string {
	escaped := make([]string, len(parts))
	for i, part := range parts {
		escaped[i] = url.PathEscape(part)
	}
	return strings.Join(escaped, "/")
}

// safe reports whether the call may be repeated when its answer was lost.
func (r call) safe() bool { return r.method != http.MethodPost || r.key != "" }

// ask makes a call and reads its answer.
func ask[A any](ctx context.Context, c *Client, r call) (answer A, err error) {
	text, err := c.do(ctx, r)
	if err != nil || len(text) == 0 {
		return answer, err
	}
	if err := json.Unmarshal(text, &answer); err != nil {
		return answer, r.lost(fmt.Errorf("reading the answer: %w", err))
	}
	return answer, nil
}

// do makes a call and returns the body of its answer. A call is repeated while the
// server is busy, away or failing, if that is safe.
func (c *Client) do(ctx context.Context, r call) ([]byte, error) {
	address, body, err := c.prepare(r)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
	}
	retriesMax := 0
	if r.safe() {
		retriesMax = c.retriesMax()
	}
	for try := 0; ; try++ {
		rep, err := c.try(ctx, r, address, body)
		switch {
		case err == nil && rep.status/100 == 2:
			return rep.body, nil
		case try >= retriesMax || err == nil && !passing(rep.status) || errors.Is(err, errAnswerTooLarge):
			return nil, r.failed(rep, err)
		}
		if waitErr := c.pause(ctx, pauseAfter(try, rep)); waitErr != nil {
			return nil, r.lost(errors.Join(waitErr, err))
		}
	}
}

// prepare returns the address and the body of a call.
func (c *Client) prepare(r call) (address string, body []byte, err error) {
	if len(c.Key.Reveal()) == 0 {
		return "", nil, errors.New("the client has no Key")
	}
	u, err := url.Parse(c.Address)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.RawQuery != "" || u.Fragment != "" {
		return "", nil, errors.New("the client's Address is no address such as https://pay.example.com")
	}
	u.RawPath = strings.TrimSuffix(u.EscapedPath(), "/") + "/v1/" + r.path
	if u.Path, err = url.PathUnescape(u.RawPath); err != nil {
		return "", nil, fmt.Errorf("making the address: %w", err)
	}
	u.RawQuery = r.query.Encode()
	if r.body == nil {
		return u.String(), nil, nil
	}
	body, err = json.Marshal(r.body)
	if err != nil {
		return "", nil, fmt.Errorf("writing the body: %w", err)
	}
	return u.String(), body, nil
}

// A reply is a server's complete HTTP answer.
type reply struct {
	status int
	header http.Header
	body   []byte
}

var errAnswerTooLarge = fmt.Errorf("the answer is longer than %d bytes", answerBytesMax)

func (c *Client) try(ctx context.Context, r call, address string, body []byte) (reply, error) {
	request, err := http.NewRequestWithContext(ctx, r.method, address, bytes.NewReader(body))
	if err != nil {
		return reply{}, fmt.Errorf("making the request: %w", err)
	}
	request.Header.Set("Authorization", "Bearer "+string(c.Key.Reveal()))
	request.Header.Set("Accept", "application/json, application/problem+json")
	if r.body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	if r.key != "" {
		request.Header.Set("Idempotency-Key", r.key)
	}
	resp, err := c.http().Do(request)
	if err != nil {
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err
		}
		return reply{}, fmt.Errorf("sending the request: %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, answerBytesMax+1))
	if err != nil {
		return reply{}, fmt.Errorf("receiving the answer: %w", err)
	}
	if len(answer) > answerBytesMax {
		return reply{}, errAnswerTooLarge
	}
	return reply{resp.StatusCode, resp.Header, answer}, nil
}

// passing reports whether the same call may succeed a moment later.
func passing(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// pauseAfter is the pause after a try: what the server asks for, or else longer
// each time. A random part spreads clients that were all refused at once.
func pauseAfter(try int, rep reply) time.Duration {
	if seconds, err := strconv.Atoi(rep.header.Get("Retry-After")); err == nil && seconds > 0 {
		return min(time.Duration(seconds)*time.Second, retryAfterMax)
	}
	pause := retryUnit << min(try, 7)
	return pause + time.Duration(rand.Int64N(int64(pause/2))) //nolint:gosec // it spreads requests, and hides nothing
}

// http returns the HTTP client to use. It follows no redirects: the key is for one
// host.
func (c *Client) http() *http.Client {
	client := http.Client{Timeout: answerTimeout}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

func (c *Client) retriesMax() int {
	if c.RetriesMax == 0 {
		return retriesDefault
	}
	return c.RetriesMax
}

func (c *Client) pause(ctx context.Context, d time.Duration) error {
	if c.Pause != nil {
		return c.Pause(ctx, d)
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
