package store

import (
	"math"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

var signedInTable = table[party.SignedIn]{name: "signed_in", fields: fields[party.SignedIn]{
	textField("party_id", func(s *party.SignedIn) *party.ID { return &s.Party }),
	textField("signed_in_id", func(s *party.SignedIn) *party.SignedInID { return &s.ID }),
	textField("browser", func(s *party.SignedIn) *string { return &s.Browser }),
	textField("system", func(s *party.SignedIn) *string { return &s.System }),
	textField("network", func(s *party.SignedIn) *string { return &s.Network }),
	timeField("begun", func(s *party.SignedIn) *time.Time { return &s.Begun }),
	timeField("last_seen", func(s *party.SignedIn) *time.Time { return &s.LastSeen }),
	timeField("proved", func(s *party.SignedIn) *time.Time { return &s.Proved }),
}}

var (
	signedInColumns = signedInTable.list()
	scanSignedIn    = signedInTable.scanner()
	insertSignedIn  = signedInTable.insertText("")
)

// SignedIn reads one of the browsers in which a party is signed in.
func (tx *ReadTx) SignedIn(owner party.ID, id party.SignedInID) (s party.SignedIn, found bool, err error) {
	s, err = scanSignedIn(tx.sql.QueryRow(`
		SELECT `+signedInColumns+` FROM signed_in WHERE party_id = $1 AND signed_in_id = $2`, owner, id))
	found, err = maybe("reading a signed-in browser", err)
	return s, found, err
}

// lastSeen are the browsers in which a party is signed in, the last seen first.
var lastSeen = `
	SELECT ` + signedInColumns + ` FROM signed_in WHERE party_id = $1
	ORDER BY last_seen DESC, signed_in_id DESC LIMIT $2`

// LastSignedIn reads the browsers in which a party is signed in, the last seen first, at
// most limit.
func (tx *ReadTx) LastSignedIn(owner party.ID, limit int) ([]party.SignedIn, error) {
	return list(tx, "reading where a party is signed in", scanSignedIn, lastSeen, owner, limit)
}

// SignedInAll reads all browsers in which a party is signed in, the last seen first.
func (tx *ReadTx) SignedInAll(owner party.ID) ([]party.SignedIn, error) {
	return tx.LastSignedIn(owner, math.MaxInt32)
}

// InsertSignedIn adds a browser, and removes all browsers that were last seen
// before a time.
func (tx *Tx) InsertSignedIn(s party.SignedIn, before time.Time) error {
	if _, err := tx.exec("forgetting ended sessions", `
		DELETE FROM signed_in WHERE last_seen < $1`, micros(before)); err != nil {
		return err
	}
	return tx.one("signing a party in", insertSignedIn, signedInTable.fields.values(&s)...)
}

// SeeSignedIn writes the time at which a browser was last seen. It does nothing
// if the session has ended.
func (tx *Tx) SeeSignedIn(owner party.ID, id party.SignedInID, now time.Time) error {
	_, err := tx.exec("updating when a browser was last seen", `
		UPDATE signed_in SET last_seen = $1 WHERE party_id = $2 AND signed_in_id = $3`, micros(now), owner, id)
	return err
}

// ProveSignedIn writes when the party gave its second factor in a browser. It is
// ErrStale if the session has ended.
func (tx *Tx) ProveSignedIn(owner party.ID, id party.SignedInID, now time.Time) error {
	return tx.one("writing when a second factor was given", `
		UPDATE signed_in SET proved = $1 WHERE party_id = $2 AND signed_in_id = $3`, micros(now), owner, id)
}

// restOnSignedIn writes a session's row without a change. It does nothing if the
// action itself has ended the session.
func (tx *Tx) restOnSignedIn(owner party.ID, id party.SignedInID) error {
	_, err := tx.exec("checking a session", `
		UPDATE signed_in SET last_seen = last_seen WHERE party_id = $1 AND signed_in_id = $2`, owner, id)
	return err
}

// EndSignedIn signs a party out in one browser, and reports whether the party
// was signed in there.
func (tx *Tx) EndSignedIn(owner party.ID, id party.SignedInID) (ended bool, err error) {
	rows, err := tx.exec("signing a party out", `
		DELETE FROM signed_in WHERE party_id = $1 AND signed_in_id = $2`, owner, id)
	return rows == 1, err
}

// EndSignedInElsewhere signs a party out in all browsers except keep.
func (tx *Tx) EndSignedInElsewhere(owner party.ID, keep party.SignedInID) error {
	_, err := tx.exec("signing a party out elsewhere", `
		DELETE FROM signed_in WHERE party_id = $1 AND signed_in_id <> $2`, owner, keep)
	return err
}
