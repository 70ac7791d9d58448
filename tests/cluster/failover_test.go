package cluster

import (
	"context"
	"fmt"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

const (
	holds     = 40              // number of holds that become due without a primary
	dueAfter  = 8 * time.Second // the primary was killed
	afterward = 10 * time.Second
	commitMax = 10 * time.Second // after which a server gives a commit up
	// sweptWithin is the time within which a due hold is released after there is a
	// primary.
	sweptWithin = 20 * time.Second
)

// Callers reserve and settle through all servers during these failures: servers
// are killed, the primary hands over, its standbys hang, the primary is killed,
// and the primary hangs and wakes up again. No answered reserve is lost, none
// is made twice, and holds that become due meanwhile are released once.
func TestFailover(t *testing.T) {
	c := openCluster(t)
	servers := startServers(t, c.address, 3)
	db, err := store.Open(t.Context(), store.Config{Address: c.address})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	s, heard := openShop(t, db), &tally{}
	l := &load{t: t, tokens: s.mint(30_000)}
	for _, at := range servers {
		l.clients = append(l.clients, s.client(at, heard))
	}
	began := time.Now()
	l.start()

	stage := func(name string, happens func()) {
		t.Helper()
		before, from, stalled := l.answered(), time.Now(), stalls(t)
		happens()
		t.Logf("%-28s %5.1f s without writes, %d writes answered in %.0f s; for %.1f s of it the test itself did not run",
			name+":", l.silence(from, time.Now()).Seconds(), l.answered()-before, time.Since(from).Seconds(),
			stalled().Seconds())
	}
	var due *dueHolds
	stage("nothing happens", func() { time.Sleep(afterward) })
	stage("a server is killed", func() {
		servers[1].kill()
		time.Sleep(5 * time.Second)
		servers[1].start()
		eventually(t, "the server is back", servers[1].healthy)
		time.Sleep(5 * time.Second)
	})
	stage("the primary hands over", func() {
		before := c.settled()
		c.switchOver(before)
		c.writable(l)
		c.settled()
		time.Sleep(afterward)
	})
	stage("no standby answers", func() {
		c.settled()
		var standbys []int
		for _, node := range nodes {
			if c.is(node, "replica") {
				standbys = append(standbys, c.processes(node)...)
			}
		}
		from := time.Now()
		signal(t, standbys, syscall.SIGSTOP)
		time.Sleep(commitMax + 5*time.Second)
		signal(t, standbys, syscall.SIGCONT)
		c.writable(l)
		if l.silence(from, time.Now()) < commitMax {
			t.Error("writes were answered without a standby")
		}
	})
	stage("the primary is killed", func() {
		before := c.settled()
		due = l.holdForAMinute(s.mint(holds))
		time.Sleep(time.Until(due.deadline.Add(-dueAfter)))
		signal(t, c.processes(before), syscall.SIGKILL)
		due.killed = time.Now()
		c.writable(l)
		due.writable = time.Now()
		time.Sleep(sweptWithin)
		c.start(before)
		c.settled()
	})
	stage("the primary stands still", func() {
		before := c.settled()
		frozen := c.processes(before)
		signal(t, frozen, syscall.SIGSTOP)
		c.writable(l)
		time.Sleep(afterward)
		signal(t, frozen, syscall.SIGCONT) // it still believes that it is the primary
		c.settled()
	})
	l.finish()
	heard.check(t)
	checkOrders(t, l, began)
	released := checkNetwork(t, servers, l, due)
	checkHolds(t, s, due, released)
	checkBooks(t, c.address)
}

// stalls measures how long the test itself did not run, from now until the
// result is read. A busy machine is not a failure of the server.
func stalls(t *testing.T) (until func() time.Duration) {
	const tick, late = 100 * time.Millisecond, time.Second
	ctx, cancel := context.WithCancel(t.Context())
	sum := make(chan time.Duration)
	go func() {
		total := time.Duration(0)
		for last := time.Now(); ctx.Err() == nil; last = time.Now() {
			time.Sleep(tick)
			if gap := time.Since(last); gap > late {
				total += gap
			}
		}
		sum <- total
	}()
	return func() time.Duration { cancel(); return <-sum }
}

// writable waits until the next writes are answered.
func (c *cluster) writable(l *load) {
	c.t.Helper()
	time.Sleep(2 * time.Second) // the old primary may still answer requests under way
	before := l.answered()
	eventually(c.t, "writes are answered", func() bool { return l.answered() > before+workers })
}

// dueHolds makes holds that become due while there is no primary.
type dueHolds struct {
	orders   []order
	deadline time.Time // of the last
	killed   time.Time // the primary
	writable time.Time // again
}

func (l *load) holdForAMinute(tokens []holdfast.TokenID) *dueHolds {
	l.t.Helper()
	due := &dueHolds{}
	for i, token := range tokens {
		o := order{reference: holdfast.CallerReference(fmt.Sprint("due-", i)), token: token, amount: money.Cents(2_00)}
		reserved, ok := until(l, i, func(ctx context.Context, c *holdfast.Client) (holdfast.TransactionResult, error) {
			return c.Reserve(ctx, holdfast.ReserveRequest{
				SenderTokenID: o.token, CallerReference: o.reference, TransactionAmount: o.amount, TransactionTimeoutMins: 1,
			})
		})
		if !ok {
			l.t.FailNow()
		}
		o.id = reserved.TransactionID
		due.orders = append(due.orders, o)
	}
	due.deadline = time.Now().Add(time.Minute)
	return due
}

// checkOrders asks the servers in turn for every answered order, and then for
// all orders: there are neither fewer nor more.
func checkOrders(t *testing.T, l *load, began time.Time) {
	t.Helper()
	checked := map[holdfast.TransactionID]bool{}
	for i, o := range l.orders {
		var state holdfast.TransactionState
		var err error
		eventually(t, string(o.reference)+" is decided", func() bool {
			state, err = l.clients[i%len(l.clients)].GetTransactionStatus(t.Context(), o.id)
			return err != nil || state.Status != holdfast.StatusPending
		})
		switch {
		case err != nil:
			t.Errorf("%s was answered, but later: %v", o.reference, err)
		case state.CallerReference != o.reference:
			t.Errorf("%s has the reference %s", o.id, state.CallerReference)
		case o.settled && state.Status != holdfast.StatusSuccess:
			t.Errorf("%s was settled, and is %s", o.reference, state.Status)
		case !o.settled && state.Status != holdfast.StatusReserved:
			t.Errorf("%s was reserved, and is %s", o.reference, state.Status)
		}
		if checked[o.id] {
			t.Errorf("%s answered two orders", o.id)
		}
		checked[o.id] = true
	}
	there := 0
	for one, err := range l.clients[0].AccountActivity(t.Context(),
		holdfast.GetAccountActivityRequest{StartDate: began, MaxBatchSize: 200}) {
		if err != nil {
			t.Fatal(err)
		}
		if !checked[one.TransactionID] && one.Status != holdfast.StatusCancelled {
			t.Errorf("%s of %v answers no order", one.TransactionID, one.Parts)
		}
		there++
	}
	if there != len(checked)+holds {
		t.Errorf("there are %d transactions, want %d", there, len(checked)+holds)
	}
	t.Logf("%d orders were answered and exist once", len(checked))
}

// checkHolds checks that each due hold expired once, and that the network
// released it soon after there was a primary.
func checkHolds(t *testing.T, s *shop, due *dueHolds, released map[string]time.Time) {
	t.Helper()
	without, latest := 0, time.Duration(0)
	for _, o := range due.orders {
		var held payment.Transaction
		var history []payment.HistoryRow
		err := s.db.View(t.Context(), func(tx *store.ReadTx) (err error) {
			if held, _, err = tx.Transaction(s.caller.ID, o.id); err != nil {
				return err
			}
			history, err = tx.History(s.caller.ID, o.id)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		expiries := 0
		for _, row := range history {
			if row.Verb == payment.VerbExpire {
				expiries++
			}
		}
		latest = max(latest, released[string(o.id)].Sub(due.writable))
		if expiries != 1 || held.State != payment.Cancelled || held.Completed.Before(held.Deadline) {
			t.Errorf("%s expired %d times and is %s since %v; its deadline was %v", o.reference, expiries, held.State,
				held.Completed, held.Deadline)
		}
		if held.Deadline.After(due.killed) && held.Deadline.Before(due.writable) {
			without++
		}
	}
	if latest > sweptWithin {
		t.Errorf("holds were released up to %v after there was a primary, want %v", latest, sweptWithin)
	}
	t.Logf("%d of %d holds became due without a primary; each expired once and was released at most %.1f s after the "+
		"first writes",
		without, len(due.orders), latest.Seconds())
}

// checkNetwork reads the servers' questions to the card network from the logs:
// each order has one hold and one end of it. It returns the times of the
// releases.
func checkNetwork(t *testing.T, servers []*server, l *load, due *dueHolds) (released map[string]time.Time) {
	t.Helper()
	released = map[string]time.Time{}
	asked := map[string]map[string]int{} // by transaction and step
	for _, s := range servers {
		s.eachLine(func(_ string, line logLine) {
			if line.Msg != "the card network answered" {
				return
			}
			if !line.Approved {
				t.Errorf("the network declined: %+v", line)
			}
			if asked[line.Transaction] == nil {
				asked[line.Transaction] = map[string]int{}
			}
			asked[line.Transaction][line.Step]++
			if first, known := released[line.Transaction]; line.Step == "Release" && (!known || line.Time.Before(first)) {
				released[line.Transaction] = line.Time
			}
		})
	}
	repeated := 0
	check := func(o order, end string) {
		steps := asked[string(o.id)]
		delete(asked, string(o.id))
		want := 1
		if end != "" {
			want = 2
		}
		if len(steps) != want || steps["Authorize"] == 0 || end != "" && steps[end] == 0 {
			t.Errorf("the network was asked %v for %s, want a hold and %q", steps, o.reference, end)
		}
		for _, times := range steps {
			repeated += times - 1
		}
	}
	for _, o := range l.orders {
		if o.settled {
			check(o, "Capture")
		} else {
			check(o, "")
		}
	}
	for _, o := range due.orders {
		check(o, "Release")
	}
	for id, steps := range asked {
		t.Errorf("the network was asked %v for %s, which answers no order", steps, id)
	}
	t.Logf("the card network holds one amount for each order; %d questions were repeated under their keys", repeated)
	return released
}

func checkBooks(t *testing.T, address string) {
	t.Helper()
	output, err := exec.Command(binary, "books", "check", "--store", address).CombinedOutput()
	if err != nil {
		t.Errorf("holdfast books check: %v", err)
	}
	t.Logf("%s", output)
}
