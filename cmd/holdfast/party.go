package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
)

type partyVerb struct {
	Create   partyCreate   `cmd:"" help:"Create a party."`
	Set      partySet      `cmd:"" help:"Change what a party may do, and how much."`
	Password partyPassword `cmd:"" help:"Set a new password, and sign the party out everywhere."`
	Deposit  partyDeposit  `cmd:"" help:"Put sandbox money into a party's balance."`
	List     partyList     `cmd:"" help:"List parties."`
	Find     partyFind     `cmd:"" help:"Find a party by its e-mail address or id."`
	SignOut  partySignOut  `cmd:"" help:"Sign a party out everywhere."`
	Export   partyExport   `cmd:"" help:"Write everything that is kept about a party as JSON."`
	Erase    partyErase    `cmd:"" help:"Erase the personal data of a party."`
}

// A partyAnswer is a party as --json prints it. Limits are monthly; an empty
// one means no limit.
type partyAnswer struct {
	PartyID        party.ID       `json:"partyId"`
	Name           string         `json:"name"`
	Email          string         `json:"email"`
	Standing       party.Standing `json:"standing"`
	Business       bool           `json:"business"`
	Verified       bool           `json:"verified"`
	EmailVerified  bool           `json:"emailVerified"`
	Guest          bool           `json:"guest,omitzero"`
	SendingLimit   dollars        `json:"sendingLimit,omitzero"`
	ReceivingLimit dollars        `json:"receivingLimit,omitzero"`
}

func describeParty(p party.Party) partyAnswer {
	return partyAnswer{
		PartyID: p.ID, Name: p.Name, Email: p.Email, Standing: p.Standing, Business: p.Business,
		Verified: p.Verified, EmailVerified: p.EmailVerified, Guest: p.Guest,
		SendingLimit: dollars(p.SendingLimit), ReceivingLimit: dollars(p.ReceivingLimit),
	}
}

func (a partyAnswer) facts() []fact {
	facts := []fact{
		{"party", string(a.PartyID)},
		{"name", a.Name},
		{"e-mail", a.Email},
		{"standing", string(a.Standing)},
		{"business", strconv.FormatBool(a.Business)},
		{"verified", strconv.FormatBool(a.Verified)},
		{"e-mail verified", strconv.FormatBool(a.EmailVerified)},
		{"sending limit", or(a.SendingLimit.String(), "none")},
		{"receiving limit", or(a.ReceivingLimit.String(), "none")},
	}
	if a.Guest {
		facts = append(facts, fact{"guest", "true"})
	}
	return facts
}

type partyCreate struct {
	storeFlags
	Name         string `help:"Show the other side this name." required:"" placeholder:"NAME"`
	Email        string `help:"Sign in with this e-mail address." required:"" placeholder:"EMAIL"`
	PasswordFile string `help:"Read the password from the first line of this file; - is standard input." default:"-" placeholder:"FILE"`
	Business     bool   `help:"Let the party be paid by card. The owner of a caller may be in any case."`
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
	made, err := clerk(db, w).Identity.CreateParty(ctx, identity.NewParty{
		Name: v.Name, Email: v.Email, Password: password, Business: v.Business,
	})
	if err != nil {
		return err
	}
	if v.JSON {
		return printJSON(w.Out, describeParty(made))
	}
	fmt.Fprintf(w.Out, "party %s: %s <%s>\n", made.ID, made.Name, made.Email)
	return nil
}

const secretBytesMax = 4096

// readSecret reads the first line of a file, "-" being standard input. Secrets
// come in files, because other users of the machine can read a command line.
// They must not be able to read the file either.
func readSecret(name string) (string, error) {
	file := os.Stdin
	if name != "-" {
		opened, err := openSecret(name)
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
	if strings.HasPrefix(line, "\xff\xfe") || strings.HasPrefix(line, "\xfe\xff") {
		return "", errors.New("the file is UTF-16; save it as UTF-8")
	}
	line = strings.TrimRight(strings.TrimPrefix(line, byteOrderMark), "\r\n")
	if line == "" {
		return "", errors.New("the first line is empty")
	}
	return line, nil
}

const byteOrderMark = "\ufeff" // editors on Windows begin a file with it

// readKey is readSecret for a caller's secret key, which has no blanks.
func readKey(name string) (string, error) {
	line, err := readSecret(name)
	if err != nil {
		return "", err
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", errors.New("the first line is empty")
	}
	return line, nil
}
