package webhook

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/egress"
)

const (
	answerBytesMax  = 64 << 10 // read of an answer
	answerBytesKept = 1 << 10
)

// A Message is an event that is sent to an address.
type Message struct {
	URL     string
	ID      string // of the event
	Body    []byte
	At      time.Time // of the request
	Secrets []holdfast.SecretKey
}

// An Answer is what a receiver said.
type Answer struct {
	Status     int           // of HTTP; 0 if there was no answer
	Words      string        // the status or the failure in words, with nothing of the address
	Body       string        // the beginning of the answer's body
	RetryAfter time.Duration // what the receiver asks for; 0 if nothing
}

// Post sends a message.
func Post(ctx context.Context, client *http.Client, m Message) Answer {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.URL, bytes.NewReader(m.Body))
	if err != nil {
		return Answer{Words: "not sent: the URL cannot be read"}
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Holdfast-Webhook")
	if err := Sign(r.Header, m.ID, m.At, m.Body, m.Secrets...); err != nil {
		return Answer{Words: "not sent: " + err.Error()}
	}
	got, err := client.Do(r)
	if err != nil {
		return Answer{Words: egress.Failure(err, client.Timeout)}
	}
	defer got.Body.Close()
	// The status says whether the event was taken, even if the rest cannot be read.
	// Reading a little more than is kept allows the connection to be reused.
	said, _ := io.ReadAll(io.LimitReader(got.Body, answerBytesMax))
	a := Answer{
		Status: got.StatusCode, Body: shown(said), RetryAfter: retryAfter(got.Header),
		Words: strings.TrimSpace(fmt.Sprintf("%d %s", got.StatusCode, http.StatusText(got.StatusCode))),
	}
	if got.StatusCode/100 == 3 {
		a.Words += ": redirects are not followed"
	}
	return a
}

// shown is the beginning of an answer as text that a database can store and a
// terminal can show.
func shown(said []byte) string {
	text := strings.ToValidUTF8(string(said[:min(len(said), answerBytesKept)]), "")
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return ' '
		}
		return r
	}, text)
}

// retryAfter reads the header Retry-After. Only seconds count: a date would be by
// the receiver's clock.
func retryAfter(header http.Header) time.Duration {
	seconds, err := strconv.Atoi(header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(min(seconds, int(retryAfterMax.Seconds()))) * time.Second
}
