package processor

import (
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// agreedBefore finds an earlier visit in which the very same request was agreed
// to, of a caller that wants it answered again, and whose token can still be
// used.
func (s visitStep) agreedBefore() (earlier payment.Visit, found bool, err error) {
	if !s.caller.Resume {
		return earlier, false, nil
	}
	earlier, found, err = s.Agreed(s.caller.ID, s.visit.Reference)
	if err != nil || !found || earlier.SignatureV1 != s.visit.SignatureV1 {
		return earlier, false, err
	}
	if same, err := sameParams(earlier.Params, s.visit.Params); err != nil || !same {
		return earlier, false, err
	}
	t, found, err := s.TokenByReference(s.caller.ID, s.visit.Reference)
	return earlier, found && t.Status(s.now()) == holdfast.TokenActive, err
}

// resumed ends a visit with what its sender had agreed to before. Somebody else
// learns only that the reference is taken.
func (s visitStep) resumed(v payment.Visit) (payment.Visit, bool, error) {
	earlier, found, err := s.agreedBefore()
	if err != nil || !found {
		return v, false, err
	}
	if earlier.Sender != v.Sender {
		return s.ended(v, payment.Malformed(s.asked.Request.References()[0].Name)), true, nil
	}
	v.Instrument, v.Address, v.Answer = earlier.Instrument, earlier.Address, earlier.Answer
	return v.End(earlier.Status, "", s.real), true, nil
}

// sameParams reports whether two requests have the same parameters, in any
// order.
func sameParams(a, b string) (bool, error) {
	one, err := holdfast.ParseParams(a)
	if err != nil {
		return false, err
	}
	other, err := holdfast.ParseParams(b)
	if err != nil {
		return false, err
	}
	byName := func(x, y holdfast.Param) int {
		if x.Name != y.Name {
			return strings.Compare(x.Name, y.Name)
		}
		return strings.Compare(x.Value, y.Value)
	}
	slices.SortFunc(one, byName)
	slices.SortFunc(other, byName)
	return slices.Equal(one, other), nil
}
