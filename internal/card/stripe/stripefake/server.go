// Package stripefake is a fake of Stripe, as strict as the real one, for tests
// and for the demo. It keeps customers, cards, payments, refunds, disputes and
// payouts in memory, shows its own page for cards, and sends signed events.
//
// The fake has one account of Stripe in test and live mode: the prefix of a key
// says which. Test cards work in both modes. Its clock is the caller's.
package stripefake

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// The keys of a new server. The restricted ones have the rights of
// HoldfastRights.
const (
	TestKey           = "rk_test_stripefake"
	LiveKey           = "rk_live_stripefake"
	UnrestrictedKey   = "sk_test_stripefake"
	UnrestrictedLive  = "sk_live_stripefake"
	accountID         = "acct_stripefake"
	requestsKept      = 20_000
	readHeaderTimeout = 10 * time.Second
	bodyMax           = 1 << 20
)

// Settings may change while the server runs: see Set.
type Settings struct {
	// StatementPrefix is the account's text on statements, before each suffix.
	StatementPrefix string
	// PerSecond is how many requests one endpoint takes in a second. Zero is no limit.
	PerSecond int
	// RefundsWait leaves new refunds pending until FinishRefund.
	RefundsWait bool
	// Quiet makes no events, for tests with very many payments.
	Quiet bool
	// Validate looks at every request first. Its errors are faults: see ValidatorFromEnv.
	Validate func(r *http.Request, body []byte) error
	// Before runs before a request takes effect, while its key is in use. It may
	// block, for a slow answer.
	Before func(*http.Request)
	// Alter changes answers, for example to add a status that nobody knows.
	Alter func(r *http.Request, answer map[string]any)
	// PagesAt replaces the address of the server in links to its pages.
	PagesAt string
	// Client sends events. Nil is one that waits 20 seconds for an answer.
	Client *http.Client
}

// A Server is a fake of Stripe. Use New.
type Server struct {
	clock func() time.Time
	mux   *http.ServeMux

	mu       sync.Mutex // held for moments: no hook and no request of ours runs under it
	settings Settings
	now      time.Time // of what happens at present
	began    int64     // Unix time of New
	ids      int64
	asked    int64 // requests; their ids are apart, since a journal has no reading ones
	journal  io.Writer
	things   map[string]thing
	order    map[string][]thing // by the prefix of their ids
	keys     map[string]Rights
	revoked  map[string]bool
	stored   map[string]*storedAnswer // by mode and idempotency key
	windows  map[string]window
	timers   timers
	scripts  []*Script
	faults   []string
	requests []Request
	counts   map[string]int
	current  *call // the request that has effect at present
	declines []Decline

	deliveries []*Delivery
	wake       chan struct{}

	url    string
	server *http.Server
	served chan struct{}
}

// New makes a server with the account's four keys. The clock says what time it is.
func New(clock func() time.Time) *Server { return NewAt(clock, clock()) }

// NewAt makes a server that began at a time, for Replay. Its ids depend on it.
func NewAt(clock func() time.Time, began time.Time) *Server {
	s := &Server{
		clock: clock, now: clock(), began: began.Unix(),
		settings: Settings{StatementPrefix: "HOLDFAST"},
		things:   map[string]thing{},
		order:    map[string][]thing{},
		keys: map[string]Rights{
			TestKey: HoldfastRights(), LiveKey: HoldfastRights(), UnrestrictedKey: nil, UnrestrictedLive: nil,
		},
		revoked: map[string]bool{},
		stored:  map[string]*storedAnswer{},
		windows: map[string]window{},
		counts:  map[string]int{},
		wake:    make(chan struct{}, 1),
	}
	s.mux = http.NewServeMux()
	for _, rt := range routes() {
		s.mux.HandleFunc(rt.pattern, func(w http.ResponseWriter, r *http.Request) { s.serve(&rt, w, r) })
	}
	s.pages()
	s.mux.HandleFunc("/", s.unrecognised)
	return s
}

// Start listens on a free port of this machine. Close ends it.
func Start(clock func() time.Time) (*Server, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening for the fake of Stripe: %w", err)
	}
	s := New(clock)
	s.Serve(listener)
	return s, nil
}

// Serve answers on a listener, and returns. Close ends it.
func (s *Server) Serve(listener net.Listener) {
	s.url = "http://" + listener.Addr().String()
	s.server = &http.Server{Handler: s, ReadHeaderTimeout: readHeaderTimeout}
	s.served = make(chan struct{})
	go func() {
		defer close(s.served)
		_ = s.server.Serve(listener) // always ErrServerClosed, after Close
	}()
}

// URL is the address of a started server.
func (s *Server) URL() string { return s.url }

// Close ends a started server at once.
func (s *Server) Close() error {
	if s.server == nil {
		return nil
	}
	err := s.server.Close()
	<-s.served
	return err
}

// Set changes the settings.
func (s *Server) Set(change func(*Settings)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.settings)
}

// ServeHTTP answers the API under /v1/, and shows the pages for buyers.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

func (s *Server) unrecognised(w http.ResponseWriter, r *http.Request) {
	s.lock()
	s.fault("%s %s is not an endpoint of the fake", r.Method, r.URL.Path)
	s.mu.Unlock()
	e := &apiError{
		status: 404, Type: typeInvalid,
		Message: fmt.Sprintf("Unrecognized request URL (%s: %s).", r.Method, r.URL.Path),
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(e.status)
	_, _ = w.Write(e.body()) // the client may be gone
}

// lock begins something at the present time, after everything that the clock has
// brought about by then.
func (s *Server) lock() {
	s.mu.Lock()
	now := s.clock()
	for {
		t, due := s.timers.next(now)
		if !due {
			break
		}
		s.now = t.at
		t.run()
	}
	s.now = now
}

// Tick brings about what the clock has reached: holds lapse, pages expire and
// refunds fail. Each request does the same first.
func (s *Server) Tick() {
	s.lock()
	s.mu.Unlock()
}

// fault records what a program must not do.
func (s *Server) fault(format string, args ...any) {
	s.faults = append(s.faults, fmt.Sprintf(format, args...))
}

// Faults returns what programs have done wrong so far, for example a POST without
// an idempotency key. A test fails if there is any.
func (s *Server) Faults() []string {
	s.lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.faults...)
}

// ForgetFaults is for tests that do wrong on purpose.
func (s *Server) ForgetFaults() {
	s.lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// A Request is one that a program has sent.
type Request struct {
	Method, Path string
	Endpoint     string // such as "POST /v1/payment_intents/{id}/confirm"
	Key          string // of idempotency
	Form         map[string]string
	Status       int // zero if there was no answer
	Replayed     bool
	At           time.Time
}

// Requests returns the last requests to the API, the oldest first.
func (s *Server) Requests() []Request {
	s.lock()
	defer s.mu.Unlock()
	return append([]Request(nil), s.requests...)
}

// Count returns how many requests an endpoint had. Endpoints are named as in
// "POST /v1/payment_intents/{id}/confirm".
func (s *Server) Count(endpoint string) int {
	s.lock()
	defer s.mu.Unlock()
	return s.counts[endpoint]
}
