package stripefake

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
)

// MockVariable has the address of a stripe-mock program: see
// scripts/with-stripe-mock.
const MockVariable = "HOLDFAST_TEST_STRIPE_MOCK"

// ValidatorFromEnv returns a Validate that sends each request to stripe-mock, which
// checks it by Stripe's own OpenAPI text. Without MockVariable it is nil: then
// nothing is checked.
func ValidatorFromEnv() func(*http.Request, []byte) error {
	address := os.Getenv(MockVariable)
	if address == "" {
		return nil
	}
	return validator(strings.TrimSuffix(address, "/"))
}

func validator(address string) func(*http.Request, []byte) error {
	return func(r *http.Request, body []byte) error {
		uri, text := address+r.URL.RequestURI(), bytes.NewReader(body)
		// A client that stops waiting has sent the request all the same.
		sent := context.WithoutCancel(r.Context())
		copied, err := http.NewRequestWithContext(sent, r.Method, uri, text) //nolint:gosec // a program of the test
		if err != nil {
			return fmt.Errorf("validating by stripe-mock: %w", err)
		}
		if kind := r.Header.Get("Content-Type"); kind != "" {
			copied.Header.Set("Content-Type", kind)
		}
		copied.Header.Set("Authorization", "Bearer sk_test_123") // it takes no other
		resp, err := http.DefaultClient.Do(copied)               //nolint:gosec // a program of the test
		if err != nil {
			return fmt.Errorf("validating by stripe-mock: %w", err)
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(io.LimitReader(resp.Body, bodyMax))
		if err != nil {
			return fmt.Errorf("validating by stripe-mock: %w", err)
		}
		if resp.StatusCode < http.StatusBadRequest {
			return nil
		}
		var refusal struct {
			Error struct{ Message string }
		}
		if err := json.Unmarshal(answer, &refusal); err != nil {
			return fmt.Errorf("stripe-mock answers %d", resp.StatusCode)
		}
		return fmt.Errorf("stripe-mock refuses the request: %s", refusal.Error.Message)
	}
}
