package holdfast_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/holdfast-pay/holdfast"
)

func TestCodes(t *testing.T) {
	for code, want := range map[holdfast.Code]struct {
		status    int
		retriable bool
	}{
		holdfast.InternalError:           {500, true},
		holdfast.ServiceUnavailable:      {503, true},
		holdfast.AuthFailure:             {403, true},
		holdfast.InvalidClientTokenID:    {403, false},
		holdfast.SignatureDoesNotMatch:   {403, false},
		holdfast.InvalidSignature:        {403, false},
		holdfast.InvalidTokenIDSender:    {400, false},
		holdfast.InvalidTransactionState: {400, false},
		holdfast.DuplicateRequest:        {400, false},
		holdfast.ConcurrentModification:  {400, true},
		holdfast.InsufficientBalance:     {400, true},
		"SomethingNew":                   {400, false},
	} {
		if got := code.HTTPStatus(); got != want.status {
			t.Errorf("%s: status %d, want %d", code, got, want.status)
		}
		if got := code.Retriable(); got != want.retriable {
			t.Errorf("%s: retriable %v", code, got)
		}
	}
}

func TestError(t *testing.T) {
	err := fmt.Errorf("reserving order 7: %w", holdfast.Errorf(holdfast.AmountOutOfRange, "%s is too much", "USD 1.00"))
	var refusal *holdfast.Error
	if !errors.As(err, &refusal) || err.Error() != "reserving order 7: AmountOutOfRange: USD 1.00 is too much" {
		t.Errorf("got %v", err)
	}
	refusal.RequestID, refusal.Status = "r-1", 503
	if got := refusal.Error(); got != "AmountOutOfRange: USD 1.00 is too much (request r-1)" {
		t.Errorf("got %q", got)
	}
	refusal.Hint = "The secret key is another one."
	if got := refusal.Error(); got != "AmountOutOfRange: USD 1.00 is too much (request r-1) Hint: The secret key is "+
		"another one." {
		t.Errorf("got %q", got)
	}
	if !refusal.Retriable() {
		t.Error("an answer with status 503 is not retriable")
	}
}
