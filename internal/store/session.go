package store

import (
	"context"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// Sessions stores the sessions of browsers for the scs library. The library
// decides their ids and their data.
type Sessions struct {
	DB  *DB
	Now func() time.Time
}

// FindCtx reads a session that has not expired.
func (s *Sessions) FindCtx(ctx context.Context, id string) (data []byte, found bool, err error) {
	err = s.DB.View(ctx, func(tx *ReadTx) error {
		err := tx.sql.QueryRow(`
			SELECT data FROM sessions WHERE session_id = $1 AND expires > $2`, id, micros(s.Now())).Scan(&data)
		found, err = maybe("reading a session", err)
		return err
	})
	return data, found, err
}

// CommitCtx writes a session, which lasts party.SessionIdle from now. The
// library's expiry time is ignored, because it uses the machine's clock.
// Expired sessions are removed at the same time.
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

// Find is FindCtx, only to satisfy the library's interface.
func (s *Sessions) Find(id string) ([]byte, bool, error) { return s.FindCtx(context.Background(), id) }

// Commit is CommitCtx, only to satisfy the library's interface.
func (s *Sessions) Commit(id string, data []byte, until time.Time) error {
	return s.CommitCtx(context.Background(), id, data, until)
}

// Delete is DeleteCtx, only to satisfy the library's interface.
func (s *Sessions) Delete(id string) error { return s.DeleteCtx(context.Background(), id) }
