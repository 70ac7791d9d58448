package processor_test

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"sync"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// An openQuestion is a question that the network has not answered, with what
// happens to its transaction before the answer.
type openQuestion struct {
	step      payment.Step
	ask       func(s scene) payment.Transaction
	meanwhile func(s scene, t payment.Transaction)
	// The state in which each answer leaves the transaction.
	approved, declined payment.State
}

func cancelled(s scene, t payment.Transaction) {
	s.T.Helper()
	_, err := s.Cancel(t.ID)
	s.must(err)
}

func timedOut(s scene, t payment.Transaction) {
	s.T.Helper()
	s.Clock.Set(t.Deadline)
	sweep(s.World)
}

// overdue lets the deadline pass without a sweep.
func overdue(s scene, t payment.Transaction) { s.Clock.Set(t.Deadline) }

func openQuestions() map[string]openQuestion {
	begun := func(k payment.Kind) func(s scene) payment.Transaction {
		return func(s scene) payment.Transaction {
			step := payment.StepCharge
			if k == payment.KindReserve {
				step = payment.StepAuthorize
			}
			return s.open(step, func() (payment.Transaction, error) { return begins[k](s) })
		}
	}
	reserved := func(s scene) payment.Transaction {
		t, err := begins[payment.KindReserve](s)
		s.must(err)
		return t
	}
	late := func(k payment.Kind, end func(scene, payment.Transaction)) func(s scene) payment.Transaction {
		return func(s scene) payment.Transaction { // the charge is approved, and its return is open
			t := begun(k)(s)
			end(s, t)
			s.Network.Next(holdfasttest.Reply{Step: payment.StepReturn, Deaf: true})
			s.must(s.Processor.Answer(s.question(t.ID, payment.StepCharge),
				payment.Answer{Verdict: payment.Approved, Authorization: "late"}, nil))
			s.question(t.ID, payment.StepReturn)
			return t
		}
	}
	const success, failure = payment.Success, payment.Failure
	all := map[string]openQuestion{
		"Authorize": {
			payment.StepAuthorize, begun(payment.KindReserve), nil, payment.Reserved,
			failure,
		},
		"Authorize, cancelled": {
			payment.StepAuthorize, begun(payment.KindReserve), cancelled, payment.Cancelled,
			payment.Cancelled,
		},
		"Authorize, timed out": {
			payment.StepAuthorize, begun(payment.KindReserve), timedOut, payment.Cancelled,
			payment.Cancelled,
		},
		"Authorize, overdue": {
			payment.StepAuthorize, begun(payment.KindReserve), overdue, payment.Cancelled,
			payment.Cancelled,
		},
		"Charge of a FundPrepaid, overdue": {payment.StepCharge, begun(payment.KindFundPrepaid), overdue, failure, failure},
		"Charge of a Pay, cancelled": {
			payment.StepCharge, begun(payment.KindPay), cancelled, payment.Cancelled,
			payment.Cancelled,
		},
		"Charge of a sale": {
			payment.StepCharge,
			func(s scene) payment.Transaction { return s.open(payment.StepCharge, s.sale) }, nil, success, failure,
		},
		"Charge of a sale, timed out": {
			payment.StepCharge,
			func(s scene) payment.Transaction { return s.open(payment.StepCharge, s.sale) }, timedOut, failure, failure,
		},
		"Capture": {payment.StepCapture, func(s scene) payment.Transaction {
			t := reserved(s)
			return s.open(payment.StepCapture, func() (payment.Transaction, error) { return s.Settle(t.ID, "") })
		}, nil, success, failure},
		"Capture of a part": {payment.StepCapture, func(s scene) payment.Transaction {
			t := reserved(s)
			return s.open(payment.StepCapture, func() (payment.Transaction, error) { return s.Settle(t.ID, "40.00") })
		}, nil, success, failure},
		"Release, cancelled": {payment.StepRelease, func(s scene) payment.Transaction {
			t := reserved(s)
			return s.open(payment.StepRelease, func() (payment.Transaction, error) { return s.Cancel(t.ID) })
		}, nil, payment.Cancelled, payment.Cancelled},
		"Return of a refund": {
			payment.StepReturn,
			func(s scene) payment.Transaction { return s.open(payment.StepReturn, s.refund) }, nil, success, failure,
		},
		"Return of a late charge, cancelled": {
			payment.StepReturn, late(payment.KindPay, cancelled), nil, payment.Cancelled,
			payment.Cancelled,
		},
	}
	for _, k := range []payment.Kind{payment.KindPay, payment.KindFundPrepaid, payment.KindSettleDebt} {
		all["Charge of a "+string(k)] = openQuestion{payment.StepCharge, begun(k), nil, success, failure}
		all["Charge of a "+string(k)+", timed out"] = openQuestion{payment.StepCharge, begun(k), timedOut, failure, failure}
		all["Return of a late charge of a "+string(k)] = openQuestion{
			payment.StepReturn, late(k, timedOut), nil, failure, failure,
		}
	}
	return all
}

