package processor_test

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// holdMins is how many minutes a hold of the races lasts.
const holdMins = 10

// errorOf drops the transaction from an action's result.
func errorOf[T any](do func(*processor.Processor) (T, error)) func(*processor.Processor) error {
	return func(p *processor.Processor) error {
		_, err := do(p)
		return err
	}
}

// reservesOrPays uses the token that the actions share.
func reservesOrPays(dollars string, now bool) func(g *ground) func(*processor.Processor) (payment.Transaction, error) {
	return func(g *ground) func(*processor.Processor) (payment.Transaction, error) {
		r := holdfast.ReserveRequest{
			SenderTokenID: g.token, TransactionAmount: holdfasttest.USD(dollars), CallerReference: g.ref(),
			TransactionTimeoutMins: holdMins,
		}
		return func(p *processor.Processor) (payment.Transaction, error) {
			if now {
				return p.Pay(g.T.Context(), g.Shop, holdfast.PayRequest(r))
			}
			return p.Reserve(g.T.Context(), g.Shop, r)
		}
	}
}

func reserves(dollars string) func(g *ground) func(*processor.Processor) (payment.Transaction, error) {
	return reservesOrPays(dollars, false)
}

func pays(dollars string) action {
	return func(g *ground) func(*processor.Processor) error { return errorOf(reservesOrPays(dollars, true)(g)) }
}

func holds(dollars string) action {
	return func(g *ground) func(*processor.Processor) error { return errorOf(reserves(dollars)(g)) }
}

// declined makes the network decline a payment after the limits have counted
// it.
func declined(dollars string) action {
	return func(g *ground) func(*processor.Processor) error {
		g.Network.Next(holdfasttest.Reply{Step: payment.StepCharge, Decline: holdfast.CodeTransactionDenied})
		return errorOf(reservesOrPays(dollars, true)(g))
	}
}

// paysAnew pays with a new token.
func paysAnew(dollars string) action {
	return func(g *ground) func(*processor.Processor) error {
		before := g.token
		g.token = g.Authorize(dollars)
		do := pays(dollars)(g)
		g.token = before
		return do
	}
}

func buyers(g *ground) (from, to party.ID) { return g.Buyer.ID, g.Owner.ID }
func owners(g *ground) (from, to party.ID) { return g.Owner.ID, g.Buyer.ID }

func paysFromBalance(dollars string, of func(*ground) (from, to party.ID)) action {
	return func(g *ground) func(*processor.Processor) error {
		from, to := of(g)
		token := g.Token(payment.Token{
			Sender: from, Recipient: to, Instrument: g.BalanceOf(from).ID, Method: holdfast.MethodABT,
		})
		r := holdfast.PayRequest{SenderTokenID: token, TransactionAmount: holdfasttest.USD(dollars), CallerReference: g.ref()}
		return func(p *processor.Processor) error {
			_, err := p.Pay(g.T.Context(), g.Shop, r)
			return err
		}
	}
}

func settles(dollars string) action {
	return func(g *ground) func(*processor.Processor) error {
		r := holdfast.SettleRequest{ReserveTransactionID: g.held}
		if dollars != "" {
			r.TransactionAmount = holdfasttest.USD(dollars)
		}
		return func(p *processor.Processor) error {
			_, err := p.Settle(g.T.Context(), g.Shop, r)
			return err
		}
	}
}

func cancels(g *ground) func(*processor.Processor) error {
	r := holdfast.CancelRequest{TransactionID: g.held}
	return func(p *processor.Processor) error {
		_, err := p.Cancel(g.T.Context(), g.Shop, r)
		return err
	}
}

func (g *ground) raise(dollars string) processor.RaiseHold {
	return processor.RaiseHold{Hold: g.held, Amount: holdfasttest.USD(dollars), Reference: g.ref()}
}

func raises(dollars string) action {
	return func(g *ground) func(*processor.Processor) error {
		r := g.raise(dollars)
		return func(p *processor.Processor) error {
			_, err := p.RaiseHold(g.T.Context(), g.Shop, nil, r)
			return err
		}
	}
}

func renews(g *ground) func(*processor.Processor) error {
	r := processor.RenewHold{Hold: g.held, Reference: g.ref()}
	return func(p *processor.Processor) error {
		_, err := p.RenewHold(g.T.Context(), g.Shop, nil, r)
		return err
	}
}

// renewsInDoubt lets the answer to a renewal come while the other action is
// carried out.
func renewsInDoubt(g *ground) func(*processor.Processor) error {
	r := processor.RenewHold{Hold: g.held, Reference: g.ref()}
	g.Network.Next(holdfasttest.Reply{Step: payment.StepAuthorize, Lost: true})
	wait := g.Processor.Wait
	g.Processor.Wait = time.Millisecond
	t, err := g.Processor.RenewHold(g.T.Context(), g.Shop, nil, r)
	if err != nil && !refused(err) {
		g.T.Fatal(err)
	}
	g.Processor.Wait = wait
	waitUntil(g.World, func() bool {
		return err != nil || slices.ContainsFunc(g.Network.Effects(), func(effect string) bool {
			return strings.HasPrefix(effect, string(t.ID)+"/")
		})
	})
	return func(p *processor.Processor) error {
		g.Clock.Advance(time.Minute)
		_, err := p.Resolve(g.T.Context())
		return err
	}
}

