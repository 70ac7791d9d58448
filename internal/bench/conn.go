package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/holdfast-pay/holdfast"
)

const (
	dialTimeout    = 5 * time.Second
	answerTimeout  = 60 * time.Second
	answerBytesMax = 1 << 20
)

// A conn is one connection to the server, used by one goroutine. The client of
// net/http passes each request between three goroutines, which takes time from
// a server on the same machine. A conn sends a request with one write, and
// reads the answer with net/http's parser.
type conn struct {
	address string
	now     func() time.Time
	net     net.Conn // nil if it must be dialled
	reader  *bufio.Reader
	body    bytes.Buffer
}

func newConn(endpoint *url.URL, now func() time.Time) (*conn, error) {
	if endpoint.Scheme != "http" {
		return nil, errors.New("a bench uses plain http, so that it does not measure TLS")
	}
	address := endpoint.Host
	if endpoint.Port() == "" {
		address = net.JoinHostPort(endpoint.Hostname(), "80")
	}
	return &conn{address: address, now: now, reader: bufio.NewReaderSize(nil, 4096)}, nil
}

func (c *conn) dial(ctx context.Context) error {
	if c.net != nil {
		return nil
	}
	opened, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", c.address)
	if err != nil {
		return err
	}
	c.net = opened
	c.reader.Reset(opened)
	return nil
}

// watch closes the connection when ctx ends, which ends any read or write,
// until unwatch is called.
func (c *conn) watch(ctx context.Context) (unwatch func() bool) {
	opened := c.net
	return context.AfterFunc(ctx, func() { opened.Close() })
}

func (c *conn) close() {
	if c.net != nil {
		c.net.Close()
		c.net = nil
	}
}

// do sends a request and reads the answer. The answer is valid until the next
// call. After an error, the next call dials again.
func (c *conn) do(ctx context.Context, request []byte) (status int, body []byte, err error) {
	if err := c.dial(ctx); err != nil {
		return 0, nil, err
	}
	defer c.watch(ctx)()
	keep := false
	defer func() {
		if !keep {
			c.close()
		}
	}()
	if err := c.net.SetDeadline(c.now().Add(answerTimeout)); err != nil {
		return 0, nil, err
	}
	if _, err := c.net.Write(request); err != nil {
		return 0, nil, err
	}
	answer, err := http.ReadResponse(c.reader, nil)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	c.body.Reset()
	if _, err := c.body.ReadFrom(io.LimitReader(answer.Body, answerBytesMax)); err != nil {
		return 0, nil, err
	}
	keep = !answer.Close
	return answer.StatusCode, c.body.Bytes(), nil
}

// element returns the text of the first element with the given name. The values
// that a bench reads have no escapes.
func element(body []byte, name string) string {
	_, rest, found := bytes.Cut(body, []byte("<"+name+">"))
	if !found {
		return ""
	}
	text, _, found := bytes.Cut(rest, []byte("<"))
	if !found {
		return ""
	}
	return string(text)
}

// refusal parses an error answer in full, since errors should be rare.
func refusal(status int, body []byte) string {
	var answer struct {
		Code string `xml:"Errors>Error>Code"`
	}
	if err := xml.Unmarshal(body, &answer); err != nil || answer.Code == "" {
		return fmt.Sprintf("HTTP %d", status)
	}
	return answer.Code
}

// trouble names the reason why a request got no answer.
func trouble(err error) string {
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed):
		return "connection closed"
	}
	if dialing, ok := errors.AsType[*net.OpError](err); ok {
		return "connection: " + dialing.Op
	}
	return "no HTTP"
}

// good reports whether an action may end in the status.
func (a Action) good(s holdfast.TransactionStatus) bool {
	switch a {
	case Reserve:
		return s == holdfast.StatusReserved || s == holdfast.StatusPending
	case Settle:
		return s == holdfast.StatusSuccess || s == holdfast.StatusPending
	case Status:
		return s != ""
	case Activity:
	}
	return true
}
