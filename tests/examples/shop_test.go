package examples

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/money"
)

// A shop is the public address of a program. It forwards messages. Before the
// first return URL and the first notification it sends forgeries of them.
type shop struct {
	t      *testing.T
	demo   *demo
	port   string // the address of the program
	public string
	thief  *thief
	others chan string // kinds of the other caller's messages that were refused

	delivering sync.WaitGroup

	mu     sync.Mutex
	forged map[string]int // how many were refused, by kind of message
}

func openShop(t *testing.T, d *demo) *shop {
	t.Helper()
	s := &shop{
		t: t, demo: d, port: freePort(t), thief: newThief(t), others: make(chan string, 10), forged: map[string]int{},
	}
	server := httptest.NewServer(s)
	t.Cleanup(func() {
		server.Close()
		s.delivering.Wait()
	})
	s.public = strings.Replace(server.URL, "127.0.0.1", "localhost", 1)
	return s
}

// freePort finds a port below the range that systems assign automatically, so
// that no other program gets it meanwhile.
func freePort(t *testing.T) string {
	t.Helper()
	for range 100 {
		port := strconv.Itoa(20_000 + rand.IntN(10_000))
		listener, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			continue
		}
		listener.Close()
		return port
	}
	t.Fatal("there is no free port")
	return ""
}

func (s *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	m := message{verb: r.Method, path: r.URL.Path, raw: string(body)}
	if m.verb == http.MethodGet {
		m.raw = r.URL.RawQuery
	}
	m.params, err = holdfast.ParseParams(m.raw)
	if err != nil {
		s.t.Errorf("the demo sent %s: %v", m.raw, err)
	}
	if holdfast.CallerID(m.params.Get(holdfast.CallerField)) != s.demo.CallerID {
		s.refuses(m, "another caller's message")
		s.others <- m.verb + " " + m.params.Get("tokenID")
		w.WriteHeader(http.StatusForbidden)
		return
	}
	if m.verb == http.MethodGet {
		w.WriteHeader(s.deliver(m))
		return
	}
	s.delivering.Go(func() { s.deliver(m) }) // takes longer than the demo waits
	w.WriteHeader(http.StatusOK)
}

// deliver forwards a genuine message. The first of each kind comes after its
// forgeries.
func (s *shop) deliver(m message) (status int) {
	// One at a time: the program may end after its last notification.
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.forged[m.verb] == 0 {
		for _, f := range s.thief.forgeries(s.t, s.demo, s.public, m) {
			s.refuses(f.message, f.name)
			s.forged[m.verb]++
		}
		// A certificate that cannot be had may leave the program in doubt.
		for _, f := range s.thief.strange(s.t, s.demo, s.public, m) {
			if status, err := s.pass(f.message); status != http.StatusForbidden && status != http.StatusServiceUnavailable {
				s.t.Errorf("%s %s: the program answers %d (%v), want 403 or 503", m.verb, f.name, status, err)
			}
		}
	}
	status, err := s.pass(m)
	if err != nil {
		return http.StatusServiceUnavailable // the program has ended
	} else if status != http.StatusOK {
		s.t.Errorf("the program answers %d to a genuine message: %s %s", status, m.verb, m.raw)
	}
	return status
}

// refuses sends a forged message, which the program must refuse.
func (s *shop) refuses(m message, name string) {
	if status, err := s.pass(m); err != nil || status != http.StatusForbidden {
		s.t.Errorf("%s %s: the program answers %d (%v), want 403: %s", m.verb, name, status, err, m.raw)
	}
}

// pass sends a message to the program.
func (s *shop) pass(m message) (status int, err error) {
	address, body := "http://127.0.0.1:"+s.port+m.path, m.raw
	if m.verb == http.MethodGet {
		address, body = address+"?"+m.raw, ""
	}
	request, err := http.NewRequest(m.verb, address, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Close = true
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, fmt.Errorf("asking the program: %w", err)
	}
	defer response.Body.Close()
	_, err = io.Copy(io.Discard, response.Body)
	return response.StatusCode, err
}

// forge lets the server sign messages for another caller, whose return URL and
// IPN address are the program's.
func (s *shop) forge(t *testing.T) {
	t.Helper()
	other := s.demo.other.client()
	link, err := other.SingleUseURL(holdfast.SingleUseRequest{
		CallerReference: holdfast.CallerReference("theft-" + s.port), ReturnURL: s.public + "/return",
		TransactionAmount: money.Cents(1250), Reserve: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	if said, err := s.demo.buy(t, link); err == nil {
		t.Errorf("a return URL of another caller is accepted: %s", said)
	}
	_, token, _ := strings.Cut(<-s.others, " ")
	_, err = other.Reserve(t.Context(), holdfast.ReserveRequest{
		SenderTokenID: holdfast.TokenID(token), CallerReference: holdfast.CallerReference("theft-" + s.port),
		TransactionAmount: money.Cents(1250), OverrideIPNURL: s.public + "/ipn",
	})
	if err != nil {
		t.Fatal(err)
	}
	if kind := <-s.others; kind != "POST " {
		t.Errorf("the other caller's notification is a %q", kind)
	}
}

// check fails the test unless each kind of message was forged, and each answer
// was lost once.
func (s *shop) check(t *testing.T, r *run) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, verb := range []string{http.MethodGet, http.MethodPost} {
		if s.forged[verb] < 20 {
			t.Errorf("%d forgeries were sent with %s", s.forged[verb], verb)
		}
	}
	for _, action := range []string{"Reserve", "Settle", "Refund"} {
		if name := r.request(action); !s.demo.way.lost(name) {
			t.Errorf("the answer to %q was not lost", name)
		}
	}
}