// expires moves the clock past the deadline of every hold.
func expires(g *ground) func(*processor.Processor) error {
	return func(p *processor.Processor) error {
		g.Clock.Advance(holdMins * time.Minute)
		_, err := p.Sweep(g.T.Context())
		return err
	}
}

func refunds(dollars string) action {
	return func(g *ground) func(*processor.Processor) error {
		r := holdfast.RefundRequest{TransactionID: g.paid, CallerReference: g.ref()}
		if dollars != "" {
			r.RefundAmount = holdfasttest.USD(dollars)
		}
		return func(p *processor.Processor) error {
			_, err := p.Refund(g.T.Context(), g.Shop, r)
			return err
		}
	}
}

func funds(dollars string) func(g *ground) func(*processor.Processor) (payment.Transaction, error) {
	return func(g *ground) func(*processor.Processor) (payment.Transaction, error) {
		r := holdfast.FundPrepaidRequest{
			SenderTokenID: g.moves, PrepaidInstrumentID: g.aggregate.ID, FundingAmount: holdfasttest.USD(dollars),
			CallerReference: g.ref(),
		}
		return func(p *processor.Processor) (payment.Transaction, error) {
			return p.FundPrepaid(g.T.Context(), g.Shop, r)
		}
	}
}

func settlesDebt(dollars string) action {
	return func(g *ground) func(*processor.Processor) error {
		r := holdfast.SettleDebtRequest{
			SenderTokenID: g.moves, CreditInstrumentID: g.aggregate.ID, SettlementAmount: holdfasttest.USD(dollars),
			CallerReference: g.ref(),
		}
		return func(p *processor.Processor) error {
			_, err := p.SettleDebt(g.T.Context(), g.Shop, r)
			return err
		}
	}
}

func writesOff(dollars string) action {
	return func(g *ground) func(*processor.Processor) error {
		r := holdfast.WriteOffDebtRequest{
			CreditInstrumentID: g.aggregate.ID, AdjustmentAmount: holdfasttest.USD(dollars), CallerReference: g.ref(),
		}
		return func(p *processor.Processor) error {
			_, err := p.WriteOffDebt(g.T.Context(), g.Shop, r)
			return err
		}
	}
}

func ends(g *ground) func(*processor.Processor) error {
	token := g.token
	return func(p *processor.Processor) error {
		_, err := p.EndInstrument(g.T.Context(), g.Buyer.ID, token)
		return err
	}
}

func cancelsToken(g *ground) func(*processor.Processor) error { return cancelling(g, g.token) }
func cancelsMover(g *ground) func(*processor.Processor) error { return cancelling(g, g.moves) }

func cancelling(g *ground, token holdfast.TokenID) func(*processor.Processor) error {
	return func(p *processor.Processor) error {
		return p.CancelToken(g.T.Context(), g.Shop, holdfast.CancelTokenRequest{TokenID: token})
	}
}

// edits changes the token's instrument to another card.
func edits(g *ground) func(*processor.Processor) error {
	id := visit(g.World, "pipelineName", "EditToken", "callerReference", string(g.ref()), "tokenID", string(g.token))
	_, err := g.Processor.EnterVisit(g.T.Context(), id, g.Buyer.ID)
	if _, chosen := g.Processor.ChooseInstrument(g.T.Context(), id, g.Buyer.ID, g.other); err != nil || chosen != nil {
		g.T.Fatal(errors.Join(err, chosen))
	}
	with := g.other
	return func(p *processor.Processor) error {
		_, err := p.ConfirmVisit(g.T.Context(), id, g.Buyer.ID, processor.Shown{Instrument: with})
		return err
	}
}

func confirms(tab int) action {
	return func(g *ground) func(*processor.Processor) error {
		return func(p *processor.Processor) error {
			_, err := p.ConfirmVisit(g.T.Context(), g.visits[tab], g.Buyer.ID, processor.Shown{Instrument: g.choice})
			return err
		}
	}
}

func givesUp(tab int) action {
	return func(g *ground) func(*processor.Processor) error {
		var seen payment.Visit
		err := g.DB.View(g.T.Context(), func(tx *store.ReadTx) (err error) {
			seen, _, err = tx.Visit(g.visits[tab])
			return err
		})
		if err != nil {
			g.T.Fatal(err)
		}
		return func(p *processor.Processor) error {
			_, err := p.EndVisit(g.T.Context(), seen, payment.Abandoned())
			return err
		}
	}
}

func choosesCard(g *ground) func(*processor.Processor) error {
	return func(p *processor.Processor) error {
		_, err := p.ChooseInstrument(g.T.Context(), g.visits[0], g.Buyer.ID, g.Card.ID)
		return err
	}
}

func leaves(g *ground) func(*processor.Processor) error {
	return func(p *processor.Processor) error {
		_, err := p.LeaveVisit(g.T.Context(), g.visits[0], g.Buyer.ID)
		return err
	}
}

func removesCard(g *ground) func(*processor.Processor) error {
	return func(p *processor.Processor) error { return p.RemoveInstrument(g.T.Context(), g.Buyer.ID, g.choice) }
}
