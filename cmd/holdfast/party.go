package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/processor"
)

type partyVerb struct {
	Create partyCreate `cmd:"" help:"Make a party."`
}

type partyCreate struct {
	storeFlags
	Name         string `help:"Shown to the other side." required:""`
	Email        string `help:"To sign in with." required:""`
	PasswordFile string `help:"File whose first line is the password; - is standard input." default:"-" placeholder:"FILE"`
	JSON         bool   `name:"json" help:"Print one line of JSON."`
}

func (v partyCreate) Run(ctx context.Context, w world) error {
	password, err := readSecret(v.PasswordFile)
	if err != nil {
		return fmt.Errorf("--password-file: %w", err)
	}
	db, err := v.create(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	made, err := clerk(db, w).CreateParty(ctx, processor.NewParty{Name: v.Name, Email: v.Email, Password: password})
	if err != nil {
		return err
	}
	if v.JSON {
		return printJSON(w.Out, struct {
			PartyID party.ID `json:"partyId"`
			Name    string   `json:"name"`
			Email   string   `json:"email"`
		}{made.ID, made.Name, made.Email})
	}
	fmt.Fprintf(w.Out, "party %s: %s <%s>\n", made.ID, made.Name, made.Email)
	return nil
}

const secretBytesMax = 4096

// readSecret reads the first line of a file, "-" being standard input. Secrets
// come in files, since others on the machine can read a command line.
func readSecret(name string) (string, error) {
	file := os.Stdin
	if name != "-" {
		opened, err := os.Open(name)
		if err != nil {
			return "", err
		}
		defer opened.Close()
		file = opened
	}
	line, err := bufio.NewReader(io.LimitReader(file, secretBytesMax)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	if line == "" {
		return "", errors.New("the first line is empty")
	}
	return line, nil
}
