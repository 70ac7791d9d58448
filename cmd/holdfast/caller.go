package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"text/tabwriter"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

type callerVerb struct {
	Create callerCreate `cmd:"" help:"Create a caller and its access key. The secret key is shown only once."`
	Set    callerSet    `cmd:"" help:"Change a caller's settings."`
	List   callerList   `cmd:"" help:"List callers."`
}

// A callerAnswer is a caller as --json prints it.
type callerAnswer struct {
	CallerID       party.CallerID `json:"callerId"`
	Owner          party.ID       `json:"owner"`
	Name           string         `json:"name"`
	Descriptor     string         `json:"descriptor,omitempty"`
	Zone           string         `json:"zone"`
	IPNURL         string         `json:"ipnUrl"`
	BareReturn     bool           `json:"bareReturn"`
	PendingFirst   bool           `json:"pendingFirst"`
	PendingNotice  bool           `json:"pendingNotice"`
	SignatureV1    bool           `json:"signatureV1"`
	Marketplace    bool           `json:"marketplace"`
	Resume         bool           `json:"resume"`
	ReuseCancelled bool           `json:"reuseCancelled,omitempty"`
	ReturnSchemes  []string       `json:"returnSchemes,omitempty"`
	// The account at a card network, and the settings for it.
	Network    party.NetworkAccountID `json:"network,omitempty"`
	Wait       string                 `json:"wait,omitempty"`
	HoldOnPage bool                   `json:"holdOnPage,omitempty"`
	Guests     bool                   `json:"guests,omitempty"`
	GuestLimit dollars                `json:"guestLimit,omitzero"`

	ApproveAbove dollars `json:"approveAbove,omitzero"`

	Warnings     string `json:"warnings"`
	WarningMails bool   `json:"warningMails"`
	BuyerMails   bool   `json:"buyerMails"`

	Sandbox         bool   `json:"sandbox"`
	ClockOffset     string `json:"clockOffset"`
	AccessKeyID     string `json:"accessKeyId,omitempty"`
	SecretAccessKey string `json:"secretAccessKey,omitempty"`
	network         string
}

func describeCaller(c party.Caller) callerAnswer {
	return callerAnswer{
		CallerID: c.ID, Owner: c.Owner, Name: c.Name, Descriptor: c.Descriptor, Zone: c.Zone.String(), IPNURL: c.IPNURL,
		BareReturn:   c.BareReturn,
		PendingFirst: c.PendingFirst, PendingNotice: c.PendingNotice, SignatureV1: c.SignatureV1,
		Marketplace: c.Marketplace, Resume: c.Resume,
		ReuseCancelled: c.ReuseCancelled, ReturnSchemes: strings.Fields(c.ReturnSchemes),
		Network: c.Network, Wait: waitOf(c), HoldOnPage: c.HoldOnPage, Guests: c.Guests,
		GuestLimit: dollars(c.GuestLimit), ApproveAbove: dollars(c.ApproveAbove),
		Warnings: c.Warnings.String(), WarningMails: c.WarningMails, BuyerMails: c.BuyerMails,
		Sandbox: c.Sandbox, ClockOffset: c.ClockOffset.String(), network: networkOf(c),
	}
}

