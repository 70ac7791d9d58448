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
	"slices"
	"strings"
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

	Demo   demoVerb   `cmd:"" help:"Start server, shop, caller and buyer on this machine, and say what to open."`
	Serve  serveVerb  `cmd:"" help:"Run the server."`
	Shop   shopVerb   `cmd:"" help:"Run the reference shop against any server."`
	Caller callerVerb `cmd:"" help:"Make, change and list callers: the web sites that ask for payments."`
	Party  partyVerb  `cmd:"" help:"Make, change and list parties: who pays, who is paid, who owns a caller."`
	Tx     txVerb     `cmd:"" help:"See, settle, cancel and refund transactions, as the caller."`
	Token  tokenVerb  `cmd:"" help:"See and cancel payment tokens, as the caller."`
	Clock  clockVerb  `cmd:"" help:"Show, advance or reset a sandbox caller's clock."`
	Mail   mailVerb   `cmd:"" help:"See the mails that have not arrived, and send them again."`
	Books  booksVerb  `cmd:"" help:"Check the books."`
	Config configVerb `cmd:"" help:"Print a configuration file for serve or shop, with every setting, its default and what it is for."`
	Seal   sealVerb   `cmd:"" help:"Keep the secrets of a store from those who have only a copy of it."`
	Sign   signVerb   `cmd:"" help:"Sign a request, or explain why a signature is refused."`
	Bench  benchVerb  `cmd:"" help:"Drive a server with real signed requests, and measure it."`

	Version versionVerb `cmd:"" help:"Print the version, its commit and date, and what it was built with."`

	Ceiling ceilingVerb `cmd:"" hidden:"" help:"Answer Reserves without keeping anything, for bench --ceiling."`
}

// A world is what a verb may touch outside its arguments.
type world struct {
	Out io.Writer // answers
	Err io.Writer // the log, and refusals
	Now func() time.Time
	Log *slog.Logger
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the program at once
	code := run(ctx, os.Args[1:], world{Out: os.Stdout, Err: os.Stderr, Now: time.Now})
	stop()
	os.Exit(code)
}

// Exit codes.
const (
	exitFine    = 0
	exitFailed  = 1 // what was asked could not be done, or the books are wrong
	exitMisused = 2 // the command line makes no sense
)

// errSaid ends a verb with exitFailed after it has said why by itself.
var errSaid = errors.New("said already")

// meant puts the usual ways to ask for help and for the version into the words of
// the command tree. A flag --version at the root would take the name from the
// commands' own flags.
func meant(args []string) []string {
	switch {
	case len(args) == 0:
		return []string{"--help"}
	case args[0] == "help":
		return append(slices.Clone(args[1:]), "--help")
	case args[0] == "--version":
		return append([]string{"version"}, args[1:]...)
	}
	return args
}

func newParser(c *cli, fromFile *settings, w world, exit func(code int)) *kong.Kong {
	parser, err := kong.New(
		c, kong.Name("holdfast"),
		kong.Description("A payment server compatible with Amazon FPS, and its own sandbox."),
		kong.Writers(w.Out, w.Err),
		kong.Exit(exit),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
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
	parsed, err := parser.Parse(meant(args))
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		words := strings.ReplaceAll(err.Error(), `,"" but got`, " but got") // a choice that may be left out is empty
		fmt.Fprintf(w.Err, "holdfast: %s\nSee holdfast --help.\n", words)
		return exitMisused
	}
	w.Log = newLog(w.Err, c)
	parsed.BindTo(ctx, (*context.Context)(nil))
	err = parsed.Run(w)
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

func newLog(to io.Writer, c cli) *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelInfo}
	if c.Verbose {
		options.Level = slog.LevelDebug
	}
	if c.LogJSON {
		return slog.New(slog.NewJSONHandler(to, options))
	}
	return slog.New(slog.NewTextHandler(to, options))
}
