package store

import (
	"context"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// Sessions keep the sessions of browsers, in the shape that the scs library
// asks of a store. What they hold, and the names they are found by, are the
// library's.
type Sessions struct {
	DB  *DB
	Now func() time.Time
}

// FindCtx reads a session that has not expired.
func (s *Sessions) FindCtx(ctx context.Context, id string) (data []byte, found bool, err error) {
	err = s.DB.View(ctx, func(tx *ReadTx) error {
		err := tx.sql.QueryRowContext(tx.ctx, `
			SELECT data FROM sessions WHERE session_id = $1 AND expires > $2`, id, micros(s.Now())).Scan(&data)
		found, err = maybe("reading a session", err)
		return err
	})
	return data, found, err
}

// CommitCtx writes a session, which lives from now. The library's own idea of
// its end is by the machine's clock and is not used. Sessions that have ended
// are removed by the way.
func (s *Sessions) CommitCtx(ctx context.Context, id string, data []byte, _ time.Time) error {
	now := s.Now()
	return s.DB.Update(Unbound(ctx), func(tx *Tx) error {
		if _, err := tx.exec("removing ended sessions", `
			DELETE FROM sessions WHERE expires <= $1`, micros(now)); err != nil {
			return err
		}
		return tx.one("writing a session", `
			INSERT INTO sessions (session_id, data, expires) VALUES ($1, $2, $3)
			ON CONFLICT (session_id) DO UPDATE SET data = excluded.data, expires = excluded.expires`,
			id, data, micros(now.Add(party.SessionIdle)))
	})
}

// DeleteCtx removes a session.
func (s *Sessions) DeleteCtx(ctx context.Context, id string) error {
	return s.DB.Update(Unbound(ctx), func(tx *Tx) error {
		_, err := tx.exec("removing a session", `DELETE FROM sessions WHERE session_id = $1`, id)
		return err
	})
}

// Find is FindCtx, for the library's interface alone.
func (s *Sessions) Find(id string) ([]byte, bool, error) { return s.FindCtx(context.Background(), id) }

// Commit is CommitCtx, for the library's interface alone.
func (s *Sessions) Commit(id string, data []byte, until time.Time) error {
	return s.CommitCtx(context.Background(), id, data, until)
}

// Delete is DeleteCtx, for the library's interface alone.
func (s *Sessions) Delete(id string) error { return s.DeleteCtx(context.Background(), id) }
