package processor_test

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A ground holds what the actions of a race share. Each race prepares it again.
type ground struct {
	*holdfasttest.World
	round int

	token     holdfast.TokenID
	other     payment.InstrumentID // the card to which the token can be changed
	held      holdfast.TransactionID
	paid      holdfast.TransactionID
	aggregate payment.AggregateInstrument
	moves     holdfast.TokenID // funds or settles the instrument
	visits    []payment.VisitID
	choice    payment.InstrumentID
	reference holdfast.CallerReference
}

// An action prepares its own rows, and returns the part that races.
type action func(g *ground) func(p *processor.Processor) error

// A race is a set of actions that share something.
type race struct {
	prepare func(g *ground)
	actions map[string]action
	seldom  []string              // actions that may be refused in every round
	check   func(g *ground) error // runs after each race
}

var races = map[string]race{
	"a token with limits": {
		prepare: func(g *ground) {
			g.token = g.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: g.Card.ID, Method: g.Card.Method},
				payment.Limit{Kind: payment.LimitCount, Value: 3},
				payment.Limit{Kind: payment.LimitAmount, Value: holdfasttest.USD("10.00").Micro})
			g.held = g.must(reserves("4.00"))
		},
		actions: map[string]action{
			"pay": pays("5.00"), "pay more": pays("6.00"), "reserve": holds("5.00"), "settle": settles(""),
			"settle less": settles("1.00"), "cancel": cancels, "expire": expires, "edit": edits,
			"cancel the token": cancelsToken, "is declined": declined("6.00"),
		},
		check: checkLimits,
	},
	"a hold": {
		prepare: func(g *ground) {
			g.token = g.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: g.Card.ID, Method: g.Card.Method},
				payment.Limit{Kind: payment.LimitCount, Value: 3},
				payment.Limit{Kind: payment.LimitAmount, Value: holdfasttest.USD("12.00").Micro})
			g.held = g.must(reserves("4.00"))
			if _, err := g.Processor.RaiseHold(g.T.Context(), g.Shop, nil, g.raise("3.00")); err != nil {
				g.T.Fatal(err)
			}
		},
		actions: map[string]action{
			"raise": raises("5.00"), "raise less": raises("2.00"), "renew": renews, "renew in doubt": renewsInDoubt,
			"settle": settles(""), "settle less": settles("1.00"), "cancel": cancels, "expire": expires, "pay": pays("5.00"),
		},
		check: func(g *ground) error {
			if err := checkLimits(g); err != nil {
				return err
			}
			h := holdOf(g.World, g.held)
			if sum := h.Held().Add(h.Settled()); sum.Cmp(h.Amount()) > 0 {
				return fmt.Errorf("%v are held and %v settled of %v", h.Held(), h.Settled(), h.Amount())
			}
			return nil
		},
	},
	"a party's limit": {
		prepare: func(g *ground) {
			g.Change(g.Buyer.ID, func(p *party.Party) { p.SendingLimit = g.usedBy().UsedAmount.Add(holdfasttest.USD("10.00")) })
			g.token = g.Authorize("4.00")
			g.held = g.must(reserves("4.00"))
		},
		actions: map[string]action{
			"pay": paysAnew("5.00"), "pay more": paysAnew("6.00"), "settle less": settles("1.00"), "cancel": cancels,
			"expire": expires,
		},
		check: func(g *ground) error {
			if l := g.usedBy(); l.UsedAmount.Micro > l.Value {
				return fmt.Errorf("%v of %d were sent", l.UsedAmount, l.Value)
			}
			return nil
		},
	},
	"a prepaid instrument": {
		prepare: func(g *ground) {
			g.aggregate, g.token, g.moves = g.Aggregate(holdfast.MethodPrepaid, "15.00") // a refund may exceed it
			g.must(funds("10.00"))
			g.paid = g.must(reservesOrPays("2.00", true))
		},
		actions: map[string]action{
			"spend": pays("5.00"), "spend all": pays("8.00"),
			"fund":   func(g *ground) func(*processor.Processor) error { return errorOf(funds("4.00")(g)) },
			"refund": refunds("2.00"), "cancel the spending token": cancelsToken, "cancel the funding token": cancelsMover,
			"end": ends,
		},
		seldom: []string{"cancel the spending token"}, // there is money to spend
		check:  checkAggregate,
	},
	"a credit instrument": {
		prepare: func(g *ground) {
			g.aggregate, g.token, g.moves = g.Aggregate(holdfast.MethodDebt, "12.00")
			g.paid = g.must(reservesOrPays("4.00", true))
		},
		actions: map[string]action{
			"spend": pays("6.00"), "spend less": pays("4.00"), "settle": settlesDebt("3.00"), "settle all": settlesDebt("4.00"),
			"write off": writesOff("2.00"), "refund": refunds("4.00"), "cancel the spending token": cancelsToken,
			"cancel the settling token": cancelsMover, "end": ends,
		},
		seldom: []string{"cancel the settling token"}, // there is a debt
		check:  checkAggregate,
	},
	"a balance": {
		prepare: func(g *ground) {
			g.Deposit(g.Buyer.ID, "10.00")
			g.token = g.AuthorizeWith(g.Balance(), "2.00")
			g.paid = g.must(reservesOrPays("2.00", true))
		},
		actions: map[string]action{
			"pay": paysFromBalance("5.00", buyers), "pay more": paysFromBalance("8.00", buyers), "refund": refunds("2.00"),
			"refund a part": refunds("1.00"), "be paid": paysAnew("3.00"), "pay out": paysFromBalance("1.50", owners),
		},
		check: func(g *ground) error {
			// Nothing is left for the next race.
			for _, of := range []party.ID{g.Buyer.ID, g.Owner.ID} {
				if err := g.drain(of); err != nil {
					return err
				}
			}
			return nil
		},
	},
	"a payment": {
		prepare: func(g *ground) {
			g.Deposit(g.Owner.ID, "10.00")
			g.token = g.Authorize("4.00")
			g.held = g.must(reserves("4.00"))
			g.token = g.Authorize("4.00")
			g.paid = g.must(reservesOrPays("4.00", true))
		},
		actions: map[string]action{
			"settle": settles(""), "settle less": settles("1.00"), "cancel": cancels, "expire": expires,
			"refund": refunds(""), "refund a part": refunds("3.00"), "refund a small part": refunds("1.00"),
		},
		check: func(g *ground) error { return g.drain(g.Owner.ID) },
	},
	"a visit": {
		prepare: func(g *ground) {
			g.reference = holdfast.CallerReference(g.IDs.Other("cart-"))
			if g.round > 0 { // an account has few cards
				_ = g.Processor.RemoveInstrument(g.T.Context(), g.Buyer.ID, g.choice) // it may be removed already
			}
			g.choice = otherCard(g.World).ID
			g.visits = nil
			for _, reason := range []string{"a mug", "a red mug"} { // two requests with one reference, in two tabs
				id := visit(g.World, "pipelineName", "SingleUse", "callerReference", string(g.reference), "transactionAmount", "5",
					"paymentReason", reason)
				if _, err := g.Processor.EnterVisit(g.T.Context(), id, g.Buyer.ID); err != nil {
					g.T.Fatal(err)
				}
				if _, err := g.Processor.ChooseInstrument(g.T.Context(), id, g.Buyer.ID, g.choice); err != nil {
					g.T.Fatal(err)
				}
				g.visits = append(g.visits, id)
			}
		},
		actions: map[string]action{
			"confirm": confirms(0), "confirm in another tab": confirms(1), "give up": givesUp(0),
			"give up in another tab": givesUp(1), "choose another card": choosesCard, "leave": leaves,
			"remove the card": removesCard,
		},
		check: checkVisits,
	},
}

