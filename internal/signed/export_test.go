package signed

import "github.com/holdfast-pay/holdfast/internal/recent"

// KeysMax is how many access keys are kept.
const KeysMax = recent.KeptMax

// Kept is how many access keys are kept at the moment.
func (c *Callers) Kept() int { return c.kept.Len() }
