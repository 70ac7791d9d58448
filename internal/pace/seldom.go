package pace

import (
	"sync"
	"time"
)

// A Seldom lets what anybody can make happen, such as a line in the log, happen a few
// times in an hour for each key. Set the field and use it.
type Seldom struct {
	Hourly int // times in an hour for one key

	mu   sync.Mutex
	hour int64
	of   map[string]int
}

const hour = 60 * 60 // seconds

// Allow counts, and reports whether it may happen once more. No more keys than a Pace
// counts apart are known in one hour: others are not allowed.
func (s *Seldom) Allow(key string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := now.Unix() / hour; h != s.hour || s.of == nil {
		s.hour, s.of = h, make(map[string]int)
	}
	if _, known := s.of[key]; !known && len(s.of) >= sourcesMax || s.of[key] >= s.Hourly {
		return false
	}
	s.of[key]++
	return true
}
