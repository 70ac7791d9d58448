// Package queryapi is the door for callers' programs: the signed Query API.
// Requests are forms, answers are XML. docs/api describes it.
package queryapi

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/pace"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/signed"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A Server answers the Query API. Set the fields and serve its Handler.
type Server struct {
	Processor *processor.Processor
	Store     store.Reader
	Callers   *signed.Callers

	// Certificates are the current and retired certificates of return URLs and
	// notifications. OwnCertificate reports whether one of them is served at an
	// address. VerifySignature uses both.
	Certificates   func() []*x509.Certificate
	OwnCertificate func(url string) bool

	// Hosts are further host names that a caller may have signed, in addition to
	// the host of the request and FPS's own names. Paths are further paths that
	// the API answers at, such as "/fps/", and that a caller may have signed
	// although a proxy removed them.
	Hosts, Paths []string

	// Page answers browsers without a request, at "/" and at unknown paths.
	// Without it, the API answers them like programs.
	Page http.Handler

	Now          func() time.Time // real time
	NewRequestID func() string    // a lower-case UUID; nil means random ones
	BodyMax      int64            // bytes of a query and a body together; zero means 64 KiB
	Window       time.Duration    // how far a Timestamp may be off, either way; zero means 15 minutes
	Log          *slog.Logger     // nil means none

	// LogMoves writes a line into the log for each answered action that moves
	// money.
	LogMoves bool
	// Answered is called after each answer. Nil means that nobody counts answers.
	Answered func(Answered)

	// StrangerPause slows down floods of unsigned requests. If more than a few
	// come from one address in a second, each further answer is delayed by this
	// time. Zero means no delay.
	StrangerPause time.Duration
	// From returns the address or network by which strangers are counted. Nil
	// means the peer's address.
	From func(*http.Request) string

	// InFlight limits the requests of one caller that are carried out at one time.
	// Nil means a limit of this door alone.
	InFlight *pace.InFlight

	strangers strangers
}

const (
	bodyMaxDefault = 64 << 10 // bytes
	windowDefault  = 15 * time.Minute
	apiPath        = "/"
	clockPath      = "/sandbox/clock"
)

const (
	typeXML  = "text/xml"
	typeJSON = "application/json"
)

// Handler serves "/", for sandbox callers "/sandbox/clock", and the schemas
// under "/doc/". It matches paths itself, because a mux would redirect the
// empty path of an absolute-form target, and old clients follow no redirect.
func (s *Server) Handler() http.Handler {
	if s.InFlight == nil {
		s.InFlight = new(pace.InFlight)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case serveSchema(w, r):
		case s.Page != nil && s.browsed(r):
			s.Page.ServeHTTP(w, r)
		default:
			s.serve(w, r)
		}
	})
}

// A request is one request with everything known about it so far.
type request struct {
	id     string
	began  time.Time // when it came in, on the monotonic clock
	real   time.Time // the same time, as it is stored
	action string
	asked  *action // set before it is carried out
	params holdfast.Params

	// caller is the zero Caller, whose clock shows real time, until the signature
	// is verified.
	caller  party.Caller
	by      party.Actor // for the audit log; set with the caller
	version string      // whose namespace the answer is in

	// messageFor is the caller that a verified message is for, if the request's
	// access key belongs to it.
	messageFor party.CallerID

	wrong    *wrongSignature // to be explained, if that is why it is refused
	v1       refusedV1       // to be explained, if that is why it is refused
	hint     string          // why a message was not verified
	status   int             // of a refusal when it is not its code's
	deadline time.Time       // of the hold that the answer is about
	move     processor.Move  // zero if the action moves no money
}

// given is a parameter's value under whichever of its names was sent.
func (q *request) given(name string) (string, error) {
	return q.asked.given(q.version, q.params, name)
}

// now is the caller's time.
func (q *request) now() time.Time { return q.caller.Now(q.real) }

