package processor_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card/stripe/stripefake"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A whole server on the fake of Stripe hears of everything late, twice, in any
// order or not at all. After one poll, the books have what Stripe has. The pure
// part is tested with 10,000 seeds in package payment.
func TestS19TheWholeStreamInAnyOrder(t *testing.T) {
	const seeds = 20
	for name, address := range holdfasttest.Addresses(t) {
		for seed := range uint64(seeds) {
			if name != "SQLite" && seed >= seeds/3 {
				break
			}
			t.Run(fmt.Sprint(name, " ", seed), func(t *testing.T) {
				t.Parallel()
				w := holdfasttest.NewWorld(t, holdfasttest.Open(t, address(t)))
				s := striped{w, w.AtStripe("http://holdfast.example.test/networks/N1/events"), new([]payment.NetworkNotice)}
				s.inAnyOrder(rand.New(rand.NewPCG(seed, 15)))
			})
		}
	}
}

func (s striped) inAnyOrder(dice *rand.Rand) {
	s.T.Helper()
	from := s.Clock.Now().UTC().Truncate(24 * time.Hour)
	var lost, late []*stripefake.Delivery
	for step := range 10 {
		s.something(dice, step)
		all := s.fake.Deliveries()
		s.fake.Drop(all...)
		dice.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
		for _, d := range all {
			switch dice.IntN(4) {
			case 0:
				lost = append(lost, d)
			case 1:
				late = append(late, d)
			case 2:
				s.take(d)
				s.take(d)
			default:
				s.take(d)
			}
		}
		if dice.IntN(2) == 0 {
			s.work()
		}
		s.Clock.Advance(time.Duration(dice.IntN(240)) * time.Second)
	}
	for _, d := range late {
		s.take(d)
	}
	s.work()
	s.poll()
	r, err := s.Processor.Reconcile(s.T.Context(), holdfasttest.AccountID, from, from.AddDate(0, 0, 2))
	s.must(err)
	for _, d := range r.Differences {
		if !d.Why.Explained() {
			s.T.Errorf("%s of %s: the books have %d, Stripe %d: %s", d.Type, d.Payment, d.Books, d.Network, d.Why)
		}
	}
	if counts := s.events(); counts[store.NetworkEventGivenUp] > 0 || counts[store.NetworkEventWaiting] > 0 {
		s.T.Errorf("events are left: %v, after %d were lost", counts, len(lost))
	}
	var held int64
	for _, t := range s.all() {
		if t.State == payment.Reserved {
			held += t.Amount.Micro / 10_000
		}
	}
	if held != s.fake.Held() {
		s.T.Errorf("the books hold %d, Stripe %d", held, s.fake.Held())
	}
}

// all are the shop's transactions.
func (s striped) all() (all []payment.Transaction) {
	s.T.Helper()
	s.must(s.DB.View(s.T.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Next(&store.Listing{Caller: s.Shop.ID, To: s.Clock.Now().AddDate(1, 0, 0)}, 1000)
		return err
	}))
	return all
}

// something lets the caller, the buyer's bank or a person in the dashboard do one
// thing. A thing that is not possible at the moment is left out.
func (s striped) something(dice *rand.Rand, step int) {
	s.T.Helper()
	if step < 3 {
		s.settledSilently()
		return
	}
	all := s.all()
	one := all[dice.IntN(len(all))]
	known, _ := s.NetworkPayment(one.ID)
	at := known.Reference
	payable := one.Kind == payment.KindReserve && one.State == payment.Success
	var err error
	switch dice.IntN(7) {
	case 0:
		s.Reserved("42.50", holdfast.CallerReference(s.IDs.Other("order-")))
	case 1: // refused while there is a dispute
		if payable {
			_, err = s.Refund(one.ID, "3.00", holdfast.CallerReference(s.IDs.Other("refund-")))
		}
	case 2:
		if payable {
			_, err = s.fake.Refund(at, 200)
		}
	case 3:
		if payable {
			_, err = s.fake.Dispute(at, "fraudulent", dice.IntN(3) == 0)
		}
	case 4:
		if disputes := s.fake.Objects("dispute"); len(disputes) > 0 {
			id, _ := disputes[dice.IntN(len(disputes))]["id"].(string)
			err = s.fake.CloseDispute(id, dice.IntN(2) == 0)
		}
	case 5:
		if one.Refunds() {
			err = s.fake.FailRefund(at, "declined")
		}
	case 6:
		if one.State == payment.Reserved {
			err = s.fake.Lapse(at)
		}
	}
	if err != nil {
		s.T.Logf("step %d was not possible: %v", step, err)
	}
}

// While the answer to Settle is lost, a person acts in the dashboard, or the buyer's
// bank acts. The same events book it after the answer.
func TestWhatFollowsAPaymentWaitsForTheAnswer(t *testing.T) {
	for name, row := range map[string]struct {
		happens func(striped, string) error
		balance string
		letter  payment.NetworkAbout
	}{
		"a refund in the dashboard": {func(s striped, id string) error {
			_, err := s.fake.Refund(id, 1000)
			return err
		}, "32.50", payment.AboutOutsideRefund},
		"a dispute": {func(s striped, id string) error {
			_, err := s.fake.Dispute(id, "fraudulent", false)
			return err
		}, "0.00", payment.AboutDispute},
		"a warning": {func(s striped, id string) error { return s.fake.Warn(id) }, "42.50", payment.AboutWarning},
	} {
		t.Run(name, func(t *testing.T) {
			atStripe(t, func(s striped) {
				hold := s.Reserved("42.50", "order-1")
				s.heard()
				impatient(s.World)
				s.fake.Script(stripefake.Script{Path: "/v1/payment_intents/*/capture", Do: stripefake.LoseReply, Times: 1})
				_, err := s.Settle(hold.ID, "")
				s.must(err)
				waitUntil(s.World, func() bool {
					return slices.ContainsFunc(s.fake.Objects("payment_intent"), func(o map[string]any) bool {
						return o["status"] == "succeeded"
					})
				})
				s.must(row.happens(s, s.intent(hold.ID)))
				s.deliver()
				s.Clock.Advance(2 * time.Second)
				_, err = s.Processor.WorkEvents(t.Context())
				s.must(err)
				s.WantState(hold.ID, payment.Settling)
				s.work()
				s.WantState(hold.ID, payment.Success)
				s.Clock.Advance(time.Minute)
				s.work()
				s.wantBalance(row.balance)
				s.wantLetters(row.letter)
				if n := s.events()[store.NetworkEventWaiting]; n != 0 {
					t.Errorf("%d events wait", n)
				}
			})
		})
	}
}
