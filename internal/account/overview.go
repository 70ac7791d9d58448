package account

import (
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// A hold is a payment that has not ended, with its caller, whose clock applies.
type hold struct {
	payment.Transaction
	caller    party.Caller
	recipient string
	reason    string // of the token
}

// holdsMax limits how many open payments are shown.
const holdsMax = 50

// showOverview shows the balance, the open payments and the tasks.
func (s *Server) showOverview(c *call) error {
	var balance money.Amount
	var holds []hold
	var methods []payment.Instrument
	var sales incoming
	var month takings
	err := s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		if balance, err = processor.ReadBalance(tx, c.Party.ID, !s.Processor.Live); err != nil {
			return err
		}
		if holds, err = s.holds(tx, c.Party.ID); err != nil {
			return err
		}
		if sales, err = s.incoming(tx, c.Party); err != nil {
			return err
		}
		if sales.seller {
			if month, err = s.takings(tx, c.Party.ID); err != nil {
				return err
			}
		}
		methods, err = tx.Instruments(c.Party.ID)
		methods = payment.Lasting(methods)
		return err
	})
	if err != nil {
		return err
	}
	w := c.words
	page := listPage{
		Heading: w.T("overview.heading"), Done: c.done(),
		Groups: []group{
			{
				Heading: w.T("overview.balance"), Text: w.Dollars(balance), Large: true,
				Links: []link{{Label: w.T("overview.history"), Address: Root + "history"}},
			},
		},
	}
	if sales.seller {
		page.Groups = append(page.Groups, month.group(w, s.Now()), sales.group(w, s.Now()))
	}
	if !sales.seller || len(holds) > 0 {
		page.Groups = append(page.Groups, s.openGroup(w, holds))
	}
	if doing := s.toDo(c, methods, sales.seller); len(doing) > 0 {
		page.Groups = append([]group{{Heading: w.T("overview.to-do"), Rows: doing}}, page.Groups...)
	}
	return s.renderList(c, "", page)
}

// toDo returns the tasks that are left to set up the account.
func (s *Server) toDo(c *call, methods []payment.Instrument, seller bool) (rows []row) {
	w := c.words
	if !c.Party.EmailVerified && s.Processor.Identity.Letters != nil {
		r := row{
			Title: w.T("overview.verify"), Detail: w.T("overview.verify-text", "Email", c.Party.Email),
			Links: []link{{Label: w.T("overview.verify-link"), Address: Root + "verify"}},
		}
		if c.Party.MayPay(s.Now()) {
			r.Facts = []Term{{w.T("overview.verify-by"), w.Moment(c.Party.VerifyBy)}}
		}
		rows = append(rows, r)
	}
	if c.Party.Name == "" { // the account was made from a guest
		rows = append(rows, row{
			Title: w.T("overview.add-name"), Detail: w.T("profile.name-hint"),
			Links: []link{{Label: w.T("overview.add-name-link"), Address: Root + "profile/name"}},
		})
	}
	if len(methods) <= 1 && !seller { // every account has a balance
		rows = append(rows, row{
			Title: w.T("overview.add-method"), Detail: w.T("overview.add-method-text"),
			Links: []link{{Label: w.T("methods.add-card"), Address: Root + "methods/card"}},
		})
	}
	return rows
}

// holds reads a party's payments that have not ended by their callers' clocks.
func (s *Server) holds(tx *store.ReadTx, user party.ID) (holds []hold, err error) {
	open, err := tx.OpenOf(user, holdsMax)
	if err != nil {
		return nil, err
	}
	real := processor.Micro(s.Now())
	for _, t := range open {
		caller, found, err := tx.Caller(t.Caller)
		if err != nil || !found {
			return nil, errors.Join(err, fmt.Errorf("reading caller %s of a payment (found %t)", t.Caller, found))
		}
		if t = t.AsOf(caller.Now(real)); t.State.Final() {
			continue
		}
		recipient, _, err := tx.Party(t.Recipient)
		if err != nil {
			return nil, err
		}
		token, _, err := tx.Token(t.Token)
		if err != nil {
			return nil, err
		}
		holds = append(holds, hold{Transaction: t, caller: caller, recipient: recipient.Name, reason: token.Reason})
	}
	return holds, nil
}

func (s *Server) openGroup(w webui.Words, holds []hold) group {
	g := group{Heading: w.T("overview.open"), Text: w.T("overview.open-text"), Empty: w.T("overview.none-open")}
	for _, h := range holds {
		g.Rows = append(g.Rows, h.row(w, s.Now()))
	}
	return g
}

// row shows a hold's caller, amount and deadline by the caller's clock.
func (h hold) row(w webui.Words, real time.Time) row {
	r := row{
		Title: h.caller.Name, Address: paymentAddress(h.Transaction), Detail: about(h.Transaction, h.Sender, h.reason),
		Mark: stateWord(w, h.Transaction, h.Sender), Amount: w.Dollars(shownAmount(h.Transaction)),
	}
	if h.Recipient != h.Owner && h.recipient != h.caller.Name {
		r.Facts = append(r.Facts, Term{w.T("term.paid-to"), h.recipient})
	}
	if h.State == payment.Reserved {
		r.Facts = append(r.Facts, Term{w.T("overview.until"), w.Moment(h.Deadline)})
		if h.caller.ClockOffset != 0 {
			r.Facts = append(r.Facts, Term{w.T("overview.shop-clock"), w.Moment(h.caller.Now(real))})
		}
	}
	return r
}

// about is the purpose of a transaction in its caller's words. A caller writes
// one description for the sender and the recipient, and one for itself. Without
// a description, it is the reason of the sender's token, which other recipients
// do not see.
func about(t payment.Transaction, reader party.ID, reason string) string {
	switch {
	case reader == t.Owner && t.CallerDescription != "":
		return t.CallerDescription
	case t.SenderDescription != "" || reader != t.Owner && reader != t.Sender:
		return t.SenderDescription
	}
	return reasonText(reason)
}

// stateWord is the state of a transaction, for one of its parties.
func stateWord(w webui.Words, t payment.Transaction, reader party.ID) tag {
	switch t.State.Status() {
	case holdfast.StatusPending:
		return tag{w.T("state.pending"), wait}
	case holdfast.StatusReserved:
		return tag{w.T("state.held"), wait}
	case holdfast.StatusFailure:
		return tag{w.T("state.failed"), wrong}
	case holdfast.StatusCancelled:
		return tag{w.T("state.cancelled"), quiet}
	case holdfast.StatusSuccess:
	}
	switch t.Flow(reader) {
	case -1:
		return tag{w.T("state.paid"), good}
	case 1:
		return tag{w.T("state.received"), good}
	}
	return tag{w.T("state.done"), good}
}
