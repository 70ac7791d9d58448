package holdfast

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// A Client calls the Query API for one caller and builds the caller's
// Co-Branded links. Set the fields first. Then any number of goroutines may use
// it.
type Client struct {
	Endpoint    string    // Query API address, e.g. "https://fps.example.com/"
	CoBranded   string    // Co-Branded address, e.g. "https://pay.example.com/cobranded-ui/actions/start"
	AccessKeyID string    // identifies the caller; usually 20 characters
	SecretKey   SecretKey // signs the caller's requests
	Version     string    // of the Query API; zero means Version2010

	Method     SignatureMethod // zero means HmacSHA256
	HTTP       *http.Client    // nil means one with a timeout of 50 s; redirects are never followed
	RetriesMax int             // tries after the first; zero means 3, a negative number none

	// Now gives the timestamps of requests; nil means time.Now. If the server
	// refuses a timestamp, the Client uses the server's time.
	Now func() time.Time

	// Pause waits between tries; nil means a timer, which ends early when the
	// context does.
	Pause func(context.Context, time.Duration) error
}

const (
	answerTimeout   = 50 * time.Second // as in FPS's own clients
	answerBytesMax  = 1 << 20
	retriesDefault  = 3
	retryUnit       = 100 * time.Millisecond // the n-th pause is 4^n units
	timestampLayout = "2006-01-02T15:04:05.000Z"
	formContentType = "application/x-www-form-urlencoded; charset=utf-8"
)

// An InDoubtError says that the outcome of a request to move money is unknown:
// the request was sent, but no try got a readable answer. Money may have moved.
// Send the same request again, with the same CallerReference. After a Settle
// you can also call GetTransactionStatus. Never send the request with a new
// reference.
type InDoubtError struct {
	Action        string          // such as "Reserve" or "Settle"
	Reference     CallerReference // of actions that have one
	TransactionID TransactionID   // of a Settle or Cancel
	Err           error           // the error of the last try
}

func (e *InDoubtError) Error() string {
	subject := string(e.TransactionID)
	if e.Reference != "" {
		subject = fmt.Sprintf("%q", string(e.Reference))
	}
	return fmt.Sprintf("the outcome of %s %s is in doubt: %v", e.Action, subject, e.Err)
}

// Unwrap returns the error of the last try.
func (e *InDoubtError) Unwrap() error { return e.Err }

// A reply is a server's complete HTTP answer.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// ask sends one action and reads the result element of the reply with read.
// Once a request was sent, every failure except a refusal is an
// unansweredError.
func ask[R any](
	ctx context.Context, c *Client, action string, params Params, read func(xmlResult) (R, error),
) (R, Answer, error) {
	var none R
	doing := "asking " + action
	u, err := parseEndpoint(c.Endpoint)
	if err != nil {
		return none, Answer{}, fmt.Errorf("%s: %w", doing, err)
	}
	params = append(Params{{"Action", action}}, params...)
	var rep reply
	if action == actionVerifySignature && c.AccessKeyID == "" { // the only action that needs no signature
		rep, err = c.send(ctx, http.MethodPost, u, append(params, Param{"Version", c.version()}).Encode(), c.retriesMax())
	} else {
		rep, err = c.sendSigned(ctx, http.MethodPost, u, params, c.retriesMax())
	}
	if err != nil {
		return none, Answer{}, fmt.Errorf("%s: %w", doing, err)
	}
	result, answer, err := rep.result(action)
	if refusal, ok := errors.AsType[*Error](err); ok {
		return none, Answer{}, refusal
	} else if err != nil {
		return none, Answer{}, fmt.Errorf("%s: %w", doing, &unansweredError{err})
	}
	value, err := read(result)
	if err != nil {
		return none, Answer{}, fmt.Errorf("%s: %w", doing, &unansweredError{fmt.Errorf("reading the answer: %w", err)})
	}
	return value, answer, nil
}

// An unansweredError says that a request was sent but got no readable answer.
// For an action that moves money, the outcome is then in doubt.
type unansweredError struct{ err error }

func (e *unansweredError) Error() string { return e.err.Error() }
func (e *unansweredError) Unwrap() error { return e.err }

// sendSigned signs and sends a request. If the server refuses the timestamp,
// this machine's clock is wrong, and the request is signed and sent once more
// with the server's time. That is safe: a refused request had no effect.
func (c *Client) sendSigned(
	ctx context.Context, verb string, u *url.URL, params Params, retriesMax int,
) (reply, error) {
	signed, err := c.signed(verb, u, params, c.now())
	if err != nil {
		return reply{}, err
	}
	rep, err := c.send(ctx, verb, u, signed.Encode(), retriesMax)
	if err != nil {
		return reply{}, err
	}
	real, expired := rep.expiredAt()
	if !expired {
		return rep, nil
	}
	if signed, err = c.signed(verb, u, params, real); err != nil {
		return reply{}, err
	}
	return c.send(ctx, verb, u, signed.Encode(), retriesMax)
}

