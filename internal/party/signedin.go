package party

import "time"

// A SignedInID names a browser in which somebody is signed in, such as "S01K…".
// It is no secret: the session that it belongs to has another name, which the
// browser alone knows.
type SignedInID string

// A SignedIn is a browser in which a party is signed in.
type SignedIn struct {
	ID       SignedInID
	Party    ID
	Begun    time.Time
	LastSeen time.Time
	Device
}

// A Device is what is kept of where somebody signed in, for them to know it
// again: no more than that.
type Device struct {
	Browser string // "Firefox"; empty when not known
	System  string // "Windows"; empty when not known
	Network string // the address without its last part, "203.0.113.x"
}

const (
	// SessionIdle is how long a browser's session lives after its last request.
	SessionIdle = 30 * time.Minute
	// SessionLifeMax is how long it lives at most.
	SessionLifeMax = 24 * time.Hour
	// SeenEvery is how often it is written that somebody was seen, at most.
	SeenEvery = time.Minute
)

// Over reports whether the session has ended by itself.
func (s SignedIn) Over(now time.Time) bool {
	return s.TooOld(now) || !now.Before(s.LastSeen.Add(SessionIdle+SeenEvery))
}

// TooOld reports whether the session has lived for as long as one may, however busy
// it was.
func (s SignedIn) TooOld(now time.Time) bool { return !now.Before(s.Begun.Add(SessionLifeMax)) }
