package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/holdfast-pay/holdfast/internal/ledger"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

type partySet struct {
	storeFlags
	Email          string          `help:"Choose the account by its e-mail address." required:"" xor:"party" placeholder:"EMAIL"`
	Party          party.ID        `help:"Choose the account or the guest by its id." required:"" xor:"party" placeholder:"ID"`
	Standing       *party.Standing `help:"Let the party take part in payments or not: Active, Suspended or Closed." enum:"Active,Suspended,Closed" placeholder:"STANDING"`
	Business       *bool           `help:"Let the party be paid by card." negatable:""`
	Verified       *bool           `help:"Confirm that you know whose account it is. Other parties neither pay nor are paid." negatable:""`
	EmailVerified  *bool           `help:"Confirm that the e-mail address is the party's." negatable:""`
	SendingLimit   *limit          `help:"Limit what the party may send in a month; none removes the limit." placeholder:"500.00"`
	ReceivingLimit *limit          `help:"Limit what the party may receive in a month; none removes the limit." placeholder:"500.00"`
	JSON           bool            `name:"json" help:"Print one line of JSON."`
}

// A limit is an amount on the command line, or none.
type limit money.Amount

// UnmarshalText reads a limit. Zero is refused: a party that may send nothing
// should be suspended.
func (l *limit) UnmarshalText(text []byte) error {
	*l = limit{}
	if string(text) == "none" {
		return nil
	}
	amount, err := money.Parse(string(text), money.USD)
	if err == nil && !amount.Positive() {
		err = errors.New("a limit is above zero, or none")
	}
	*l = limit(amount)
	return err
}

func (v partySet) Run(ctx context.Context, w world) error {
	if v.Standing == nil && v.Business == nil && v.Verified == nil && v.EmailVerified == nil && v.SendingLimit == nil &&
		v.ReceivingLimit == nil {
		return errors.New("nothing to set; see holdfast party set --help")
	}
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	found, err := chooseParty(ctx, db.Reader, v.Party, v.Email)
	if err != nil {
		return err
	}
	changed, err := clerk(db, w).Identity.ChangeParty(ctx, "", found.ID, func(p party.Party) (party.Party, error) {
		set(&p.Standing, v.Standing)
		set(&p.Business, v.Business)
		set(&p.Verified, v.Verified)
		if v.EmailVerified != nil { // no newcomer's grace outlasts the operator's word
			p.EmailVerified, p.VerifyBy = *v.EmailVerified, time.Time{}
		}
		set(&p.SendingLimit, (*money.Amount)(v.SendingLimit))
		set(&p.ReceivingLimit, (*money.Amount)(v.ReceivingLimit))
		return p, nil
	})
	if err != nil {
		return err
	}
	if v.JSON {
		return printJSON(w.Out, describeParty(changed))
	}
	return printFacts(w.Out, describeParty(changed).facts())
}

// chooseParty finds a party by its id or else by its e-mail address. Only the id
// finds a guest.
func chooseParty(ctx context.Context, r store.Reader, id party.ID, email string) (found party.Party, err error) {
	if id == "" {
		return partyByEmail(ctx, r, email)
	}
	var ok bool
	err = r.View(ctx, func(tx *store.ReadTx) error {
		found, ok, err = tx.Party(id)
		return err
	})
	if err == nil && !ok {
		err = fmt.Errorf("there is no party %s; see holdfast party list", id)
	}
	return found, err
}

type partyDeposit struct {
	storeFlags
	Email  string  `help:"Choose the party by its e-mail address." required:"" placeholder:"EMAIL"`
	Amount dollars `help:"Deposit this much." required:"" placeholder:"500.00"`
	Caller string  `help:"Use the books of this caller, if there are several." placeholder:"ID"`
	JSON   bool    `name:"json" help:"Print one line of JSON."`
}

func (v partyDeposit) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	to, err := partyByEmail(ctx, db.Reader, v.Email)
	if err != nil {
		return err
	}
	caller, err := v.choose(ctx, db.Reader, v.Caller)
	if err != nil {
		return err
	}
	if err := clerk(db, w).Deposit(ctx, caller.ID, to.ID, money.Amount(v.Amount)); err != nil {
		return err
	}
	balance, err := balanceOf(ctx, db.Reader, to.ID)
	if err != nil {
		return err
	}
	a := depositAnswer{PartyID: to.ID, CallerID: caller.ID, Amount: v.Amount, Balance: dollars(balance)}
	if v.JSON {
		return printJSON(w.Out, a)
	}
	return printFacts(w.Out, a.facts())
}

// A depositAnswer is a deposit and the balance after it, as --json prints it.
type depositAnswer struct {
	PartyID  party.ID       `json:"partyId"`
	CallerID party.CallerID `json:"callerId"`
	Amount   dollars        `json:"amount"`
	Balance  dollars        `json:"balance"`
}

func (a depositAnswer) facts() []fact {
	return []fact{
		{"party", string(a.PartyID)},
		{"caller", string(a.CallerID)},
		{"deposited", a.Amount.String()},
		{"balance", a.Balance.String()},
	}
}

// balanceOf reads a party's sandbox balance over the books of all callers.
func balanceOf(ctx context.Context, r store.Reader, id party.ID) (money.Amount, error) {
	var micro int64
	err := r.View(ctx, func(tx *store.ReadTx) (err error) {
		micro, err = tx.AccountBalance(ledger.Party(string(id)), true)
		return err
	})
	return money.Micros(micro), err
}

type partyList struct {
	storeFlags
	Guests bool `help:"List guests, who have no account, in place of accounts."`
	JSON   bool `name:"json" help:"Print one line of JSON for each."`
}

func (v partyList) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	var all []party.Party
	err = db.View(ctx, func(tx *store.ReadTx) (err error) {
		all, err = tx.Parties(v.Guests)
		return err
	})
	if err != nil {
		return err
	}
	return printParties(w, all, v.JSON)
}

func printParties(w world, all []party.Party, asJSON bool) error {
	table := newColumns(w.Out, "PARTY", "NAME", "EMAIL", "STANDING", "KIND", "VERIFICATION")
	for _, p := range all {
		if asJSON {
			if err := printJSON(w.Out, describeParty(p)); err != nil {
				return err
			}
			continue
		}
		kind := "personal"
		switch {
		case p.Guest:
			kind = "guest"
		case p.Business:
			kind = "business"
		}
		table.row(string(p.ID), p.Name, p.Email, string(p.Standing), kind, verification(p))
	}
	return table.Flush()
}

// verification says in a word or two what is verified of a party.
func verification(p party.Party) string {
	switch {
	case !p.Verified:
		return "unverified"
	case !p.EmailVerified:
		return "e-mail unverified"
	}
	return "verified"
}
