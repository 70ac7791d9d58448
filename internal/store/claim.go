package store

import (
	"cmp"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// A notification comes into one line with all others, in the order in which they
// become due, so that writing one touches the end of an index. A claim looks at the
// head of that line, and at the head of each caller's queue. Who stands at the head
// of the line and cannot be delivered yet moves to its caller's queue when there are
// many, and makes way. So what a claim reads does not grow with what waits, and
// no caller's backlog stands before another's.
const (
	headMost = 256          // of the line that a claim looks at
	wayMost  = 4 * headMost // that make way at a time
	queueFor = 2            // times a caller's places are looked at in its queue, as some may wait for the end of a lease
	// headSoon is how long one may stand at the head before it is due. One that is
	// not due for longer was written before its caller's clock was put back.
	headSoon = time.Minute
)

// A Claim says which notifications to take.
type Claim struct {
	Now   time.Time // real time
	Until time.Time // real time; nobody else delivers them before
	// AheadMax is how far ahead a notification can be due. What is due later was
	// written before its caller's clock was put back, and is due now: it would
	// wait for days.
	AheadMax  time.Duration
	PerCaller int // at most, with what is on a lease already
	Most      int // at most, of all callers
}

type notificationKey struct {
	caller  party.CallerID
	subject string
	seq     int
}

func (k notificationKey) compare(other notificationKey) int {
	return cmp.Or(cmp.Compare(k.caller, other.caller), cmp.Compare(k.subject, other.subject),
		cmp.Compare(k.seq, other.seq))
}

// A candidate waits, and is due or on a lease. Its times are in microseconds.
type candidate struct {
	notificationKey
	nextAt      int64 // the caller's
	leasedUntil int64 // real
	offset      int64 // of the caller's clock
	place       int   // among its caller's
}

// due reports whether a candidate is due by its caller's clock.
func (c Claim) due(k candidate) bool {
	at := micros(c.Now) + k.offset
	return k.nextAt <= at || k.nextAt > at+c.AheadMax.Microseconds()
}

func (c Claim) leased(k candidate) bool { return k.leasedUntil > micros(c.Now) }

// choose gives the places out, and returns who has one, at most as many as the
// claim may take. A caller's leases have its first places, so that a caller whose
// receiver hangs gets no more than its own, and who has the fewest comes first.
// What belongs to a transaction that has a lease waits for its end.
func (c Claim) choose(all []candidate) []candidate {
	order := func(a, b candidate) int { return cmp.Or(cmp.Compare(a.nextAt, b.nextAt), a.compare(b.notificationKey)) }
	slices.SortFunc(all, func(a, b candidate) int {
		switch leased := c.leased(a); {
		case leased == c.leased(b):
			return order(a, b)
		case leased:
			return -1
		}
		return 1
	})
	taken := map[party.CallerID]int{}
	type subject struct {
		caller party.CallerID
		id     string
	}
	told := map[subject]bool{} // of which somebody is being told
	var chosen []candidate
	for _, k := range all {
		taken[k.caller]++
		k.place = taken[k.caller]
		switch of := (subject{k.caller, k.subject}); {
		case c.leased(k):
			told[of] = true
		case k.place <= c.PerCaller && !told[of]:
			chosen = append(chosen, k)
		}
	}
	slices.SortFunc(chosen, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.place, b.place), order(a, b)) })
	return chosen[:min(len(chosen), c.Most)]
}

// ClaimNotifications takes what is due, of each caller the earliest first. Each
// claim counts as a try, also when nothing is heard of it again. There is more
// when so many made way that another look may find who stood behind them.
func (tx *Tx) ClaimNotifications(c Claim) (claimed []Delivery, more bool, err error) {
	looking := tx.Unlocked(claimsLock)
	head, err := looking.headOfLine()
	if err != nil {
		return nil, false, err
	}
	all, err := looking.headsOfQueues(c)
	if err != nil {
		return nil, false, err
	}
	stuck := 0
	for _, k := range head {
		if c.due(k) {
			all = append(all, k)
		}
		if at := micros(c.Now) + k.offset; k.nextAt <= at || k.nextAt > at+headSoon.Microseconds() {
			stuck++
		}
	}
	if claimed, err = tx.take(c.choose(all), c); err != nil {
		return nil, false, err
	}
	if len(head) < headMost || stuck-len(claimed) < headMost/2 {
		return claimed, false, nil
	}
	return claimed, true, tx.makeWay(c.Now)
}

// headOfLine reads the first of all callers' line. None of them is on a lease.
func (tx *ReadTx) headOfLine() ([]candidate, error) {
	scan := func(row scanner) (k candidate, err error) {
		return k, row.Scan(&k.caller, &k.subject, &k.seq, &k.nextAt, &k.offset)
	}
	return list(tx, "looking for notifications", scan, `
		SELECT head.caller_id, subject, seq, next_at, clock_offset
		FROM (SELECT caller_id, subject, seq, next_at FROM notifications
			WHERE outcome = 'Waiting' AND queued = 0
			ORDER BY next_at LIMIT $1) AS head
		JOIN callers ON callers.caller_id = head.caller_id`, headMost)
}

