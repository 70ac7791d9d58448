package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A newer program does not change the schema under servers of an older one. A
// server under which it was changed all the same notices that at its next beat.
func TestMigratingUnderServers(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			old := holdfasttest.Open(t, at)
			server := store.Server{ID: "a", Version: "1.0.0", Host: "pay1", Started: takenAt, Seen: takenAt}
			if err := old.Beat(t.Context(), server); err != nil {
				t.Fatal(err)
			}
			now := takenAt.Add(time.Second)
			config := store.Config{Address: at, Now: func() time.Time { return now }}
			openNewer := func() error {
				db, err := store.Open(t.Context(), config)
				if err == nil {
					err = db.Close()
				}
				return err
			}
			if err := openNewer(); err != nil {
				t.Errorf("the same schema under a server: %v", err)
			}
			store.AddMigration(t, "0002_more.sql", "-- +goose Up\nCREATE TABLE more (id BIGINT);\n")
			plan, err := store.PlanMigration(t.Context(), config)
			if err != nil || plan.Have != 1 || plan.Known != 2 || len(plan.Running) != 1 || plan.Running[0].ID != "a" {
				t.Errorf("the plan is %+v (%v)", plan, err)
			}
			if diff := cmp.Diff([]string{"0002_more.sql"}, plan.Pending); diff != "" {
				t.Error(diff)
			}
			if err := openNewer(); !errors.Is(err, store.ErrServersRun) || !strings.Contains(err.Error(), "1.0.0 on pay1") {
				t.Errorf("under a server, the schema is changed: %v", err)
			}
			now = takenAt.Add(time.Minute) // the server was killed, it seems
			if err := openNewer(); err != nil {
				t.Fatal(err)
			}
			store.ForgetMigrations()
			if err := old.Beat(t.Context(), server); !errors.Is(err, store.ErrNewSchema) {
				t.Errorf("the old server goes on: %v", err)
			}
		})
	}
}
