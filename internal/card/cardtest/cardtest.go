// Package cardtest is the suite that every card network must pass: it runs the
// whole processor on each kind of database. A new network proves itself by a
// function that makes a Bench.
package cardtest

import (
	"bytes"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A Loss says what is lost of a question.
type Loss int

// A lost question has no effect at the network. A lost answer comes after the
// effect.
const (
	LostQuestion Loss = iota
	LostAnswer
)

func (l Loss) String() string { return [...]string{"question lost", "answer lost"}[l] }

// A Decline is a reason for which an issuer declines.
type Decline int

// The reasons.
const (
	DeclinedByIssuer Decline = iota
	DeclinedForFunds
)

// A Bench is a shop whose payments use one card network, and the network's own
// view of them. A function that is nil is something that the network does not do.
type Bench struct {
	*holdfasttest.World
	// Lose makes the next question of a step go wrong once.
	Lose func(payment.Step, Loss)
	// Decline makes the network decline the next hold or charge.
	Decline func(Decline)
	// Held are the amounts that the network holds at present. Taken and Returned are
	// the sums of what it took and gave back.
	Held            func() []money.Amount
	Taken, Returned func() money.Amount
	// ForgetKeys makes the network forget which questions it has answered.
	ForgetKeys func()
	// LetGo ends a hold at the network before its time.
	LetGo func(payment.Transaction)
	// Faults are requests that the network should never get.
	Faults func() []string

	log journal
}

// A journal is a log that is read while it is written.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) String() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.String()
}

// A Maker gives a new world a network.
type Maker func(t *testing.T, w *holdfasttest.World) *Bench

// A Scenario is one row of the suite.
type Scenario struct {
	Name string // begins with its number
	Tell func(t *testing.T, b *Bench)
}

// Run runs the scenarios whose names begin with a number, or all if it is empty,
// on each kind of database.
func Run(t *testing.T, number string, make Maker) {
	t.Helper()
	ran := false
	for _, s := range Scenarios() {
		if number != "" && !strings.HasPrefix(s.Name, number+" ") {
			continue
		}
		ran = true
		for name, address := range holdfasttest.Addresses(t) {
			t.Run(s.Name+"/"+name, func(t *testing.T) {
				t.Parallel()
				path := address(t)
				b := make(t, holdfasttest.NewWorld(t, holdfasttest.Open(t, path)))
				b.Processor.Log = slog.New(slog.NewTextHandler(&b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
				s.Tell(t, b)
				b.check(t)
				if name == "SQLite" {
					b.searchRows(t, path)
				}
			})
		}
	}
	if !ran {
		t.Fatalf("there is no scenario %s", number)
	}
}

// secretText finds what must be in no log and in no row: card numbers, keys and
// the secrets of single payments. References of our own may have many digits.
var secretText = regexp.MustCompile(`_secret_|[rs]k_(test|live)_\w|whsec_\w|\b4[0-9]{15}\b`)

// check is the end of each scenario: the books are right, the network got no
// wrong request, and the log has no secret.
func (b *Bench) check(t *testing.T) {
	t.Helper()
	b.Processor.Close()
	b.CheckBooks()
	for _, fault := range b.Faults() {
		t.Errorf("the network got a wrong request: %s", fault)
	}
	if secret := secretText.FindString(b.log.String()); secret != "" {
		t.Errorf("the log has %q", secret)
	}
}

// searchRows tells N20: no row of the store has a secret. The keys of accounts
// are in a table of their own, which a sealed store encrypts.
func (b *Bench) searchRows(t *testing.T, path string) {
	t.Helper()
	if secret := secretText.FindString(holdfasttest.Rows(t, path, "network_accounts")); secret != "" {
		t.Errorf("the store has %q", secret)
	}
}

// settled asks the open question of a transaction until it is decided.
func (b *Bench) settled(t *testing.T, id holdfast.TransactionID) {
	t.Helper()
	const tries = 60
	for range tries {
		if now := b.raw(t, id); now.Asking == "" {
			return
		}
		b.Clock.Advance(time.Minute)
		if _, err := b.Processor.Resolve(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	t.Fatalf("transaction %s is not decided after %d askings:\n%s", id, tries, b.log.String())
}

func (b *Bench) raw(t *testing.T, id holdfast.TransactionID) (now payment.Transaction) {
	t.Helper()
	err := b.DB.View(t.Context(), func(tx *store.ReadTx) (err error) {
		now, _, err = tx.Transaction(b.Shop.ID, id)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return now
}

// quiet waits until a question that is asked in the background is decided.
func (b *Bench) quiet(t *testing.T, id holdfast.TransactionID, step payment.Step) {
	t.Helper()
	for t.Context().Err() == nil {
		now := b.raw(t, id)
		for _, a := range now.Attempts() {
			if a.Step == step && a.State != payment.AttemptOpen {
				return
			}
		}
	}
}

func (b *Bench) want(t *testing.T, id holdfast.TransactionID, state payment.State) {
	t.Helper()
	if now := b.Transaction(id); now.State != state {
		t.Fatalf("transaction %s is %s (%s), want %s\n%s", id, now.State, now.StatusMessage, state, b.log.String())
	}
}

// wantMoney compares what the network holds, has taken and has given back.
func (b *Bench) wantMoney(t *testing.T, held []string, taken, returned string) {
	t.Helper()
	got := b.Held()
	same := len(got) == len(held)
	for i := 0; same && i < len(held); i++ {
		same = got[i] == holdfasttest.USD(held[i])
	}
	if !same {
		t.Fatalf("the network holds %v, want %v", got, held)
	}
	if got := b.Taken(); got != amount(taken) {
		t.Fatalf("the network has taken %v, want %s", got, taken)
	}
	if got := b.Returned(); got != amount(returned) {
		t.Fatalf("the network has given back %v, want %s", got, returned)
	}
}

func amount(value string) money.Amount {
	if value == "" {
		return money.Micros(0)
	}
	return holdfasttest.USD(value)
}

// impatient makes answers Pending unless the network answers at once.
func (b *Bench) impatient() { b.Processor.Wait = time.Millisecond }

// patient makes answers wait for the network.
func (b *Bench) patient() { b.Processor.Wait = time.Minute }
