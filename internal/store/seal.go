package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// Errors of opening a store with or without a seal key, and of sealing one.
var (
	ErrNotSealed = errors.New("the store is not sealed")
	ErrInUse     = errors.New("another server or command uses the database; end it first")
)

// loadSealer gives the store what seals its secrets. A store that has no secrets
// yet, and is opened with a key, is sealed from the beginning.
func (db *DB) loadSealer(ctx context.Context, d dialect, key *SealKey) (*sealer, error) {
	wrapped, name, err := db.sealing(ctx, d)
	if err != nil {
		return nil, err
	}
	switch {
	case name == "" && key == nil:
		return nil, nil
	case name == "":
		if wrapped, name, err = db.sealFresh(ctx, d, *key); err != nil {
			return nil, err
		}
	case key == nil:
		return nil, fmt.Errorf("%w: its secrets open with the file of the key %s only; give it with --seal-key", ErrSealed,
			name)
	}
	if name != key.Name() {
		return nil, fmt.Errorf("%w with the key %s, and the key given is %s", ErrSealed, name, key.Name())
	}
	dataKey, err := key.unwrap(wrapped)
	if err != nil {
		return nil, err
	}
	return newSealer(dataKey)
}

// sealing reads how the store is sealed; name is empty where it is not.
func (db *DB) sealing(ctx context.Context, d dialect) (wrapped []byte, name string, err error) {
	var cleaned bool
	err = db.writer.QueryRowContext(ctx, `SELECT data_key, key_name, cleaned = 1 FROM sealing`).Scan(&wrapped, &name,
		&cleaned)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", d.unreachable(fmt.Errorf("reading how the store is sealed: %w", err))
	}
	db.Unclean = !cleaned
	return wrapped, name, nil
}

const insertSealing = `INSERT INTO sealing (place, data_key, key_name, cleaned) VALUES (1, $1, $2, $3)`

func (db *DB) sealFresh(ctx context.Context, d dialect, key SealKey) (wrapped []byte, name string, err error) {
	var secrets int
	err = db.writer.QueryRowContext(ctx,
		`SELECT (SELECT COUNT(1) FROM access_keys) + (SELECT COUNT(1) FROM signing_keys)`).Scan(&secrets)
	if err != nil {
		return nil, "", d.unreachable(fmt.Errorf("counting secrets: %w", err))
	}
	if secrets > 0 {
		return nil, "", fmt.Errorf("%w, and a key was given: stop all servers and seal it with holdfast seal on, or leave "+
			"the key out", ErrNotSealed)
	}
	if wrapped, err = key.wrap(newDataKey()); err != nil {
		return nil, "", err
	}
	if _, err := db.writer.ExecContext(ctx, insertSealing+` ON CONFLICT DO NOTHING`, wrapped, key.Name(), 1); err != nil {
		return nil, "", fmt.Errorf("sealing the store: %w", err)
	}
	return db.sealing(ctx, d) // of two servers that start at once, one has sealed it
}

// Seal seals all secrets with a key, whether they were plain or sealed with the
// key that the store was opened with, and leaves no trace of them in the
// database's files. No server may be running, and db is of no use afterwards but
// to be closed. After a crash Seal may be run again: the secrets are sealed in one
// transaction, and what is left over is cleaned.
func (db *DB) Seal(ctx context.Context, key SealKey) error {
	dataKey := newDataKey()
	s, err := newSealer(dataKey)
	if err != nil {
		return err
	}
	wrapped, err := key.wrap(dataKey)
	if err != nil {
		return err
	}
	err = db.reseal(ctx, s, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, insertSealing, wrapped, key.Name(), 0)
		return err
	})
	if err != nil {
		return fmt.Errorf("sealing the store: %w", err)
	}
	return db.clean(ctx)
}

// Unseal makes all secrets plain again, under the same conditions as Seal.
func (db *DB) Unseal(ctx context.Context) error {
	if err := db.reseal(ctx, nil, func(*sql.Tx) error { return nil }); err != nil {
		return fmt.Errorf("unsealing the store: %w", err)
	}
	return nil
}

