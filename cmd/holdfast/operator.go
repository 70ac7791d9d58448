package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/internal/account"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

type operatorVerb struct {
	Create operatorCreate `cmd:"" help:"Make somebody a member of the console, the first operator, too."`
	List   operatorList   `cmd:"" help:"List the members of the server, or of a caller."`
	Remove operatorRemove `cmd:"" help:"End a membership."`
	Reset  operatorReset  `cmd:"" help:"Remove the second factor of a member that has lost it, and sign it out everywhere."`
}

// memberFlags name the server or a caller, and a member.
type memberFlags struct {
	storeFlags
	Email  string         `help:"Choose the person by the e-mail address." required:"" placeholder:"EMAIL"`
	Caller party.CallerID `help:"Choose a caller; by default the whole server." placeholder:"ID"`
}

type operatorCreate struct {
	memberFlags
	Name        string     `help:"Give a person without an account this name, which the person can change." placeholder:"NAME"`
	Role        party.Role `help:"Give this role: owner, operator, finance, support, developer or packer." default:"owner" enum:"owner,operator,finance,support,developer,packer" placeholder:"ROLE"`
	RefundLimit *dollars   `help:"Limit each refund; only for the role finance." placeholder:"100.00"`
	PrintLink   bool       `help:"Print the link, also if a server runs that sends mails. The person then gets no mail."`
	PublicURL   *url.URL   `name:"public-url" help:"Print a link to the server at this address; by default the link is a path." env:"HOLDFAST_PUBLIC_URL" placeholder:"URL"`
	JSON        bool       `name:"json" help:"Print one line of JSON."`
}

// A memberAdded is the answer of operator create. Link is empty if the person gets it by
// mail, or is a member and has the other role at once. Account is when the account of
// the address was made.
type memberAdded struct {
	Email   string         `json:"email"`
	Caller  party.CallerID `json:"callerId,omitzero"`
	Role    party.Role     `json:"role"`
	Mailed  bool           `json:"mailed,omitzero"`
	Link    string         `json:"link,omitzero"`
	Account time.Time      `json:"accountSince,omitzero"`
}

func (operatorCreate) Help() string {
	return `The person gets a link, which makes its reader a member. The link is mailed if a server runs that sends mails; otherwise
the command prints it. A person who has an account signs in to it and opens the link. Check that the account is theirs:
on a server that sends no mail, a stranger may have made it. To take it over, set a new password (holdfast party
password), remove its passkeys (holdfast operator reset), and then create the link again. The command changes the role
of a member at once.`
}

