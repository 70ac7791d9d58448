package bench

// A search looks for the highest rate that is kept: it doubles the rate while it
// is kept, and then halves the gap between the highest rate that was kept and
// the lowest that was not.
// The first rate to try is searchFrom.
type search struct {
	low  int // the highest rate that was kept; zero if none was
	high int // the lowest rate that was not kept; zero if all were
}

const (
	searchFrom  = 400
	searchGap   = 20 // the search ends when the gap is this part of the lower rate
	searchLeast = 25 // a second
	searchMost  = 100_000
)

// next returns the rate to try. more is false at the end of the search.
func (s *search) next() (rate int, more bool) {
	if s.high == 0 {
		return 2 * s.low, 2*s.low <= searchMost
	}
	rate = (s.low + s.high) / 2
	return rate, s.high-s.low > s.low/searchGap && rate >= searchLeast
}

// tried records whether a rate was kept.
func (s *search) tried(rate int, kept bool) {
	if kept {
		s.low = rate
		return
	}
	s.high = rate
}