// headsOfQueues reads of each caller's queue the leases, the first that are due, and
// the first that are too far ahead.
func (tx *ReadTx) headsOfQueues(c Claim) (all []candidate, err error) {
	queues, err := tx.queues()
	if err != nil {
		return nil, err
	}
	most := queueFor * c.PerCaller
	var looks []statement
	for _, q := range queues {
		look := func(which string, args ...any) {
			looks = append(looks, statement{
				doing: "looking into a queue of notifications",
				text: `
					SELECT subject, seq, next_at, leased_until FROM notifications
					WHERE caller_id = $1 AND outcome = 'Waiting' AND queued = 1 AND ` + which,
				args: append([]any{q.caller}, args...),
				row: func(row scanner) error {
					k := q
					err := row.Scan(&k.subject, &k.seq, &k.nextAt, &k.leasedUntil)
					if c.leased(k) || c.due(k) {
						all = append(all, k)
					}
					return err
				},
			})
		}
		now := micros(c.Now) + q.offset
		look(`leased_until > 0`) // also one that a crash left behind
		look(`leased_until = 0 AND next_at <= $2 ORDER BY next_at, subject LIMIT $3`, now, most)
		look(`leased_until = 0 AND next_at > $2 ORDER BY next_at, subject LIMIT $3`, now+c.AheadMax.Microseconds(), most)
	}
	return all, tx.sql.run(tx.ctx, looks...)
}

// queues reads whose queues there are. It goes from one to the next: neither how
// long they are nor how many callers have none makes a difference.
func (tx *ReadTx) queues() ([]candidate, error) {
	scan := func(row scanner) (k candidate, err error) { return k, row.Scan(&k.caller, &k.offset) }
	return list(tx, "looking for queues of notifications", scan, `
		WITH RECURSIVE queues AS (
			SELECT (
				SELECT caller_id FROM notifications WHERE outcome = 'Waiting' AND queued = 1
				ORDER BY caller_id LIMIT 1) AS whose
			UNION ALL
			SELECT (
				SELECT caller_id FROM notifications WHERE outcome = 'Waiting' AND queued = 1 AND caller_id > whose
				ORDER BY caller_id LIMIT 1)
			FROM queues WHERE whose IS NOT NULL)
		SELECT whose, clock_offset FROM queues JOIN callers ON caller_id = whose`)
}

// take leases notifications, but those that another server is just taking.
func (tx *Tx) take(chosen []candidate, c Claim) (claimed []Delivery, err error) {
	var reads []statement
	var leases [][]any
	for _, k := range chosen {
		reads = append(reads, statement{
			doing: "reading a notification that is due",
			text: `
				SELECT ` + notificationColumns + ` FROM notifications
				WHERE caller_id = $1 AND subject = $2 AND seq = $3
					AND NOT EXISTS (
						SELECT 1 FROM notifications AS other
						WHERE other.caller_id = $1 AND other.subject = $2 AND other.outcome = 'Waiting' AND other.leased_until > $4)` +
				tx.dialect.claiming("notifications"),
			args: []any{k.caller, k.subject, k.seq, micros(c.Now)},
			row: func(row scanner) error {
				n, err := scanNotification(row)
				n.Tries++
				claimed = append(claimed, Delivery{Notification: n, LeasedUntil: when(micros(c.Until))})
				leases = append(leases, []any{micros(c.Until), n.Tries, 1, n.Caller, n.Subject(), n.Seq, NotificationWaiting})
				return err
			},
		})
	}
	if err := tx.Unlocked(claimsLock).sql.run(tx.ctx, reads...); err != nil || len(leases) == 0 {
		return nil, err
	}
	return claimed, tx.writeMany(leaseNotification, leases)
}

// makeWay moves those at the head of the line that are due, or will not be for
// long, to their callers' queues.
func (tx *Tx) makeWay(now time.Time) error {
	_, err := tx.exec("queueing notifications", `
		UPDATE notifications SET queued = 1
		WHERE (caller_id, subject, seq) IN (
			SELECT head.caller_id, subject, seq
			FROM (SELECT caller_id, subject, seq, next_at FROM notifications
				WHERE outcome = 'Waiting' AND queued = 0
				ORDER BY next_at LIMIT $3) AS head
			JOIN callers ON callers.caller_id = head.caller_id
			WHERE next_at <= $1 + clock_offset OR next_at > $1 + clock_offset + $2)`,
		micros(now), headSoon.Microseconds(), wayMost)
	return err
}
