package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Errors when a store is opened with or without a seal key, or is sealed.
var (
	ErrNotSealed = errors.New("the store is not sealed")
	ErrInUse     = errors.New("another server or command is using the database; stop it first")
)

// loadSealer returns the sealer of the store's secrets, or nil if the store is
// plain. A store without secrets that is opened with a key is sealed from the
// beginning.
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
		return nil, fmt.Errorf("%w: its secrets can be read only with the file of the key %s; name it with --seal-key",
			ErrSealed, name)
	}
	if name != key.Name() {
		return nil, fmt.Errorf("%w with the key %s, but the given key is %s", ErrSealed, name, key.Name())
	}
	dataKey, err := key.unwrap(wrapped)
	if err != nil {
		return nil, err
	}
	return newSealer(dataKey)
}

// sealing reads how the store is sealed. name is empty if it is not sealed.
func (db *DB) sealing(ctx context.Context, d dialect) (wrapped []byte, name string, err error) {
	var cleaned bool
	err = db.pools.Writer.QueryRowContext(ctx, `SELECT data_key, key_name, cleaned = 1 FROM sealing`).Scan(&wrapped, &name,
		&cleaned)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", d.Named(fmt.Errorf("reading how the store is sealed: %w", err))
	}
	db.Unclean = !cleaned
	return wrapped, name, nil
}

const insertSealing = `INSERT INTO sealing (place, data_key, key_name, cleaned) VALUES (1, $1, $2, $3)`

func (db *DB) sealFresh(ctx context.Context, d dialect, key SealKey) (wrapped []byte, name string, err error) {
	var secrets int
	err = db.pools.Writer.QueryRowContext(ctx,
		`SELECT (SELECT COUNT(1) FROM access_keys) + (SELECT COUNT(1) FROM signing_keys)
			+ (SELECT COUNT(1) FROM network_accounts) + (SELECT COUNT(1) FROM link_keys)
			+ (SELECT COUNT(1) FROM webhook_endpoints) + (SELECT COUNT(1) FROM totps)`).Scan(&secrets)
	if err != nil {
		return nil, "", d.Named(fmt.Errorf("counting secrets: %w", err))
	}
	if secrets > 0 {
		return nil, "", fmt.Errorf("%w, but a key was given: stop all servers and seal it with holdfast seal on, or start "+
			"without the key", ErrNotSealed)
	}
	if wrapped, err = key.wrap(newDataKey()); err != nil {
		return nil, "", err
	}
	if _, err := db.pools.Writer.ExecContext(ctx, insertSealing+` ON CONFLICT DO NOTHING`, wrapped, key.Name(),
		1); err != nil {
		return nil, "", fmt.Errorf("sealing the store: %w", err)
	}
	return db.sealing(ctx, d) // another server that starts at once may have sealed it
}

// Seal seals all secrets with a key and leaves no plain copy in the database's
// files. Before, the secrets may be plain or sealed with the key that opened
// the store. No server may be running. Afterwards db can only be closed. Seal
// may run again after a crash: it seals the secrets in one transaction and then
// removes the leftover copies.
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

// Unseal makes all secrets plain again, on the same conditions as Seal.
// A store with the key of a live account stays sealed.
func (db *DB) Unseal(ctx context.Context) error {
	if err := db.refuseLiveKeys(ctx); err != nil {
		return err
	}
	if err := db.reseal(ctx, nil, func(*sql.Tx) error { return nil }); err != nil {
		return fmt.Errorf("unsealing the store: %w", err)
	}
	return nil
}

// refuseLiveKeys refuses a store with live accounts at card networks.
func (db *DB) refuseLiveKeys(ctx context.Context) error {
	var live int
	var name string
	err := db.pools.Writer.QueryRowContext(ctx, `
		SELECT COUNT(1), COALESCE(MIN(name), '') FROM network_accounts WHERE mode = 'live'`).Scan(&live, &name)
	if err != nil {
		return fmt.Errorf("looking for live accounts: %w", db.dialect.Named(err))
	}
	if live > 0 {
		return fmt.Errorf("the store has live accounts at card networks, whose keys are stored only in a sealed store: %s",
			name)
	}
	return nil
}

