package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

// A caseAnswer is everything about a hold or a payment, as --json prints it in
// addition to the hold or the payment.
type caseAnswer struct {
	TokenID  holdfast.TokenID        `json:"tokenId,omitempty"`
	Network  []networkPaymentAnswer  `json:"network"`
	Related  []caseTransactionAnswer `json:"related"`
	Possible []possibleAnswer        `json:"possible"`
	Timeline []entryAnswer           `json:"timeline"`
}

// A caseTransactionAnswer is a refund, a fee or a dispute.
type caseTransactionAnswer struct {
	TransactionID holdfast.TransactionID `json:"transactionId"`
	Kind          payment.Kind           `json:"kind"`
	Of            holdfast.TransactionID `json:"of"`
	State         payment.State          `json:"state"`
	Amount        dollars                `json:"amount"`
}

// A possibleAnswer says whether an action is possible now.
type possibleAnswer struct {
	Action   payment.Action `json:"action"`
	Possible bool           `json:"possible"`
	Why      payment.Reason `json:"why,omitempty"`
	Amount   dollars        `json:"amount,omitzero"`
	Until    time.Time      `json:"until,omitzero"`
}

// An entryAnswer is an entry of the timeline.
type entryAnswer struct {
	At       time.Time           `json:"at"`
	Kind     processor.EntryKind `json:"kind"`
	Object   string              `json:"object,omitempty"`
	What     string              `json:"what"`
	Result   string              `json:"result,omitempty"`
	Code     string              `json:"code,omitempty"`
	Message  string              `json:"message,omitempty"`
	Amount   dollars             `json:"amount,omitzero"`
	Postings []postingAnswer     `json:"postings,omitempty"`
	URL      string              `json:"url,omitempty"`
	To       string              `json:"to,omitempty"`
	Tries    int                 `json:"tries,omitempty"`
	Actor    string              `json:"actor,omitempty"`
}

// A postingAnswer is money that a step has moved.
type postingAnswer struct {
	From   string  `json:"from"`
	To     string  `json:"to"`
	Amount dollars `json:"amount"`
}

func describeCase(c processor.Case) caseAnswer {
	a := caseAnswer{
		TokenID: c.Token.ID, Network: []networkPaymentAnswer{}, Related: []caseTransactionAnswer{},
		Possible: []possibleAnswer{}, Timeline: []entryAnswer{},
	}
	for _, n := range c.Network {
		a.Network = append(a.Network, describeNetworkPayment(n))
	}
	for _, t := range c.Related {
		a.Related = append(a.Related, caseTransactionAnswer{t.ID, t.Kind, t.Parent, t.State, dollars(t.Amount)})
	}
	for _, p := range c.Possible {
		a.Possible = append(a.Possible, possibleAnswer{p.Action, p.OK(), p.Why, dollars(p.Amount), p.Until})
	}
	for _, e := range c.Timeline {
		one := entryAnswer{
			At: e.At, Kind: e.Kind, Object: e.Object, What: e.What, Result: e.Result, Code: e.Code, Message: e.Message,
			Amount: dollars(e.Amount), URL: e.URL, To: e.To, Tries: e.Tries, Actor: e.Actor,
		}
		for _, p := range e.Postings {
			one.Postings = append(one.Postings, postingAnswer{string(p.From), string(p.To), dollars(p.Amount)})
		}
		a.Timeline = append(a.Timeline, one)
	}
	return a
}

