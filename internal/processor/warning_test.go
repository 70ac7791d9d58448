package processor_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// dueLetters collects the letters about deadlines of all servers of a world.
type dueLetters struct {
	mu  sync.Mutex
	all []payment.DueNotice
}

func (d *dueLetters) write(n payment.DueNotice) (subject, text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.all = append(d.all, n)
	return fmt.Sprintf("%d holds", len(n.Open)+len(n.Expired)), "soon"
}

// mails returns the subjects of the mails that were written. A server composes a
// letter more than once if its commit runs again.
func mails(w *holdfasttest.World) (subjects []string) {
	w.T.Helper()
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) error {
		all, err := tx.Mails("", 1000)
		for _, m := range slices.Backward(all) {
			if m.Text == "soon" {
				subjects = append(subjects, m.Subject)
			}
		}
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return subjects
}

// warnWorld is a world whose servers mail warnings.
func warnWorld(t *testing.T, test func(w *holdfasttest.World, letters *dueLetters)) {
	t.Helper()
	story(t, func(w *holdfasttest.World) {
		letters := &dueLetters{}
		w.Processor.DueLetters = letters.write
		test(w, letters)
	})
}

func warnNow(w *holdfasttest.World, p *processor.Processor) int {
	w.T.Helper()
	n, err := p.WarnOfDeadlines(w.T.Context())
	if err != nil {
		w.T.Fatal(err)
	}
	return n
}

