package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type mailVerb struct {
	List  mailList  `cmd:"" help:"List mails that have not been delivered."`
	Again mailAgain `cmd:"" help:"Send mails again that were given up."`
}

// A mailAnswer is a mail as --json prints it. It leaves out the text, which may
// contain a link that gives access to an account.
type mailAnswer struct {
	MailID  string            `json:"mailId"`
	Outcome store.MailOutcome `json:"outcome"`
	To      string            `json:"to"`
	Subject string            `json:"subject"`
	Written time.Time         `json:"written"`
	Tries   int               `json:"tries"`
	NextTry time.Time         `json:"nextTry,omitzero"`
	Failure string            `json:"failure,omitempty"`
}

func describeMail(m store.Mail) mailAnswer {
	a := mailAnswer{
		MailID: m.ID, Outcome: m.Outcome, To: m.To, Subject: m.Subject, Written: m.Created, Tries: m.Tries,
		Failure: m.Failure,
	}
	if m.Outcome == store.MailWaiting {
		a.NextTry = m.NextAt
	}
	return a
}

func (a mailAnswer) cells() []string {
	return []string{
		a.MailID, string(a.Outcome), a.To, a.Written.UTC().Format(shortLayout), a.Subject, strconv.Itoa(a.Tries), a.Failure,
	}
}

type mailList struct {
	storeFlags
	Outcome store.MailOutcome `help:"List only these: Waiting, GivenUp, or Kept in the inbox of a sandbox." enum:"Waiting,GivenUp,Kept," default:"" placeholder:"OUTCOME"`
	Max     int               `help:"List at most this many, the newest first." default:"100" placeholder:"ROWS"`
	JSON    bool              `name:"json" help:"Print one line of JSON for each."`
}

// Validate is called by kong. A wrong value ends with exitMisused.
func (v mailList) Validate() error { return checkMax(v.Max) }

func (v mailList) Run(ctx context.Context, w world) (err error) {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	var mails []store.Mail
	err = db.View(ctx, func(tx *store.ReadTx) (err error) {
		mails, err = tx.Mails(v.Outcome, v.Max+1)
		return err
	})
	if err != nil {
		return err
	}
	table := newColumns(w.Out, "MAIL", "OUTCOME", "TO", "WRITTEN", "SUBJECT", "TRIES", "FAILURE")
	defer func() { err = errors.Join(err, table.Flush()) }()
	for _, m := range mails[:min(len(mails), v.Max)] {
		a := describeMail(m)
		if !v.JSON {
			table.row(a.cells()...)
		} else if err := printJSON(w.Out, a); err != nil {
			return err
		}
	}
	return sayMore(w, v.Max, len(mails) > v.Max, nil)
}

type mailAgain struct {
	storeFlags
	All  bool     `help:"Send all that were given up."`
	JSON bool     `name:"json" help:"Print one line of JSON."`
	ID   []string `arg:"" optional:"" help:"Send the mails with these ids, which holdfast mail list shows."`
}

func (v mailAgain) Run(ctx context.Context, w world) error {
	if v.All == (len(v.ID) > 0) {
		return errors.New("which mails? Give their ids, or --all")
	}
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	var queued int
	err = db.Update(ctx, func(tx *store.Tx) error {
		if queued, err = v.queue(tx, w.Now()); err != nil {
			return err
		}
		return tx.Log(party.AuditEntry{
			Action: "mail.send_again", After: party.Facts{"mails": strconv.Itoa(queued), "ids": strings.Join(v.ID, " ")},
		}, w.Now())
	})
	if err != nil {
		return err
	}
	if v.JSON {
		return printJSON(w.Out, map[string]int{"queued": queued})
	}
	fmt.Fprintf(w.Out, "%d to be sent again\n", queued)
	return nil
}

func (v mailAgain) queue(tx *store.Tx, now time.Time) (int, error) {
	if v.All {
		return tx.SendMailsAgain(now)
	}
	for _, id := range v.ID {
		again, err := tx.SendMailAgain(id, now)
		if err != nil {
			return 0, err
		}
		if !again {
			return 0, fmt.Errorf("there is no mail %s that was given up; nothing is sent again", id)
		}
	}
	return len(v.ID), nil
}
