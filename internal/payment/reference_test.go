package payment_test

import (
	"encoding/hex"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// A digest is kept for seven days, also across upgrades of the server. So it
// must not change when a request type gets new fields.
func TestTheDigestOfARequestStaysTheSame(t *testing.T) {
	r := holdfast.ReserveRequest{SenderTokenID: "K1", CallerReference: "order-1", TransactionAmount: money.Cents(42_50)}
	const want = "8230df16e4adfb51d9dd321376aca971e54b9b98c8f331d3384ea35d2f3e7421"
	digest := payment.DigestOf("Reserve", r)
	if got := hex.EncodeToString(digest[:]); got != want {
		t.Errorf("digest is %s, want %s", got, want)
	}
	other := r
	other.CallerDescription = "x"
	if payment.DigestOf("Reserve", other) == digest || payment.DigestOf("Pay", r) == digest {
		t.Error("two different requests have the same digest")
	}
}

func TestAReferenceIsRemembered(t *testing.T) {
	first := payment.Request{Reference: "order-1", Digest: payment.Digest{1}, Received: now}
	for name, row := range map[string]struct {
		digest payment.Digest
		at     time.Time
		free   bool
		want   holdfast.Code
	}{
		"the same at once": {payment.Digest{1}, now, false, ""},
		"another at once":  {payment.Digest{2}, now, false, holdfast.DuplicateRequest},
		"another, a microsecond earlier": {
			payment.Digest{2},
			now.Add(payment.ReferenceLife - time.Microsecond), false,
			holdfast.DuplicateRequest,
		},
		"another after seven days":  {payment.Digest{2}, now.Add(payment.ReferenceLife), true, ""},
		"the same after seven days": {payment.Digest{1}, now.Add(payment.ReferenceLife), true, ""},
	} {
		free, err := first.Again(row.digest, row.at)
		if free != row.free || code(err) != row.want {
			t.Errorf("%s: free %v, %v", name, free, err)
		}
	}
}
