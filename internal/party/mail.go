package party

import "time"

// A Mail is a letter to a party, in plain text. It is written with the change
// that it tells of, and delivered after.
type Mail struct {
	ID      string // "M01K…"; the same over all tries
	To      string // e-mail address
	Subject string
	Text    string
	Created time.Time // real time
}