// reseal rewrites all secrets and the row that describes the sealing, in one
// transaction.
func (db *DB) reseal(ctx context.Context, to *sealer, insert func(*sql.Tx) error) error {
	if err := db.refuseInUse(ctx); err != nil {
		return err
	}
	tx, err := db.pools.Writer.BeginTx(ctx, nil)
	if err != nil {
		return db.dialect.Named(err)
	}
	defer tx.Rollback()
	for _, table := range []struct {
		all, change string
		row         func(string) string
	}{
		{
			`SELECT access_key_id, secret FROM access_keys`, `UPDATE access_keys SET secret = $1 WHERE access_key_id = $2`,
			accessKeyRow,
		},
		{
			`SELECT path, private_key FROM signing_keys`, `UPDATE signing_keys SET private_key = $1 WHERE path = $2`,
			signingKeyRow,
		},
		{
			`SELECT purpose, secret FROM link_keys`, `UPDATE link_keys SET secret = $1 WHERE purpose = $2`, linkKeyRow,
		},
		{
			`SELECT party_id, secret FROM totps`, `UPDATE totps SET secret = $1 WHERE party_id = $2`, totpRow,
		},
		{
			`SELECT account_id, credentials FROM network_accounts`,
			`UPDATE network_accounts SET credentials = $1 WHERE account_id = $2`,
			func(id string) string { return networkKeyRow(payment.NetworkAccountID(id)) },
		},
		{
			`SELECT account_id, event_secrets FROM network_accounts`,
			`UPDATE network_accounts SET event_secrets = $1 WHERE account_id = $2`,
			func(id string) string { return networkEventsRow(payment.NetworkAccountID(id)) },
		},
		{
			`SELECT endpoint_id, secrets FROM webhook_endpoints`,
			`UPDATE webhook_endpoints SET secrets = $1 WHERE endpoint_id = $2`,
			func(id string) string { return webhookRow(payment.EndpointID(id)) },
		},
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

// sealStep calls a test's function after each step of sealing.
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

// refuseInUse refuses a PostgreSQL database that other servers or commands have
// open. For an SQLite file, the caller holds a lock instead.
func (db *DB) refuseInUse(ctx context.Context) error {
	if db.dialect.others == "" {
		return nil
	}
	var others int
	if err := db.pools.Writer.QueryRowContext(ctx, db.dialect.others).Scan(&others); err != nil {
		return fmt.Errorf("looking for other servers: %w", err)
	}
	if others > 0 {
		return ErrInUse
	}
	return nil
}

// clean rewrites the tables so that no old secret is left in freed space, and
// then records that the store is clean.
func (db *DB) clean(ctx context.Context) error {
	for _, statement := range db.dialect.clean {
		if _, err := db.pools.Writer.ExecContext(ctx, statement); err != nil {
			return fmt.Errorf("the secrets are sealed, but plain copies may be left in freed space; seal the store again: %w",
				db.dialect.Named(err))
		}
		db.sealStep()
	}
	if !db.dialect.Remote {
		if err := db.emptyLog(ctx); err != nil {
			return err
		}
		db.sealStep()
	}
	if _, err := db.pools.Writer.ExecContext(ctx, `UPDATE sealing SET cleaned = 1`); err != nil {
		return fmt.Errorf("writing that the store is clean: %w", err)
	}
	db.sealStep()
	db.Unclean = false
	return nil
}

// emptyLog copies SQLite's log into the file and truncates the log.
func (db *DB) emptyLog(ctx context.Context) error {
	var busy bool
	var pages, kept int
	if err := db.pools.Writer.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &pages,
		&kept); err != nil {
		return fmt.Errorf("putting the log into the file: %w", err)
	}
	if busy {
		return fmt.Errorf("the secrets are sealed, but plain copies may be left in the log, which another program reads; "+
			"stop that program and seal the store again: %w", ErrLocked)
	}
	return nil
}
