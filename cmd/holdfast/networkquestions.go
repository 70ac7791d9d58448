package main

import (
	"context"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type networkQuestions struct {
	storeFlags
	Caller string `help:"List those of this caller only." placeholder:"ID"`
	All    bool   `help:"List also those that the network has accepted and decides later."`
	Max    int    `help:"List at most this many." default:"100" placeholder:"ROWS"`
	listOutput
}

// Validate is called by kong. A wrong value ends with exitMisused.
func (v networkQuestions) Validate() error { return checkMax(v.Max) }

func (networkQuestions) Help() string {
	return `The outcome of these payments is not known, because the card network has not answered. The server asks each
question again at the time that is shown. Asking again never holds or charges twice. holdfast find ID shows what has
happened to a payment and what can be done; holdfast network check asks whether the network answers.`
}

// A questionRow is a question as --json and --csv print it. Its times are real time.
type questionRow struct {
	TransactionID holdfast.TransactionID   `json:"transactionId"`
	CallerID      party.CallerID           `json:"callerId"`
	Reference     holdfast.CallerReference `json:"reference,omitempty"`
	Amount        dollars                  `json:"amount"`
	Question      payment.Step             `json:"question"`
	InDoubt       bool                     `json:"inDoubt"`
	Asked         int                      `json:"asked"`
	Since         time.Time                `json:"since"`
	Next          time.Time                `json:"next"`
}

func (r questionRow) cells() []string {
	state := "accepted"
	if r.InDoubt {
		state = "in doubt"
	}
	return []string{
		string(r.TransactionID), string(r.CallerID), string(r.Reference), r.Amount.String(), string(r.Question), state,
		strconv.Itoa(r.Asked), r.Since.UTC().Format(shortLayout), r.Next.UTC().Format(shortLayout),
	}
}

func (r questionRow) record() []string {
	return []string{
		string(r.TransactionID), string(r.CallerID), string(r.Reference), decimal(r.Amount), string(r.Question),
		strconv.FormatBool(r.InDoubt), strconv.Itoa(r.Asked), timeCell(r.Since), timeCell(r.Next),
	}
}

func (v networkQuestions) Run(ctx context.Context, w world) error {
	db, callers, err := v.openForAll(ctx, v.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	clocks := make(map[party.CallerID]time.Duration)
	var of party.CallerID
	for _, c := range callers {
		if clocks[c.ID] = c.ClockOffset; v.Caller != "" {
			of = c.ID
		}
	}
	now := processor.Micro(w.Now())
	var rows []questionRow
	place := &store.QuestionPlace{}
	for place != nil && len(rows) < v.Max {
		var page []store.Question
		from := *place
		err := db.View(ctx, func(tx *store.ReadTx) (err error) {
			page, place, err = tx.Questions(of, !v.All, now, from, v.Max-len(rows))
			return err
		})
		if err != nil {
			return err
		}
		for _, q := range page {
			rows = append(rows, questionRow{
				TransactionID: q.Transaction, CallerID: q.Caller, Reference: q.Reference, Amount: dollars(q.Amount),
				Question: q.Step, InDoubt: q.InDoubt(now), Asked: q.Asked, Since: q.Since.Add(-clocks[q.Caller]), Next: q.Next,
			})
		}
	}
	err = printList(w, v.listOutput, rows,
		[]string{
			"transaction_id", "caller_id", "reference", "amount", "question", "in_doubt", "asked", "since", "next",
		},
		[]string{"TRANSACTION", "CALLER", "REFERENCE", "AMOUNT", "QUESTION", "STATE", "ASKED", "SINCE", "NEXT"})
	return sayMore(w, v.Max, place != nil, err)
}
