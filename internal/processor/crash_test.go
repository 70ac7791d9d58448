package processor_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// These tests kill a real process with SIGKILL in the middle of an action. The
// test binary runs itself again with crashEnv set, carries out what TestMain
// reads there, and dies at the named point. The network keeps its memory in a
// file, because a real network does not die with the server.

const (
	crashEnv     = "HOLDFAST_CRASH" // point, verb
	crashStore   = "HOLDFAST_CRASH_STORE"
	crashNetwork = "HOLDFAST_CRASH_NETWORK"
	crashRequest = "HOLDFAST_CRASH_REQUEST"
	pointAsked   = "asked" // the network has acted, but the server has no answer
)

func TestMain(m *testing.M) {
	if os.Getenv(crashEnv) != "" {
		if err := dieInTheMiddle(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0) // still alive: the parent fails
	}
	flag.Parse()
	if seed := flag.Lookup("rapid.seed"); seed.Value.String() == seed.DefValue && os.Getenv(randomEnv) == "" {
		if err := seed.Value.Set("20261123"); err != nil { // the same random values in every run
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// randomEnv makes the model draw new random values in every run, for long
// searches.
const randomEnv = "HOLDFAST_RANDOM"

func kill() {
	panic(syscall.Kill(os.Getpid(), syscall.SIGKILL)) // which does not return
}

// dieInTheMiddle is the child process. It carries out one action and does not
// return from it once the point is reached.
func dieInTheMiddle() error {
	point, verb, _ := strings.Cut(os.Getenv(crashEnv), " ")
	ctx := context.Background()
	db, err := store.Open(ctx, store.Config{Address: os.Getenv(crashStore)})
	if err != nil {
		return err
	}
	p := processor.New(db, processor.Config{
		Log:     slog.New(slog.DiscardHandler),
		Network: networkOf(db, point),
		Now:     func() time.Time { return holdfasttest.Start.Add(time.Minute) },
		Hook: func(reached string) {
			if reached == point {
				kill()
			}
		},
	})
	var shop party.Caller
	err = db.View(ctx, func(tx *store.ReadTx) error {
		all, err := tx.Callers()
		if err == nil {
			shop = all[0]
		}
		return err
	})
	if err != nil {
		return err
	}
	if _, err = verbs[verb](p, ctx, shop, []byte(os.Getenv(crashRequest))); err == nil && (verb == "Cancel" || verb == "ReleaseHold") {
		// The release is asked in the background: wait for it, but not forever.
		asking, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		<-asking.Done()
	}
	return err
}

// killInChild sends a request by a child that dies at a point. Without a path of a
// network, the child asks the account in the store.
func killInChild(w *holdfasttest.World, verb, point, address, network string, request []byte) {
	w.T.Helper()
	child := exec.CommandContext(w.T.Context(), os.Args[0])
	child.Env = append(os.Environ(), crashEnv+"="+point+" "+verb, crashStore+"="+address, crashNetwork+"="+network,
		crashRequest+"="+string(request))
	output, err := child.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		w.T.Fatalf("the child was not killed: %v\n%s", err, output)
	}
	w.CheckBooks()
}

// networkOf is the network of the child: the file, or the account in the store.
func networkOf(db *store.DB, point string) card.Network {
	if path := os.Getenv(crashNetwork); path != "" {
		return &fileNetwork{path: path, dies: point == pointAsked}
	}
	return dyingAtStripe(db, point)
}

// verbs are the actions that move money. Each takes its request as JSON, so
// that it can be sent to another process.
var verbs = map[string]func(*processor.Processor, context.Context, party.Caller, []byte) (payment.Transaction, error){
	"Reserve":                     carried((*processor.Processor).Reserve),
	"Pay":                         carried((*processor.Processor).Pay),
	"Settle":                      carried((*processor.Processor).Settle),
	"Cancel":                      carried((*processor.Processor).Cancel),
	"Refund":                      carried((*processor.Processor).Refund),
	"FundPrepaid":                 carried((*processor.Processor).FundPrepaid),
	"SettleDebt":                  carried((*processor.Processor).SettleDebt),
	"WriteOffDebt":                carried((*processor.Processor).WriteOffDebt),
	"CancelSubscriptionAndRefund": carried((*processor.Processor).CancelSubscriptionAndRefund),
	"CreateHold":                  called((*processor.Processor).CreateHold),
	"RefundPayment":               called((*processor.Processor).RefundPayment),
	"CreatePayment":               called((*processor.Processor).CreatePayment),
	"SettleHoldByCall":            called(firstOf((*processor.Processor).SettleHold)),
	"ReleaseHold":                 called(firstOf((*processor.Processor).ReleaseHold)),
	"RefundHold":                  called(firstOf((*processor.Processor).RefundHold)),
	"RaiseHold":                   called((*processor.Processor).RaiseHold),
	"RenewHold":                   called((*processor.Processor).RenewHold),
	"SettleHold":                  carried(settleHold),
}

// settleHold is SettleHold with one payment as its answer.
func settleHold(
	p *processor.Processor, ctx context.Context, //nolint:revive // as a method has them
	caller party.Caller, r processor.SettleHold,
) (payment.Transaction, error) {
	all, err := p.SettleHold(ctx, caller, nil, r)
	if err != nil {
		return payment.Transaction{}, err
	}
	return all[0], nil
}

func carried[R any](
	do func(*processor.Processor, context.Context, party.Caller, R) (payment.Transaction, error),
) func(*processor.Processor, context.Context, party.Caller, []byte) (payment.Transaction, error) {
	return func(
		p *processor.Processor, ctx context.Context, caller party.Caller, text []byte,
	) (payment.Transaction, error) {
		var r R
		if err := json.Unmarshal(text, &r); err != nil {
			return payment.Transaction{}, err
		}
		return do(p, ctx, caller, r)
	}
}

// A fileNetwork approves everything, and records in a file which questions took
// effect.
type fileNetwork struct {
	path string
	dies bool // kills the process once a question took effect
}

func (n *fileNetwork) Verify(context.Context, card.Details) (card.Kept, error) {
	return card.Kept{Brand: "Visa", Last4: "4242", Ref: "file"}, nil
}

func (n *fileNetwork) Ask(_ context.Context, q card.Question) (payment.Answer, error) {
	effect := fmt.Sprintf("%s %v", q.Key(), q.Amount)
	known, err := n.effects()
	if err != nil {
		return payment.Answer{}, err
	}
	asked := false
	for _, k := range known {
		asked = asked || k == effect
	}
	if !asked {
		f, err := os.OpenFile(n.path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return payment.Answer{}, err
		}
		if _, err := io.WriteString(f, effect+"\n"); err != nil {
			return payment.Answer{}, err
		}
		if err := f.Close(); err != nil {
			return payment.Answer{}, err
		}
	}
	if n.dies {
		kill()
	}
	return payment.Answer{Verdict: payment.Approved, Authorization: "auth"}, nil
}

func (n *fileNetwork) effects() (all []string, err error) {
	f, err := os.Open(n.path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for lines := bufio.NewScanner(f); lines.Scan(); {
		all = append(all, lines.Text())
	}
	return all, nil
}

// Every action that moves money is killed at every point, on both databases.
func TestKilledInTheMiddleNothingIsLostAndNothingDoubled(t *testing.T) {
	for _, action := range slices.Concat(moneyActions, callActions) {
		points := []string{processor.PointIntent, pointAsked, processor.PointOutcome}
		switch {
		case action.step == "":
			points = points[2:] // the network is not asked
		case action.verb == "Cancel":
			points = points[:2] // the intent of a Cancel is its outcome
		}
		for _, point := range points {
			for name, address := range holdfasttest.Addresses(t) {
				t.Run(action.name+" at "+point+" on "+name, func(t *testing.T) {
					t.Parallel()
					crash(t, action, point, address(t))
				})
			}
		}
	}
}

func crash(t *testing.T, action moneyAction, point, address string) {
	network := &fileNetwork{path: filepath.Join(t.TempDir(), "network")}
	w := holdfasttest.NewWorld(t, holdfasttest.Open(t, address))
	w.Processor.Network = network
	w.StartEvents()
	ready := action.prepare(w)
	before, err := network.effects()
	if err != nil {
		t.Fatal(err)
	}
	killInChild(w, action.verb, point, address, network.path, ready.request)

	// The open questions are decided. Then the caller, which has received no
	// answer, sends the request again.
	w.Clock.Advance(10 * time.Minute)
	if _, err := w.Processor.Resolve(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.CheckBooks()
	again, err := action.ask(w, ready.request)
	if action.verb == "Cancel" {
		w.WantCode(err, holdfast.InvalidTransactionState) // it was cancelled, once
		again = w.Transaction(ready.about)
	} else if err != nil {
		t.Fatalf("asking again: %v", err)
	}
	if again.State != action.ends {
		t.Fatalf("asking again: %s, want %s", again.State, action.ends)
	}
	var want []string
	if action.step != "" {
		want = []string{fmt.Sprintf("%s/%s %v", again.ID, action.step, again.Current())}
	}
	if action.verb == "RenewHold" {
		w.WantState(ready.about, payment.Cancelled)
		decided(w, ready.about, payment.StepRelease)
		w.CheckBooks()
	}
	got, err := network.effects()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, action.effects(got[len(before):]), cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("at the network (-want +got):\n%s", diff)
	}
	if again.Link != "" {
		checkToldOfHold(w, again)
		return
	}
	checkTold(t, w.Feed(), again)
}

// checkToldOfHold checks that the last event of a hold tells of a raise or a
// renewal.
func checkToldOfHold(w *holdfasttest.World, linked payment.Transaction) {
	w.T.Helper()
	all, want := w.Feed(), payment.EventHoldRaised
	holdfasttest.CheckFeed(w.T, all)
	if linked.Link == payment.LinkRenew {
		want = payment.EventHoldRenewed
	}
	var last payment.Event
	for _, e := range all {
		if e.ObjectID == string(linked.Parent) {
			last = e
		}
	}
	if data := holdOf(w, linked.Parent).EventData(); last.Type != want || last.Data != data {
		w.T.Errorf("the last event is %s with %s, want %s with %s", last.Type, last.Data, want, data)
	}
}

// checkTold checks a feed whose last event of a transaction must tell its state.
// The killed process gave no event its position.
func checkTold(t *testing.T, all []payment.Event, of payment.Transaction) {
	t.Helper()
	holdfasttest.CheckFeed(t, all)
	if of.Kind == payment.KindWriteOffDebt { // it moves no money, and has no events
		return
	}
	var last payment.Event
	for _, e := range all {
		if e.ObjectID == string(of.ID) {
			last = e
		}
	}
	if last.Data != of.EventData() {
		t.Errorf("the last event is %s with %s, want %s", last.Type, last.Data, of.EventData())
	}
}
