package account

import (
	"cmp"
	"slices"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// incoming has the holds for a seller, those with the nearest deadlines first.
type incoming struct {
	seller bool // the account is a business, or has callers
	holds  []sale
	more   bool // there are more holds, or there may be
}

// A sale is a hold for a seller.
type sale struct {
	hold
	buyer    string
	deadline time.Time // by real time
}

// incoming reads the holds for the party that its own callers and others have
// made.
func (s *Server) incoming(tx *store.ReadTx, p party.Party) (in incoming, err error) {
	own, err := tx.CallersOf(p.ID)
	if err != nil {
		return in, err
	}
	in.seller = p.Business || len(own) > 0
	if !in.seller {
		return in, nil
	}
	open, all, err := tx.HeldFor(p.ID, holdsMax+1)
	if err != nil {
		return in, err
	}
	in.more = !all || len(open) > holdsMax
	for _, caller := range own {
		held, all, err := tx.HeldBy(caller.ID, p.ID, holdsMax+1)
		if err != nil {
			return in, err
		}
		in.more = in.more || !all || len(held) > holdsMax
		open = append(open, held...)
	}
	if in.holds, err = s.sales(tx, open, p); err != nil {
		return in, err
	}
	slices.SortFunc(in.holds, func(a, b sale) int {
		return cmp.Or(a.deadline.Compare(b.deadline), cmp.Compare(a.ID, b.ID))
	})
	if len(in.holds) > holdsMax {
		in.holds, in.more = in.holds[:holdsMax], true
	}
	return in, nil
}

// sales returns the transactions that are still held for a recipient.
func (s *Server) sales(tx *store.ReadTx, open []payment.Transaction, recipient party.Party) (sales []sale, err error) {
	real := processor.Micro(s.Now())
	for _, t := range open {
		caller, _, err := tx.Caller(t.Caller)
		if err != nil {
			return nil, err
		}
		held := t.AsOf(caller.Now(real)).State == payment.Reserved
		if !held || caller.Sandbox == s.Processor.Live {
			continue
		}
		buyer, _, err := tx.Party(t.Sender)
		if err != nil {
			return nil, err
		}
		token, _, err := tx.Token(t.Token)
		if err != nil {
			return nil, err
		}
		sales = append(sales, sale{
			hold:  hold{Transaction: t, caller: caller, recipient: recipient.Name, reason: token.Reason},
			buyer: buyer.Name, deadline: t.Deadline.Add(-caller.Now(real).Sub(real)),
		})
	}
	return sales, nil
}

// group lists the holds. It shows their total unless some holds are omitted.
func (in incoming) group(w webui.Words, real time.Time) group {
	g := group{Heading: w.T("overview.incoming"), Empty: w.T("overview.none-incoming")}
	sum := money.Micros(0)
	for _, h := range in.holds {
		sum = money.Micros(sum.Micro + h.Open().Micro)
		g.Rows = append(g.Rows, h.row(w, real))
	}
	switch {
	case len(in.holds) == 0:
		return g
	case in.more:
		g.Text = w.T("overview.incoming-more", "N", w.Count(int64(len(in.holds))))
	default:
		g.Text = w.N("overview.incoming-sum", len(in.holds), "Amount", w.Dollars(sum))
	}
	g.Text += " " + w.T("overview.incoming-text")
	return g
}

// row shows the payer, the amount and the deadline for charging it.
func (h sale) row(w webui.Words, real time.Time) row {
	r := row{
		Title: h.buyer, Address: paymentAddress(h.Transaction), Detail: about(h.Transaction, h.Recipient, h.reason),
		Amount: w.Dollars(h.Open()), Facts: []Term{{w.T("overview.charge-by"), w.Moment(h.Deadline)}},
	}
	if r.Title == "" {
		r.Title = kindWord(w, h.Transaction)
	}
	if h.Owner == h.Recipient && h.Reference != "" {
		r.Facts = append(r.Facts, Term{w.T("history.reference"), string(h.Reference)})
	}
	if h.Owner != h.Recipient && h.caller.Name != h.recipient {
		r.Facts = append(r.Facts, Term{w.T("history.through"), h.caller.Name})
	}
	if h.caller.ClockOffset != 0 {
		r.Facts = append(r.Facts, Term{w.T("overview.shop-clock"), w.Moment(h.caller.Now(real))})
	}
	return r
}
