package stripefake

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"time"
)

// keyLife is how long an answer is stored. A repeat after it is a new request.
const keyLife = 24 * time.Hour

const keyLengthMax = 255

// A storedAnswer is the answer of the first request with an idempotency key.
type storedAnswer struct {
	print [sha256.Size]byte // of the request
	since time.Time
	inUse bool
	answer
}

func (c *call) storeName() string { return fmt.Sprintf("%v %s", c.live, c.key) }

// print is the same for the same parameters, in any order.
func (c *call) print() [sha256.Size]byte {
	shown := map[string][]string{}
	for _, p := range c.form {
		shown[p.name] = append(shown[p.name], p.value)
	}
	return sha256.Sum256(fmt.Appendf(nil, "%s %s %q", c.request.Method, c.request.URL.Path, shown))
}

// replay answers a request whose key was used before. Otherwise the key is in use
// until settle.
func (s *Server) replay(c *call) (answer, bool) {
	if len(c.key) > keyLengthMax {
		s.fault("POST %s has an Idempotency-Key of %d characters", c.request.URL.Path, len(c.key))
		return c.answerOf(nil, invalid("", "Idempotency keys can be up to %d characters long.", keyLengthMax)), true
	}
	print := c.print()
	before, found := s.stored[c.storeName()]
	switch {
	case !found || !before.inUse && !s.now.Before(before.since.Add(keyLife)):
		s.stored[c.storeName()] = &storedAnswer{print: print, since: s.now, inUse: true}
		return answer{}, false
	case before.print != print:
		return c.answerOf(nil, &apiError{
			status: http.StatusBadRequest, Type: typeIdempotency, unstored: true,
			Message: fmt.Sprintf("Keys for idempotent requests can only be used with the same parameters they were first "+
				"used with. Try using a key other than '%s' if you meant to execute a different request.", c.key),
		}), true
	case before.inUse:
		return c.answerOf(nil, keyInUse(c.key)), true
	}
	again := before.answer
	again.replayed, again.at = true, s.now
	return again, true
}

// settle stores the answer of a request that was executed, also an error. A
// request that was wrong in itself leaves its key unused.
func (s *Server) settle(c *call, a answer) {
	if c.key == "" || c.request.Method != http.MethodPost {
		return
	}
	if a.unstored {
		delete(s.stored, c.storeName())
		return
	}
	// The key may have been forgotten meanwhile: see ForgetKeys.
	if stored, ok := s.stored[c.storeName()]; ok {
		stored.answer, stored.inUse = a, false
	}
}

func keyInUse(key string) *apiError {
	return &apiError{
		status: http.StatusConflict, Type: typeIdempotency, Code: "idempotency_key_in_use", unstored: true,
		Message: fmt.Sprintf("There is currently another in-progress request using this Idempotent Key (%s). "+
			"Please try again later.", key),
	}
}

// ForgetKeys forgets all stored answers, as Stripe does after a day.
func (s *Server) ForgetKeys() {
	s.lock()
	defer s.mu.Unlock()
	clear(s.stored)
}
