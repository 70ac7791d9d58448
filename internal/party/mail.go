package party

import "time"

// A Mail is a letter to a party, in plain text. It is stored in the same
// database transaction as the change that it reports, and delivered afterwards.
type Mail struct {
	ID      string // "M01K…"; the same in every delivery attempt
	To      string // e-mail address
	Subject string
	Text    string
	Created time.Time // real time
}