// Two servers on one database carry out two actions at once that share
// something. No limit is exceeded, the books are right, and each state is a
// possible one, whichever actions they are. HOLDFAST_RACES is the number of
// rounds for each set of actions; without it each pair races once.
func TestRacingPairs(t *testing.T) {
	for name, r := range races {
		names := slices.Sorted(maps.Keys(r.actions))
		var pairs [][2]string
		for i, one := range names {
			for _, other := range names[i:] {
				pairs = append(pairs, [2]string{one, other})
			}
		}
		rounds := len(pairs)
		if more := os.Getenv("HOLDFAST_RACES"); more != "" {
			n, err := strconv.Atoi(more)
			if err != nil {
				t.Fatalf("HOLDFAST_RACES: %v", err)
			}
			rounds = n
		} else if testing.Short() {
			rounds = 5
		}
		for engine, address := range holdfasttest.Addresses(t) {
			t.Run(name+" on "+engine, func(t *testing.T) {
				t.Parallel()
				r.run(t, address(t), pairs, rounds)
			})
		}
	}
}

func (r race) run(t *testing.T, address string, pairs [][2]string, rounds int) {
	w := holdfasttest.NewWorld(t, holdfasttest.Open(t, address))
	w.Processor.Wait = time.Minute
	other := processor.New(holdfasttest.Open(t, address), processor.Config{
		Network: w.Network, Now: w.Clock.Now, IDs: w.IDs,
		Log: slog.New(slog.DiscardHandler), Wait: time.Minute,
	})
	t.Cleanup(other.Close)
	g := &ground{World: w, other: otherCard(w).ID}
	done := map[string]bool{}
	booksEvery := max(10, rounds/20) // rounds: the check reads everything
	for g.round = range rounds {
		pair := pairs[g.round%len(pairs)]
		r.prepare(g)
		var racing [2]func(*processor.Processor) error
		for i, name := range pair {
			racing[i] = r.actions[name](g)
		}
		begin := make(chan struct{})
		var errs [2]error
		var running sync.WaitGroup
		for i, p := range []*processor.Processor{w.Processor, other} {
			running.Go(func() {
				<-begin
				errs[i] = racing[i](p)
			})
		}
		close(begin)
		running.Wait()
		for i, err := range errs {
			done[pair[i]] = done[pair[i]] || err == nil
			if err != nil && !refused(err) {
				t.Errorf("round %d, %q with %q: %v", g.round, pair[i], pair[1-i], err)
			}
		}
		if err := r.check(g); err != nil {
			t.Errorf("round %d, %q and %q: %v", g.round, pair[0], pair[1], err)
		}
		if g.round%booksEvery == 0 || g.round == rounds-1 {
			w.CheckBooks()
		}
		w.Network.Forget()
		if t.Failed() {
			return
		}
	}
	for name := range r.actions {
		if !done[name] && !slices.Contains(r.seldom, name) && rounds >= len(pairs) {
			t.Errorf("%q was always refused", name)
		}
	}
}

