package store

import (
	"context"
	"database/sql"
	"fmt"
	"log/slog"

	"github.com/pressly/goose/v3"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// emailKeysVersion is the schema version that has the keys of party.EmailKey.
// Its migration is code, because SQL cannot compute them.
const emailKeysVersion = 19

func emailKeys(log *slog.Logger) *goose.Migration {
	return goose.NewGoMigration(emailKeysVersion, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
		return renewEmailKeys(ctx, tx, log)
	}}, nil)
}

type emailKey struct {
	party party.ID
	key   string
}

// renewEmailKeys computes the keys of all e-mail addresses again. If another
// party has the new key, both addresses are one mailbox: the other party keeps
// it, and the log names the party whose address is no longer found.
func renewEmailKeys(ctx context.Context, tx *sql.Tx, log *slog.Logger) error {
	old, err := oldEmailKeys(ctx, tx)
	if err != nil {
		return err
	}
	for {
		var taken []emailKey
		for _, one := range old {
			result, err := tx.ExecContext(ctx, `
				UPDATE parties SET email_key = $1
				WHERE party_id = $2 AND NOT EXISTS (SELECT 1 FROM parties WHERE email_key = $1)`, one.key, one.party)
			if err != nil {
				return fmt.Errorf("changing the key of an e-mail address: %w", err)
			}
			changed, err := result.RowsAffected()
			if err != nil {
				return fmt.Errorf("changing the key of an e-mail address: %w", err)
			}
			if changed == 0 {
				taken = append(taken, one)
			}
		}
		if len(taken) == len(old) { // no key has become free
			break
		}
		old = taken
	}
	for _, one := range old {
		log.WarnContext(ctx, "another party has the same mailbox; give this party another e-mail address",
			"party", string(one.party))
	}
	return nil
}

// oldEmailKeys reads the parties whose key differs from party.EmailKey, each
// with its new key.
func oldEmailKeys(ctx context.Context, tx *sql.Tx) (old []emailKey, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT party_id, email, email_key FROM parties ORDER BY created, party_id`)
	if err != nil {
		return nil, fmt.Errorf("reading the keys of e-mail addresses: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id party.ID
		var email, key string
		if err := rows.Scan(&id, &email, &key); err != nil {
			return nil, fmt.Errorf("reading the key of an e-mail address: %w", err)
		}
		if renewed := party.EmailKey(email); renewed != key {
			old = append(old, emailKey{id, renewed})
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the keys of e-mail addresses: %w", err)
	}
	return old, nil
}