// printCase prints everything about a hold or a payment for a person. The commands for
// its actions name its caller if named is set.
func printCase(to io.Writer, c processor.Case, named bool) error {
	if err := printFacts(to, caseFacts(c)); err != nil {
		return err
	}
	fmt.Fprintln(to, "\nWhat happened:")
	table := newColumns(to)
	for _, e := range c.Timeline {
		table.row(e.At.UTC().Format(shortLayout), string(e.Kind), amountWord(dollars(e.Amount)), entryText(e))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if c.More {
		fmt.Fprintln(to, "There is more than this.")
	}
	fmt.Fprintln(to, "\nWhat can be done now:")
	table = newColumns(to)
	for _, p := range c.Possible {
		command := ""
		if p.OK() {
			command = commandFor(c, p.Action, named)
		}
		table.row(strings.ReplaceAll(string(p.Action), "_", " "), possibleText(p), command)
	}
	return table.Flush()
}

// commandFor is the command for an action on a hold or a payment. It names the caller if
// named is set.
func commandFor(c processor.Case, a payment.Action, named bool) string {
	id := string(c.ID())
	if named {
		id += " --caller " + string(c.Caller.ID)
	}
	switch a {
	case payment.ActSettle, payment.ActRelease, payment.ActRenew, payment.ActRemind, payment.ActRefund:
		return "holdfast holds " + string(a) + " " + id
	case payment.ActSettlePart:
		return "holdfast holds settle " + id + " --amount AMOUNT"
	case payment.ActReleasePart:
		return "holdfast holds release " + id + " --amount AMOUNT"
	case payment.ActRaise:
		return "holdfast holds raise " + id + " --amount AMOUNT"
	case payment.ActResend:
		return "holdfast notification again " + id
	case payment.ActEndToken: // the caller itself does it, with its key
		return "holdfast token cancel " + string(c.Token.ID)
	}
	return ""
}

func amountWord(d dollars) string {
	if text := d.String(); text != "" {
		return text
	}
	return "-"
}

// entryText is an entry in words.
func entryText(e processor.Entry) string {
	words := []string{e.What, e.Result, e.Code, e.Message, e.URL, e.To}
	if e.Kind == processor.EntryWarning {
		words[0] += " before the deadline"
	}
	if e.Actor != "" {
		words = append(words, "by "+e.Actor)
	}
	if e.Tries > 1 {
		words = append(words, fmt.Sprintf("(%d tries)", e.Tries))
	}
	for _, p := range e.Postings {
		words = append(words, fmt.Sprintf("(%v from %s to %s)", p.Amount, p.From, p.To))
	}
	return strings.Join(slices.DeleteFunc(words, func(w string) bool { return w == "" }), " ")
}

func possibleText(p payment.Possible) string {
	if !p.OK() {
		return "not now: " + p.Why.Words()
	}
	text := "yes"
	if p.Amount.Given() {
		text += ", at most " + p.Amount.String()
	}
	if !p.Until.IsZero() {
		text += ", until " + moment(p.Until)
	}
	return text
}

func caseFacts(c processor.Case) []fact {
	t := c.Payment
	var facts []fact
	if c.IsHold() {
		facts = holdDetail{holdRow: describeHoldOf(c.Hold, c.Now)}.facts()
	} else {
		facts = []fact{
			{"payment", string(t.ID)},
			{"reference", string(t.Reference)},
			{"state", string(t.State)},
			{"amount", t.Amount.String()},
			{"refunded", t.Refunded.String()},
			{"received", moment(t.Received)},
			{"completed", moment(t.Completed)},
		}
	}
	facts = append(
		facts,
		fact{"why", strings.TrimSpace(string(t.StatusCode) + " " + t.StatusMessage)},
		fact{"caller", strings.TrimSpace(string(c.Caller.ID) + " " + c.Caller.Name)},
		fact{"buyer", named(c.Sender.Name, c.Sender.Email)},
		fact{"seller", named(c.Recipient.Name, c.Recipient.Email)},
		fact{"card", cardText(c.Card)},
		fact{"token", string(c.Token.ID)},
		fact{"description", t.CallerDescription},
	)
	for _, n := range c.Network {
		facts = append(facts, fact{"at the network", strings.TrimSpace(
			strings.Join([]string{n.Reference, n.Charge, n.Status, n.DeclineCode, n.Attention}, " "),
		)})
	}
	for _, r := range c.Related {
		facts = append(facts, fact{strings.ToLower(string(r.Kind)), strings.Join([]string{
			moment(r.Received), string(r.ID), r.Amount.String(), string(r.State),
		}, " ")})
	}
	return facts
}
