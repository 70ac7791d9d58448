package api_test

import (
	"net/http"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// entries reads the newest entries of the audit log.
func (w *world) entries() (all []party.AuditEntry) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.AuditEntries(store.AuditQuery{Limit: 1000})
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return all
}

// Every operation that changes something writes one entry into the audit log, in the
// name of its key. The story has every operation; see TestExamples.
func TestEveryChangeIsInTheAuditLog(t *testing.T) {
	w := storyWorld(t)
	byKey := func() (n int) {
		for _, e := range w.entries() {
			if e.Actor.Kind == party.ActorKey && e.Actor.ID != "" && e.Actor.From != "" && e.Caller == w.Shop.ID {
				n++
			}
		}
		return n
	}
	for _, s := range story {
		all, keys := len(w.entries()), byKey()
		w.tell(s)
		want := 1
		if s.method == http.MethodGet {
			want = 0
		}
		if all, keys := len(w.entries())-all, byKey()-keys; all != want || keys != want {
			t.Errorf("%s %s writes %d audit entries, %d by the key, want %d", s.method, s.path, all, keys, want)
		}
	}
}
