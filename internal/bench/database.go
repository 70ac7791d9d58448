package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A database is a connection to the store's database, without the store: for
// counters of the database, and to fill it with SQL.
type database struct {
	*sql.DB
	postgres bool
}

// sqliteFilling are for a file that can be filled again: nothing waits for the
// disk. The connection leaves it to the server to copy its log into the file,
// because a copy without that wait would help the server.
const sqliteFilling = "?_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=synchronous(OFF)&_pragma=temp_store(memory)&" +
	"_pragma=cache_size(-200000)&_pragma=wal_autocheckpoint(0)"

// openDatabase uses the drivers that package store has registered.
func openDatabase(address string) (d database, err error) {
	at, err := store.ParseAddress(address)
	if err != nil {
		return d, err
	}
	if at.IsFile() {
		d.DB, err = sql.Open("sqlite", "file:"+(&url.URL{Path: at.File}).EscapedPath()+sqliteFilling)
	} else {
		d.postgres = true
		d.DB, err = sql.Open("pgx", address)
	}
	if err != nil {
		return d, errors.New("opening the store's database: the address cannot be read") // it may hold a password
	}
	d.SetMaxOpenConns(1)
	return d, nil
}

func (d database) close() {
	if d.DB != nil {
		d.Close()
	}
}

// asking reports whether a question of a caller to the card network is open. It
// may read all open questions.
func (d database) asking(ctx context.Context, c party.CallerID) (open bool, err error) {
	err = d.QueryRowContext(ctx, `
		SELECT COUNT(1) > 0 FROM (SELECT 1 FROM transactions WHERE asking <> '' AND caller_id = $1 LIMIT 1) AS open`,
		c).Scan(&open)
	if err != nil {
		return false, fmt.Errorf("looking for open questions: %w", err)
	}
	return open, nil
}
