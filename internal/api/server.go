package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/pace"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// Path is the path under which the API answers.
const Path = "/v1/"

// A Server answers the JSON API. Set the fields, then serve its Handler.
type Server struct {
	Processor *processor.Processor
	Store     store.Reader
	Keys      *Keys
	Public    *url.URL // how the world reaches the server

	// InFlight limits the requests of one caller that are carried out at one time.
	// The doors of a server share one. Nil means a limit of its own.
	InFlight *pace.InFlight

	Now          func() time.Time // real time
	NewRequestID func() string    // nil means random ones
	Log          *slog.Logger

	// LogMoves writes a line into the log for each answer about money that moved.
	LogMoves bool
	// Answered is called after each answer. Nil means that nobody counts answers.
	Answered func(Answered)

	// StrangerPause slows down floods of requests without a valid key, as in package
	// queryapi. From returns the address by which such requests are counted; nil
	// means the peer's address.
	StrangerPause time.Duration
	From          func(*http.Request) string

	huma      huma.API
	routes    *routes
	strangers pace.Pace

	once  sync.Once
	files map[string]file
}

// A request is one request with everything known about it so far.
type request struct {
	id     string
	began  time.Time // when it came in, on the monotonic clock
	real   time.Time // the same time, as it is stored
	route  *route    // nil if there is none
	key    party.JSONKey
	caller party.Caller // the zero Caller, whose clock shows real time, until the key is known
	query  url.Values
	body   []byte
	call   *processor.Call // of operations that need an Idempotency-Key

	problem *Problem // nil if it succeeded
	result  Result   // of a request that did not
	move    processor.Move
}

// now is the caller's time.
func (q *request) now() time.Time { return q.caller.Now(q.real) }

// operation is the id of the request's operation, for logs and metrics.
func (q *request) operation() string {
	if q.route == nil {
		return ""
	}
	return q.route.id
}

// Handler serves everything under [Path].
func (s *Server) Handler() http.Handler {
	s.register()
	if s.InFlight == nil {
		s.InFlight = new(pace.InFlight)
	}
	s.strangers.Source, s.strangers.All, s.strangers.Pause = refusalsMax, refusalsAllMax, s.StrangerPause
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !s.serveFile(w, r) {
			s.serve(w, r)
		}
	})
}

// jsonFormat reads and writes bodies. Names of fields count in the case in which
// they are written. No name comes twice: [checkJSON] has read a body, and an answer
// is made from Go values.
var jsonFormat = huma.Format{
	Marshal:   func(w io.Writer, v any) error { return json.MarshalWrite(w, v, jsontext.AllowDuplicateNames(true)) },
	Unmarshal: func(data []byte, v any) error { return json.Unmarshal(data, v, bodyOptions) },
}

var bodyOptions = json.JoinOptions(json.RejectUnknownMembers(true), jsontext.AllowDuplicateNames(true))

func (s *Server) register() {
	registry := huma.NewMapRegistry("#/components/schemas/", huma.DefaultSchemaNamer)
	s.routes = &routes{registry: registry, serve: s.serve}
	s.huma = huma.NewAPI(huma.Config{
		OpenAPI:       s.newDocument(registry),
		Formats:       map[string]huma.Format{typeJSON: jsonFormat, typeProblem: jsonFormat},
		DefaultFormat: typeJSON,
		Transformers:  []huma.Transformer{s.transform},
	}, s.routes)
	for _, add := range resources {
		add(s)
	}
	s.finishDocument()
}

