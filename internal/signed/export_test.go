package signed

// KeysMax is how many access keys are kept.
const KeysMax = keysMax

// Kept is how many access keys are kept at the moment.
func (c *Callers) Kept() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.kept)
}