// refused reports whether an error is a refusal.
func refused(err error) bool {
	if _, ok := errors.AsType[*holdfast.Error](err); ok {
		return true
	}
	if _, ok := errors.AsType[*payment.PipelineEnd](err); ok {
		return true
	}
	return errors.Is(err, processor.ErrNotShown) || errors.Is(err, processor.ErrNotSender) ||
		errors.Is(err, processor.ErrInstrumentNeeded)
}

func (g *ground) ref() holdfast.CallerReference {
	return holdfast.CallerReference(g.IDs.Other("order-"))
}

// must carries out an action that has to succeed before a race, and returns the
// id of its transaction.
func (g *ground) must(
	do func(g *ground) func(*processor.Processor) (payment.Transaction, error),
) holdfast.TransactionID {
	g.T.Helper()
	t, err := do(g)(g.Processor)
	if err != nil {
		g.T.Fatal(err)
	}
	return t.ID
}

// usedBy returns the used part of the buyer's limit.
func (g *ground) usedBy() payment.Limit {
	g.T.Helper()
	limit := g.limits(g.Shop.LimitScope(), payment.SendingSubject(g.Buyer.ID))
	if len(limit) == 0 {
		return payment.Limit{UsedAmount: holdfasttest.USD("0.00")}
	}
	return limit[0].At(g.CallerNow())
}

func (g *ground) limits(scope, subject string) (limits []payment.Limit) {
	g.T.Helper()
	g.view(func(tx *store.ReadTx) (err error) {
		limits, err = tx.Limits(scope, subject)
		return err
	})
	return limits
}