// Every possible answer of the network is given several times, by one server
// and by two at once. The books, the limits and the instruments are the same as
// after one answer.
func TestASecondAnswerChangesNothing(t *testing.T) {
	story(t, func(w *holdfasttest.World) {
		once := make(map[string]state)
		eachAnswer(w, func(name string, s scene, q payment.Attempt, a payment.Answer, written payment.Transaction) {
			s.must(s.Processor.Answer(q, a, &written))
			s.quiet(q.Transaction)
			once[name] = s.state(q.Transaction)
			for _, known := range []*payment.Transaction{nil, &written} {
				s.must(s.Processor.Answer(q, a, known))
				s.quiet(q.Transaction)
				s.wantSame("after a second answer", once[name], s.state(q.Transaction))
			}
		})
		again := holdfasttest.NewWorld(w.T, holdfasttest.Open(w.T, holdfasttest.Addresses(w.T)[engine(w.T)](w.T)))
		eachAnswer(again, func(name string, s scene, q payment.Attempt, a payment.Answer, written payment.Transaction) {
			atOnce(s, func(p *processor.Processor, i int) error {
				return p.Answer(q, a, []*payment.Transaction{nil, &written}[i%2])
			})
			s.quiet(q.Transaction)
			s.wantSame("after answers of two servers", once[name], s.state(q.Transaction))
		})
	})
}

// engine returns the name of the database that a test runs on.
func engine(t testing.TB) string { return path.Base(t.Name()) }

// eachAnswer gives both answers to each question, in a fixed order.
func eachAnswer(
	w *holdfasttest.World, give func(name string, s scene, q payment.Attempt, a payment.Answer,
		written payment.Transaction),
) {
	all, market := openQuestions(), w.Market(false)
	w.Unchecked = true
	for _, name := range slices.Sorted(maps.Keys(all)) {
		row := all[name]
		for _, a := range []payment.Answer{
			{Verdict: payment.Approved, Authorization: "auth"}, {Code: holdfast.CodeTransactionDenied, Message: "declined"},
		} {
			w.T.(*testing.T).Run(fmt.Sprintf("%s, approved %t", name, a.Approved()), func(t *testing.T) {
				outer := w.T
				w.T = t
				defer func() { w.T = outer }()
				s := newScene(w, market)
				asked := row.ask(s)
				q, written := s.question(asked.ID, row.step), s.raw(asked.ID)
				if row.meanwhile != nil {
					row.meanwhile(s, asked)
				}
				give(fmt.Sprint(name, a.Approved()), s, q, a, written)
				end := row.declined
				if a.Approved() {
					end = row.approved
				}
				s.WantState(asked.ID, end)
				s.CheckBooks()
			})
		}
	}
}

// atOnce runs the same action several times, on two servers at once.
func atOnce(s scene, do func(p *processor.Processor, i int) error) {
	s.T.Helper()
	var doing sync.WaitGroup
	for i := range 4 {
		p := s.Processor
		if i >= 2 {
			p = newServer(s.World)
		}
		doing.Go(func() {
			if err := do(p, i); err != nil {
				s.T.Error(err)
			}
		})
	}
	doing.Wait()
}