func (v operatorCreate) Run(ctx context.Context, w world) error {
	db, err := v.create(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	if err := v.checkCaller(ctx, db.Reader); err != nil {
		return err
	}
	m := party.Membership{Caller: v.Caller, Role: v.Role}
	if v.RefundLimit != nil {
		m.RefundLimit = money.Amount(*v.RefundLimit)
	}
	answer := memberAdded{Email: v.Email, Caller: v.Caller, Role: v.Role}
	known, found, err := findParty(ctx, db.Reader, v.Email)
	if err != nil {
		return err
	}
	p, mails, err := mailingClerk(ctx, db, w)
	if err != nil {
		return err
	}
	if v.PrintLink {
		p.Identity.Letters, mails = nil, false
	}
	m.Party = known.ID
	if err = p.Identity.ChangeMember(ctx, "", m); errors.Is(err, identity.ErrNoMember) {
		m.Party = ""
		var secret string
		secret, err = p.Identity.Invite(ctx, "", identity.NewInvitation{Membership: m, Email: v.Email, Name: v.Name})
		if answer.Mailed = mails; !mails {
			answer.Link = v.link(secret)
		}
		if found {
			answer.Account = known.Created
		}
	}
	if err != nil {
		return err
	}
	if v.JSON {
		return printJSON(w.Out, answer)
	}
	return answer.print(w)
}

// print says in words what happens next.
func (a memberAdded) print(w world) (err error) {
	days := int(party.InvitationLife / (24 * time.Hour))
	switch {
	case a.Mailed:
		_, err = fmt.Fprintf(w.Out,
			"%s gets a mail with a link. It works once, within %d days. If the mail does not arrive, see "+
				"holdfast mail list, or give --print-link.\n", a.Email, days)
	case a.Link == "":
		_, err = fmt.Fprintf(w.Out, "%s is a member now: %s\n", a.Email, a.Role)
		return err
	default:
		_, err = fmt.Fprintf(w.Out, "Give this link to %s. It works once, within %d days:\n%s\n", a.Email, days, a.Link)
	}
	if err == nil && !a.Account.IsZero() {
		_, err = fmt.Fprintf(w.Out, "There is an account with this address since %s. Its owner must sign in to accept. "+
			"Make sure that it is the right person: see holdfast operator create --help.\n",
			a.Account.UTC().Format(time.DateOnly))
	}
	return err
}

// link is the address at which the invitation is accepted.
func (v operatorCreate) link(secret string) string {
	path := account.ConsoleRoot + "invitation?" + url.Values{"link": {secret}}.Encode()
	if v.PublicURL == nil {
		return path
	}
	return strings.TrimSuffix(v.PublicURL.String(), "/") + path
}

// checkCaller refuses a caller that does not exist.
func (f memberFlags) checkCaller(ctx context.Context, r store.Reader) error {
	if f.Caller == "" {
		return nil
	}
	return r.View(ctx, func(tx *store.ReadTx) error {
		_, found, err := tx.Caller(f.Caller)
		if err == nil && !found {
			err = fmt.Errorf("there is no caller %s", f.Caller)
		}
		return err
	})
}

// findParty looks for an account with an e-mail address.
func findParty(ctx context.Context, r store.Reader, email string) (found party.Party, ok bool, err error) {
	err = r.View(ctx, func(tx *store.ReadTx) error {
		found, ok, err = tx.PartyByEmail(email)
		return err
	})
	return found, ok, err
}

type operatorList struct {
	storeFlags
	Caller party.CallerID `help:"Choose a caller; by default the whole server." placeholder:"ID"`
	listOutput
}

// A memberListed is a member, or a person who is invited, as operator list prints it.
type memberListed struct {
	PartyID     party.ID       `json:"partyId,omitzero"`
	Name        string         `json:"name,omitzero"`
	Email       string         `json:"email"`
	Caller      party.CallerID `json:"callerId,omitzero"`
	Role        party.Role     `json:"role"`
	RefundLimit dollars        `json:"refundLimit,omitzero"`
	Factor      string         `json:"secondFactor"` // "app", "passkey", both, or "none"
	Invited     bool           `json:"invited,omitzero"`
	Since       time.Time      `json:"since"`
}

func (m memberListed) cells() []string {
	state := or(m.Factor, "none")
	if m.Invited {
		state = "invited"
	}
	return []string{m.Email, m.Name, string(m.Role), m.RefundLimit.String(), state, m.Since.UTC().Format(time.DateOnly)}
}

func (m memberListed) record() []string {
	return []string{
		string(m.PartyID), m.Email, m.Name, string(m.Caller), string(m.Role), decimalOrNone(m.RefundLimit), m.Factor,
		fmt.Sprint(m.Invited), timeCell(m.Since),
	}
}

func (v operatorList) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	var rows []memberListed
	err = db.View(ctx, func(tx *store.ReadTx) error {
		rows, err = listMembers(tx, v.Caller, w.Now())
		return err
	})
	if err != nil {
		return err
	}
	return printList(w, v.listOutput, rows,
		[]string{"party", "email", "name", "caller", "role", "refund_limit", "second_factor", "invited", "since"},
		[]string{"E-MAIL", "NAME", "ROLE", "REFUNDS UP TO", "SECOND FACTOR", "SINCE"})
}

func listMembers(tx *store.ReadTx, of party.CallerID, now time.Time) (rows []memberListed, err error) {
	members, err := tx.Members(of)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		account, _, err := tx.Party(m.Party)
		if err != nil {
			return nil, err
		}
		factor, err := factorOf(tx, m.Party)
		if err != nil {
			return nil, err
		}
		rows = append(rows, memberListed{
			PartyID: m.Party, Name: account.Name, Email: account.Email, Caller: of, Role: m.Role,
			RefundLimit: dollars(m.RefundLimit), Factor: factor, Since: m.Created,
		})
	}
	invited, err := tx.Invitations(of)
	for _, i := range invited {
		if !i.Over(now) {
			rows = append(rows, memberListed{
				Email: i.Email, Name: i.Name, Caller: of, Role: i.Role, RefundLimit: dollars(i.RefundLimit), Factor: "none",
				Invited: true, Since: i.Created,
			})
		}
	}
	return rows, err
}

