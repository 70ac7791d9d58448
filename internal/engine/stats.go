package engine

import "time"

// Stats has functions that the committer calls when something happens. A nil
// function is not called. The others run on the goroutines of the writers and
// of the callers, so they must be quick and safe for concurrent use.
type Stats struct {
	// Now is real time. Without it, all times are zero.
	Now func() time.Time
	// Waited is called when a Work is taken from its queue.
	Waited func(background bool, wait time.Duration)
	// Refused is called when a Work is refused because its queue is full.
	Refused func()
	// Tried is called after each try to commit a group.
	Tried func(Try)
	// Checkpointed is called after SQLite's log was copied into the file, with the
	// number of pages that were in it.
	Checkpointed func(pages int, took time.Duration)
}

// A Try is one run of a group of Works in one transaction of the database.
type Try struct {
	Works      int  // in the group
	Background int  // of them, nobody waits for these
	Rounds     int  // that were run
	Again      int  // Works that ran again in a later round, because of a row that an earlier one writes
	Alone      int  // Works of a larger group, or after a failure, that ran by themselves
	Committed  bool // otherwise the group runs again, or its Works get the error
	Conflict   bool // another transaction used the same rows; the group runs again

	Took   time.Duration // the whole try
	Commit time.Duration // of it, the last statements and the commit
}

func (s *Stats) now() time.Time {
	if s.Now == nil {
		return time.Time{}
	}
	return s.Now()
}

func (s *Stats) refused() {
	if s.Refused != nil {
		s.Refused()
	}
}

func (s *Stats) waited(w *Work, now time.Time) {
	if s.Waited != nil {
		s.Waited(w.background, now.Sub(w.queued))
	}
}

func (s *Stats) tried(t Try) {
	if s.Tried != nil {
		s.Tried(t)
	}
}

func (s *Stats) checkpointed(pages int, took time.Duration) {
	if s.Checkpointed != nil {
		s.Checkpointed(pages, took)
	}
}
