package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type findVerb struct {
	storeFlags
	Caller string   `help:"Search this caller only." placeholder:"ID"`
	Max    int      `help:"List at most this many of each kind." default:"20" placeholder:"ROWS"`
	JSON   bool     `name:"json" help:"Print one line of JSON for each; the only hold or payment comes with everything about it." xor:"form"`
	CSV    bool     `name:"csv" help:"Print a CSV file, with times in UTC and amounts in dollars." xor:"form"`
	Words  []string `arg:"" help:"Give an order number or another reference, an id, an e-mail address, the last four digits of a card with the amount, or a card network's id."`
}

// Help is the help of the verb.
func (findVerb) Help() string {
	return `If only one hold or payment is found, the answer has everything that happened to it, and the
commands for what can be done now. They need the same --store or --data; token cancel asks a
server, with --server and the access key of the caller. A refund takes --amount for a part.

Examples:

    holdfast find order 4711 --store holdfast.db
    holdfast find ann@example.com --store holdfast.db
    holdfast find 4242 12.50 --store holdfast.db
`
}

// findMax is the largest number of rows of each kind.
const findMax = 200

// Validate is called by kong. A wrong value ends with exitMisused.
func (v findVerb) Validate() error {
	if v.Max < 1 || v.Max > findMax {
		return fmt.Errorf("--max: give a number from 1 to %d", findMax)
	}
	return nil
}

// errNotFound ends a search that has found nothing.
var errNotFound = errors.New("nothing was found")

func (v findVerb) Run(ctx context.Context, w world) error {
	q, err := payment.ParseQuery(strings.Join(v.Words, " "))
	if err != nil {
		return misuseError{err}
	}
	db, callers, err := v.openForAll(ctx, v.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	p := clerk(db, w)
	var found processor.Found
	var only *processor.Case
	err = db.View(ctx, func(tx *store.ReadTx) error {
		only = nil
		if found, err = p.Find(tx, callers, q, v.Max); err != nil {
			return err
		}
		if one, ok := found.Only(); ok {
			c, ok, err := p.CaseOf(tx, one.Caller, holdfast.TransactionID(one.ID))
			if err != nil || !ok {
				return err
			}
			only = &c
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case len(found.All) == 0:
		err = errNotFound
	case only != nil && !v.JSON && !v.CSV:
		err = printCase(w.Out, *only, len(callers) > 1 || v.Caller != "")
	default:
		err = printList(w, listOutput{JSON: v.JSON, CSV: v.CSV}, describeFindings(found, only), findColumns,
			[]string{"KIND", "ID", "CALLER", "REFERENCE", "STATE", "AMOUNT", "OPEN", "CREATED", "BUYER", "CARD"})
	}
	if found.More {
		fmt.Fprintln(w.Err,
			"There may be more: search for more words, choose the caller with --caller, or give a larger --max.")
	}
	return err
}

// A findAnswer is an object that was found, as --json prints it.
type findAnswer struct {
	Kind      processor.FindingKind    `json:"kind"`
	ID        string                   `json:"id"`
	CallerID  party.CallerID           `json:"callerId"`
	Reference holdfast.CallerReference `json:"reference,omitempty"`
	State     string                   `json:"state"`
	Message   string                   `json:"message,omitempty"`
	Amount    dollars                  `json:"amount,omitzero"`
	Open      dollars                  `json:"open,omitzero"`
	Created   time.Time                `json:"created,omitzero"`
	Deadline  time.Time                `json:"deadline,omitzero"`
	Buyer     string                   `json:"buyer,omitempty"`
	Email     string                   `json:"email,omitempty"`
	Card      string                   `json:"card,omitempty"`
	*caseAnswer
}

func describeFinding(f processor.Finding) findAnswer {
	a := findAnswer{
		Kind: f.Kind, ID: f.ID, CallerID: f.Caller, Reference: f.Reference, State: f.State, Message: f.Message,
		Amount: dollars(f.Amount), Open: dollars(f.Open), Created: f.Created, Deadline: f.Deadline, Buyer: f.Buyer.Name,
		Email: f.Buyer.Email, Card: cardText(f.Card),
	}
	if f.Kind != processor.FoundHold {
		a.Open = dollars{}
	}
	return a
}

// cardText is the brand and the last four digits of a card, or the kind of another
// instrument.
func cardText(i payment.Instrument) string {
	switch {
	case i.ID == "":
		return ""
	case i.Last4 == "":
		return string(i.Method)
	}
	return strings.TrimSpace(i.Brand + " " + i.Last4)
}

// describeFindings describes what was found. The only hold or payment comes with
// everything about it.
func describeFindings(found processor.Found, only *processor.Case) []findAnswer {
	answers := make([]findAnswer, len(found.All))
	for i, f := range found.All {
		answers[i] = describeFinding(f)
	}
	if only != nil {
		more := describeCase(*only)
		answers[0].caseAnswer = &more
	}
	return answers
}

var findColumns = []string{
	"kind", "id", "caller_id", "reference", "state", "amount", "open", "created", "deadline", "buyer", "email", "card",
	"message",
}

// record is a row of a CSV file.
func (a findAnswer) record() []string {
	return []string{
		string(a.Kind), a.ID, string(a.CallerID), string(a.Reference), a.State, decimalOrNone(a.Amount),
		decimalOrNone(a.Open), timeCell(a.Created), timeCell(a.Deadline), a.Buyer, a.Email, a.Card, a.Message,
	}
}

// cells is a row of a table.
func (a findAnswer) cells() []string {
	return []string{
		string(a.Kind), a.ID, string(a.CallerID), string(a.Reference), a.State, a.Amount.String(), a.Open.String(),
		a.Created.UTC().Format(shortLayout), named(a.Buyer, a.Email), a.Card,
	}
}
