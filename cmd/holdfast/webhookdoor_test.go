package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A webhookDoor is a running server as two callers of the JSON API see it.
type webhookDoor struct {
	*holdfasttest.World
	server      *server
	stop        func()
	shop, other *client.Client
	holds       int
}

func newWebhookDoor(t *testing.T, db *store.DB, settings ...func(*server)) *webhookDoor {
	t.Helper()
	d := &webhookDoor{World: holdfasttest.NewWorld(t, db)}
	key := func(c party.Caller) *client.Client {
		_, text := d.JSONKey(c, processor.NewKey{})
		return &client.Client{Key: holdfast.NewSecretKey(text)}
	}
	d.shop, d.other = key(d.Shop), key(d.OtherShop())
	d.ChangeCaller(d.Shop.ID, func(c *party.Caller) { c.IPNURL = "" })
	d.start(settings...)
	t.Cleanup(func() { d.stop() })
	return d
}

// start starts a server on the store, after the one before was stopped.
func (d *webhookDoor) start(settings ...func(*server)) {
	d.T.Helper()
	d.server = startOn(d.T, d.DB, d.Network, d.Clock.Now, settings...)
	d.stop = sync.OnceFunc(d.server.stop)
	d.shop.Address = d.server.PublicURL.String()
	d.other.Address = d.shop.Address
}

// endpoint adds an endpoint of a caller, for approved holds only.
func (d *webhookDoor) endpoint(c *client.Client, url string) client.Endpoint {
	d.T.Helper()
	e, err := c.CreateEndpoint(d.T.Context(), client.NewEndpoint{URL: url, Types: []string{"hold.held"}})
	if err != nil {
		d.T.Fatal(err)
	}
	return e
}

func (d *webhookDoor) remove(all ...client.Endpoint) {
	d.T.Helper()
	for _, e := range all {
		if err := d.shop.DeleteEndpoint(d.T.Context(), e.ID); err != nil {
			d.T.Fatal(err)
		}
	}
}

// hold makes a hold, about which each endpoint of the shop gets one event.
func (d *webhookDoor) hold() client.Hold {
	d.T.Helper()
	d.holds++
	hold, err := d.shop.CreateHold(d.T.Context(), fmt.Sprint("order-", d.holds), client.NewHold{
		Token: string(d.Authorize("20.00")), Amount: client.Cents(20_00),
	})
	if err != nil {
		d.T.Fatal(err)
	}
	return hold
}

// deliveries lists what a caller is told about an endpoint, the newest first.
func (d *webhookDoor) deliveries(c *client.Client, e client.Endpoint) (all []client.Delivery) {
	d.T.Helper()
	for one, err := range c.Deliveries(d.T.Context(), e.ID, "") {
		if err != nil {
			d.T.Fatal(err)
		}
		all = append(all, one)
	}
	return all
}

// tried waits until all of a number of events for an endpoint of the shop were tried
// some times, and lists them.
func (d *webhookDoor) tried(e client.Endpoint, events, times int) (all []client.Delivery) {
	d.T.Helper()
	return d.triedOf(d.shop, e, events, times)
}

func (d *webhookDoor) triedOf(c *client.Client, e client.Endpoint, events, times int) (all []client.Delivery) {
	d.T.Helper()
	eventually(d.T, fmt.Sprintf("%d events were tried %d times at %s", events, times, e.URL), func() bool {
		all = d.deliveries(c, e)
		done := len(all) == events
		for _, one := range all {
			done = done && one.Tries >= times
		}
		return done
	})
	return all
}

// at moves the clock to a time, and lets the server look for what is due.
func (d *webhookDoor) at(now time.Time) {
	d.Clock.Set(now)
	d.server.runner.Webhooks.Wake()
}

// A wantedTry is what the list of deliveries says about a try.
type wantedTry struct {
	state, result string
	status        int
	answer        string        // its beginning
	answerBytes   int           // of what is kept
	next          time.Duration // until the next try; zero if there is none
}

