package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A form acts once. A form whose action fails may be sent again, and a key is forgotten
// after a week.
func TestFormsActOnce(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		now := holdfasttest.Start
		failed := errors.New("the action fails")
		use := func(key string, outcome error) error {
			return db.Update(t.Context(), func(tx *store.Tx) error {
				if err := tx.UseForm(key, now); err != nil {
					return err
				}
				return outcome
			})
		}
		for i, row := range []struct {
			key           string
			later         time.Duration
			outcome, want error
		}{
			{"A", 0, failed, failed},
			{"A", 0, nil, nil},
			{"A", 0, nil, store.ErrFormUsed},
			{"B", 0, nil, nil},
			{"", 0, nil, nil},
			{"", 0, nil, nil},
			{"A", 7 * 24 * time.Hour, nil, store.ErrFormUsed},
			{"A", time.Microsecond, nil, nil},
		} {
			now = now.Add(row.later)
			if err := use(row.key, row.outcome); !errors.Is(err, row.want) {
				t.Errorf("form %d: %v, want %v", i, err, row.want)
			}
		}
	})
}
