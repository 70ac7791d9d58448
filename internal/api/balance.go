package api

import (
	"context"
	"net/http"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A Balance is the money in one account at this server.
type Balance struct {
	ID         string     `json:"id" doc:"account, or the id of a prepaid or credit instrument."`
	Kind       string     `json:"kind" enum:"account,prepaid,credit" doc:"account: of the caller's owner. prepaid: what a buyer has paid in advance. credit: what a buyer owes."`
	Amount     Money      `json:"amount" doc:"account: what can be paid out or refunded. prepaid: what the buyer can spend. credit: the debt."`
	PendingIn  Money      `json:"pending_in" doc:"account: payments under way. prepaid: what is being added."`
	PendingOut Money      `json:"pending_out" doc:"account: refunds under way, and fees that are not decided yet. credit: the part of the debt that is being settled."`
	Limit      *Money     `json:"limit,omitempty" doc:"The largest balance or debt of an instrument."`
	Expires    *time.Time `json:"expires,omitempty" doc:"Of an instrument."`
}

const (
	tagBalances = "Balances"
	ownBalance  = "account" // the id of the balance of the caller's owner
)

func addBalances(s *Server) {
	register(s, operation{
		id: "list-balances", method: http.MethodGet, path: Path + "balances", tag: tagBalances, scope: party.ScopeRead,
		summary: "List balances",
		about: "Lists the balance of your account, and then those of your buyers' prepaid and credit instruments, the " +
			"newest first.",
	}, (*Server).listBalances)
	register(s, operation{
		id: "get-balance", method: http.MethodGet, path: Path + "balances/{id}", tag: tagBalances, scope: party.ScopeRead,
		summary: "Get a balance", about: "Returns the balance `account`, or that of an instrument.",
	}, (*Server).getBalance)
}

type (
	balanceAnswer     struct{ Body Balance }
	balancesAnswer    struct{ Body List[Balance] }
	listBalancesInput struct{ Paged }
)

func (s *Server) listBalances(ctx context.Context, q *request, in *listBalancesInput) (*balancesAnswer, error) {
	at, err := q.cursorOf(in.After, "")
	if err != nil {
		return nil, err
	}
	page := List[Balance]{Data: []Balance{}}
	err = s.view(ctx, func(tx *store.ReadTx) error {
		room := in.Limit
		if at.id == "" {
			own, err := q.balance(tx)
			if err != nil {
				return err
			}
			page.Data, at.id, room = append(page.Data, own), ownBalance, room-1
		}
		after := payment.AggregateID(at.id)
		if at.id == ownBalance {
			after = ""
		}
		all, err := tx.AggregatesOf(q.caller.ID, after, room+1)
		if err != nil {
			return err
		}
		for _, a := range all[:min(room, len(all))] {
			page.Data, at.id = append(page.Data, instrumentBalance(a)), string(a.ID)
		}
		if page.More = len(all) > room; page.More {
			page.Next = cursor{id: at.id}.text(q, "")
		}
		return nil
	})
	return &balancesAnswer{page}, err
}

func (s *Server) getBalance(ctx context.Context, q *request, in *ByID) (*balanceAnswer, error) {
	answer := &balanceAnswer{}
	err := s.view(ctx, func(tx *store.ReadTx) (err error) {
		if in.ID == ownBalance {
			answer.Body, err = q.balance(tx)
			return err
		}
		a, found, err := tx.Aggregate(payment.AggregateID(in.ID))
		if err == nil && (!found || a.Caller != q.caller.ID) {
			err = notFound("balance")
		}
		answer.Body = instrumentBalance(a)
		return err
	})
	return answer, err
}

// balance is the balance of the caller's owner. It is refused if the account is
// suspended or closed, as by GetAccountBalance.
func (q *request) balance(tx *store.ReadTx) (b Balance, err error) {
	owner, found, err := tx.Party(q.caller.Owner)
	if err == nil {
		err = payment.CanAccess(owner, found)
	}
	if err != nil {
		return b, err
	}
	own, err := processor.ReadAccountBalance(tx, owner.ID, q.caller.Sandbox)
	return Balance{
		ID: ownBalance, Kind: "account", Amount: moneyOf(own.Available), PendingIn: moneyOf(own.In), PendingOut: moneyOf(own.Out),
	}, err
}

func instrumentBalance(a payment.AggregateInstrument) Balance {
	b := Balance{
		ID: string(a.ID), Kind: paymentMethods.of(a.Method), Amount: moneyOf(a.Balance), PendingIn: moneyOf(money.Micros(0)),
		PendingOut: moneyOf(money.Micros(0)), Limit: maybeMoney(a.Limit), Expires: maybeTime(a.Expires),
	}
	if b.Kind == "prepaid" {
		b.PendingIn = moneyOf(a.Pending)
	} else {
		b.PendingOut = moneyOf(a.Pending)
	}
	return b
}
