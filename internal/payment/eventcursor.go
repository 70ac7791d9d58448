package payment

import (
	"encoding/base64"
	"errors"
	"strconv"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// Errors of cursors.
var (
	// ErrCursor means that a text is no cursor of the caller's feed.
	ErrCursor = errors.New("this is no cursor of the caller's events")
	// ErrCursorLost means that the event of a cursor is gone: the server's data was restored from a backup. The reader
	// has seen events that never happened, by the books of today.
	ErrCursorLost = errors.New("the event of the cursor no longer exists, because a backup was restored")
)

// An EventCursor says after which event of a caller the feed goes on. Callers get it as an opaque text. The empty
// cursor is the beginning of the feed.
type EventCursor string

// Cursor is the cursor behind an event that has a position.
func (e Event) Cursor() EventCursor {
	return EventCursor(base64.RawURLEncoding.EncodeToString([]byte(strings.Join([]string{
		strconv.FormatInt(e.Position, 36), tagOf("cursor", string(e.Caller)), tagOf("event", string(e.ID)),
	}, "."))))
}

// Position is the position that a caller's cursor names; 0 for the beginning. It is [ErrCursor] for any other text,
// such as a cursor of another caller.
func (c EventCursor) Position(of party.CallerID) (int64, error) {
	if c == "" {
		return 0, nil
	}
	text, err := base64.RawURLEncoding.DecodeString(string(c))
	parts := strings.Split(string(text), ".")
	if err != nil || base64.RawURLEncoding.EncodeToString(text) != string(c) || len(parts) != 3 ||
		parts[1] != tagOf("cursor", string(of)) || len(parts[2]) != len(parts[1]) {
		return 0, ErrCursor
	}
	position, err := strconv.ParseInt(parts[0], 36, 64)
	if err != nil || position <= 0 {
		return 0, ErrCursor
	}
	return position, nil
}