func factorOf(tx *store.ReadTx, id party.ID) (string, error) {
	app, found, err := tx.TOTP(id)
	if err != nil {
		return "", err
	}
	keys, err := tx.Passkeys(id)
	var has []string
	if found && !app.Confirmed.IsZero() {
		has = append(has, "app")
	}
	if len(keys) > 0 {
		has = append(has, "passkey")
	}
	return or(strings.Join(has, " and "), "none"), err
}

type operatorRemove struct {
	memberFlags
	JSON bool `name:"json" help:"Print one line of JSON."`
}

func (operatorRemove) Help() string {
	return `The account of the person stays, and its other memberships. An invitation that is open is withdrawn. The last active
owner cannot be removed: make another one first, with holdfast operator create.`
}

// A memberRemoved is the answer of operator remove.
type memberRemoved struct {
	Email     string         `json:"email"`
	Caller    party.CallerID `json:"callerId,omitzero"`
	Withdrawn bool           `json:"invitationWithdrawn,omitzero"` // the person was not a member yet
}

func (m memberRemoved) print(w world, asJSON bool) (err error) {
	switch {
	case asJSON:
		return printJSON(w.Out, m)
	case m.Withdrawn:
		_, err = fmt.Fprintf(w.Out, "the invitation of %s is withdrawn\n", m.Email)
		return err
	}
	_, err = fmt.Fprintf(w.Out, "%s is not a member any more\n", m.Email)
	return err
}

func (v operatorRemove) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	people := clerk(db, w).Identity
	known, found, err := findParty(ctx, db.Reader, v.Email)
	if err != nil {
		return err
	}
	if found {
		err = people.RemoveMember(ctx, "", known.ID, v.Caller)
	}
	if !found || err != nil && !errors.Is(err, party.ErrLastOwner) {
		if people.WithdrawInvitation(ctx, "", v.Caller, v.Email) == nil {
			return memberRemoved{v.Email, v.Caller, true}.print(w, v.JSON)
		}
	}
	switch {
	case !found || errors.Is(err, identity.ErrNoMember):
		return fmt.Errorf("%s is neither a member%s nor invited; see holdfast operator list", v.Email, v.ofCaller())
	case err != nil:
		return err
	}
	return memberRemoved{v.Email, v.Caller, false}.print(w, v.JSON)
}

// ofCaller names what the membership is for: the server, or a caller.
func (f memberFlags) ofCaller() string {
	if f.Caller == "" {
		return " of the server"
	}
	return " of caller " + string(f.Caller)
}

type operatorReset struct {
	storeFlags
	Email string `help:"Choose the person by the e-mail address." required:"" placeholder:"EMAIL"`
	JSON  bool   `name:"json" help:"Print one line of JSON."`
}

func (operatorReset) Help() string {
	return `Make sure that it is the right person, for example by a call. The authenticator app, the recovery codes and the passkeys
no longer work. The password stays; holdfast party password sets another one. At the next visit to the console, the person
sets up a new second factor.`
}

func (v operatorReset) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	found, err := partyByEmail(ctx, db.Reader, v.Email)
	if err != nil {
		return err
	}
	p, mails, err := mailingClerk(ctx, db, w)
	if err != nil {
		return err
	}
	if err := p.Identity.ResetSecondFactor(ctx, found.ID); err != nil {
		return err
	}
	if v.JSON {
		return printJSON(w.Out, struct {
			Email  string `json:"email"`
			Mailed bool   `json:"mailed"`
		}{found.Email, mails && found.EmailVerified})
	}
	_, err = fmt.Fprintf(w.Out,
		"%s has no second factor, and is signed out everywhere. At the next visit to the "+
			"console, the person sets up a new one.\n", found.Email)
	return err
}
