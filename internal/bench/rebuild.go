package bench

import (
	"context"
	"fmt"
)

// A definition is a change of a table that can be undone.
type definition struct{ undo, do string }

// bare removes the indexes of some tables on PostgreSQL and fills their pages
// completely, so that many finished payments need less time and half of the
// disk. It returns what brings the indexes and the settings back. On SQLite it
// changes nothing.
func (d database) bare(ctx context.Context, tables []copiedTable) (restore func(context.Context) error, err error) {
	var all []definition
	for _, t := range tables {
		if !d.postgres {
			break
		}
		found, err := d.definitions(ctx, t.name)
		if err != nil {
			return nil, fmt.Errorf("reading the indexes of %s: %w", t.name, err)
		}
		all = append(all, found...)
	}
	for _, one := range all {
		if _, err := d.ExecContext(ctx, one.undo); err != nil {
			return nil, fmt.Errorf("%s: %w", one.undo, err)
		}
	}
	return func(ctx context.Context) error {
		if d.postgres {
			if _, err := d.ExecContext(ctx, `SET maintenance_work_mem = '512MB'`); err != nil {
				return fmt.Errorf("giving memory to new indexes: %w", err)
			}
		}
		for _, one := range all {
			if _, err := d.ExecContext(ctx, one.do); err != nil {
				return fmt.Errorf("%s: %w", one.do, err)
			}
		}
		return nil
	}, nil
}

// definitions are the indexes, the primary key and the fill factor of a table.
func (d database) definitions(ctx context.Context, table string) (all []definition, err error) {
	rows, err := d.QueryContext(ctx, `
		SELECT 'ALTER TABLE ' || c.relname || ' SET (fillfactor = 100)',
			'ALTER TABLE ' || c.relname || COALESCE(
				(SELECT ' SET (' || o || ')' FROM unnest(c.reloptions) AS o WHERE o LIKE 'fillfactor=%'), ' RESET (fillfactor)')
		FROM pg_class c WHERE c.oid = to_regclass($1)
		UNION ALL
		SELECT 'ALTER TABLE ' || c.relname || ' DROP CONSTRAINT ' || k.conname,
			'ALTER TABLE ' || c.relname || ' ADD CONSTRAINT ' || k.conname || ' ' || pg_get_constraintdef(k.oid)
		FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid
		WHERE k.conrelid = to_regclass($1) AND k.contype = 'p'
		UNION ALL
		SELECT 'DROP INDEX ' || c.relname, pg_get_indexdef(i.indexrelid)
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		WHERE i.indrelid = to_regclass($1) AND NOT i.indisprimary`, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var one definition
		if err := rows.Scan(&one.undo, &one.do); err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, rows.Err()
}
