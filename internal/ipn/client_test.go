package ipn_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Notifications, to https addresses as well, go through the configured proxy.
// Addresses that are refused without a proxy are refused with one.
func TestProxy(t *testing.T) {
	var connects, plain atomic.Int64
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodConnect && r.Host == "shop.example.test:443":
			connects.Add(1)
			w.WriteHeader(http.StatusBadGateway)
		case r.URL.Host == "shop.example.test":
			plain.Add(1)
		default:
			t.Errorf("the proxy is asked for %s %s", r.Method, r.URL)
		}
	}))
	defer proxy.Close()
	at, err := url.Parse(proxy.URL)
	if err != nil {
		t.Fatal(err)
	}
	s := newShop(t, keyedWorldStore(t))
	sender := s.newSender(s.DB)
	sender.AllowPrivate, sender.Proxy = false, at
	for i, row := range []struct {
		address, want string
		outcome       store.NotificationOutcome
	}{
		{"http://shop.example.test/ipn", "", store.NotificationDelivered},
		{"https://shop.example.test/ipn", "Bad Gateway", store.NotificationWaiting},
		{"http://127.0.0.1/ipn", "not sent: the address is not public", store.NotificationWaiting},
	} {
		s.sendTo(row.address)
		id := s.pending(holdfast.CallerReference(fmt.Sprint("order-", i)))
		s.Clock.Advance(3 * time.Second)
		if _, err := sender.RunOnce(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := s.owed(id)[0]; n.Outcome != row.outcome || n.LastResult != row.want {
			t.Errorf("%s: the notification is %s with %q, want %s with %q", row.address, n.Outcome, n.LastResult, row.outcome,
				row.want)
		}
	}
	if connects.Load() != 1 || plain.Load() != 1 {
		t.Errorf("the proxy got %d CONNECT and %d plain requests", connects.Load(), plain.Load())
	}
}