// A reply is a body that is ready to be sent with status 200.
type reply struct {
	contentType string
	body        []byte
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	q := &request{id: s.newRequestID(), began: s.Now()}
	q.real = processor.Micro(q.began)
	defer func() {
		switch p := recover(); p {
		case nil:
		case http.ErrAbortHandler:
			panic(p)
		default:
			s.refuse(w, r, q, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
		}
	}()
	answer, err := s.answer(w, r, q)
	if err != nil {
		s.refuse(w, r, q, err)
		return
	}
	s.log().LogAttrs(r.Context(), slog.LevelDebug, "answered", slog.String("request", q.id),
		slog.String("action", q.action), slog.String("caller", string(q.caller.ID)))
	s.send(w, q, http.StatusOK, answer)
	s.answered(q, Success, "")
	if s.LogMoves && q.move.Transaction != "" {
		q.move.Log(r.Context(), s.log(), q.action, q.id, s.Now().Sub(q.began))
	}
}

// answer carries out one request.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, q *request) (reply, error) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST")
		q.status = http.StatusMethodNotAllowed
		return reply{}, holdfast.Errorf(holdfast.InvalidRequest, "The verb %s is not known here; use GET or POST.",
			shown(r.Method))
	}
	if path := or(r.URL.Path, apiPath); path != apiPath && path != clockPath && !slices.Contains(s.Paths, path) {
		q.status = http.StatusNotFound
		return reply{}, holdfast.Errorf(holdfast.InvalidRequest, "There is nothing at this path; the API is at /.")
	}
	var err error
	if q.params, err = s.read(w, r); err != nil {
		return reply{}, err
	}
	if r.URL.Path == clockPath {
		return s.clock(r, q)
	}
	return s.act(r, q)
}

// act answers an action of the API. It checks the signature before it says
// anything about the request's content.
func (s *Server) act(r *http.Request, q *request) (reply, error) {
	asked := q.params.Get("Action")
	a, known := actionNamed(asked)
	if known {
		q.action = a.name
	}
	if err := s.authenticate(r, s.signedPaths(r.URL.Path), q); err != nil {
		_, refused := errors.AsType[*holdfast.Error](err)
		if !known || !a.public || !refused {
			return reply{}, err
		}
	}
	var err error
	version := q.params.Get("Version")
	if q.version, err = answeredVersion(version); err != nil && (!a.public || version != "") {
		return reply{}, err
	}
	switch {
	case asked == "":
		return reply{}, holdfast.Errorf(holdfast.InvalidRequest, "Action is missing.")
	case !known:
		return reply{}, holdfast.Errorf(holdfast.InvalidRequest, "The action %s is not known.", shown(asked))
	case a.since > q.version:
		return reply{}, holdfast.Errorf(holdfast.InvalidRequest, "The action %s is not in version %s; use %s.", a.name,
			q.version, a.since)
	}
	if q.params, err = a.read(q.version, q.params); err != nil {
		return reply{}, err
	}
	leave, err := s.enter(q)
	if err != nil {
		return reply{}, err
	}
	defer leave()
	if a.byClock {
		if err := s.readClockAgain(r.Context(), q); err != nil {
			return reply{}, err
		}
	}
	if q.caller.ID == "" {
		s.unsigned().verified.Keep(r.Context(), s.from(r), s.Now())
	}
	q.asked = a
	doc := newDocument(a.name, q.version)
	if a.noResult {
		doc = newBareDocument(a.name, q.version)
	}
	if err := a.answer(s, store.ByActor(r.Context(), q.by), q, doc); err != nil {
		return reply{}, err
	}
	return reply{contentType: typeXML, body: doc.finish(q.id)}, nil
}

// answeredVersion is the version whose namespace the answer has: the requested
// version, or the newest one for a later version that is not listed.
func answeredVersion(asked string) (string, error) {
	switch asked {
	case "":
		return holdfast.VersionNewest,
			holdfast.Errorf(holdfast.InvalidRequest, "Version is missing; use %s.", holdfast.VersionNewest)
	case holdfast.Version2008, holdfast.Version2010:
		return asked, nil
	}
	if _, err := time.Parse(time.DateOnly, asked); err != nil || asked < holdfast.VersionNewest {
		return holdfast.VersionNewest,
			holdfast.Errorf(holdfast.InvalidRequest, "Version %s is not known; use %s or %s.", shown(asked),
				holdfast.Version2010, holdfast.Version2008)
	}
	return holdfast.VersionNewest, nil
}

