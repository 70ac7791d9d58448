// Package inbox records the events of a server in a program's own database, in the
// transaction that acts on them.
//
// A server delivers each event at least once, and webhooks may arrive in any
// order. With an inbox, the program acts on each event exactly once, and on the
// events of one object in the order in which they happened:
//
//  1. Begin a transaction.
//  2. [Inbox.Take] the event. It returns the events that the program can act on now:
//     none if the event came before or is too early, or several if it was the
//     missing one.
//  3. Act on them, in the same transaction.
//  4. Commit. Only then answer the webhook with 200, or read on in the feed.
//
// The inbox needs all events of an object. So use an endpoint, or a feed, without a
// choice of types, and take events that you do not need, too. An endpoint that is
// new does not get earlier events: [Inbox.Gaps] names the objects with missing
// events, and [client.Client.Events] reads them.
//
// If the program dies anywhere, the transaction is rolled back and the event comes
// again. Nothing is acted on twice, and nothing is lost.
//
// The package needs the tables of [Schema]. It is for SQLite and PostgreSQL, by
// database/sql, and imports no driver.
package inbox

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/client"
)

// Schema makes the tables of an inbox, if they are missing. Events that came too
// early are in the column waiting.
const Schema = `
CREATE TABLE IF NOT EXISTS holdfast_objects (
	object_id TEXT   NOT NULL PRIMARY KEY,
	taken     BIGINT NOT NULL
);
CREATE TABLE IF NOT EXISTS holdfast_events (
	object_id TEXT   NOT NULL,
	sequence  BIGINT NOT NULL,
	event_id  TEXT   NOT NULL,
	waiting   TEXT,
	recorded  BIGINT NOT NULL,
	PRIMARY KEY (object_id, sequence)
);
CREATE INDEX IF NOT EXISTS holdfast_events_waiting ON holdfast_events (recorded) WHERE waiting IS NOT NULL;
CREATE TABLE IF NOT EXISTS holdfast_feeds (
	name  TEXT NOT NULL PRIMARY KEY,
	after TEXT NOT NULL
);
`

// A Tx is a transaction of the program's database. An [sql.Tx] is one.
type Tx interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// An Inbox records events. Its zero value can be used.
type Inbox struct {
	Now func() time.Time // nil means time.Now
}

// A ReplacedError says that an event has the number of another event that was
// taken before. The server's data was restored from a backup: it does not know any
// more what the program has seen. A person must compare the object.
type ReplacedError struct {
	ObjectID string
	Sequence int
	Taken    string // the id of the event that was taken
	Came     string // the id of the event that came
}

func (e *ReplacedError) Error() string {
	return fmt.Sprintf("event %d of %s was taken as %s, and came again as %s: the server was restored from a backup",
		e.Sequence, e.ObjectID, e.Taken, e.Came)
}

// Take records an event and returns the events that can be acted on now, in their
// order. It returns none if the event was recorded before, or if an earlier event
// of its object is missing; then the event waits in the database.
func (b Inbox) Take(ctx context.Context, tx Tx, e client.Event) ([]client.Event, error) {
	if e.ID == "" || e.ObjectID == "" || e.Sequence < 1 {
		return nil, errors.New("taking an event: it has no id, no object or no number")
	}
	ready, err := b.take(ctx, tx, e)
	if err != nil {
		return nil, fmt.Errorf("taking event %s: %w", e.ID, err)
	}
	return ready, nil
}

