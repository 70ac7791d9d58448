package payment

import "github.com/holdfast-pay/holdfast/money"

// auditTotals compares the totals of a hold with each other and with its own
// history.
func (f File) auditTotals() (found []Finding) {
	t, lowered := f.Transaction, money.Micros(0)
	for _, h := range f.History {
		if h.Verb == VerbLower {
			lowered = lowered.Add(h.Amount)
		}
	}
	found = f.compare(found, "the amount released in parts", t.Lowered, lowered)
	if t.Parted() && t.State == Success {
		found = f.compare(found, "the settled amount", t.Settled, t.Taken)
	}
	return found
}

// auditParts compares the totals of a hold with its parts.
func (f File) auditParts() (found []Finding) {
	t := f.Transaction
	if !t.Hold() {
		return nil
	}
	none := money.Micros(0)
	taken, taking, fee, commission := none, none, none, none
	for _, p := range f.Children {
		if p.Kind != KindPart || p.Parent != t.ID || p.State == Failure {
			continue
		}
		taken, fee, commission = taken.Add(p.Amount), fee.Add(p.Fee), commission.Add(p.Commission)
		if p.State == Settling {
			taking = taking.Add(p.Amount)
		}
	}
	found = f.compare(found, "the amount settled in parts", t.Taken, taken)
	found = f.compare(found, "the amount of the part under way", t.Taking, taking)
	if t.Taken.Positive() || taken.Positive() {
		found = f.compare(found, "the fees of the parts", t.Fee, fee)
		found = f.compare(found, "the marketplace fees of the parts", t.Commission, commission)
	}
	return found
}
