package processor_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A striped is a world whose shop takes cards at a fake of Stripe.
type striped struct {
	*holdfasttest.World
	fake    *stripefake.Server
	letters *[]payment.NetworkNotice
}

// atStripe is story for such a world.
func atStripe(t *testing.T, tell func(s striped)) {
	t.Helper()
	story(t, func(w *holdfasttest.World) {
		s := striped{w, w.AtStripe("http://holdfast.example.test/networks/N1/events"), new([]payment.NetworkNotice)}
		s.Processor.NetworkLetters = func(n payment.NetworkNotice) (string, string) {
			*s.letters = append(*s.letters, n)
			return string(n.About), "text"
		}
		s.Processor.Operator = "operator@example.test"
		tell(s)
	})
}

// take brings a message to the server.
func (s striped) take(d *stripefake.Delivery) {
	s.T.Helper()
	body, signature := s.fake.Message(d)
	header := http.Header{"Stripe-Signature": {signature}}
	if err := s.Processor.TakeEvent(s.T.Context(), holdfasttest.AccountID, header, body); err != nil {
		s.T.Fatalf("message %s: %v", d.Type, err)
	}
}

// deliver brings all messages of the fake to the server.
func (s striped) deliver() {
	s.T.Helper()
	s.fake.Tick()
	for _, d := range s.fake.Deliveries() {
		s.take(d)
		s.fake.Drop(d)
	}
}

// work does all that is due, and checks the books.
func (s striped) work() {
	s.T.Helper()
	s.Clock.Advance(2 * time.Second)
	for worked := 1; worked > 0; {
		events, err := s.Processor.WorkEvents(s.T.Context())
		if err != nil {
			s.T.Fatal(err)
		}
		asked, err := s.Processor.Resolve(s.T.Context())
		if err != nil {
			s.T.Fatal(err)
		}
		worked = events + asked
	}
	s.CheckBooks()
}

// poll reads the events as the loop does ten minutes later, and works them off.
func (s striped) poll() {
	s.T.Helper()
	s.Clock.Advance(11 * time.Minute)
	s.fake.Tick()
	for added := 1; added > 0; {
		var err error
		if added, err = s.Processor.PollEvents(s.T.Context()); err != nil {
			s.T.Fatal(err)
		}
		s.work()
	}
}

// heard delivers and works.
func (s striped) heard() {
	s.T.Helper()
	s.deliver()
	s.work()
}

// intent is Stripe's name for a transaction's payment.
func (s striped) intent(id holdfast.TransactionID) string {
	s.T.Helper()
	known, found := s.NetworkPayment(id)
	if !found || known.Reference == "" {
		s.T.Fatalf("nothing is known of %s at Stripe", id)
	}
	return known.Reference
}

// settled is a hold of 42.50 that was settled.
func (s striped) settled(value string) payment.Transaction {
	s.T.Helper()
	t := s.Reserved("42.50", holdfast.CallerReference(s.IDs.Other("order-")))
	if _, err := s.Settle(t.ID, value); err != nil {
		s.T.Fatal(err)
	}
	s.WantState(t.ID, payment.Success)
	s.heard()
	return s.Transaction(t.ID)
}

// balance is what the shop's owner has.
func (s striped) balance() money.Amount {
	s.T.Helper()
	var micro int64
	s.must(s.DB.View(s.T.Context(), func(tx *store.ReadTx) (err error) {
		micro, err = tx.AccountBalance(ledger.Party(string(s.Owner.ID)), true)
		return err
	}))
	return money.Micros(micro)
}

// withFees lets the operator take Amazon's fees of the account's payments.
func (s striped) withFees() {
	s.T.Helper()
	s.must(s.DB.Update(s.T.Context(), func(tx *store.Tx) error {
		a, _, err := tx.NetworkAccount(holdfasttest.AccountID)
		if err != nil {
			return err
		}
		a.Fees = payment.DefaultFees.Card
		return tx.UpdateNetworkAccount(a)
	}))
}

func (s striped) must(err error) {
	s.T.Helper()
	if err != nil {
		s.T.Fatal(err)
	}
}

func (s striped) wantBalance(want string) {
	s.T.Helper()
	if got := s.balance().Decimal(); got != want {
		s.T.Errorf("the shop has %s, want %s", got, want)
	}
}

// children are the kinds of the transactions that belong to one.
func (s striped) children(id holdfast.TransactionID) (kinds []payment.Kind) {
	s.T.Helper()
	for _, c := range s.childrenOf(id) {
		kinds = append(kinds, c.Kind)
	}
	return kinds
}

func (s striped) childrenOf(id holdfast.TransactionID) (all []payment.Transaction) {
	s.T.Helper()
	s.must(s.DB.View(s.T.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Children(s.Shop.ID, id)
		return err
	}))
	return all
}

// events counts the stored events about payments by their outcome.
func (s striped) events() map[store.NetworkEventOutcome]int {
	s.T.Helper()
	counts := make(map[store.NetworkEventOutcome]int)
	s.must(s.DB.View(s.T.Context(), func(tx *store.ReadTx) error {
		all, err := tx.NetworkEvents(holdfasttest.AccountID, "", 10_000)
		for _, e := range all {
			if !strings.HasPrefix(e.Type, "checkout.") && !strings.HasPrefix(e.Type, "setup_intent.") {
				counts[e.Outcome]++
			}
		}
		return err
	}))
	return counts
}

// wantLetters checks the subjects of the letters that were written. There are two
// of each: to the owner and to the operator.
func (s striped) wantLetters(want ...payment.NetworkAbout) {
	s.T.Helper()
	var got []payment.NetworkAbout
	for i, n := range *s.letters {
		if i%2 == 0 {
			got = append(got, n.About)
		}
	}
	if len(got) != len(want) || len(*s.letters) != 2*len(want) {
		s.T.Fatalf("letters %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			s.T.Errorf("letter %d is about %s, want %s", i, got[i], want[i])
		}
	}
}
