package cobranded

import (
	"net/http"
	"net/url"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// usable returns the sender's instruments that the caller accepts.
func (s *Server) usable(c *call) (usable []payment.Instrument, err error) {
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		all, err := tx.Instruments(c.sender.ID)
		usable = c.request.Usable(all, c.now)
		return err
	})
	return usable, err
}

// balance is the sender's account balance.
func (s *Server) balance(c *call) (balance money.Amount, err error) {
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		balance, err = processor.ReadBalance(tx, c.sender.ID, c.started.caller.Sandbox)
		return err
	})
	return balance, err
}

func (s *Server) showPayment(c *call) error {
	return s.renderPayment(c, http.StatusOK, c.problemWords())
}

func (s *Server) renderPayment(c *call, status int, problem string) error {
	usable, err := s.usable(c)
	if err != nil {
		return err
	}
	onCard := !c.holdsOnPage() && status == http.StatusOK && c.form.Get("others") == ""
	if len(usable) == 0 && c.request.Offers(holdfast.MethodCC) && onCard {
		if code := c.form.Get("problem"); c.problemWords() != "" {
			webui.Redirect(c.w, c.r, pageURL("card", c.visit.ID)+"&problem="+url.QueryEscape(code))
			return nil
		}
		return c.redirect("card")
	}
	page := paymentPage{Frame: c.frame(), Action: actions + "payment", Problem: problem, Decline: c.otherThanCards()}
	balance, err := s.balance(c)
	if err != nil {
		return err
	}
	declined, err := s.declined(c, usable)
	if err != nil {
		return err
	}
	chosen := c.preselect(usable, declined, balance)
	for _, i := range usable {
		v := account.InstrumentIn(c.words, i)
		if i.Method == holdfast.MethodABT {
			v.Detail = c.words.T("payment.balance", "Amount", c.words.Dollars(balance))
		}
		page.Choices = append(page.Choices, choice{
			Value: string(i.ID), Title: v.Title, Card: v.Card, Detail: v.Detail, Declined: declined[i.ID],
			Checked: i.ID == chosen,
		})
	}
	if c.holdsOnPage() {
		page.Choices = append(page.Choices, c.cardOnPage(len(usable) > 0))
	} else if c.request.Offers(holdfast.MethodCC) {
		page.AddCard = pageURL("card", c.visit.ID)
	}
	if c.request.Offers(holdfast.MethodACH) && c.started.caller.Sandbox && !c.sender.Guest {
		page.AddBank = actions + "bank"
	}
	return c.render(status, "payment", c.titled("payment.heading", status, problem), stagePayment, page)
}

// cardOnPage is the choice of a card that the sender gives on the network's page
// when the amount is held.
func (c *call) cardOnPage(another bool) choice {
	title := c.words.T("network.new-card")
	if another {
		title = c.words.T("network.another-card")
	}
	return choice{
		Value: string(payment.CardOnPage), Title: title, Detail: c.words.T("network.new-card-detail", "Network", c.brand()),
		Checked: !another || c.visit.Instrument == payment.CardOnPage,
	}
}

// preselect returns the instrument to select, as FPS's pages did: the visit's
// choice so far, or else the edited token's instrument, the default, the
// balance, or any other. Except as the choice so far, it never selects an
// instrument that was declined at its last use, or a balance that is too low.
func (c *call) preselect(
	usable []payment.Instrument, declined map[payment.InstrumentID]string, balance money.Amount,
) (chosen payment.InstrumentID) {
	best := 0
	for _, i := range usable {
		rank := 1
		switch {
		case i.ID == c.visit.Instrument:
			rank = 5
		case declined[i.ID] != "", i.Method == holdfast.MethodABT && !c.request.BalanceReaches(balance):
			rank = 0
		case i.ID == c.edited.Instrument:
			rank = 4
		case i.Default:
			rank = 3
		case i.Method == holdfast.MethodABT:
			rank = 2
		}
		if rank > best {
			chosen, best = i.ID, rank
		}
	}
	return chosen
}

// otherThanCards reports whether the sender can pay with more than cards. Only then
// can senders tell the caller that they have none of its payment methods. If it
// accepts only cards, senders without a card can only cancel. Guests pay only by card.
func (c *call) otherThanCards() bool {
	return !c.sender.Guest && (c.request.Offers(holdfast.MethodACH) || c.request.Offers(holdfast.MethodABT))
}

// declined returns the instruments that were declined at their last use, with
// words that say when.
func (s *Server) declined(c *call, usable []payment.Instrument) (words map[payment.InstrumentID]string, err error) {
	words = map[payment.InstrumentID]string{}
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) error {
		for _, i := range usable {
			ago, declined, err := processor.ReadDecline(tx, c.started.caller.Sandbox, i, processor.Micro(s.Now()))
			if err != nil {
				return err
			}
			if declined {
				words[i.ID] = declinedWords(c.words, ago)
			}
		}
		return nil
	})
	return words, err
}

func declinedWords(w webui.Words, ago time.Duration) string {
	switch {
	case ago < 2*time.Minute:
		return w.T("payment.declined-now")
	case ago < time.Hour:
		return w.N("payment.declined-minutes", int(ago/time.Minute))
	case ago < 24*time.Hour:
		return w.N("payment.declined-hours", int(ago/time.Hour))
	default:
		return w.N("payment.declined-days", int(ago/(24*time.Hour)))
	}
}

func (s *Server) choosePayment(c *call) error {
	choice := c.form.Get("instrument")
	if choice == "" {
		return s.renderPayment(c, http.StatusUnprocessableEntity, c.words.T("payment.missing"))
	}
	v, err := s.Processor.ChooseInstrument(c.r.Context(), c.visit.ID, c.sender.ID, payment.InstrumentID(choice))
	if isRefusal(err) {
		return s.renderPayment(c, http.StatusUnprocessableEntity, c.words.T("payment.refused"))
	}
	if err != nil {
		return err
	}
	return s.proceed(c, v)
}

// addBank adds the sandbox's bank account to the sender's instruments and
// chooses it.
func (s *Server) addBank(c *call) error {
	if c.sender.Guest {
		return c.redirect("payment")
	}
	bank, err := s.Processor.AddSandboxBank(c.r.Context(), c.started.caller.Sandbox, c.sender)
	if err != nil {
		return err
	}
	v, err := s.Processor.ChooseInstrument(c.r.Context(), c.visit.ID, c.sender.ID, bank.ID)
	if err != nil {
		return err
	}
	return s.proceed(c, v)
}

// callerNow returns the time by the caller's clock.
func (s *Server) callerNow(c *call) time.Time {
	return c.started.caller.Now(processor.Micro(s.Now()))
}
