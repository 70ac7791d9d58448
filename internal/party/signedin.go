package party

import "time"

// A SignedInID names a browser in which a party is signed in, such as "S01K…".
// It is no secret. The session itself has a different name, which only the
// browser has.
type SignedInID string

// A SignedIn is a browser in which a party is signed in.
type SignedIn struct {
	ID       SignedInID
	Party    ID
	Begun    time.Time
	LastSeen time.Time
	// Proved is when the party last gave its second factor in this session: a code of
	// its authenticator app, a recovery code or a passkey. Zero means not yet.
	Proved time.Time
	Device
}

// A Device describes the place of a sign-in, so that the party recognises it.
// Nothing more is stored.
type Device struct {
	Browser string // "Firefox"; empty if unknown
	System  string // "Windows"; empty if unknown
	Network string // the address without its last part, "203.0.113.x"
}

const (
	// SessionIdle is the time after its last request at which a browser's session
	// ends.
	SessionIdle = 30 * time.Minute
	// SessionLifeMax is the longest life of a session.
	SessionLifeMax = 24 * time.Hour
	// ProvedLife is how long the console trusts a session after its second factor.
	ProvedLife = 12 * time.Hour
	// SeenEvery is the shortest time between two updates of LastSeen.
	SeenEvery = time.Minute
)

// Over reports whether the session has expired.
func (s SignedIn) Over(now time.Time) bool {
	return s.TooOld(now) || !now.Before(s.LastSeen.Add(SessionIdle+SeenEvery))
}

// ProvedAt reports whether the session's second factor is young enough for the
// console.
func (s SignedIn) ProvedAt(now time.Time) bool {
	return !s.Proved.IsZero() && now.Before(s.Proved.Add(ProvedLife))
}

// TooOld reports whether the session has reached its longest life, even if it
// is in use.
func (s SignedIn) TooOld(now time.Time) bool { return !now.Before(s.Begun.Add(SessionLifeMax)) }
