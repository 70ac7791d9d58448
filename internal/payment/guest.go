package payment

import (
	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// TakesGuests reports whether a sender without an account may pay. A guest pays
// once, and only by card: it has no other instrument.
func (r PipelineRequest) TakesGuests(c party.Caller) bool {
	return c.Guests && r.Pipeline == PipelineSingleUse && r.Offers(holdfast.MethodCC)
}
