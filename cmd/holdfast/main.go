// Command holdfast is a payment server compatible with Amazon FPS: the server,
// the reference shop, a demo of both, and what their operators need.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A cli is the command line; each verb has a file of its own.
type cli struct {
	LogJSON bool `help:"Write the log as JSON." env:"HOLDFAST_LOG_JSON"`
	Verbose bool `short:"v" help:"Log more." env:"HOLDFAST_VERBOSE"`

	Demo     demoVerb     `cmd:"" help:"Start a server, a shop, a caller and a buyer on this machine, and print what to open."`
	Serve    serveVerb    `cmd:"" help:"Run the server."`
	Shop     shopVerb     `cmd:"" help:"Run the reference shop against any server."`
	Network  networkVerb  `cmd:"" help:"Add, change and check accounts at card networks, for real money."`
	Caller   callerVerb   `cmd:"" help:"Create, change and list callers: the web sites that ask for payments."`
	Key      keyVerb      `cmd:"" help:"Make, list, rotate and revoke the keys of callers: access keys, and keys for the JSON API."`
	Party    partyVerb    `cmd:"" help:"Create, change and list parties: buyers, sellers and owners of callers."`
	Operator operatorVerb `cmd:"" help:"Make people members of the console, list and remove them."`
	Tx       txVerb       `cmd:"" help:"Show, settle, cancel and refund transactions, as the caller."`
	Holds    holdsVerb    `cmd:"" help:"List holds, and those that lapse soon; settle, release, raise, renew and refund them."`
	Find     findVerb     `cmd:"" help:"Find a payment by anything, and show what happened to it and what can be done."`
	Approval approvalVerb `cmd:"" help:"List what waits for a second person, and decline it."`
	Calendar calendarVerb `cmd:"" help:"Give a caller's calendar of open holds an address, or end it."`
	Token    tokenVerb    `cmd:"" help:"Show and cancel payment tokens, as the caller."`
	Webhook  webhookVerb  `cmd:"" help:"Add, change and watch webhook endpoints: the addresses to which a caller's events go."`
	Events   eventsVerb   `cmd:"" help:"Print a caller's events."`
	Listen   listenVerb   `cmd:"" help:"Send a caller's events to a program on this machine, which needs no public address."`
	Clock    clockVerb    `cmd:"" help:"Show, advance or reset the clock of a sandbox caller."`
	Mail     mailVerb     `cmd:"" help:"Show mails that have not been delivered, and send them again."`
	Books    booksVerb    `cmd:"" help:"Check the books, and export them for accountants."`
	Backup   backupVerb   `cmd:"" help:"Back up an SQLite store while the server runs."`
	Restore  restoreVerb  `cmd:"" help:"Make a store of a backup. It is paused until resume."`
	Resume   resumeVerb   `cmd:"" help:"Resume a paused store, after a look at what waits in it."`
	Migrate  migrateVerb  `cmd:"" help:"Bring the schema of a store up to date, or say what that would change."`
	Store    storeVerb    `cmd:"" help:"Copy a store between databases."`
	Report   reportVerb   `cmd:"" help:"Report settlements, refunds, fees, disputes and balances, and a caller's statement."`
	Audit    auditVerb    `cmd:"" help:"List what people, programs and commands have done, and verify that nobody has changed the list."`
	Config   configVerb   `cmd:"" help:"Print a commented configuration file for serve or shop, with every setting and its default."`
	Seal     sealVerb     `cmd:"" help:"Encrypt the secrets in a store, so that a copy of it gives none away."`
	Sign     signVerb     `cmd:"" help:"Sign a request, or explain why a signature is refused."`
	Bench    benchVerb    `cmd:"" help:"Measure a server with real signed requests."`

	Notification notificationVerb `cmd:"" help:"List notifications to callers that have not arrived, show them, and send them again."`

	Completion completionVerb `cmd:"" help:"Print a script that lets a shell complete commands, flags and values."`

	Version versionVerb `cmd:"" help:"Print the version, its commit and date, and Go's version."`

	Man manVerb `cmd:"" hidden:"" help:"Write a man page for each command."`
}

// A world is what a verb may touch outside its arguments.
type world struct {
	Out io.Writer // answers
	Err io.Writer // the log, and refusals
	Now func() time.Time
	Log *slog.Logger
}

func main() { os.Exit(start()) }

// start carries out the command line of the process.
func start() (code int) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	defer stop()
	return run(ctx, os.Args[1:], world{Out: os.Stdout, Err: os.Stderr, Now: time.Now})
}

// Exit codes.
const (
	exitFine    = 0
	exitFailed  = 1 // what was asked could not be done, or the books are wrong
	exitMisused = 2 // the command line or the settings make no sense
)

// errSaid ends a verb with exitFailed after it has said why by itself.
var errSaid = errors.New("said already")

// A misuseError says what is wrong with the command line or the settings. It ends
// a verb with exitMisused, after which systemd does not start the server again.
type misuseError struct{ error }

func (m misuseError) Unwrap() error { return m.error }

func newParser(c *cli, fromFile *settings, w world, exit func(code int)) *kong.Kong {
	parser, err := kong.New(
		c, kong.Name("holdfast"),
		kong.Description("A payment server compatible with Amazon FPS, and its own sandbox."),
		kong.Writers(w.Out, w.Err),
		kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.ValueFormatter(valueHelp),
		durations(),
		kong.UsageOnError(),
		kong.Bind(fromFile),
	)
	if err != nil {
		panic(err) // the struct is wrong
	}
	return parser
}

// run carries out one command line and returns the exit code.
func run(ctx context.Context, args []string, w world) int {
	var c cli
	var fromFile settings
	exited := -1
	parser := newParser(&c, &fromFile, w, func(code int) { exited = code })
	parsed, err := parser.Parse(meant(parser.Model.Node, args))
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintln(w.Err, misused(err))
		return exitMisused
	}
	log, flush := newLog(w.Err, c)
	w.Log = log
	parsed.BindTo(store.ByActor(ctx, commandActor()), (*context.Context)(nil))
	err = parsed.Run(w)
	flush() // before what is said below
	switch {
	case err == nil:
		return exitFine
	case !errors.Is(err, errSaid):
		words := sentence(err)
		fmt.Fprintf(w.Err, "holdfast: %s\n", words)
		if origin := fromFile.origin(words); origin != "" {
			fmt.Fprintln(w.Err, origin)
		}
	}
	if _, ok := errors.AsType[misuseError](err); ok {
		return exitMisused
	}
	return exitFailed
}

// sentence is an error in words for a person at a terminal. A server's refusal
// keeps its code, which the API's documents explain, and the id of the request,
// by which the server's log has it.
func sentence(err error) string {
	refusal, ok := errors.AsType[*holdfast.Error](err)
	switch {
	case ok && refusal.Status != 0:
		return refusal.Error()
	case ok && refusal.Message != "":
		return refusal.Message
	case errors.Is(err, store.ErrLocked):
		return "another program keeps the SQLite file locked; nothing was done. End that program, or try again later"
	}
	return err.Error()
}
