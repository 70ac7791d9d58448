package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast/internal/store"
)

type mailVerb struct {
	List  mailList  `cmd:"" help:"List the mails that have not arrived."`
	Again mailAgain `cmd:"" help:"Send mails again that were given up."`
}

// A mailAnswer is a mail as --json prints it. Its text is not for operators:
// there may be a link in it that lets its reader in.
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
		MailID: m.ID, Outcome: m.Outcome, To: m.To, Subject: m.Subject, Written: m.Created, Tries: m.Tries, Failure: m.Failure,
	}
	if m.Outcome == store.MailWaiting {
		a.NextTry = m.NextAt
	}
	return a
}

func (a mailAnswer) cells() []string {
	tries := "no try yet"
	if a.Tries > 0 {
		tries = "tries: " + strconv.Itoa(a.Tries)
	}
	return []string{a.MailID, string(a.Outcome), a.To, a.Written.UTC().Format(shortLayout), a.Subject, tries, a.Failure}
}

type mailList struct {
	storeFlags
	Outcome store.MailOutcome `help:"Only these: Waiting, GivenUp, or Kept in the inbox of a sandbox." enum:"Waiting,GivenUp,Kept," default:"" placeholder:"OUTCOME"`
	Max     int               `help:"How many to list, the newest first; 100 by default." default:"100" placeholder:"ROWS"`
	JSON    bool              `name:"json" help:"Print one line of JSON for each."`
}

func (v mailList) Run(ctx context.Context, w world) (err error) {
	if v.Max < 1 || v.Max > rowsMax {
		return fmt.Errorf("--max: give a number from 1 to %d", rowsMax)
	}
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	var mails []store.Mail
	err = db.View(ctx, func(tx *store.ReadTx) (err error) {
		mails, err = tx.Mails(v.Outcome, v.Max)
		return err
	})
	if err != nil {
		return err
	}
	table := newColumns(w.Out)
	defer func() { err = errors.Join(err, table.Flush()) }()
	for _, m := range mails {
		a := describeMail(m)
		if !v.JSON {
			table.row(a.cells()...)
		} else if err := printJSON(w.Out, a); err != nil {
			return err
		}
	}
	return nil
}

type mailAgain struct {
	storeFlags
	All bool     `help:"All that were given up."`
	ID  []string `arg:"" optional:"" help:"Their ids; holdfast mail list has them."`
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
		queued, err = v.queue(tx, w.Now())
		return err
	})
	if err != nil {
		return err
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
