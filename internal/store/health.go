package store

import "time"

// A Database is how PostgreSQL does, as far as the server's user may see it.
type Database struct {
	Known        bool // false on SQLite, which has none of this
	StandbyWaits int  // sessions that have waited for a standby for over a second
	Standbys     []Standby
	Tables       []TableState
	Slots        []Slot
}

// A Standby is a connected standby.
type Standby struct {
	Name     string
	FlushLag time.Duration // until it has written what the primary has
}

// A TableState says how far VACUUM is behind in a table.
type TableState struct {
	Name      string
	DeadRows  int
	FreezeAge int // of the oldest transaction id, in transactions
}

// A Slot is a replication slot.
type Slot struct {
	Name  string
	Bytes int // of the write-ahead log that it keeps
}

// watchedTables grow with payments, and their rows change.
const watchedTables = `('transactions', 'tokens', 'steps', 'requests', 'deliveries', 'balances')`

// Database reads how the database does.
func (tx *ReadTx) Database() (d Database, err error) {
	if !tx.dialect.Remote {
		return d, nil
	}
	waits, err := tx.number(`
		SELECT COUNT(*) FROM pg_stat_activity
		WHERE datname = current_database() AND wait_event = 'SyncRep'
			AND query_start < clock_timestamp() - INTERVAL '1 second'`)
	if err != nil {
		return d, err
	}
	d.Known, d.StandbyWaits = true, int(waits)
	d.Standbys, err = list(tx, "reading the standbys", func(row scanner) (s Standby, err error) {
		var lag int64
		err = row.Scan(&s.Name, &lag)
		s.FlushLag = time.Duration(lag) * time.Microsecond
		return s, err
	}, `
		SELECT application_name, CAST(COALESCE(MAX(EXTRACT(EPOCH FROM flush_lag)) * 1000000, 0) AS BIGINT)
		FROM pg_stat_replication WHERE state IS NOT NULL GROUP BY application_name`)
	if err != nil {
		return d, err
	}
	d.Tables, err = list(tx, "reading the state of tables", func(row scanner) (t TableState, err error) {
		return t, row.Scan(&t.Name, &t.DeadRows, &t.FreezeAge)
	}, `
		SELECT relname, n_dead_tup, age(relfrozenxid)
		FROM pg_stat_user_tables JOIN pg_class USING (relname)
		WHERE pg_class.oid = relid AND schemaname = current_schema() AND relname IN `+watchedTables)
	if err != nil {
		return d, err
	}
	d.Slots, err = list(tx, "reading the replication slots", func(row scanner) (s Slot, err error) {
		return s, row.Scan(&s.Name, &s.Bytes)
	}, `
		SELECT slot_name, CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn) AS BIGINT)
		FROM pg_replication_slots WHERE restart_lsn IS NOT NULL`)
	return d, err
}