// transform puts problems of huma into the form of this API.
func (s *Server) transform(ctx huma.Context, _ string, v any) (any, error) {
	if wrong, ok := v.(*huma.ErrorModel); ok {
		return s.refuse(ctx.Context(), requestOf(ctx.Context()), problemOf(wrong)), nil
	}
	return v, nil
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	q := &request{id: s.newRequestID(), began: s.Now()}
	q.real = processor.Micro(q.began)
	to := &answerWriter{ResponseWriter: w, server: s, request: q}
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			s.sendProblem(to, s.refuse(r.Context(), q, fmt.Errorf("panic: %v\n%s", p, debug.Stack())))
		}
		s.answered(q)
	}()
	if err := s.admit(to, r, q); err != nil {
		problem := s.refuse(r.Context(), q, err)
		if q.caller.ID == "" {
			s.strangers.Keep(r.Context(), s.from(r), s.Now())
		}
		s.sendProblem(to, problem)
		return
	}
	leave, ok := s.InFlight.Enter(string(q.caller.ID))
	if !ok {
		s.sendProblem(to, s.refuse(r.Context(), q, errCallerBusy))
		return
	}
	defer leave()
	by := party.Actor{Kind: party.ActorKey, ID: string(q.key.ID), Name: q.key.Name, From: s.from(r)}
	ctx := store.ByActor(r.Context(), by)
	if q.route.direct == nil || !q.route.direct(ctx, to, r) {
		q.route.handle(newExchange(q.route, q, to, r.WithContext(ctx)))
	}
}

// admit checks everything that does not depend on the operation's own rules. It
// says nothing about the content of a request before the key is known.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, q *request) error {
	found, methods := s.routes.find(r)
	switch {
	case found == nil && len(methods) == 0:
		return newProblem(NotFound, "There is nothing at this path. "+Path+" has the list of calls.")
	case found == nil:
		allow := strings.Join(methods, ", ")
		w.Header().Set("Allow", allow)
		return newProblem(MethodNotAllowed, "Use "+allow+".")
	}
	q.route = found
	if err := s.authenticate(r, q); err != nil {
		return err
	}
	if !q.key.Scopes.Has(found.scope) {
		p := newProblem(ScopeMissing, fmt.Sprintf("The key needs the scope %s.", found.scope))
		p.Scope = string(found.scope)
		return p
	}
	var faults []Fault
	if q.query, faults = found.readQuery(r.URL.RawQuery); len(faults) > 0 {
		return newProblem(InvalidRequest, "", faults...)
	}
	if err := s.readKeyed(r, q); err != nil {
		return err
	}
	return s.read(w, r, q)
}

// sendProblem answers a request that did not get as far as its operation.
func (s *Server) sendProblem(w *answerWriter, p *Problem) {
	if w.status != 0 { // part of an answer was sent
		panic(http.ErrAbortHandler)
	}
	h := w.Header()
	h.Set("Content-Type", typeProblem)
	switch p.Status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="holdfast"`)
	case http.StatusRequestEntityTooLarge:
		h.Set("Connection", "close")
	}
	w.WriteHeader(p.Status)
	json.MarshalWrite(w, p) //nolint:errcheck // the client is gone, and what was done is done
}

// An answerWriter adds the headers of every answer.
type answerWriter struct {
	http.ResponseWriter
	server  *Server
	request *request
	status  int // zero before the answer
}

func (w *answerWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Request-Id", w.request.id)
		h.Set(holdfast.HeaderTime, w.request.caller.Now(processor.Micro(w.server.Now())).Format(time.RFC3339Nano))
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController find what the connection can do.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// view reads the store.
func (s *Server) view(ctx context.Context, fn func(*store.ReadTx) error) error {
	return s.Store.View(ctx, fn)
}

// How many requests without a valid key are answered at once in a second. The
// rest wait for StrangerPause.
const (
	refusalsMax    = 20 // of one address: more than anybody sends who sets up a program
	refusalsAllMax = 200
)

// from is where a request comes from: an IPv4 address or the network of an IPv6
// address.
func (s *Server) from(r *http.Request) string {
	if s.From != nil {
		return s.From(r)
	}
	return party.Source(nil, r.RemoteAddr)
}

func (s *Server) log() *slog.Logger {
	if s.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return s.Log
}

func (s *Server) newRequestID() string {
	if s.NewRequestID != nil {
		return s.NewRequestID()
	}
	return "req_" + rand.Text()
}

// pageOf is the address of the page about a code.
func (s *Server) pageOf(code Code) string {
	return s.Public.JoinPath(Path).String() + "#" + string(code)
}
