package bench

import (
	"context"
	"errors"
	"os"
	"strings"
	"sync/atomic"
)

// A floodConn is a connection of a flood.
type floodConn struct {
	*conn
	opened  *atomic.Int64
	request []byte // sent again and again
}

func (c *floodConn) open(ctx context.Context) error {
	if c.net != nil {
		return nil
	}
	err := c.dial(ctx)
	if err == nil {
		c.opened.Add(1)
	}
	return err
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

// trickle sends a part of a request, and then small pieces of the rest, until
// the server answers or closes the connection.
func (c *floodConn) trickle(ctx context.Context, part []byte, piece string) (how string, err error) {
	defer c.close()
	if err := c.open(ctx); err != nil {
		return "", err
	}
	defer c.watch(ctx)()
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

// refusalCode finds the code of a refusal without a parser, because a flood
// gets many.
func refusalCode(status int, body []byte) string {
	if code := element(body, "Code"); code != "" {
		return code
	}
	return refusal(status, body)
}