// wantTry compares a delivery with what is wanted. The clock stood still during the
// try.
func (d *webhookDoor) wantTry(name string, got client.Delivery, want wantedTry) {
	d.T.Helper()
	next := time.Time{}
	if want.next > 0 {
		next = d.Clock.Now().Add(want.next)
	}
	try := got.LastTry
	if try == nil || got.State != want.state || try.Result != want.result || try.Status != want.status ||
		!strings.HasPrefix(try.Answer, want.answer) || len(try.Answer) != want.answerBytes ||
		!try.Time.Equal(d.Clock.Now()) || !got.NextTry.Equal(next) {
		d.T.Errorf("%s: the delivery is %+v with the try %+v, want %+v", name, got, try, want)
	}
}

// names are a name server's hosts with their addresses.
type names struct {
	mu sync.Mutex
	of map[string][]net.IP
}

func (n *names) find(host string) []net.IP {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.of[host]
}

func (n *names) set(host string, to ...net.IP) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.of[host] = to
}

// useNames makes this process ask the name server of a test until the test ends.
func useNames(t *testing.T) *names {
	t.Helper()
	n := &names{of: map[string][]net.IP{}}
	at := startNames(t, n.find)
	before := net.DefaultResolver
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "tcp", at)
	}}
	t.Cleanup(func() { net.DefaultResolver = before })
	return n
}

// No webhook goes into a private network: not to an address of one, and not to a host
// whose name leads into one at the time of the delivery. The caller sees why.
func TestWebhooksStayOutOfPrivateNetworks(t *testing.T) {
	asked := useNames(t)
	asked.set("inside.example.test", net.IPv4(127, 0, 0, 1))
	asked.set("metadata.example.test", net.IPv4(169, 254, 169, 254))
	asked.set("several.example.test", net.IPv4(10, 0, 0, 1), net.IPv4(127, 0, 0, 1), net.ParseIP("fd00::1"))
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		var reached atomic.Int64
		inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
		defer inside.Close()
		port := inside.URL[strings.LastIndex(inside.URL, ":"):]
		asked.set("moving.example.test")
		d := newWebhookDoor(t, db, func(s *server) { s.AllowPrivate = false })

		var refused []client.Endpoint
		for _, host := range []string{
			"127.0.0.1", "localhost", "[::1]", "[::ffff:127.0.0.1]", "10.0.0.1", "169.254.169.254", "inside.example.test",
			"metadata.example.test", "several.example.test",
		} {
			refused = append(refused, d.endpoint(d.shop, "http://"+host+port+"/hook"))
		}
		moving := d.endpoint(d.shop, "http://moving.example.test"+port+"/hook")
		hold := d.hold()
		private := wantedTry{
			state: "waiting", result: "not sent: the address is not public", next: 5 * time.Second,
		}
		for _, e := range refused {
			got := d.tried(e, 1, 1)[0]
			d.wantTry(e.URL, got, private)
			if got.Event.Type != "hold.held" || got.Event.ObjectID != hold.ID {
				t.Errorf("%s: the event is %+v", e.URL, got.Event)
			}
		}
		d.wantTry("no such host", d.tried(moving, 1, 1)[0], wantedTry{
			state: "waiting", result: "the host name has no address", next: 5 * time.Second,
		})

		d.remove(refused...)
		asked.set("moving.example.test", net.IPv4(127, 0, 0, 1))
		d.at(d.Clock.Now().Add(5 * time.Second))
		private.next = 30 * time.Second
		d.wantTry("a name that has changed", d.tried(moving, 1, 2)[0], private)
		if n := reached.Load(); n > 0 {
			t.Errorf("%d requests came inside", n)
		}

		// A server that may go there finds the host.
		d.stop()
		d.start()
		d.at(d.Clock.Now().Add(30 * time.Second))
		d.wantTry("allowed", d.tried(moving, 1, 3)[0], wantedTry{state: "delivered", result: "200 OK", status: 200})
		if n := reached.Load(); n != 1 {
			t.Errorf("%d requests came to the host, want 1", n)
		}
	})
}
