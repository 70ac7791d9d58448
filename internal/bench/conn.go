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

// A conn is one connection to the server, used by one goroutine. net/http's
// client hands each request between three of them, which on a machine shared
// with the server is time taken from it; here a request is one write, and its
// answer is read by net/http's own parser.
type conn struct {
	address string
	now     func() time.Time
	net     net.Conn // nil when it has to be dialled
	reader  *bufio.Reader
	body    bytes.Buffer
}

func newConn(endpoint *url.URL, now func() time.Time) (*conn, error) {
	if endpoint.Scheme != "http" {
		return nil, errors.New("a bench speaks plain http: what TLS costs is not the server's")
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

// watch closes the connection when ctx ends, whatever is waited for, until unwatch
// is called.
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

// do sends a request and reads the answer, which is good until the next. After
// an error the connection is dialled anew.
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

// element cuts the text of the first element with a name out of an answer. The
// names and the values that a bench looks for need no unescaping.
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

// refusal reads an error answer in full: there should be few.
func refusal(status int, body []byte) string {
	var answer struct {
		Code string `xml:"Errors>Error>Code"`
	}
	if err := xml.Unmarshal(body, &answer); err != nil || answer.Code == "" {
		return fmt.Sprintf("HTTP %d", status)
	}
	return answer.Code
}

// trouble names what became of a request that got no answer.
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

// good reports whether a status is one of those that an action should end in.
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
