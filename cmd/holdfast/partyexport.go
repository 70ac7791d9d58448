package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

type partyFind struct {
	storeFlags
	Text string `arg:"" help:"Find the account and the guests with this e-mail address, or the party with this id."`
	JSON bool   `name:"json" help:"Print one line of JSON for each."`
}

// partiesMax is how many guests with one e-mail address are shown.
const partiesMax = 1000

func (v partyFind) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	var found []party.Party
	err = db.View(ctx, func(tx *store.ReadTx) error {
		found, err = tx.FindParties(v.Text, partiesMax)
		return err
	})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("there is no party with the e-mail address or the id %s", oneLine(v.Text))
	}
	return printParties(w, found, v.JSON)
}

// partyFlags choose a party by its id or e-mail address.
type partyFlags struct {
	storeFlags
	Email string   `help:"Choose the account by its e-mail address." required:"" xor:"party" placeholder:"EMAIL"`
	Party party.ID `help:"Choose the account or the guest by its id." required:"" xor:"party" placeholder:"ID"`
}

// choose opens the store and finds the party.
func (f partyFlags) choose(ctx context.Context) (*store.DB, party.Party, error) {
	db, err := f.open(ctx)
	if err != nil {
		return nil, party.Party{}, err
	}
	found, err := chooseParty(ctx, db.Reader, f.Party, f.Email)
	if err != nil {
		return nil, party.Party{}, errors.Join(err, db.Close())
	}
	return db, found, nil
}

type partyExport struct {
	partyFlags
	File string `arg:"" optional:"" help:"Write into this new file; by default to standard output."`
}

func (partyExport) Help() string {
	return `The export is JSON. It has all that the server keeps about a party: its account, addresses, cards (brand and
last four digits), how it may sign in, sessions, letters and mails, visits, authorisations, payments, what it may do
in the console, approvals, its entries in the audit log, and what others have done to it. It leaves out everything
that lets a reader in: secrets, and the codes and links in mails.`
}

func (v partyExport) Run(ctx context.Context, w world) (err error) {
	db, found, err := v.choose(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	to := w.Out
	if v.File != "" {
		file, err := os.OpenFile(v.File, os.O_CREATE|os.O_EXCL|os.O_WRONLY, privateMode)
		if err != nil {
			return fmt.Errorf("making the file: %w", err)
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		to = file
	}
	buffered := bufio.NewWriter(to)
	if err := clerk(db, w).ExportParty(ctx, found.ID, buffered); err != nil {
		return err
	}
	return buffered.Flush()
}

type partyErase struct {
	partyFlags
	Yes bool `help:"Erase it. Without this flag, the command says only what stands in the way."`
}

func (partyErase) Help() string {
	return `Erasing removes the name, e-mail address, addresses, cards, passkeys, sessions and mails of a party, cancels its
authorisations and closes its account. It cannot be taken back. The payments stay in the books, with a party that has
no name. It is refused while a payment is open, or money is in the account or on a prepaid instrument.`
}

func (v partyErase) Run(ctx context.Context, w world) error {
	db, found, err := v.choose(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	p := clerk(db, w)
	if v.Yes {
		if err := p.EraseParty(ctx, found.ID); err != nil {
			return err
		}
		fmt.Fprintf(w.Out, "The personal data of %s is erased.\n", found.ID)
		return nil
	}
	obstacles, err := p.EraseObstacles(ctx, found.ID)
	if err != nil {
		return err
	}
	for _, o := range obstacles {
		fmt.Fprintln(w.Out, oneLine(o.String()))
	}
	if len(obstacles) == 0 {
		fmt.Fprintf(w.Out, "Nothing stands in the way of erasing the personal data of %s. To do it, add --yes.\n", found.ID)
	}
	return nil
}

type partySignOut struct{ partyFlags }

func (v partySignOut) Run(ctx context.Context, w world) error {
	db, found, err := v.choose(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	ended, err := clerk(db, w).SignOutParty(ctx, "", found.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(w.Out, "%s is signed out in %s.\n", found.ID, counted(ended, "browser"))
	return nil
}