func (a callerAnswer) print(to io.Writer) {
	columns := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprintf(columns, "caller\t%s\nname\t%s\ndescriptor\t%s\nowner\t%s\ntime zone\t%s\nIPN address\t%s\nbare "+
		"return\t%v\n"+
		"pending first\t%v\npending notice\t%v\nsignature version 1\t%v\nmarketplace\t%v\nresume\t%v\n"+
		"reuse cancelled\t%v\nreturn schemes\t%s\nnetwork\t%s\nwait\t%s\nhold on page\t%v\nguests\t%v\n"+
		"guest limit\t%s\napprove above\t%s\nwarnings\t%s\nwarning mails\t%v\nbuyer mails\t%v\nclock offset\t%s\n",
		a.CallerID, a.Name, or(a.Descriptor, "by name"), a.Owner, a.Zone, or(a.IPNURL, "none"), a.BareReturn, a.PendingFirst,
		a.PendingNotice, a.SignatureV1, a.Marketplace, a.Resume,
		a.ReuseCancelled, or(strings.Join(a.ReturnSchemes, " "), "none"), a.network, or(a.Wait, "the server's choice"),
		a.HoldOnPage, a.Guests, or(a.GuestLimit.String(), "none"), or(a.ApproveAbove.String(), "never"), a.Warnings,
		a.WarningMails, a.BuyerMails,
		a.ClockOffset)
	if a.AccessKeyID != "" {
		fmt.Fprintf(columns, "access key\t%s\nsecret key\t%s\n", a.AccessKeyID, a.SecretAccessKey)
	}
	columns.Flush()
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// printJSON prints one line.
func printJSON(to io.Writer, answer any) error {
	encoder := json.NewEncoder(to)
	encoder.SetEscapeHTML(false)
	return encoder.Encode(answer)
}

type callerCreate struct {
	storeFlags
	Owner         string   `help:"Name the party that is paid, by its e-mail address (see party create)." required:"" placeholder:"EMAIL"`
	Name          string   `help:"Show buyers this name." required:"" placeholder:"NAME"`
	Descriptor    string   `help:"Show this on card statements where a name cannot be written in Latin letters, at most 15 characters. Required if the caller's own name cannot." placeholder:"TEXT"`
	IPNURL        string   `name:"ipn-url" help:"Send notifications to this address." placeholder:"URL"`
	Zone          zoneFlag `help:"Show times in the console in this time zone, such as Europe/Berlin, and begin the days of holdfast report at its midnight." default:"UTC" placeholder:"ZONE"`
	BareReturn    bool     `help:"Put only the answer into return URLs, without the request's parameters."`
	PendingFirst  bool     `help:"Answer every Reserve with Pending first."`
	PendingNotice bool     `help:"Send a notification of PENDING for every Reserve, even if its answer is Reserved at once."`
	SignatureV1   bool     `name:"signature-v1" help:"Accept signature version 1 from an old program. It is unsafe."`
	Marketplace   bool     `help:"Let the caller bring together senders and recipients other than its owner, and charge a fee for it."`
	Resume        bool     `help:"Answer an identical Co-Branded request as the first time, once its sender has signed in."`
	warningFlags
	// These two are for few callers.
	ReuseCancelled bool     `help:"Accept a CallerReference again after the buyer cancelled on the pages."`
	ReturnSchemes  []string `help:"Accept return addresses with these schemes in addition to http and https, such as com.example.shop." placeholder:"SCHEME"`
	callerNetworkFlags
	JSON bool `name:"json" help:"Print one line of JSON."`
}

func (v callerCreate) Run(ctx context.Context, w world) error {
	if err := checkURL("--ipn-url", v.IPNURL); err != nil {
		return err
	}
	schemes, err := appSchemes(v.ReturnSchemes)
	if err != nil {
		return err
	}
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	owner, err := partyByEmail(ctx, db.Reader, v.Owner)
	if err != nil {
		return err
	}
	account, err := v.account(ctx, db.Reader, owner.ID, v.mode())
	if err != nil {
		return err
	}
	n := processor.NewCaller{
		Owner: owner.ID, Name: v.Name, Descriptor: v.Descriptor, IPNURL: v.IPNURL, Zone: party.Zone(v.Zone),
		BareReturn: v.BareReturn, PendingFirst: v.PendingFirst, PendingNotice: v.PendingNotice, SignatureV1: v.SignatureV1,
		Marketplace: v.Marketplace, Resume: v.Resume, Sandbox: true,
		ReuseCancelled: v.ReuseCancelled, ReturnSchemes: schemes,
		Network: account, Live: v.Live, HoldOnPage: v.HoldOnPage, Guests: v.Guests,
	}
	set(&n.Wait, v.Wait)
	set(&n.GuestLimit, (*money.Amount)(v.GuestLimit))
	if n.Warnings, err = v.times(); err != nil {
		return err
	}
	n.WarningMails, n.BuyerMails = v.WarningMails, v.BuyerMails
	caller, key, err := clerk(db, w).CreateCaller(ctx, n)
	if err != nil {
		return err
	}
	warnV1(w, caller)
	answer := describeCaller(caller)
	answer.AccessKeyID, answer.SecretAccessKey = key.ID, string(key.Secret.Reveal())
	if v.JSON {
		return printJSON(w.Out, answer)
	}
	answer.print(w.Out)
	fmt.Fprintln(w.Out, "\nKeep the secret key now: it is not shown again.")
	return nil
}

// A zoneFlag is a time zone on the command line.
type zoneFlag party.Zone

// UnmarshalText reads the name of a time zone.
func (z *zoneFlag) UnmarshalText(text []byte) error {
	zone, err := party.ParseZone(string(text))
	*z = zoneFlag(zone)
	if refused, ok := errors.AsType[*holdfast.Error](err); ok {
		return errors.New(refused.Message)
	}
	return err
}

// warningFlags say when a caller is warned of the deadlines of its holds, and which
// mails are sent.
type warningFlags struct {
	Warnings     *string `help:"Give warnings this long before the deadline of a hold, such as 48h,24h,6h,1h; none gives no warnings." placeholder:"TIMES"`
	WarningMails *bool   `help:"Send warnings of deadlines to the owner by mail, too." negatable:""`
	BuyerMails   *bool   `help:"Send buyers mails about approvals, charges, releases and refunds." negatable:""`
}

// times are the warnings that are set, or nil.
func (f warningFlags) times() (*party.Warnings, error) {
	if f.Warnings == nil {
		return nil, nil
	}
	w, err := party.ParseWarnings(*f.Warnings)
	if refused, ok := errors.AsType[*holdfast.Error](err); ok {
		return nil, errors.New("--warnings: " + refused.Message)
	}
	return &w, err
}

// warnV1 prints the risk of signature version 1.
func warnV1(w world, c party.Caller) {
	if c.SignatureV1 {
		fmt.Fprintln(w.Err, `Warning: signature version 1 runs names and values together with nothing between them, so anyone who sees a signed
request can split it into another one with the same signature. This was published in December 2008, and nobody can
detect it. Leave it on only as long as a program knows nothing newer: holdfast caller set --no-signature-v1`)
	}
}

func partyByEmail(ctx context.Context, r store.Reader, email string) (found party.Party, err error) {
	found, ok, err := findParty(ctx, r, email)
	if err == nil && !ok {
		err = fmt.Errorf("there is no party with the e-mail address %s; make one with holdfast party create", email)
	}
	return found, err
}

func checkURL(flag, value string) error {
	if value == "" {
		return nil
	}
	u, err := url.Parse(value)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.Fragment != "" || u.User != nil {
		return fmt.Errorf("%s: give an address such as https://shop.example.com/ipn", flag)
	}
	return nil
}

type callerSet struct {
	storeFlags
	Caller        string    `help:"Change this caller, if there are several." placeholder:"ID"`
	Name          *string   `help:"Show buyers this name." placeholder:"NAME"`
	Descriptor    *string   `help:"Show this on card statements where a name cannot be written in Latin letters, at most 15 characters." placeholder:"TEXT"`
	IPNURL        *string   `name:"ipn-url" help:"Send notifications to this address, and waiting ones too from their next try on. Empty sends none." placeholder:"URL"`
	Zone          *zoneFlag `help:"Show times in the console in this time zone, such as Europe/Berlin, and begin the days of holdfast report at its midnight." placeholder:"ZONE"`
	BareReturn    *bool     `help:"Put only the answer into return URLs, without the request's parameters." negatable:""`
	PendingFirst  *bool     `help:"Answer every Reserve with Pending first." negatable:""`
	PendingNotice *bool     `help:"Send a notification of PENDING for every Reserve, even if its answer is Reserved at once." negatable:""`
	SignatureV1   *bool     `name:"signature-v1" help:"Accept signature version 1 from an old program. It is unsafe." negatable:""`
	Marketplace   *bool     `help:"Let the caller bring together senders and recipients other than its owner, and charge a fee for it." negatable:""`
	Resume        *bool     `help:"Answer an identical Co-Branded request as the first time, once its sender has signed in." negatable:""`
	warningFlags
	// These two are for few callers.
	ReuseCancelled *bool     `help:"Accept a CallerReference again after the buyer cancelled on the pages." negatable:""`
	ReturnSchemes  *[]string `help:"Accept return addresses with these schemes in addition to http and https, such as com.example.shop. Empty accepts none." placeholder:"SCHEME"`
	ApproveAbove   *limit    `help:"Let settles and refunds above this amount, by members and by commands, wait until a second member of the console approves them; none lets them pass at once. The owners get a mail about a higher limit." placeholder:"500.00"`
	callerNetworkFlags
	JSON bool `name:"json" help:"Print one line of JSON."`
}

func (v callerSet) Run(ctx context.Context, w world) error {
	if v.Name == nil && v.Descriptor == nil && v.IPNURL == nil && v.Zone == nil && v.BareReturn == nil &&
		v.PendingFirst == nil && v.PendingNotice == nil && v.SignatureV1 == nil &&
		v.Marketplace == nil && v.Resume == nil && v.ReuseCancelled == nil && v.ReturnSchemes == nil &&
		v.Warnings == nil && v.WarningMails == nil && v.BuyerMails == nil && v.ApproveAbove == nil && !v.given() {
		return errors.New("nothing to set; see holdfast caller set --help")
	}
	if v.Name != nil && !party.ValidName(*v.Name) {
		return fmt.Errorf("--name: a name is one line of 1 to %d visible characters", party.NameMax)
	}
	if v.IPNURL != nil {
		if err := checkURL("--ipn-url", *v.IPNURL); err != nil {
			return err
		}
	}
	var schemes *string
	if v.ReturnSchemes != nil {
		given, err := appSchemes(*v.ReturnSchemes)
		if err != nil {
			return err
		}
		schemes = &given
	}
	warnings, err := v.times()
	if err != nil {
		return err
	}
	db, chosen, err := v.openFor(ctx, v.Caller)
	if err != nil {
		return err
	}
	defer db.Close()
	changed, err := v.change(ctx, db, w, chosen, func(c party.Caller) (party.Caller, error) {
		set(&c.Name, v.Name)
		set(&c.Descriptor, v.Descriptor)
		set(&c.IPNURL, v.IPNURL)
		set(&c.Zone, (*party.Zone)(v.Zone))
		set(&c.BareReturn, v.BareReturn)
		set(&c.PendingFirst, v.PendingFirst)
		set(&c.PendingNotice, v.PendingNotice)
		set(&c.SignatureV1, v.SignatureV1)
		set(&c.Marketplace, v.Marketplace)
		set(&c.Resume, v.Resume)
		set(&c.ReuseCancelled, v.ReuseCancelled)
		set(&c.ReturnSchemes, schemes)
		set(&c.Warnings, warnings)
		set(&c.WarningMails, v.WarningMails)
		set(&c.BuyerMails, v.BuyerMails)
		set(&c.ApproveAbove, (*money.Amount)(v.ApproveAbove))
		var err error
		c.Descriptor, err = payment.CheckDescriptor(c.Descriptor, c.Name)
		return c, err
	})
	if err != nil {
		return err
	}
	if v.SignatureV1 != nil {
		warnV1(w, changed)
	}
	if v.JSON {
		return printJSON(w.Out, describeCaller(changed))
	}
	describeCaller(changed).print(w.Out)
	return nil
}

// appSchemes are the schemes of --return-schemes in the form that is stored.
func appSchemes(given []string) (string, error) {
	var all []string
	for _, scheme := range given {
		if scheme == "" {
			continue
		}
		scheme = holdfast.FoldName(scheme)
		if !holdfast.IsAppScheme(scheme) {
			return "", fmt.Errorf("--return-schemes: %q is no scheme of an application; give one such as com.example.shop",
				scheme)
		}
		all = append(all, scheme)
	}
	return strings.Join(all, " "), nil
}

func set[T any](field *T, to *T) {
	if to != nil {
		*field = *to
	}
}

type callerList struct {
	storeFlags
	JSON bool `name:"json" help:"Print one line of JSON for each."`
}

func (v callerList) Run(ctx context.Context, w world) error {
	db, err := v.open(ctx)
	if err != nil {
		return err
	}
	defer db.Close()
	all, err := callersOf(ctx, db.Reader)
	if err != nil {
		return err
	}
	table := newColumns(w.Out, "CALLER", "NAME", "NOTIFICATIONS", "CLOCK", "KIND")
	for _, c := range all {
		if v.JSON {
			if err := printJSON(w.Out, describeCaller(c)); err != nil {
				return err
			}
			continue
		}
		table.row(string(c.ID), c.Name, or(c.IPNURL, "no IPN address"), "+"+inDays(c.ClockOffset), kindOfCaller(c))
	}
	return table.Flush()
}

// kindOfCaller says in a few words what is special about a caller.
func kindOfCaller(c party.Caller) string {
	var words []string
	if c.Network != "" {
		words = append(words, networkOf(c))
	}
	if c.Marketplace {
		words = append(words, "marketplace")
	}
	return strings.Join(words, ", ")
}
