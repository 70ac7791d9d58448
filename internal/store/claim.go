package store

import (
	"cmp"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// New notifications about steps form one line of all callers, in the order in
// which they become due, so that adding one touches one place of an index. The
// line keeps real time: a caller whose clock was moved has all its notifications
// in its own queue.
//
// A claim leases notifications at the head of the line for their first try, and
// others at the heads of the queues. If many at the head of the line cannot be
// delivered yet, they move to their callers' queues. So the cost of a claim does
// not grow with the number of waiting notifications, and one caller's backlog
// does not delay another's.
const (
	headMost = 256          // notifications that a claim reads from the line
	wayMost  = 4 * headMost // notifications that leave the line's head at a time
	// waitMost is how long a notification at the head of the line may be overdue
	// only because all slots are taken. Then the line makes way for callers with
	// fewer deliveries under way, who may be far behind.
	waitMost = 5 * time.Second
	// queueFor times PerCaller notifications are read from a queue, because some
	// may wait for the end of a lease.
	queueFor = 2
)

// A Claim says which notifications to take, and for how long.
type Claim struct {
	Now   time.Time // real time
	Until time.Time // real time; the end of the leases
	// AheadMax is how far ahead a notification can be due. If it is due later, a
	// clock was put back after it was written. It then counts as due now, because
	// it would otherwise wait for days.
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
	nextAt      int64  // the caller's time
	leasedUntil int64  // real time
	offset      int64  // of the caller's clock
	place       int    // its number among its caller's candidates
	queued      bool   // it is in its caller's queue, not in the line
	url         string // of one in the line, if its request gave one
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
// so that another claim may find them there, or others behind them. A paused store
// gives none.
func (tx *Tx) ClaimNotifications(c Claim) (claimed []Delivery, more bool, err error) {
	if tx.paused() {
		return nil, false, nil
	}
	v, err := tx.Unlocked(claimsLock).look(c)
	if err != nil {
		return nil, false, err
	}
	all, err := tx.Unlocked(claimsLock).headsOfQueues(c, v.queues)
	if err != nil {
		return nil, false, err
	}
	lost := 0
	for _, k := range v.firstTries {
		if c.leased(k) {
			all = append(all, k)
		} else {
			lost++
		}
	}
	if claimed, err = tx.take(c.choose(append(all, v.head...)), c); err != nil {
		return nil, false, err
	}
	now := micros(c.Now)
	if v.jams(c, claimed) {
		more = true
		if _, err := tx.queueSteps(0, `leased_until = 0 AND notify_at <= $1`, now); err != nil {
			return nil, false, err
		}
	}
	if v.ahead {
		more = true
		if _, err := tx.queueSteps(0, `leased_until = 0 AND notify_at > $1`, now+c.AheadMax.Microseconds()); err != nil {
			return nil, false, err
		}
	}
	if lost > 0 { // the server that had the lease has probably crashed, and its try counts
		more = true
		if _, err := tx.queueSteps(1, `leased_until BETWEEN 1 AND $1`, now); err != nil {
			return nil, false, err
		}
	}
	return claimed, more, nil
}

// A view is what a claim sees of the line, and which callers have queues.
type view struct {
	head       []candidate // due and not leased, the first ones
	firstTries []candidate // leased; as many as servers have slots, and those that a crash left behind
	ahead      bool        // some are due too late: a server's clock was put back
	queues     []candidate // one for each caller with a queue
}

// jams reports whether too many notifications at the head of the line were not
// taken. That is no jam while all slots are taken and the head is not long
// overdue.
func (v view) jams(c Claim, claimed []Delivery) bool {
	if len(v.head) < headMost {
		return false
	}
	taken := 0
	for _, d := range claimed {
		if !d.Queued {
			taken++
		}
	}
	overdue := micros(c.Now)-v.head[0].nextAt > waitMost.Microseconds()
	return len(v.head)-taken >= headMost/2 && (len(claimed) < c.Most || overdue)
}

// look reads a view of the line.
//
// It finds the callers with queues by going through the index from one to the
// next. So the lengths of the queues and the number of callers without one do
// not matter.
func (tx *ReadTx) look(c Claim) (v view, err error) {
	into := func(to *[]candidate) func(scanner) error {
		return func(row scanner) error {
			var k candidate
			err := row.Scan(&k.caller, &k.subject, &k.seq, &k.url, &k.nextAt, &k.leasedUntil)
			*to = append(*to, k)
			return err
		}
	}
	const inLine = `
		SELECT caller_id, transaction_id, seq, notify_url, notify_at, leased_until FROM steps
		WHERE notify_at > 0 `
	now := micros(c.Now)
	err = tx.sql.Run(
		engine.Statement{
			Doing: "reading the head of the line", Row: into(&v.head), Args: []any{now, headMost},
			Text: inLine + `AND leased_until = 0 AND notify_at <= $1 ORDER BY notify_at LIMIT $2`,
		},
		engine.Statement{
			Doing: "reading first tries", Row: into(&v.firstTries), Text: inLine + `AND leased_until > 0`,
		},
		engine.Statement{
			Doing: "looking for notifications that are due too late", Args: []any{now + c.AheadMax.Microseconds()},
			Text: `SELECT 1 FROM steps WHERE notify_at > 0 AND leased_until = 0 AND notify_at > $1 LIMIT 1`,
			Row: func(scanner) error {
				v.ahead = true
				return nil
			},
		},
		engine.Statement{
			Doing: "looking for queues of notifications",
			Text: `
				WITH RECURSIVE queues AS (
					SELECT (
						SELECT caller_id FROM deliveries WHERE outcome = 'Waiting'
						ORDER BY caller_id LIMIT 1) AS whose
					UNION ALL
					SELECT (
						SELECT caller_id FROM deliveries WHERE outcome = 'Waiting' AND caller_id > whose
						ORDER BY caller_id LIMIT 1)
					FROM queues WHERE whose IS NOT NULL)
				SELECT whose, clock_offset FROM queues JOIN callers ON caller_id = whose`,
			Row: func(row scanner) error {
				k := candidate{queued: true}
				err := row.Scan(&k.caller, &k.offset)
				v.queues = append(v.queues, k)
				return err
			},
		})
	return v, err
}

// headsOfQueues reads from each caller's queue the leased notifications, the
// first due ones, and the first ones that are too far ahead.
func (tx *ReadTx) headsOfQueues(c Claim, queues []candidate) (all []candidate, err error) {
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

// take leases notifications, except those that another server is taking now.
func (tx *Tx) take(chosen []candidate, c Claim) (claimed []Delivery, err error) {
	until := when(micros(c.Until))
	var reads []engine.Statement
	for _, k := range chosen {
		if k.queued {
			reads = append(reads, engine.Statement{
				Doing: "reading a notification that is due",
				Text: `
					SELECT ` + deliveryColumns + ` FROM deliveries
					WHERE caller_id = $1 AND subject = $2 AND seq = $3 AND outcome = 'Waiting'` +
					tx.dialect.claiming("deliveries"),
				Args: []any{k.caller, k.subject, k.seq},
				Row: func(row scanner) error {
					n, err := scanQueued(row)
					n.Tries++
					claimed = append(claimed, Delivery{Notification: n, LeasedUntil: until, Queued: true})
					return err
				},
			})
			continue
		}
		d := Delivery{Notification: k.firstTry(), LeasedUntil: until}
		if tx.dialect.claiming("steps") == "" { // nobody else can take it
			claimed = append(claimed, d)
			continue
		}
		reads = append(reads, engine.Statement{
			Doing: "locking a notification that is due",
			Text: `SELECT 1 FROM steps WHERE caller_id = $1 AND transaction_id = $2 AND seq = $3` +
				tx.dialect.claiming("steps"),
			Args: []any{k.caller, k.subject, k.seq},
			Row: func(scanner) error {
				claimed = append(claimed, d)
				return nil
			},
		})
	}
	if err := tx.Unlocked(claimsLock).sql.Run(reads...); err != nil || len(claimed) == 0 {
		return nil, err
	}
	return claimed, tx.lease(claimed)
}

// firstTry is a notification in the line, to be tried for the first time.
func (k candidate) firstTry() Notification {
	return Notification{
		Caller: k.caller, About: AboutTransaction, Transaction: holdfast.TransactionID(k.subject), Seq: k.seq, URL: k.url,
		Overrides: k.url != "", Created: when(k.nextAt), NextAt: when(k.nextAt), Tries: 1, Outcome: NotificationWaiting,
	}
}

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

// QueueNotifications moves a caller's notifications from the line to its queue,
// because its clock is about to be moved.
func (tx *Tx) QueueNotifications(c party.CallerID) error {
	for {
		moved, err := tx.queueSteps(0, `leased_until = 0 AND caller_id = $1`, c)
		if err != nil || moved < wayMost {
			return err
		}
	}
}

// queueSteps moves notifications from the rows of their steps to their callers'
// queues, the earliest first. where is a condition that chooses steps.
func (tx *Tx) queueSteps(tries int, where string, arg any) (moved int, err error) {
	moving, err := list(tx.Unlocked(claimsLock), "choosing notifications to queue", scanStep, `
		SELECT `+stepColumns+` FROM steps WHERE notify_at > 0 AND `+where+` ORDER BY notify_at LIMIT $2`+
		tx.dialect.claiming("steps"), arg, wayMost)
	if err != nil || len(moving) == 0 {
		return 0, err
	}
	var leaves, enters [][]any
	for _, s := range moving {
		leaves = append(leaves, passOnStep.args(&s, &stepRow{}))
		to := deliveryRow{Notification: s.notification(), subject: string(s.transaction)}
		to.Tries, to.receiver = tries, ReceiverOf(to.URL)
		enters = append(enters, deliveryTable.fields.values(&to))
	}
	if err := passOnStep.WriteMany(tx.sql, leaves); err != nil {
		return 0, err
	}
	return len(moving), insertDelivery.AddMany(tx.sql, enters)
}
