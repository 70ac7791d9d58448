package main

import (
	"context"
	"fmt"
)

type partyPassword struct {
	storeFlags
	Email        string `help:"Choose the party by its e-mail address." required:"" placeholder:"EMAIL"`
	PasswordFile string `help:"Read the new password from the first line of this file; - is standard input." default:"-" placeholder:"FILE"`
}

func (v partyPassword) Run(ctx context.Context, w world) error {
	password, err := readSecret(v.PasswordFile)
	if err != nil {
		return fmt.Errorf("--password-file: %w", err)
	}
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	found, err := partyByEmail(ctx, db.Reader, v.Email)
	if err != nil {
		return err
	}
	if err := clerk(db, w).Identity.GivePassword(ctx, found.ID, password); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w.Out, "%s has a new password, and is signed out everywhere\n", found.Email)
	return err
}
