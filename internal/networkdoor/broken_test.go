package networkdoor_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/networkdoor"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

type brokenInbox struct{ err error }

func (b brokenInbox) TakeEvent(context.Context, payment.NetworkAccountID, map[string][]string, []byte) error {
	return b.err
}

// While an account takes no messages, a flood of messages that nobody signed fills
// no log, and is answered slowly.
func TestMessagesToABrokenAccountArePaced(t *testing.T) {
	for name, row := range map[string]struct {
		err    error
		status int
		text   string
	}{
		"its client cannot be made": {errors.New("the key is empty"), http.StatusInternalServerError, "send it again"},
		"it is not served": {
			errors.Join(errors.New("reading account N1"), card.ErrNotServed), http.StatusServiceUnavailable,
			networkdoor.NotServed,
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const pause = 20 * time.Millisecond
				log, clock := &bytes.Buffer{}, holdfasttest.NewClock()
				door := (&networkdoor.Server{
					Inbox: brokenInbox{row.err}, Now: clock.Now, Log: slog.New(slog.NewTextHandler(log, nil)), StrangerPause: pause,
					From: func(*http.Request) string { return "192.0.2.1" },
				}).Handler()
				began := time.Now() //nolint:forbidigo // the bubble's
				for range 25 {
					w := httptest.NewRecorder()
					door.ServeHTTP(w, httptest.NewRequest(http.MethodPost, address, strings.NewReader("{}")))
					if w.Code != row.status || !strings.Contains(w.Body.String(), row.text) {
						t.Fatalf("the answer is %d, %s", w.Code, w.Body)
					}
				}
				if took := time.Since(began); took < 20*pause { //nolint:forbidigo // the bubble's
					t.Errorf("they are answered in %v", took)
				}
				if lines := strings.Count(log.String(), "level=ERROR"); lines != 10 {
					t.Errorf("the log has %d lines, want 10", lines)
				}
			})
		})
	}
}