func (b Inbox) take(ctx context.Context, tx Tx, e client.Event) ([]client.Event, error) {
	taken, err := lock(ctx, tx, e.ObjectID)
	if err != nil {
		return nil, err
	}
	var before string
	switch err := tx.QueryRowContext(ctx, `
		SELECT event_id FROM holdfast_events WHERE object_id = $1 AND sequence = $2`,
		e.ObjectID, e.Sequence).Scan(&before); {
	case err == nil && before == e.ID:
		return nil, nil // it was recorded before
	case err == nil:
		return nil, &ReplacedError{e.ObjectID, e.Sequence, before, e.ID}
	case !errors.Is(err, sql.ErrNoRows):
		return nil, err
	case e.Sequence <= taken:
		return nil, nil // it was recorded and forgotten
	}
	early := e.Sequence > taken+1
	if err := b.record(ctx, tx, e, early); err != nil || early {
		return nil, err
	}
	ready := []client.Event{e}
	for {
		next, found, err := release(ctx, tx, e.ObjectID, taken+len(ready)+1)
		if err != nil {
			return nil, err
		}
		if !found {
			break
		}
		ready = append(ready, next)
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE holdfast_objects SET taken = $1 WHERE object_id = $2`, taken+len(ready), e.ObjectID)
	return ready, err
}

// lock locks the row of an object until the end of the transaction, and returns
// the number of its last event that was returned.
func lock(ctx context.Context, tx Tx, object string) (taken int, err error) {
	err = tx.QueryRowContext(ctx, `
		INSERT INTO holdfast_objects (object_id, taken) VALUES ($1, 0)
		ON CONFLICT (object_id) DO UPDATE SET taken = holdfast_objects.taken
		RETURNING taken`, object).Scan(&taken)
	return taken, err
}

func (b Inbox) record(ctx context.Context, tx Tx, e client.Event, waits bool) error {
	var waiting any
	if waits {
		text, err := json.Marshal(e)
		if err != nil {
			return err
		}
		waiting = string(text)
	}
	_, err := tx.ExecContext(ctx, `
		INSERT INTO holdfast_events (object_id, sequence, event_id, waiting, recorded) VALUES ($1, $2, $3, $4, $5)`,
		e.ObjectID, e.Sequence, e.ID, waiting, b.now().UnixMicro())
	return err
}

// release returns the event of an object that waits with a number, if there is
// one. It waits no more.
func release(ctx context.Context, tx Tx, object string, sequence int) (e client.Event, found bool, err error) {
	var waiting sql.NullString
	switch err := tx.QueryRowContext(ctx, `
		SELECT waiting FROM holdfast_events WHERE object_id = $1 AND sequence = $2`, object, sequence).Scan(&waiting); {
	case errors.Is(err, sql.ErrNoRows):
		return e, false, nil
	case err != nil:
		return e, false, err
	}
	if err := json.Unmarshal([]byte(waiting.String), &e); err != nil {
		return e, false, err
	}
	_, err = tx.ExecContext(ctx, `
		UPDATE holdfast_events SET waiting = NULL WHERE object_id = $1 AND sequence = $2`, object, sequence)
	return e, true, err
}

func (b Inbox) now() time.Time {
	if b.Now == nil {
		return time.Now() //nolint:forbidigo // a program that uses the SDK need not set a clock
	}
	return b.Now()
}

// A Gap is an object whose events wait because an earlier one is missing.
type Gap struct {
	ObjectID string
	Missing  int // the number of the first missing event
}

// Gaps lists the objects with events that have waited since before a time. The
// missing events are in the feed: read it, or ask the server to deliver them again.
func (b Inbox) Gaps(ctx context.Context, tx Tx, before time.Time) (gaps []Gap, err error) {
	rows, err := tx.QueryContext(ctx, `
		SELECT DISTINCT o.object_id, o.taken + 1
		FROM holdfast_events e JOIN holdfast_objects o ON o.object_id = e.object_id
		WHERE e.waiting IS NOT NULL AND e.recorded < $1
		ORDER BY o.object_id`, before.UnixMicro())
	if err != nil {
		return nil, fmt.Errorf("reading gaps: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var g Gap
		if err := rows.Scan(&g.ObjectID, &g.Missing); err != nil {
			return nil, fmt.Errorf("reading gaps: %w", err)
		}
		gaps = append(gaps, g)
	}
	return gaps, rows.Err()
}

// Forget removes the ids of events that were taken before a time, to save space.
// Duplicates are still recognised by their number, but not the replacements that a
// [ReplacedError] tells of.
func (b Inbox) Forget(ctx context.Context, tx Tx, before time.Time) error {
	if _, err := tx.ExecContext(ctx, `
		DELETE FROM holdfast_events WHERE waiting IS NULL AND recorded < $1`, before.UnixMicro()); err != nil {
		return fmt.Errorf("forgetting events: %w", err)
	}
	return nil
}

// After returns the cursor of a feed behind the last event that was taken from it.
// It is empty at first. It locks the feed until the end of the transaction, so two
// readers of one feed do not read the same events.
func (b Inbox) After(ctx context.Context, tx Tx, feed string) (cursor string, err error) {
	err = tx.QueryRowContext(ctx, `
		INSERT INTO holdfast_feeds (name, after) VALUES ($1, '')
		ON CONFLICT (name) DO UPDATE SET after = holdfast_feeds.after
		RETURNING after`, feed).Scan(&cursor)
	if err != nil {
		return "", fmt.Errorf("reading the cursor of %s: %w", feed, err)
	}
	return cursor, nil
}

// Advance keeps the cursor of a feed.
func (b Inbox) Advance(ctx context.Context, tx Tx, feed, cursor string) error {
	if _, err := tx.ExecContext(ctx, `UPDATE holdfast_feeds SET after = $1 WHERE name = $2`, cursor, feed); err != nil {
		return fmt.Errorf("keeping the cursor of %s: %w", feed, err)
	}
	return nil
}