// expiredAt returns the server's time if the reply refuses the request's
// timestamp. The server refuses a timestamp before it looks for the caller, so
// this is real time and never that of a sandbox clock. Servers other than
// Holdfast send it in the Date header only.
func (r reply) expiredAt() (real time.Time, expired bool) {
	if r.status == http.StatusOK {
		return time.Time{}, false
	}
	_, _, err := r.result("")
	if refusal, ok := errors.AsType[*Error](err); !ok || refusal.Code != RequestExpired {
		return time.Time{}, false
	}
	real = r.headerTime(HeaderTime)
	if real.IsZero() {
		real, _ = http.ParseTime(r.header.Get("Date"))
	}
	return real, !real.IsZero()
}

// signed adds the parameters of every request and the signature over all
// parameters (docs/api/signing.md; FPS API Reference, "Common Request
// Parameters").
func (c *Client) signed(verb string, u *url.URL, params Params, at time.Time) (Params, error) {
	if c.AccessKeyID == "" {
		return nil, errors.New("the client has no AccessKeyID")
	}
	params = append(
		params[:len(params):len(params)],
		Param{"AWSAccessKeyId", c.AccessKeyID},
		Param{"SignatureVersion", signatureVersion},
		Param{"SignatureMethod", string(c.method())},
		Param{"Timestamp", at.UTC().Format(timestampLayout)},
		Param{"Version", c.version()},
	)
	signature, err := SignHMAC(c.SecretKey, c.method(), StringToSign(verb, SignedHost(u), u.EscapedPath(), params))
	if err != nil {
		return nil, fmt.Errorf("signing the request: %w", err)
	}
	return append(params, Param{"Signature", signature}), nil
}

// send sends encoded parameters as the query of a GET or the body of a POST. It
// returns the first reply that is not a passing fault, or else the last reply.
// Every try sends the same bytes, so the server knows that all tries are one
// request. A failure is an unansweredError unless nothing was sent.
func (c *Client) send(ctx context.Context, verb string, u *url.URL, encoded string, retriesMax int) (reply, error) {
	if err := ctx.Err(); err != nil {
		return reply{}, err
	}
	pause := retryUnit
	for try := 0; ; try++ {
		rep, err := c.try(ctx, verb, u, encoded)
		passing := err != nil && !errors.Is(err, errAnswerTooLarge) || err == nil && passingFault(rep.status)
		if !passing || try >= retriesMax {
			if err != nil {
				return reply{}, &unansweredError{err}
			}
			return rep, nil
		}
		pause *= 4
		if waitErr := c.pause(ctx, pause); waitErr != nil {
			return reply{}, &unansweredError{errors.Join(waitErr, err)}
		}
	}
}

// passingFault reports whether the same request may succeed when it is repeated
// at once. The API itself sends 500 and 503; gateways in front of it send 502
// and 504.
func passingFault(status int) bool {
	switch status {
	case http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

var errAnswerTooLarge = fmt.Errorf("the answer is longer than %d bytes", answerBytesMax)

func (c *Client) try(ctx context.Context, verb string, u *url.URL, encoded string) (reply, error) {
	address, body := *u, encoded
	if verb == http.MethodGet {
		address.RawQuery, body = encoded, ""
	}
	req, err := http.NewRequestWithContext(ctx, verb, address.String(), strings.NewReader(body))
	if err != nil {
		return reply{}, fmt.Errorf("making the request: %w", err)
	}
	if verb == http.MethodPost {
		req.Header.Set("Content-Type", formContentType)
	}
	resp, err := c.http().Do(req)
	if err != nil {
		// The outer error quotes the address, which may hold a signature.
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
	return reply{status: resp.StatusCode, header: resp.Header, body: answer}, nil
}

// http returns the HTTP client to use. It follows no redirects: a signature is
// valid for one host, and requests that move money must go nowhere else.
func (c *Client) http() *http.Client {
	client := http.Client{Timeout: answerTimeout}
	if c.HTTP != nil {
		client = *c.HTTP
	}
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &client
}

func (c *Client) version() string {
	if c.Version == "" {
		return Version2010
	}
	return c.Version
}

func (c *Client) method() SignatureMethod {
	if c.Method == "" {
		return HmacSHA256
	}
	return c.Method
}

func (c *Client) retriesMax() int {
	if c.RetriesMax == 0 {
		return retriesDefault
	}
	return c.RetriesMax
}

func (c *Client) now() time.Time {
	if c.Now == nil {
		return time.Now() //nolint:forbidigo // a program that uses the SDK need not set a clock
	}
	return c.Now()
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
