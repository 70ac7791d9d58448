package store

import (
	"cmp"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// New notifications about steps form one line, in the order in which they become
// due, so that adding one touches one place of an index. A notification that is
// claimed leaves the line for its first try. A claim reads the head of the line
// and the head of each caller's queue. If many notifications at the head of the line cannot be
// delivered yet, they move to their callers' queues. So the cost of a claim does
// not grow with the number of waiting notifications, and one caller's backlog
// does not delay another's.
const (
	headMost = 256          // notifications that a claim reads from the line
	wayMost  = 4 * headMost // notifications that leave the line's head at a time
	// queueFor times PerCaller notifications are read from a queue, because some
	// may wait for the end of a lease.
	queueFor = 2
	// headSoon is how long before its time a notification may be at the head of
	// the line. If it is due later than that, its caller's clock was put back
	// after it was written.
	headSoon = time.Minute
)

// A Claim says which notifications to take, and for how long.
type Claim struct {
	Now   time.Time // real time
	Until time.Time // real time; the end of the leases
	// AheadMax is how far ahead a notification can be due. If it is due later, its
	// caller's clock was put back after it was written. It then counts as due now,
	// because it would otherwise wait for days.
	AheadMax  time.Duration
	PerCaller int // the most leases of one caller, including those it has already
	Most      int // the most notifications to take, of all callers
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

// A candidate is a waiting notification that is due or leased. Its times are in
// microseconds.
type candidate struct {
	notificationKey
	nextAt      int64 // the caller's time
	leasedUntil int64 // real time
	offset      int64 // of the caller's clock
	place       int   // its number among its caller's candidates
	queued      bool  // it is in its caller's queue, not in the line
}

// due reports whether a candidate is due by its caller's clock.
func (c Claim) due(k candidate) bool {
	at := micros(c.Now) + k.offset
	return k.nextAt <= at || k.nextAt > at+c.AheadMax.Microseconds()
}

func (c Claim) leased(k candidate) bool { return k.leasedUntil > micros(c.Now) }

// choose returns the candidates that the claim takes. It numbers each caller's
// candidates, leased ones first. A caller gets at most PerCaller places, so
// that a receiver that hangs uses up only its own caller's places. Candidates
// with low numbers are taken first. A notification waits while another one of
// the same transaction or token is leased.
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
	delivering := map[subject]bool{} // those with a lease
	var chosen []candidate
	for _, k := range all {
		taken[k.caller]++
		k.place = taken[k.caller]
		switch of := (subject{k.caller, k.subject}); {
		case c.leased(k):
			delivering[of] = true
		case k.place <= c.PerCaller && !delivering[of]:
			chosen = append(chosen, k)
		}
	}
	slices.SortFunc(chosen, func(a, b candidate) int { return cmp.Or(cmp.Compare(a.place, b.place), order(a, b)) })
	return chosen[:min(len(chosen), c.Most)]
}

// ClaimNotifications leases due notifications, each caller's earliest first.
// Each claim counts as a try, even if the server crashes and never reports a
// result. more is true if notifications left the line for their callers' queues,
// so that another claim may find them there, or others behind them.
func (tx *Tx) ClaimNotifications(c Claim) (claimed []Delivery, more bool, err error) {
	looking := tx.Unlocked(claimsLock)
	head, err := looking.headOfLine()
	if err != nil {
		return nil, false, err
	}
	first, err := looking.firstTries()
	if err != nil {
		return nil, false, err
	}
	all, err := looking.headsOfQueues(c)
	if err != nil {
		return nil, false, err
	}
	stuck, lost := 0, 0
	for _, k := range head {
		if c.due(k) {
			all = append(all, k)
		}
		if at := micros(c.Now) + k.offset; k.nextAt <= at || k.nextAt > at+headSoon.Microseconds() {
			stuck++
		}
	}
	for _, k := range first {
		if c.leased(k) {
			all = append(all, k)
		} else {
			lost++
		}
	}
	if lost > 0 {
		if err := tx.queueLost(c); err != nil {
			return nil, false, err
		}
	}
	if claimed, err = tx.take(c.choose(all), c); err != nil {
		return nil, false, err
	}
	if len(head) < headMost || stuck-len(claimed) < headMost/2 {
		return claimed, lost > 0, nil
	}
	return claimed, true, tx.makeWay(c.Now)
}

// headOfLine reads the first notifications of the line of all callers. None of
// them is leased.
func (tx *ReadTx) headOfLine() ([]candidate, error) {
	return list(tx, "looking for notifications", scanCandidate, `
		SELECT head.caller_id, transaction_id, seq, notify_at, 0, clock_offset
		FROM (SELECT caller_id, transaction_id, seq, notify_at FROM steps
			WHERE notify_at > 0 AND leased_until = 0
			ORDER BY notify_at LIMIT $1) AS head
		JOIN callers ON callers.caller_id = head.caller_id`, headMost)
}

// firstTries reads the notifications that have left the line for their first
// try. There are no more than servers have slots for deliveries, and those that
// a crash left behind.
func (tx *ReadTx) firstTries() ([]candidate, error) {
	return list(tx, "looking for leases of notifications", scanCandidate, `
		SELECT caller_id, transaction_id, seq, notify_at, leased_until, 0 FROM steps
		WHERE notify_at > 0 AND leased_until > 0`)
}

func scanCandidate(row scanner) (k candidate, err error) {
	return k, row.Scan(&k.caller, &k.subject, &k.seq, &k.nextAt, &k.leasedUntil, &k.offset)
}

// headsOfQueues reads from each caller's queue the leased notifications, the
// first due ones, and the first ones that are too far ahead.
func (tx *ReadTx) headsOfQueues(c Claim) (all []candidate, err error) {
	queues, err := tx.queues()
	if err != nil {
		return nil, err
	}
	limit := queueFor * c.PerCaller
	var looks []engine.Statement
	for _, q := range queues {
		look := func(which string, args ...any) {
			looks = append(looks, engine.Statement{
				Doing: "looking into a queue of notifications",
				Text: `
					SELECT subject, seq, next_at, leased_until FROM deliveries
					WHERE caller_id = $1 AND outcome = 'Waiting' AND ` + which,
				Args: append([]any{q.caller}, args...),
				Row: func(row scanner) error {
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
		look(`leased_until > 0`) // including leases that a crash left behind
		look(`leased_until = 0 AND next_at <= $2 ORDER BY next_at, subject LIMIT $3`, now, limit)
		look(`leased_until = 0 AND next_at > $2 ORDER BY next_at, subject LIMIT $3`, now+c.AheadMax.Microseconds(), limit)
	}
	return all, tx.sql.Run(looks...)
}

// queues reads which callers have a queue. It jumps in the index from one queue
// to the next. So the lengths of the queues and the number of callers without
// one do not matter.
func (tx *ReadTx) queues() ([]candidate, error) {
	scan := func(row scanner) (k candidate, err error) {
		k.queued = true
		return k, row.Scan(&k.caller, &k.offset)
	}
	return list(tx, "looking for queues of notifications", scan, `
		WITH RECURSIVE queues AS (
			SELECT (
				SELECT caller_id FROM deliveries WHERE outcome = 'Waiting'
				ORDER BY caller_id LIMIT 1) AS whose
			UNION ALL
			SELECT (
				SELECT caller_id FROM deliveries WHERE outcome = 'Waiting' AND caller_id > whose
				ORDER BY caller_id LIMIT 1)
			FROM queues WHERE whose IS NOT NULL)
		SELECT whose, clock_offset FROM queues JOIN callers ON caller_id = whose`)
}

// take leases notifications, except those that another server is taking now.
func (tx *Tx) take(chosen []candidate, c Claim) (claimed []Delivery, err error) {
	var reads []engine.Statement
	for _, k := range chosen {
		read := engine.Statement{
			Doing: "reading a notification that is due",
			Args:  []any{k.caller, k.subject, k.seq, micros(c.Now)},
		}
		add := func(n Notification, err error) error {
			n.Tries++
			claimed = append(claimed, Delivery{Notification: n, LeasedUntil: when(micros(c.Until)), Queued: k.queued})
			return err
		}
		if k.queued {
			read.Text = `
				SELECT ` + deliveryColumns + ` FROM deliveries
				WHERE caller_id = $1 AND subject = $2 AND seq = $3 AND outcome = 'Waiting'` + alone +
				tx.dialect.claiming("deliveries")
			read.Row = func(row scanner) error { return add(scanQueued(row)) }
		} else {
			read.Text = `
				SELECT ` + stepColumns + ` FROM steps
				WHERE caller_id = $1 AND transaction_id = $2 AND seq = $3 AND notify_at > 0` + alone +
				tx.dialect.claiming("steps")
			read.Row = func(row scanner) error {
				s, err := scanStep(row)
				return add(s.notification(), err)
			}
		}
		reads = append(reads, read)
	}
	if err := tx.Unlocked(claimsLock).sql.Run(reads...); err != nil || len(claimed) == 0 {
		return nil, err
	}
	return claimed, tx.lease(claimed)
}

// alone is the condition that no other notification about the same subject is
// leased.
const alone = `
	AND NOT EXISTS (
		SELECT 1 FROM deliveries AS other
		WHERE other.caller_id = $1 AND other.subject = $2 AND other.outcome = 'Waiting' AND other.leased_until > $4)
	AND NOT EXISTS (
		SELECT 1 FROM steps AS other
		WHERE other.caller_id = $1 AND other.transaction_id = $2 AND other.notify_at > 0 AND other.leased_until > $4)`

// lease writes the leases of claimed notifications.
func (tx *Tx) lease(claimed []Delivery) error {
	var inSteps, queued [][]any
	for _, d := range claimed {
		if d.Queued {
			before, after := d.inQueue(), d.inQueue()
			queued = append(queued, leaseQueued.args(&before, &after))
		} else {
			before, after := d.inStep(), d.inStep()
			inSteps = append(inSteps, leaseStep.args(&before, &after))
		}
	}
	if len(inSteps) > 0 {
		if err := leaseStep.WriteMany(tx.sql, inSteps); err != nil {
			return err
		}
	}
	if len(queued) > 0 {
		return leaseQueued.WriteMany(tx.sql, queued)
	}
	return nil
}

// makeWay moves notifications from the head of the line to their callers'
// queues if they are due, or not due for a long time.
func (tx *Tx) makeWay(now time.Time) error {
	return tx.moveToQueues(0, `
		FROM (SELECT caller_id, transaction_id, seq FROM steps
			WHERE notify_at > 0 AND leased_until = 0
			ORDER BY notify_at LIMIT $3) AS head
		JOIN steps ON steps.caller_id = head.caller_id AND steps.transaction_id = head.transaction_id
			AND steps.seq = head.seq
		JOIN callers ON callers.caller_id = head.caller_id
		WHERE notify_at <= $1 + clock_offset OR notify_at > $1 + clock_offset + $2`,
		micros(now), headSoon.Microseconds(), wayMost)
}

// queueLost moves notifications whose lease ended without a result to their
// callers' queues. The server that had the lease has probably crashed, and its
// try counts.
func (tx *Tx) queueLost(c Claim) error {
	return tx.moveToQueues(1, ` FROM steps WHERE notify_at > 0 AND leased_until BETWEEN 1 AND $1`, micros(c.Now))
}

// moveToQueues moves notifications from the rows of their steps to their
// callers' queues. from is the end of a query that chooses steps.
func (tx *Tx) moveToQueues(tries int, from string, args ...any) error {
	moving, err := list(tx.Unlocked(claimsLock), "choosing notifications to queue", scanStep,
		`SELECT `+joined("steps", stepColumns)+from+tx.dialect.claiming("steps"), args...)
	if err != nil || len(moving) == 0 {
		return err
	}
	var leaves, enters [][]any
	for _, s := range moving {
		leaves = append(leaves, passOnStep.args(&s, &stepRow{}))
		to := deliveryRow{Notification: s.notification(), subject: string(s.transaction)}
		to.Tries = tries
		enters = append(enters, deliveryTable.fields.values(&to))
	}
	if err := passOnStep.WriteMany(tx.sql, leaves); err != nil {
		return err
	}
	return insertDelivery.AddMany(tx.sql, enters)
}
