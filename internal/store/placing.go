package store

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// errFeed means that the schema's row of the feed is missing.
var errFeed = errors.New("the row of the feed is missing")

// placeEvents gives positions to the events that wait longest, and to all
// earlier ones of the same objects. The clocks of two servers differ, so an
// event may have been created later than the next one of its object. It then
// has its turn first all the same.
//
// The row of the feed is locked until the commit. On PostgreSQL, a server that
// finds it locked leaves the placing to the other one. It is refused, and runs
// again, if the row has changed since its transaction began.
const placeEvents = `
	WITH feed AS (SELECT last FROM event_feed WHERE place = 1%s),
	head AS (
		SELECT caller_id, object_id, seq FROM events WHERE position = 0 ORDER BY created, object_id, seq LIMIT $2),
	objects AS (SELECT caller_id, object_id, MAX(seq) AS top FROM head GROUP BY caller_id, object_id),
	batch AS (
		SELECT e.caller_id, e.object_id, e.seq,
			MAX(e.created) OVER (PARTITION BY e.caller_id, e.object_id ORDER BY e.seq) AS turn
		FROM objects o JOIN events e ON e.caller_id = o.caller_id AND e.object_id = o.object_id AND e.seq <= o.top
		WHERE e.position = 0),
	placed AS (
		SELECT caller_id AS of_caller, object_id AS of_object, seq AS number,
			ROW_NUMBER() OVER (ORDER BY turn, object_id, caller_id, seq) AS next
		FROM batch)
	UPDATE events SET position = feed.last + placed.next, placed_at = $1
	FROM feed, placed
	WHERE caller_id = of_caller AND object_id = of_object AND seq = number
	RETURNING caller_id, event_id, type, object_id, seq, at, created, position, placed_at`

// HasUnplaced reports whether events wait for their positions.
func (tx *ReadTx) HasUnplaced() (bool, error) {
	n, err := tx.upTo(`SELECT 1 FROM events WHERE position = 0`, 1)
	return n > 0, err
}

// PlaceEvents gives positions in the feed to events that have none, about limit of
// them, and hands them over to the endpoints. It reports how many. Readers see
// an event only when its place is committed. An event that is committed later
// gets a later position, so a reader never passes an event that it has not seen.
func (tx *Tx) PlaceEvents(real time.Time, limit int) (int, error) {
	var placed []payment.Event
	err := tx.sql.Run(engine.Statement{
		Doing: "placing events", Text: fmt.Sprintf(placeEvents, tx.dialect.claiming("event_feed")),
		Args: []any{micros(real), limit}, Writes: true,
		Row: func(row scanner) error {
			e, err := scanPlaced(row)
			placed = append(placed, e)
			return err
		},
	})
	if err == nil && len(placed) == 0 {
		err = tx.hasFeed()
	}
	if err != nil || len(placed) == 0 {
		return 0, err
	}
	slices.SortFunc(placed, func(a, b payment.Event) int { return cmp.Compare(a.Position, b.Position) })
	err = tx.one("moving the end of the feed", `UPDATE event_feed SET last = $1 WHERE place = 1 AND last = $2`,
		placed[len(placed)-1].Position, placed[0].Position-1)
	if err != nil {
		return 0, err
	}
	return len(placed), tx.fanOut(placed)
}

// hasFeed fails if the row of the feed is missing, without which no event is ever
// placed.
func (tx *Tx) hasFeed() error {
	n, err := tx.Unlocked("the row is never deleted").count("reading the feed", `SELECT COUNT(1) FROM event_feed`)
	if err == nil && n == 0 {
		err = errFeed
	}
	return err
}

func scanPlaced(row scanner) (e payment.Event, err error) {
	var at, created, placed int64
	err = row.Scan(&e.Caller, &e.ID, &e.Type, &e.ObjectID, &e.Seq, &at, &created, &e.Position, &placed)
	e.At, e.Created, e.Placed = when(at), when(created), when(placed)
	return e, err
}
