package store

import (
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// SetCalendar gives a caller's calendar a key, of which only the hash is kept. The
// key before it ends.
func (tx *Tx) SetCalendar(c party.CallerID, hash []byte, now time.Time) error {
	return tx.one("setting the key of a calendar", `
		INSERT INTO calendars (caller_id, hash, created) VALUES ($1, $2, $3)
		ON CONFLICT (caller_id) DO UPDATE SET hash = excluded.hash, created = excluded.created`, c, hash, micros(now))
}

// RemoveCalendar ends the key of a caller's calendar, and reports whether there
// was one.
func (tx *Tx) RemoveCalendar(c party.CallerID) (bool, error) {
	rows, err := tx.exec("removing the key of a calendar", `DELETE FROM calendars WHERE caller_id = $1`, c)
	return rows > 0, err
}

// Calendar reads when the key of a caller's calendar was made.
func (tx *ReadTx) Calendar(c party.CallerID) (made time.Time, found bool, err error) {
	err = tx.sql.QueryRow(`SELECT created FROM calendars WHERE caller_id = $1`, c).Scan(timeDest{&made})
	found, err = maybe("reading a calendar", err)
	return made, found, err
}

// CallerByCalendar reads the caller whose calendar has a key with the hash.
func (tx *ReadTx) CallerByCalendar(hash []byte) (c party.Caller, found bool, err error) {
	c, err = scanCaller(tx.sql.QueryRow(`
		SELECT `+joinedCallerColumns+` FROM calendars k JOIN callers c ON c.caller_id = k.caller_id
		WHERE k.hash = $1`, hash))
	found, err = maybe("reading the caller of a calendar", err)
	return c, found, err
}
