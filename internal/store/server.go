package store

import (
	"context"
	"errors"
	"time"
)

// A Server is a running server of the store. Its times are real time.
type Server struct {
	ID      string
	Version string // of the program
	Schema  int64  // the newest version of the schema that the program knows
	Host    string
	Mails   string // the address to which the links in its mails lead; empty if it sends none
	Started time.Time
	Seen    time.Time // written every ten seconds
}

const (
	// serverLate is how long ago a server that runs may have been seen.
	serverLate = 30 * time.Second
	// serverKept is how long the row of a server that was killed is kept.
	serverKept = 24 * time.Hour
)

// Live reports whether a server runs, as far as the store knows.
func (s Server) Live(now time.Time) bool { return now.Sub(s.Seen) < serverLate }

var serverTable = table[Server]{name: "servers", fields: fields[Server]{
	textField("server_id", func(s *Server) *string { return &s.ID }),
	textField("version", func(s *Server) *string { return &s.Version }),
	numberField("schema", func(s *Server) *int64 { return &s.Schema }),
	textField("host", func(s *Server) *string { return &s.Host }),
	textField("mails", func(s *Server) *string { return &s.Mails }),
	timeField("started", func(s *Server) *time.Time { return &s.Started }),
	timeField("seen", func(s *Server) *time.Time { return &s.Seen }),
}}

var (
	scanServer = serverTable.scanner()
	saveServer = serverTable.insertText(`ON CONFLICT (server_id) DO UPDATE SET seen = excluded.seen`)
)

// Servers reads the servers of the store, the one that has run longest first.
// Those that were killed are among them for a day; see [Server.Live].
func (tx *ReadTx) Servers() ([]Server, error) {
	return list(tx, "reading the servers", scanServer, `
		SELECT `+serverTable.list()+` FROM servers ORDER BY started, server_id`)
}

// Beat writes that a server was seen. It is [ErrOldSchema] or [ErrNewSchema] if
// another program has changed the schema since the store was opened. It also
// reads whether the store is paused, which a command may have ended.
func (db *DB) Beat(ctx context.Context, s Server) (err error) {
	if err := db.CheckVersion(ctx); err != nil {
		return err
	}
	if s.Schema, err = knownSchema(); err != nil {
		return err
	}
	if err := db.readPause(ctx); err != nil {
		return err
	}
	return db.Background(ctx, func(tx *Tx) error {
		if _, err := tx.exec("forgetting servers", `DELETE FROM servers WHERE seen < $1 AND server_id <> $2`,
			micros(s.Seen.Add(-serverKept)), s.ID); err != nil {
			return err
		}
		return tx.one("writing that a server runs", saveServer, serverTable.fields.values(&s)...)
	})
}

// FirstBeat is the Beat of a server that starts. A migration, or the mark of a
// restored database, may have begun before the row of the server was there. So
// FirstBeat waits until it is done, and reads again what it has changed.
func (db *DB) FirstBeat(ctx context.Context, s Server) error {
	if err := db.Beat(ctx, s); err != nil {
		return err
	}
	err := db.whileLocked(ctx, lockShared, func() error {
		if err := db.CheckVersion(ctx); err != nil {
			return err
		}
		return db.readPause(ctx)
	})
	if err != nil {
		return errors.Join(db.dialect.Named(err), db.RemoveServer(context.WithoutCancel(ctx), s.ID))
	}
	return nil
}

// RemoveServer removes the row of a server that stops.
func (db *DB) RemoveServer(ctx context.Context, id string) error {
	return db.Background(ctx, func(tx *Tx) error {
		_, err := tx.exec("removing a server", `DELETE FROM servers WHERE server_id = $1`, id)
		return err
	})
}
