package stripefake

import (
	"fmt"
	"net/http"
	"strings"
)

// Rights are what a restricted key may do: "read" or "write" by the name of a
// right, such as "payment_intent". A full key has nil, and may do everything.
type Rights map[string]string

// HoldfastRights are the rights that Holdfast asks for. They do not include the
// account, so GET /v1/account is refused, as it is at Stripe for such keys.
func HoldfastRights() Rights {
	return Rights{
		"payment_intent": "write", "setup_intent": "write", "checkout_session": "write", "customer": "write",
		"payment_method": "write", "charge": "write", // refunds as well
		"event": "read", "balance_transaction_source": "read", "payout": "read", "dispute": "read",
	}
}

func (r Rights) allow(right string, write bool) bool {
	return r == nil || r[right] == "write" || !write && r[right] == "read"
}

// rightOf is the right that reading an object by its id needs.
var rightOf = map[string]string{
	"pi": "payment_intent", "seti": "setup_intent", "setatt": "setup_intent", "cs": "checkout_session",
	"cus": "customer", "pm": "payment_method", "ch": "charge", "re": "charge", "dp": "dispute", "evt": "event",
	"txn": "balance_transaction_source", "po": "payout", "we": "webhook", "issfr": "charge", "prv": "payment_intent",
}

// SetKey adds a key, or changes its rights. The prefix of the key says its mode.
func (s *Server) SetKey(key string, rights Rights) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys[key] = rights
	delete(s.revoked, key)
}

// RevokeKey makes a key fail with 401, until RestoreKey.
func (s *Server) RevokeKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.revoked[key] = true
}

// RestoreKey makes a revoked key work again.
func (s *Server) RestoreKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.revoked, key)
}

func bearer(r *http.Request) string {
	if key, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return key
	}
	user, _, _ := r.BasicAuth()
	return user
}

// authorise checks the request's key and its rights.
func (s *Server) authorise(c *call) error {
	key := bearer(c.request)
	if key == "" {
		return &apiError{
			status: http.StatusUnauthorized, Type: typeInvalid, unstored: true,
			Message: "You did not provide an API key. You need to provide your API key in the Authorization header.",
		}
	}
	rights, known := s.keys[key]
	if !known || s.revoked[key] {
		return wrongKey(key)
	}
	c.rights = rights
	c.live = strings.Contains(key, "_live_")
	if account := c.request.Header.Get("Stripe-Account"); account != "" && account != accountID {
		return &apiError{
			status: http.StatusForbidden, Type: typeInvalid, Code: "account_invalid", unstored: true,
			Message: fmt.Sprintf("The provided key '%s' does not have access to account '%s' (or that account does not exist).",
				masked(key), account),
		}
	}
	if !rights.allow(c.route.right, c.route.write) {
		return c.notAllowed(c.route.right, c.route.write)
	}
	return nil
}

func (c *call) notAllowed(right string, write bool) error {
	needed := "rak_" + right + "_read"
	if write {
		needed = "rak_" + right + "_write"
	}
	return &apiError{
		status: http.StatusForbidden, Type: typeInvalid, unstored: true,
		Message: fmt.Sprintf("The provided key '%s' does not have the required permissions for this endpoint on account "+
			"'%s'. Having the '%s' permission would allow this request to continue.",
			masked(bearer(c.request)), accountID, needed),
	}
}

// mayRead checks the right to expand an object.
func (c *call) mayRead(id string) error {
	prefix, _, _ := strings.Cut(id, "_")
	if right := rightOf[prefix]; !c.rights.allow(right, false) {
		return c.notAllowed(right, false)
	}
	return nil
}

func wrongKey(key string) *apiError {
	return &apiError{
		status: http.StatusUnauthorized, Type: typeInvalid, unstored: true,
		Message: "Invalid API Key provided: " + masked(key),
	}
}

// masked hides a key as Stripe does in its messages.
func masked(key string) string {
	const shown = 8 // "rk_test_"
	if len(key) <= shown+4 {
		return "********"
	}
	return key[:shown] + strings.Repeat("*", len(key)-shown-4) + key[len(key)-4:]
}

// A window counts the requests of one second.
type window struct{ second, requests int64 }

// limit refuses a request that is above the endpoint's rate.
func (s *Server) limit(c *call) error {
	if s.settings.PerSecond == 0 {
		return nil
	}
	name := fmt.Sprintf("%v %s", c.live, c.route.pattern)
	at := s.windows[name]
	if at.second != s.now.Unix() {
		at = window{second: s.now.Unix()}
	}
	at.requests++
	s.windows[name] = at
	if at.requests > int64(s.settings.PerSecond) {
		return tooFast("endpoint-rate")
	}
	return nil
}

func tooFast(reason string) *apiError {
	return &apiError{
		status: http.StatusTooManyRequests, Type: typeInvalid, Code: "rate_limit", unstored: true,
		Message: "Request rate limit exceeded. Learn more about rate limits here https://stripe.com/docs/rate-limits.",
		header:  "Stripe-Rate-Limited-Reason", headerValue: reason,
	}
}
