package processor_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// audited runs a whole pass, and returns all violations of the store.
func audited(w *holdfasttest.World) []store.Violation {
	w.T.Helper()
	if mine, err := w.Processor.AuditPass(w.T.Context()); err != nil || !mine {
		w.T.Fatalf("the pass ended with %v, %v", mine, err)
	}
	return violations(w)
}

func violations(w *holdfasttest.World) (all []store.Violation) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Violations(true)
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return all
}

// A pass finds nothing in right books, whatever moves between its batches.
func TestAPassFindsNothingInRightBooks(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		w := holdfasttest.NewWorld(t, db)
		var log strings.Builder
		w.Processor.Log = slog.New(slog.NewTextHandler(&log, nil))
		w.Reserved("20.00", "order-1")
		held := w.Reserved("30.00", "order-2")
		w.Processor.Hook = nil
		if all := audited(w); len(all) > 0 {
			t.Fatalf("found %+v", all)
		}
		w.Clock.Advance(time.Hour)
		if _, err := w.Settle(held.ID, "25.00"); err != nil {
			t.Fatal(err)
		}
		if all := audited(w); len(all) > 0 {
			t.Fatalf("found %+v", all)
		}
		if strings.Contains(log.String(), "level=WARN") {
			t.Error(log.String())
		}
	})
}

var _ = payment.None
var _ = holdfast.CodeSuccess