// warnings are the times before the deadline of a hold's warnings.
func warnings(w *holdfasttest.World, id holdfast.TransactionID) string {
	w.T.Helper()
	var words []string
	err := w.DB.View(w.T.Context(), func(tx *store.ReadTx) error {
		t, _, err := tx.Transaction(w.Shop.ID, id)
		if err != nil {
			return err
		}
		all, err := tx.WarningsOf(w.Shop.ID, id)
		for _, one := range all {
			if !one.At.Equal(t.Deadline.Add(-one.Before)) {
				w.T.Errorf("the warning of %v is dated %v, but the deadline is %v", one.Before, one.At, t.Deadline)
			}
			before, err := party.ParseWarnings(one.Before.String())
			if err != nil {
				return err
			}
			words = append(words, string(before))
		}
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return strings.Join(words, " ")
}

func wantWarnings(w *holdfasttest.World, when string, id holdfast.TransactionID, want string) {
	w.T.Helper()
	if got := warnings(w, id); got != want {
		w.T.Errorf("%s: the warnings are %q, want %q", when, got, want)
	}
}

// Each warning comes at its time and once, with one mail.
func TestEachWarningComesOnce(t *testing.T) {
	warnWorld(t, func(w *holdfasttest.World, letters *dueLetters) {
		hold := w.Reserved("42.50", "order-1")
		want, mailed := "", 0
		for _, step := range []struct {
			left time.Duration
			want string
		}{
			{72 * time.Hour, ""},
			{48*time.Hour + time.Microsecond, ""},
			{48 * time.Hour, "48h"},
			{30 * time.Hour, "48h"},
			{24 * time.Hour, "48h 24h"},
			{6 * time.Hour, "48h 24h 6h"},
			{time.Hour + time.Microsecond, "48h 24h 6h"},
			{time.Hour, "48h 24h 6h 1h"},
			{time.Minute, "48h 24h 6h 1h"},
		} {
			w.Clock.Set(hold.Deadline.Add(-step.left))
			if step.want != want {
				want, mailed = step.want, mailed+1
			}
			for range 2 {
				warnNow(w, w.Processor)
				wantWarnings(w, step.left.String(), hold.ID, want)
				if got := len(mails(w)); got != mailed {
					t.Errorf("%v before the deadline there are %d mails, want %d", step.left, got, mailed)
				}
			}
		}
		first := letters.all[0]
		if diff := cmp.Diff([]payment.DueHold{{
			ID: hold.ID, Reference: "order-1", Amount: hold.Amount, Deadline: hold.Deadline,
		}}, first.Open); diff != "" || first.Sum != hold.Amount || first.Caller.ID != w.Shop.ID {
			t.Errorf("the first letter is %+v (-want +got):\n%s", first, diff)
		}
		w.Clock.Set(hold.Deadline)
		sweep(w)
		wantWarnings(w, "after the deadline", hold.ID, want)
		w.CheckBooks()
	})
}

// However the deadline is reached, the warnings that nobody has given come in the
// commit of the expiry, and the mail says that the hold has expired.
func TestAClockJumpsOverAllWarnings(t *testing.T) {
	for name, reach := range map[string]func(w *holdfasttest.World, hold payment.Transaction){
		"the warnings first": func(w *holdfasttest.World, _ payment.Transaction) { warnNow(w, w.Processor); sweep(w) },
		"the sweep first":    func(w *holdfasttest.World, _ payment.Transaction) { sweep(w); warnNow(w, w.Processor) },
		"a request first": func(w *holdfasttest.World, hold payment.Transaction) {
			_, err := w.Settle(hold.ID, "42.50")
			w.WantCode(err, holdfast.InvalidTransactionState)
			warnNow(w, w.Processor)
		},
		"a reset of the clock": func(w *holdfasttest.World, _ payment.Transaction) {
			if _, err := w.Processor.ResetClock(w.T.Context(), w.Shop.ID); err != nil {
				w.T.Fatal(err)
			}
			warnNow(w, w.Processor)
		},
	} {
		t.Run(name, func(t *testing.T) {
			warnWorld(t, func(w *holdfasttest.World, letters *dueLetters) {
				hold := w.Reserved("42.50", "order-1")
				if _, err := w.Processor.AdvanceClock(t.Context(), w.Shop.ID, 8*24*time.Hour); err != nil {
					t.Fatal(err)
				}
				reach(w, hold)
				w.WantState(hold.ID, payment.Cancelled)
				wantWarnings(w, "after the jump", hold.ID, "48h 24h 6h 1h")
				warnNow(w, w.Processor)
				if got := mails(w); len(got) != 1 {
					t.Fatalf("there are %d mails: %q", len(got), got)
				}
				if last := letters.all[len(letters.all)-1]; len(last.Expired) != 1 || len(last.Open) != 0 {
					t.Errorf("the letter is %+v", last)
				}
			})
		})
	}
}

// A clock that goes back gives no warning again, and a hold that was made after
// that gets its own.
func TestAClockGoesBack(t *testing.T) {
	warnWorld(t, func(w *holdfasttest.World, _ *dueLetters) {
		advance := func(by time.Duration) {
			t.Helper()
			if _, err := w.Processor.AdvanceClock(t.Context(), w.Shop.ID, by); err != nil {
				t.Fatal(err)
			}
		}
		reset := func() {
			t.Helper()
			if _, err := w.Processor.ResetClock(t.Context(), w.Shop.ID); err != nil {
				t.Fatal(err)
			}
		}
		first := w.Reserved("42.50", "order-1")
		advance(6*24*time.Hour + time.Hour)
		warnNow(w, w.Processor)
		wantWarnings(w, "at first", first.ID, "48h 24h")
		reset()
		w.Clock.Advance(time.Hour)
		second := w.Reserved("20.00", "order-2")
		for range 2 {
			advance(6*24*time.Hour + time.Hour)
			warnNow(w, w.Processor)
			wantWarnings(w, "again", first.ID, "48h 24h")
			wantWarnings(w, "again", second.ID, "48h 24h")
			reset()
			warnNow(w, w.Processor)
		}
		if got := len(mails(w)); got != 2 {
			t.Errorf("there are %d mails: %q", got, mails(w))
		}
	})
}

// Two servers warn at the same time, while holds end.
func TestTwoServersWarn(t *testing.T) {
	twoServers(t, func(w *holdfasttest.World, other *processor.Processor) {
		w.Unchecked = true
		var holds []payment.Transaction
		for i := range 30 {
			holds = append(holds, w.Reserved("4.00", holdfast.CallerReference(fmt.Sprintf("order-%d", i))))
		}
		for round, left := range []time.Duration{48 * time.Hour, 24 * time.Hour, 6 * time.Hour, time.Hour} {
			w.Clock.Set(holds[0].Deadline.Add(-left))
			var running sync.WaitGroup
			for _, p := range []*processor.Processor{w.Processor, other, w.Processor, other} {
				running.Go(func() {
					if _, err := p.WarnOfDeadlines(t.Context()); err != nil {
						t.Error(err)
					}
				})
			}
			running.Go(func() {
				if _, err := w.Settle(holds[len(holds)-1].ID, ""); err != nil {
					t.Error(err)
				}
			})
			running.Wait()
			warnNow(w, w.Processor)
			holds = holds[:len(holds)-1]
			if got := len(mails(w)); got < round+1 || got > 2*(round+1) {
				t.Errorf("after %d rounds there are %d mails", round+1, got)
			}
		}
		for _, h := range holds {
			wantWarnings(w, "at the end", h.ID, "48h 24h 6h 1h")
		}
		w.CheckBooks()
	})
}

// twoServers runs a test on two servers that mail warnings, each with a store of
// its own on the same database.
func twoServers(t *testing.T, test func(w *holdfasttest.World, other *processor.Processor)) {
	t.Helper()
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, letters := address(t), &dueLetters{}
			w := holdfasttest.NewWorld(t, holdfasttest.Open(t, at))
			other := processor.New(holdfasttest.Open(t, at), processor.Config{
				Network: w.Network, Now: w.Clock.Now, IDs: w.IDs, Log: w.Processor.Log,
			})
			t.Cleanup(other.Close)
			w.Processor.DueLetters, other.DueLetters = letters.write, letters.write
			test(w, other)
		})
	}
}

