package api

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Paged is embedded in the input of lists.
type Paged struct {
	Limit int    `query:"limit" minimum:"1" maximum:"100" default:"20" doc:"How many objects an answer has at most."`
	After string `query:"after" maxLength:"512" doc:"The cursor next of the previous answer. The default is the start of the list."`
}

// A List is one page of a list.
type List[T any] struct {
	Data []T    `json:"data" nullable:"false" doc:"The objects of this page. A page may have fewer than limit, and even none, although more follow."`
	More bool   `json:"has_more" doc:"Whether there is a next page."`
	Next string `json:"next,omitempty" doc:"The cursor of the next page: send it as after."`
}

// A cursor names a place in one list: that of a caller with certain filters.
// Clients get it as an opaque text. The check in it lets the server refuse a
// cursor of another list, and protects nothing: a forged cursor leads only to
// other places in the client's own list.
type cursor struct {
	at time.Time
	id string
}

// text is the cursor for clients. list names the operation and its filters.
func (c cursor) text(q *request, list string) string {
	place := strconv.FormatInt(c.at.UnixMicro(), 36) + "." + c.id
	return base64.RawURLEncoding.EncodeToString([]byte(q.cursorCheck(list, place) + place))
}

// cursorOf reads a cursor. The empty text is the begin of the list.
func (q *request) cursorOf(text, list string) (c cursor, err error) {
	if text == "" {
		return c, nil
	}
	wrong := newProblem(InvalidCursor, "", Fault{
		Parameter: "after", Code: InvalidValue, Detail: "This is no cursor of this list.",
	})
	decoded, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(decoded) < cursorCheckSize {
		return c, wrong
	}
	check, place := string(decoded[:cursorCheckSize]), string(decoded[cursorCheckSize:])
	at, id, _ := strings.Cut(place, ".")
	micro, err := strconv.ParseInt(at, 36, 64)
	if err != nil || check != q.cursorCheck(list, place) || !storable(id) {
		return c, wrong
	}
	return cursor{time.UnixMicro(micro).UTC(), id}, nil
}

const cursorCheckSize = 9 // bytes, which are 12 characters

func (q *request) cursorCheck(list, place string) string {
	text := fmt.Sprintf("%q %q %q %q", q.caller.ID, q.route.id, list, place)
	sum := sha256.Sum256([]byte(text))
	return string(sum[:cursorCheckSize])
}
