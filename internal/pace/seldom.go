package pace

import (
	"sync"
	"time"
)

// A Seldom limits an event that anybody can cause, such as a line in the log,
// to a few times in an hour for each key. Set the field before use.
type Seldom struct {
	Hourly int // times in an hour for one key

	mu   sync.Mutex
	hour int64
	of   map[string]int
}

const hour = 60 * 60 // seconds

// Allow counts the event and reports whether it may happen once more. It knows
// at most sourcesMax keys in one hour, and does not allow events with other
// keys.
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
