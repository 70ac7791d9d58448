package stripefake

import (
	"net/http"
	"path"
	"slices"
)

// A Trouble is what goes wrong with a request.
type Trouble int

// The troubles. Those that are stored repeat for the same idempotency key.
const (
	// LoseRequest cuts the connection before the request has any effect.
	LoseRequest Trouble = iota + 1
	// LoseReply cuts the connection after the request has taken effect. Its true answer
	// is stored.
	LoseReply
	// ErrorBefore answers 500 to a request without effect, and stores the 500.
	ErrorBefore
	// ErrorAfter answers 500 after the request has taken effect, and stores the 500.
	ErrorAfter
	// Conflict answers 409: another request with the key is under way.
	Conflict
	// LockTimeout answers 429: another request has locked the object.
	LockTimeout
	// RateLimited answers 429 with the limit that was exceeded.
	RateLimited
	// Unavailable answers 503 to a request without effect.
	Unavailable
	// WrongKey answers 401.
	WrongKey
	// CutBody sends half of the true answer, after the request has taken effect.
	CutBody
	// HTML answers 200 with a page to a request without effect, as a proxy may.
	HTML
	// SlowBefore runs the hook before the request takes effect, while its key is in use.
	SlowBefore
	// SlowAfter runs the hook after the request has taken effect, while its key is in
	// use, and then sends the answer.
	SlowAfter
)

// A Script makes trouble for the next requests to an endpoint.
type Script struct {
	Method string // empty for any
	// Path is a pattern of path.Match, such as "/v1/payment_intents/*/confirm".
	Path string
	Do   Trouble
	// Times is how many requests it is for. Zero is one; a negative number is all, until
	// Unscript.
	Times int
	// Hook is what a slow request waits for.
	Hook func(*http.Request)

	done int
}

// Script adds a script. The scripts for one endpoint have effect in their order.
func (s *Server) Script(script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.scripts = append(s.scripts, &script)
}

// Next makes trouble for the next request.
func (s *Server) Next(method, pattern string, do Trouble) {
	s.Script(Script{Method: method, Path: pattern, Do: do})
}

// Unscript ends all scripts. It returns how many had not been used up.
func (s *Server) Unscript() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := len(s.scripts)
	s.scripts = nil
	return left
}

// scriptFor takes the script of a request. It is nil as a rule.
func (s *Server) scriptFor(r *http.Request) *Script {
	for i, script := range s.scripts {
		matches, err := path.Match(script.Path, r.URL.Path)
		if err != nil || !matches || script.Method != "" && script.Method != r.Method {
			continue
		}
		if script.done++; script.Times >= 0 && script.done >= max(script.Times, 1) {
			s.scripts = slices.Delete(s.scripts, i, i+1)
		}
		return script
	}
	return nil
}

func (script *Script) is(do Trouble) bool { return script != nil && script.Do == do }

// cut reports whether the client gets no answer.
func (script *Script) cut() bool { return script.is(LoseRequest) || script.is(LoseReply) }

func (script *Script) run(do Trouble, r *http.Request) {
	if script.is(do) && script.Hook != nil {
		script.Hook(r)
	}
}

// early returns the answer of a request that is not executed.
func (script *Script) early(c *call) (answer, bool) {
	if script == nil {
		return answer{}, false
	}
	var e *apiError
	switch script.Do {
	case LoseRequest:
		return answer{}, true
	case Conflict:
		e = keyInUse(c.key)
	case LockTimeout:
		e = &apiError{
			status: http.StatusTooManyRequests, Type: typeInvalid, Code: "lock_timeout",
			Message: "This object cannot be accessed right now because another API request or Stripe process is currently " +
				"accessing it.",
		}
	case RateLimited:
		e = tooFast("endpoint-rate")
	case Unavailable:
		e = &apiError{status: http.StatusServiceUnavailable, Type: typeAPI, Message: "Stripe is not available."}
	case WrongKey:
		e = wrongKey(bearer(c.request))
	case HTML:
		return answer{
			status: http.StatusOK, header: map[string]string{"Content-Type": "text/html"},
			body: []byte("<html><body>Welcome to the network of your hotel.</body></html>"),
		}, true
	default:
		return answer{}, false
	}
	c.server.lock()
	defer c.server.mu.Unlock()
	return c.answerOf(nil, e), true
}

// cutConnection ends the connection in the first line of the answer. A client of
// Go repeats a request by itself if a connection ends before the first byte, so
// that one script would have no effect.
func cutConnection(w http.ResponseWriter) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_, _ = conn.Write([]byte("HTTP/1.1 2")) // the client may be gone
	_ = conn.Close()
}