// refuse answers with an error. An error that is not a refusal goes to the log,
// and the caller gets the request id to ask with.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, q *request, err error) {
	refused, ok := errors.AsType[*holdfast.Error](err)
	result := Refused
	switch {
	case ok:
		if q.caller.ID == "" {
			hold, mayExplain := s.refuseStranger(r, s.Now())
			if isWrongSignature(refused) {
				s.explain(w, r, q, mayExplain)
			}
			s.explainV1(w, r, q, mayExplain)
			hold()
			s.log().DebugContext(r.Context(), "refused", "request", q.id, "action", q.action, "code", refused.Code, "message",
				refused.Message)
		} else { // the message may repeat what was sent
			s.log().InfoContext(r.Context(), "refused", "request", q.id, "action", q.action, "caller", q.caller.ID, "code",
				refused.Code)
		}
	case errors.Is(err, store.ErrFull), errors.Is(err, errCallerBusy): // thousands a second, it may be
		s.log().DebugContext(r.Context(), "too busy", "request", q.id, "action", q.action, "caller", q.caller.ID, "error",
			err)
		result, refused = Unavailable, holdfast.Errorf(holdfast.ServiceUnavailable,
			"The service is too busy at the moment. Send the same request again, later.")
	case errors.Is(err, context.Canceled) && r.Context().Err() != nil: // nobody waits for the answer
		s.log().DebugContext(r.Context(), "client gone", "request", q.id, "action", q.action, "caller", q.caller.ID, "error",
			err)
		result, refused = Gone, unavailable()
	case store.IsUnavailable(err), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		s.log().WarnContext(r.Context(), "request not carried out", "request", q.id, "action", q.action, "caller",
			q.caller.ID, "error", err)
		result, refused = Unavailable, unavailable()
	default:
		s.log().ErrorContext(r.Context(), "request failed", "request", q.id, "action", q.action, "caller", q.caller.ID,
			"error", err)
		code := holdfast.InternalError
		if q.action == verifySignature.name { // as its clients know it
			code = holdfast.InternalServerError
		}
		result, refused = Failed, holdfast.Errorf(code,
			"The request failed by a fault of the service. Send the same request again.")
	}
	status := q.status
	if status == 0 {
		status = refused.Code.HTTPStatus()
	}
	s.send(w, q, status, reply{contentType: typeXML, body: errorDocument(refused, q.id)})
	s.answered(q, result, refused.Code)
}

func unavailable() *holdfast.Error {
	return holdfast.Errorf(holdfast.ServiceUnavailable,
		"The service is not available at the moment. Send the same request again.")
}

// send writes an answer with its length, because an HTTP/1.0 client cannot read
// chunks.
func (s *Server) send(w http.ResponseWriter, q *request, status int, answer reply) {
	h := w.Header()
	h.Set("Content-Type", answer.contentType)
	h.Set("Content-Length", strconv.Itoa(len(answer.body)))
	h.Set(holdfast.HeaderTime, q.caller.Now(processor.Micro(s.Now())).Format(time.RFC3339Nano))
	if !q.deadline.IsZero() && status == http.StatusOK {
		h.Set(holdfast.HeaderDeadline, q.deadline.UTC().Format(time.RFC3339Nano))
	}
	if q.messageFor != "" {
		h.Set(holdfast.HeaderCaller, string(q.messageFor))
	}
	if q.hint != "" {
		h.Set(headerVerificationHint, q.hint)
	}
	w.WriteHeader(status)
	w.Write(answer.body) //nolint:errcheck // the client is gone, and what was done is done
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
	return randomUUID()
}

var errCallerBusy = errors.New("the caller has too many requests under way")

// enter gives a request one of its caller's places. Unsigned requests need no
// place, because they do not use the store.
func (s *Server) enter(q *request) (leave func(), err error) {
	if q.caller.ID == "" {
		return func() {}, nil
	}
	leave, ok := s.InFlight.Enter(string(q.caller.ID))
	if !ok {
		return nil, errCallerBusy
	}
	return leave, nil
}

// randomUUID is a UUID of version 4 (RFC 9562).
func randomUUID() string {
	var b [16]byte
	rand.Read(b[:]) // never fails; see crypto/rand
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	text := make([]byte, 0, 36)
	for i, part := range [][]byte{b[:4], b[4:6], b[6:8], b[8:10], b[10:]} {
		if i > 0 {
			text = append(text, '-')
		}
		text = hex.AppendEncode(text, part)
	}
	return string(text)
}