// A server that dies between two steps loses no warning and no mail, and repeats
// none.
func TestAServerDiesWhileItWarns(t *testing.T) {
	for _, point := range []string{processor.PointWarningDue, processor.PointWarned, processor.PointWarningMail} {
		t.Run(point, func(t *testing.T) {
			warnWorld(t, func(w *holdfasttest.World, letters *dueLetters) {
				hold := w.Reserved("42.50", "order-1")
				w.Clock.Set(hold.Deadline.Add(-24 * time.Hour))
				dying := newServer(w)
				dying.DueLetters = letters.write
				dies(t, dying, point, func() { warnNow(w, dying) })
				for range 2 {
					warnNow(w, w.Processor)
					wantWarnings(w, "afterwards", hold.ID, "48h 24h")
					if got := mails(w); len(got) != 1 {
						t.Errorf("there are %d mails: %q", len(got), got)
					}
				}
			})
		})
	}
}

// dies lets a server stop at a point, as if it had crashed there.
func dies(t *testing.T, p *processor.Processor, point string, do func()) {
	t.Helper()
	type crash struct{}
	defer func() {
		if got := recover(); got != (crash{}) {
			t.Fatalf("the server did not get to %s: %v", point, got)
		}
	}()
	p.Hook = func(at string) {
		if at == point {
			panic(crash{})
		}
	}
	do()
}

// A hold that the network approves long after the request gets the warnings
// whose time has come before the approval.
func TestALateApproval(t *testing.T) {
	warnWorld(t, func(w *holdfasttest.World, _ *dueLetters) {
		other := w.Reserved("1.00", "order-0")
		w.Network.Next(holdfasttest.Reply{Deaf: true})
		hold, err := unanswered(w, func() (payment.Transaction, error) {
			return w.Reserve(w.Authorize("42.50"), "42.50", "order-1")
		})
		if err != nil || hold.State != payment.Pending {
			t.Fatalf("reserve: %+v, %v", hold, err)
		}
		w.Clock.Set(hold.Deadline.Add(-20 * time.Hour))
		warnNow(w, w.Processor)
		wantWarnings(w, "while it is pending", hold.ID, "")
		wantWarnings(w, "of the other hold", other.ID, "48h 24h")
		later(w)
		w.WantState(hold.ID, payment.Reserved)
		warnNow(w, w.Processor)
		wantWarnings(w, "after the approval", hold.ID, "48h 24h")
	})
}