func (g *ground) view(read func(tx *store.ReadTx) error) {
	g.T.Helper()
	if err := g.DB.View(g.T.Context(), read); err != nil {
		g.T.Fatal(err)
	}
}

// drain fails if a party's balance is negative, and otherwise pays the balance
// out.
func (g *ground) drain(of party.ID) error {
	var has int64
	g.view(func(tx *store.ReadTx) error {
		amount, err := processor.ReadBalance(tx, of, true)
		has = amount.Micro
		return err
	})
	if has < 0 {
		return fmt.Errorf("%s has %s", of, micros(has))
	}
	if to := g.Owner.ID; of == g.Buyer.ID && has > 0 {
		return g.payOut(of, to, has)
	}
	return nil
}

func (g *ground) payOut(from, to party.ID, micro int64) error {
	token := g.Token(payment.Token{
		Sender: from, Recipient: to, Instrument: g.BalanceOf(from).ID, Method: holdfast.MethodABT,
	})
	_, err := g.Processor.Pay(g.T.Context(), g.Shop, holdfast.PayRequest{
		SenderTokenID: token, TransactionAmount: usdMicro(micro), CallerReference: g.ref(),
	})
	return err
}

// checkLimits compares the limits of a token, and of the token that replaced
// it, with the payments.
func checkLimits(g *ground) error {
	var count, micro int64
	last := g.token
	g.view(func(tx *store.ReadTx) error {
		for token, found := g.token, true; found; {
			payments, err := tx.PaymentsOf(g.Shop.ID, token, 100)
			if err != nil {
				return err
			}
			for _, t := range payments {
				switch {
				case t.State == payment.Failure || t.State == payment.Cancelled,
					t.Link == payment.LinkRenew && t.State == payment.Pending: // it counts once it is approved
					continue
				case t.Kind == payment.KindReserve && t.State == payment.Success:
					micro += t.Settled.Micro
				default:
					micro += t.Amount.Micro
				}
				count++
			}
			last = token
			if token, found, err = tx.Successor(g.Shop.ID, token); err != nil {
				return err
			}
		}
		return nil
	})
	for _, l := range g.limits(string(g.Shop.ID), string(last)) {
		if l.UsedCount != count || l.UsedAmount.Micro != micro {
			return fmt.Errorf("%d uses and %s are counted, and there are %d of %s", l.UsedCount, l.UsedAmount.Decimal(), count,
				micros(micro))
		}
		if l.Kind == payment.LimitCount && count > l.Value || l.Kind == payment.LimitAmount && micro > l.Value {
			return fmt.Errorf("%d uses of %s are more than %d", count, micros(micro), l.Value)
		}
	}
	return nil
}

// checkAggregate checks that the instrument holds no more than its limit.
func checkAggregate(g *ground) (err error) {
	g.view(func(tx *store.ReadTx) error {
		a, _, e := tx.Aggregate(g.aggregate.ID)
		if a.Balance.Micro < 0 || a.Balance.Add(a.Pending).Cmp(a.Limit) > 0 {
			err = fmt.Errorf("the instrument has %v and %v pending, more than %v", a.Balance, a.Pending, a.Limit)
		}
		return e
	})
	return err
}

// checkVisits checks that one token was made when two tabs agreed, and that
// each tab that reports a token reports that one.
func checkVisits(g *ground) (err error) {
	g.view(func(tx *store.ReadTx) error {
		token, made, e := tx.TokenByReference(g.Shop.ID, g.reference)
		if e != nil {
			return e
		}
		agreed := 0
		for _, id := range g.visits {
			v, _, e := tx.Visit(id)
			if e != nil {
				return e
			}
			if v.Answer == "" {
				continue
			}
			agreed++
			if answer, _ := holdfast.ParseParams(v.Answer); answer.Get("tokenID") != string(token.ID) {
				err = fmt.Errorf("a tab reports %s, but the token is %s", v.Answer, token.ID)
			}
		}
		if made != (agreed == 1) {
			err = fmt.Errorf("%d tabs agreed; a token was made: %t", agreed, made)
		}
		return nil
	})
	return err
}
