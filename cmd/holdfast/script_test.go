package main

import (
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// scriptCommands are the commands of scripts in addition to the program itself:
// run a demo, and act as its buyer and its caller. They put ids into variables.
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"demo":    scripted(0, "", (*script).demo),
	"end":     scripted(0, "", (*script).end),
	"token":   scripted(3, "NAME REFERENCE AMOUNT", (*script).token),
	"reserve": scripted(3, "NAME REFERENCE AMOUNT", (*script).reserve),
	"pay":     scripted(3, "NAME REFERENCE AMOUNT", (*script).pay),
	"becomes": scripted(2, "TRANSACTION STATUS", (*script).becomes),
	"refunds": scripted(3, "HOW-MANY TRANSACTION AMOUNT", (*script).refunds),
	"install": scripted(4, "NAME REFERENCE TYPE FILE", (*script).install),
	"deaf":    scripted(0, "", (*script).deaf),
	"capture": scripted(2, "NAME PATTERN", (*script).capture),
	"accept":  scripted(2, "EMAIL LINK", (*script).accept),

	"november": scripted(0, "", (*script).november),
	"recipe":   recipe,
}

// accept accepts an invitation in the store s.db, with the account of an address.
func (s *script) accept(args []string) {
	db, err := store.Open(s.t.Context(), store.Config{Address: s.MkAbs("s.db")})
	s.Check(err)
	defer db.Close()
	known, err := partyByEmail(s.t.Context(), db.Reader, args[0])
	s.Check(err)
	_, err = clerk(db, world{Now: time.Now}).Identity.AcceptInvitation(s.t.Context(), args[1], known.ID)
	s.Check(err)
}

// A script is the state of one running script.
type script struct {
	*testscript.TestScript
	t       testing.TB
	process *process // the demo, once it runs
}

type scriptKey struct{}

func setupScript(env *testscript.Env) error {
	t, ok := env.T().(testing.TB)
	if !ok {
		return fmt.Errorf("a %T is no test", env.T())
	}
	env.Values[scriptKey{}] = &script{t: t}
	env.Setenv(trailFolder, os.Getenv(trailFolder))
	return filepath.WalkDir(env.WorkDir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		return os.Chmod(path, privateMode) // the program reads no secret from a file that others can read
	})
}

func scripted(count int, usage string, do func(*script, []string)) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		if neg || len(args) != count {
			ts.Fatalf("usage: %s", usage)
		}
		s, ok := ts.Value(scriptKey{}).(*script)
		if !ok {
			ts.Fatalf("the script was not set up")
		}
		s.TestScript = ts
		do(s, args)
	}
}

// demo starts a demo in $WORK/demo. $ENDPOINT, $ACCESS_KEY and the file secret
// allow requests without its directory.
func (s *script) demo([]string) {
	s.process = startDemo(s.t, s.MkAbs("demo"))
	s.Defer(func() { s.end(nil) })
	s.Setenv("ENDPOINT", s.process.answer.Endpoint)
	s.Setenv("ACCESS_KEY", s.process.answer.AccessKeyID)
	s.Check(os.WriteFile(filepath.Join(s.Getenv("WORK"), "secret"), []byte(s.process.answer.SecretAccessKey), 0o600))
}

// end stops the demo, if it still runs.
func (s *script) end([]string) {
	if s.process == nil {
		return
	}
	if more, err := s.process.end(os.Interrupt); err != nil || len(more) > 0 {
		s.t.Errorf("the demo ends with %v and prints %q", err, more)
	}
	s.process = nil
}

func (s *script) amount(text string) money.Amount {
	amount, err := money.Parse(text, money.USD)
	s.Check(err)
	return amount
}

// token has the buyer authorise a payment.
func (s *script) token(args []string) {
	s.Setenv(args[0], string(s.process.token(holdfast.CallerReference(args[1]), s.amount(args[2]))))
}

// authorised is a payment with a token of its own, $NAME_TOKEN.
func (s *script) authorised(args []string) holdfast.ReserveRequest {
	s.token([]string{args[0] + "_TOKEN", args[1] + "-token", args[2]})
	return holdfast.ReserveRequest{
		SenderTokenID:   holdfast.TokenID(s.Getenv(args[0] + "_TOKEN")),
		CallerReference: holdfast.CallerReference(args[1]), TransactionAmount: s.amount(args[2]),
	}
}

func (s *script) reserve(args []string) {
	held, err := s.process.client().Reserve(s.t.Context(), s.authorised(args))
	s.Check(err)
	s.becomes([]string{string(held.TransactionID), string(holdfast.StatusReserved)})
	s.Setenv(args[0], string(held.TransactionID))
}

func (s *script) pay(args []string) {
	paid, err := s.process.client().Pay(s.t.Context(), holdfast.PayRequest(s.authorised(args)))
	s.Check(err)
	s.becomes([]string{string(paid.TransactionID), string(holdfast.StatusSuccess)})
	s.Setenv(args[0], string(paid.TransactionID))
}

// becomes waits until the card network has brought a transaction to a status.
func (s *script) becomes(args []string) {
	becomes(s.t, s.process.client(), holdfast.TransactionID(args[0]), holdfast.TransactionStatus(args[1]))
}

// refunds pays a payment back in a number of parts.
func (s *script) refunds(args []string) {
	count, err := strconv.Atoi(args[0])
	s.Check(err)
	for i := range count {
		refund, err := s.process.client().Refund(s.t.Context(), holdfast.RefundRequest{
			TransactionID: holdfast.TransactionID(args[1]), RefundAmount: s.amount(args[2]),
			CallerReference: holdfast.CallerReference(fmt.Sprintf("part-%d", i+1)),
		})
		s.Check(err)
		s.becomes([]string{string(refund.TransactionID), string(holdfast.StatusSuccess)})
	}
}

// install makes a token of the caller's owner by the instruction in a file.
func (s *script) install(args []string) {
	installed, err := s.process.client().InstallPaymentInstruction(s.t.Context(),
		holdfast.InstallPaymentInstructionRequest{
			CallerReference: holdfast.CallerReference(args[1]), TokenType: holdfast.TokenType(args[2]),
			PaymentInstruction: strings.TrimSpace(s.ReadFile(args[3])), TokenFriendlyName: args[1],
		})
	s.Check(err)
	s.Setenv(args[0], string(installed.TokenID))
}

// capture puts the first group of a pattern into a variable. The pattern is looked
// for in what the last command has printed.
func (s *script) capture(args []string) {
	pattern, err := regexp.Compile(args[1])
	s.Check(err)
	found := pattern.FindStringSubmatch(s.ReadFile("stdout"))
	if len(found) < 2 {
		s.Fatalf("%s is not in the output", args[1])
	}
	s.Setenv(args[0], found[1])
}

// deaf starts a server, $DEAF, whose answers nobody can read.
func (s *script) deaf([]string) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "pardon?")
	}))
	s.Defer(server.Close)
	s.Setenv("DEAF", server.URL+"/")
}
