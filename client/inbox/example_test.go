package inbox_test

import (
	"context"
	"database/sql"
	"log/slog"
	"net/http"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/client"
	"github.com/holdfast-pay/holdfast/client/inbox"
)

// A shop takes webhooks. An order ships once its hold is held, however often and in
// whichever order the events arrive.
func Example() {
	db, err := sql.Open("sqlite", "shop.db") // or "pgx", with the driver that the program imports
	if err != nil {
		slog.Error("opening the database", "error", err)
		return
	}
	if _, err := db.ExecContext(context.Background(), inbox.Schema); err != nil {
		slog.Error("making the tables of the inbox", "error", err)
		return
	}
	verifier := client.Verifier{Secrets: []holdfast.SecretKey{holdfast.NewSecretKey("whsec_…")}}
	http.HandleFunc("POST /hook", func(w http.ResponseWriter, r *http.Request) {
		event, err := verifier.Read(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		if err := take(r.Context(), db, event); err != nil {
			slog.Error("taking an event", "event", event.ID, "error", err)
			w.WriteHeader(http.StatusServiceUnavailable) // the event comes again
		}
	})
}

// take records an event and acts on all events that are ready, in one transaction.
func take(ctx context.Context, db *sql.DB, event client.Event) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after the commit it does nothing
	ready, err := inbox.Inbox{}.Take(ctx, tx, event)
	if err != nil {
		return err
	}
	for _, e := range ready {
		switch e.Type {
		case "hold.held":
			_, err = tx.ExecContext(ctx, `UPDATE orders SET state = 'ready to ship' WHERE hold_id = $1`, e.ObjectID)
		case "hold.expired", "hold.released", "hold.declined":
			_, err = tx.ExecContext(ctx, `UPDATE orders SET state = 'cancelled' WHERE hold_id = $1`, e.ObjectID)
		}
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}
