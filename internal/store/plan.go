package store

import (
	"context"
	"database/sql"
	"fmt"
	"path"

	"github.com/holdfast-pay/holdfast/internal/engine"
)

// A Plan says what [Open] would change in the schema of a store.
type Plan struct {
	Have, Known int64    // versions of the schema: the store's, and this program's
	Pending     []string // the names of the migrations that would run, in their order
	Running     []Server // servers that run on the store, and keep it from being changed
}

// PlanMigration compares the schema of a store with this program's. It changes
// nothing.
func PlanMigration(ctx context.Context, c Config) (p Plan, err error) {
	at, err := ParseAddress(c.Address)
	if err != nil {
		return p, err
	}
	d := postgres
	var db *sql.DB
	if at.IsFile() {
		d = sqliteDialect
		if db, err = engine.LookAtSQLite(at.File); err != nil {
			return p, fmt.Errorf("opening SQLite file %s: %w", at, err)
		}
		defer db.Close()
	} else {
		_, pools, err := open(ctx, at)
		if err != nil {
			return p, err
		}
		defer pools.Close()
		db = pools.Reader
	}
	if p, err = d.plan(ctx, db); err != nil {
		return p, d.Named(err)
	}
	if found, err := d.has(ctx, db, serverTable.name); err != nil || !found {
		return p, d.Named(err)
	}
	p.Running, err = runningServers(ctx, db, c.Now())
	return p, d.Named(err)
}

func (d dialect) plan(ctx context.Context, db *sql.DB) (p Plan, err error) {
	if err := refuseUnknown(ctx, d, db); err != nil {
		return p, err
	}
	found, err := d.has(ctx, db, versionTable)
	if err != nil {
		return p, err
	}
	if !found {
		return p, ErrNoSchema
	}
	if p.Have, err = schemaOf(ctx, db); err != nil {
		return p, err
	}
	provider, err := d.migrations(db)
	if err != nil {
		return p, err
	}
	p.Known = newest(provider)
	for _, s := range provider.ListSources() {
		if s.Version > p.Have {
			p.Pending = append(p.Pending, path.Base(s.Path))
		}
	}
	return p, newer(p.Have, p.Known)
}
