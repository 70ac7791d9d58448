package processor

// KeepHandoverShort lets so many questions be on their way from Sweep to Release.
func (p *Processor) KeepHandoverShort(most int) { p.handover.most = most }