// A hold that hardly lives longer than a warning time is not warned of then.
func TestAShortHold(t *testing.T) {
	warnWorld(t, func(w *holdfasttest.World, _ *dueLetters) {
		for minutes, want := range map[int]string{
			30: "", 60: "", 69: "", 70: "1h", 24 * 60: "6h 1h", 2*24*60 + 10: "48h 24h 6h 1h",
		} {
			hold, err := w.Processor.Reserve(t.Context(), w.Shop, holdfast.ReserveRequest{
				SenderTokenID: w.Authorize("42.50"), TransactionAmount: holdfasttest.USD("42.50"),
				CallerReference: holdfast.CallerReference(w.IDs.Other("order-")), TransactionTimeoutMins: minutes,
			})
			if err != nil {
				t.Fatal(err)
			}
			warnNow(w, w.Processor)
			wantWarnings(w, "at once", hold.ID, "")
			w.Clock.Set(hold.Deadline)
			sweep(w)
			wantWarnings(w, fmt.Sprintf("a hold of %d minutes", minutes), hold.ID, want)
		}
	})
}

// set changes the settings of the shop.
func set(w *holdfasttest.World, change func(c *party.Caller)) {
	w.T.Helper()
	_, err := w.Processor.ChangeCaller(w.T.Context(), w.Shop.ID, func(c party.Caller) (party.Caller, error) {
		change(&c)
		return c, nil
	})
	if err != nil {
		w.T.Fatal(err)
	}
}

func TestSettingsOfWarnings(t *testing.T) {
	warnWorld(t, func(w *holdfasttest.World, _ *dueLetters) {
		hold := w.Reserved("42.50", "order-1")
		set(w, func(c *party.Caller) { c.Warnings = "" })
		w.Clock.Set(hold.Deadline.Add(-20 * time.Hour))
		warnNow(w, w.Processor)
		wantWarnings(w, "without warnings", hold.ID, "")

		set(w, func(c *party.Caller) { c.Warnings, c.WarningMails = "24h,90m", false })
		warnNow(w, w.Processor)
		wantWarnings(w, "with a warning whose time has passed", hold.ID, "24h")
		if got := mails(w); len(got) != 0 {
			t.Errorf("there are mails although they are off: %q", got)
		}
		set(w, func(c *party.Caller) { c.WarningMails = true })
		warnNow(w, w.Processor)
		if got := mails(w); len(got) != 0 {
			t.Errorf("an old warning is mailed: %q", got)
		}
		w.Change(w.Owner.ID, func(p *party.Party) { p.EmailVerified = false })
		w.Clock.Set(hold.Deadline.Add(-90 * time.Minute))
		warnNow(w, w.Processor)
		if got := mails(w); len(got) != 0 || warnings(w, hold.ID) != "24h 90m" {
			t.Errorf("to an address that is not verified: %q, warnings %q", got, warnings(w, hold.ID))
		}
	})
}

// A busy caller gets a mail in 15 minutes at most, and a hold that was settled
// meanwhile is not in it.
func TestMailsOfABusyCaller(t *testing.T) {
	warnWorld(t, func(w *holdfasttest.World, letters *dueLetters) {
		set(w, func(c *party.Caller) { c.Warnings = "1h" })
		var holds []payment.Transaction
		for i := range 20 {
			holds = append(holds, w.Reserved("4.00", holdfast.CallerReference(fmt.Sprintf("order-%d", i))))
			w.Clock.Advance(time.Minute)
		}
		for _, h := range holds {
			w.Clock.Set(h.Deadline.Add(-time.Hour))
			warnNow(w, w.Processor)
			wantWarnings(w, "at its time", h.ID, "1h")
		}
		if _, err := w.Settle(holds[17].ID, ""); err != nil {
			t.Fatal(err)
		}
		w.Clock.Advance(15 * time.Minute)
		warnNow(w, w.Processor)
		if got, want := mails(w), []string{"1 holds", "15 holds", "3 holds"}; !slices.Equal(got, want) {
			t.Errorf("the mails are %q, want %q", got, want)
		}
	})
}

