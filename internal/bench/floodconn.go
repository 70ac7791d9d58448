package bench

import (
	"context"
	"errors"
	"os"
	"strings"
)

// A floodConn is a connection of a flood. It ends with its context, whatever it
// waits for.
type floodConn struct {
	*conn
	unwatch func() bool
	request []byte // that is sent again and again
}

func (c *floodConn) open(ctx context.Context) error {
	if c.net != nil {
		return nil
	}
	if err := c.dial(ctx); err != nil {
		return err
	}
	opened := c.net
	c.unwatch = context.AfterFunc(ctx, func() { opened.Close() })
	return nil
}

func (c *floodConn) end() {
	c.close()
	if c.unwatch != nil {
		c.unwatch()
		c.unwatch = nil
	}
}

// refused sends a whole request and returns the code of its refusal.
func (c *floodConn) refused(ctx context.Context, request []byte) (code string, err error) {
	if err := c.open(ctx); err != nil {
		return "", err
	}
	status, body, err := c.do(ctx, request)
	if err != nil {
		return "", err
	}
	return refusalCode(status, body), nil
}

// trickle sends a part of a request, and of the rest a piece at a time, until
// the server has had enough.
func (c *floodConn) trickle(ctx context.Context, part []byte, piece string) (how string, err error) {
	defer c.end()
	if err := c.open(ctx); err != nil {
		return "", err
	}
	if _, err := c.net.Write(part); err != nil {
		return "", err
	}
	for answer := make([]byte, 512); ; {
		if err := c.net.SetReadDeadline(c.now().Add(slowPause)); err != nil {
			return "", err
		}
		n, err := c.net.Read(answer)
		switch {
		case n > 0:
			line, _, _ := strings.Cut(string(answer[:n]), "\r\n")
			return line, nil
		case !errors.Is(err, os.ErrDeadlineExceeded):
			return "", err
		}
		if piece == "" {
			continue
		}
		if _, err := c.net.Write([]byte(piece)); err != nil {
			return "", err
		}
	}
}

// refusalCode is a refusal's, found without a parser: there are many.
func refusalCode(status int, body []byte) string {
	if code := element(body, "Code"); code != "" {
		return code
	}
	return refusal(status, body)
}