// reseal writes all secrets anew, in one transaction with what says how they are
// sealed.
func (db *DB) reseal(ctx context.Context, to *sealer, insert func(*sql.Tx) error) error {
	if err := db.refuseInUse(ctx); err != nil {
		return err
	}
	tx, err := db.writer.BeginTx(ctx, nil)
	if err != nil {
		return db.dialect.locked(err)
	}
	defer tx.Rollback()
	for _, table := range []struct {
		all, change string
		row         func(string) string
	}{
		{`SELECT access_key_id, secret FROM access_keys`, `UPDATE access_keys SET secret = $1 WHERE access_key_id = $2`,
			accessKeyRow},
		{`SELECT path, private_key FROM signing_keys`, `UPDATE signing_keys SET private_key = $1 WHERE path = $2`,
			signingKeyRow},
	} {
		secrets, err := secretsOf(ctx, tx, table.all)
		if err != nil {
			return err
		}
		for id, kept := range secrets {
			plain, err := db.dialect.sealer.unseal(kept, table.row(id))
			if err != nil {
				return err
			}
			if _, err := tx.ExecContext(ctx, table.change, to.seal(plain, table.row(id)), id); err != nil {
				return err
			}
			db.sealStep()
		}
	}
	if _, err := tx.ExecContext(ctx, `DELETE FROM sealing`); err != nil {
		return err
	}
	if err := insert(tx); err != nil {
		return err
	}
	db.sealStep()
	if err := tx.Commit(); err != nil {
		return err
	}
	db.sealStep()
	return nil
}

// sealStep tells a test that another step of sealing is done.
func (db *DB) sealStep() {
	if db.afterSealStep != nil {
		db.afterSealStep()
	}
}

func secretsOf(ctx context.Context, tx *sql.Tx, all string) (map[string][]byte, error) {
	rows, err := tx.QueryContext(ctx, all)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	secrets := map[string][]byte{}
	for rows.Next() {
		var id string
		var kept []byte
		if err := rows.Scan(&id, &kept); err != nil {
			return nil, err
		}
		secrets[id] = kept
	}
	return secrets, rows.Err()
}

// refuseInUse refuses a PostgreSQL database that others have open. An SQLite file
// is locked by who calls.
func (db *DB) refuseInUse(ctx context.Context) error {
	if db.dialect.others == "" {
		return nil
	}
	var others int
	if err := db.writer.QueryRowContext(ctx, db.dialect.others).Scan(&others); err != nil {
		return fmt.Errorf("looking for other servers: %w", err)
	}
	if others > 0 {
		return ErrInUse
	}
	return nil
}

// clean writes the tables anew, so that nothing of the old secrets is left in
// space that was freed, and remembers that it did.
func (db *DB) clean(ctx context.Context) error {
	for _, statement := range db.dialect.clean {
		if _, err := db.writer.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("the secrets are sealed, but plain copies may be left in freed space; seal the store again: %w",
				db.dialect.locked(err))
		}
		db.sealStep()
	}
	if !db.dialect.remote {
		if err := db.emptyLog(ctx); err != nil {
			return err
		}
		db.sealStep()
	}
	if _, err := db.writer.ExecContext(ctx, `UPDATE sealing SET cleaned = 1`); err != nil {
		return fmt.Errorf("writing that the store is clean: %w", err)
	}
	db.sealStep()
	db.Unclean = false
	return nil
}

// emptyLog puts SQLite's log into the file, and leaves none.
func (db *DB) emptyLog(ctx context.Context) error {
	var busy bool
	var pages, kept int
	if err := db.writer.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages, &kept); err != nil {
		return fmt.Errorf("putting the log into the file: %w", err)
	}
	if busy {
		return fmt.Errorf("the secrets are sealed, but plain copies may be left in the log, which another program reads; "+
			"end that program and seal the store again: %w", ErrLocked)
	}
	return nil
}