// More holds than fit into one commit are warned of in order, and a letter lists
// the nearest deadlines.
func TestManyHoldsAreDue(t *testing.T) {
	warnWorld(t, func(w *holdfasttest.World, letters *dueLetters) {
		w.Unchecked = true
		w.Processor.KeepWarningsShort(7)
		var holds []payment.Transaction
		for i := range 60 {
			holds = append(holds, w.Reserved("4.00", holdfast.CallerReference(fmt.Sprintf("order-%d", i))))
			if i%20 == 19 {
				w.Clock.Advance(time.Second)
			}
		}
		w.Clock.Set(holds[0].Deadline.Add(-5 * time.Hour))
		warnNow(w, w.Processor)
		short := 0
		for _, h := range holds {
			switch got := warnings(w, h.ID); got {
			case "48h":
				short++
			case "":
			default:
				t.Fatalf("a hold is warned of with %q before the others", got)
			}
		}
		if short != 7 {
			t.Errorf("%d holds are warned of at first", short)
		}
		for range 40 {
			warnNow(w, w.Processor)
		}
		for _, h := range holds {
			wantWarnings(w, "at the end", h.ID, "48h 24h 6h")
		}
		w.Clock.Advance(15 * time.Minute)
		warnNow(w, w.Processor)
		last := letters.all[len(letters.all)-1]
		if len(last.Open) != 50 || last.OpenMore != 10 || last.Sum != holdfasttest.USD("240.00") {
			t.Errorf("the letter lists %d of %d holds over %v", len(last.Open), len(last.Open)+last.OpenMore, last.Sum)
		}
	})
}

// Whatever happens in whatever order, each hold has each warning at most once, and
// a hold that expires has them all.
func TestWarningsInAnyOrder(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		w.Unchecked = true
		random := rand.New(rand.NewPCG(20261130, 16))
		letters := &dueLetters{}
		servers := []*processor.Processor{w.Processor, newServer(w)}
		for _, p := range servers {
			p.DueLetters = letters.write
		}
		var holds []payment.Transaction
		for step := range 400 {
			p := servers[random.IntN(len(servers))]
			switch random.IntN(8) {
			case 0, 1:
				holds = append(holds, w.Reserved("1.00", holdfast.CallerReference(fmt.Sprintf("order-%d", step))))
			case 2:
				if len(holds) > 0 {
					_, _ = w.Settle(holds[random.IntN(len(holds))].ID, "") // refused if it has ended
				}
			case 3:
				by := time.Duration(1+random.IntN(100)) * time.Hour
				if _, err := p.AdvanceClock(t.Context(), w.Shop.ID, by); err != nil {
					t.Fatal(err)
				}
			case 4:
				if random.IntN(4) == 0 {
					if _, err := p.ResetClock(t.Context(), w.Shop.ID); err != nil {
						t.Fatal(err)
					}
				}
			case 5:
				w.Clock.Advance(time.Duration(random.IntN(30)) * time.Hour)
			case 6:
				if _, err := p.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
			case 7:
				warnNow(w, p)
			}
		}
		w.Clock.Advance(30 * 24 * time.Hour)
		sweep(w)
		expired := 0
		for _, h := range holds {
			if w.Transaction(h.ID).State == payment.Cancelled {
				expired++
				wantWarnings(w, "of an expired hold", h.ID, "48h 24h 6h 1h")
			}
		}
		if expired < 20 || expired == len(holds) {
			t.Errorf("%d of %d holds have expired", expired, len(holds))
		}
		w.CheckBooks()
	})
}
