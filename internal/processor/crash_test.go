package processor_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// These tests kill a real process with SIGKILL in the middle of an action: the
// test binary runs itself again with crashEnv set, does what TestMain tells it
// and dies at the named point. The network's memory is a file, since a real
// network does not die with us.

const (
	crashEnv     = "HOLDFAST_CRASH" // point, verb
	crashStore   = "HOLDFAST_CRASH_STORE"
	crashNetwork = "HOLDFAST_CRASH_NETWORK"
	crashToken   = "HOLDFAST_CRASH_TOKEN"
	crashReserve = "HOLDFAST_CRASH_RESERVE"
	pointAsked   = "asked" // the network has acted, and its answer was not heard
)

func TestMain(m *testing.M) {
	if os.Getenv(crashEnv) != "" {
		if err := dieInTheMiddle(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0) // alive: the parent complains
	}
	flag.Parse()
	if seed := flag.Lookup("rapid.seed"); seed.Value.String() == seed.DefValue && os.Getenv(randomEnv) == "" {
		if err := seed.Value.Set("20261123"); err != nil { // the same draws in every run
			panic(err)
		}
	}
	os.Exit(m.Run())
}

// randomEnv has the model drawn anew in every run, for long searches.
const randomEnv = "HOLDFAST_RANDOM"

func kill() {
	panic(syscall.Kill(os.Getpid(), syscall.SIGKILL)) // which does not return
}

// dieInTheMiddle is the child: it carries out one verb and never returns from
// it when the point is reached.
func dieInTheMiddle() error {
	point, verb, _ := strings.Cut(os.Getenv(crashEnv), " ")
	ctx := context.Background()
	db, err := store.Open(ctx, store.Config{Address: os.Getenv(crashStore)})
	if err != nil {
		return err
	}
	p := &processor.Processor{
		Store: db, Log: slog.New(slog.DiscardHandler),
		Network: &fileNetwork{path: os.Getenv(crashNetwork), dies: point == pointAsked},
		Now:     func() time.Time { return holdfasttest.Start.Add(time.Minute) },
		Hook: func(reached string) {
			if reached == point {
				kill()
			}
		},
	}
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
	switch id := holdfast.TransactionID(os.Getenv(crashReserve)); verb {
	case "Reserve":
		_, err = p.Reserve(ctx, shop, reserveRequest(holdfast.TokenID(os.Getenv(crashToken))))
	case "Settle":
		_, err = p.Settle(ctx, shop, holdfast.SettleRequest{ReserveTransactionID: id})
	case "Cancel":
		_, err = p.Cancel(ctx, shop, holdfast.CancelRequest{TransactionID: id})
		if err == nil { // the release is asked beside the answer: wait for it, not for ever
			asking, cancel := context.WithTimeout(ctx, time.Minute)
			defer cancel()
			<-asking.Done()
		}
	}
	return err
}

func reserveRequest(token holdfast.TokenID) holdfast.ReserveRequest {
	return holdfast.ReserveRequest{SenderTokenID: token, TransactionAmount: holdfasttest.USD("42.50"), CallerReference: "order-1"}
}

// A fileNetwork approves everything and remembers in a file what took effect.
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
	return payment.Answer{Approved: true, Authorization: "auth"}, nil
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

func TestKilledInTheMiddleNothingIsLostAndNothingDoubled(t *testing.T) {
	for _, verb := range []string{"Reserve", "Settle", "Cancel"} {
		for _, point := range []string{processor.PointIntent, pointAsked, processor.PointOutcome} {
			if verb == "Cancel" && point == processor.PointOutcome {
				continue // a Cancel is decided by its intent
			}
			for name, address := range holdfasttest.Addresses(t) {
				t.Run(verb+" at "+point+" on "+name, func(t *testing.T) { crash(t, verb, point, address(t)) })
			}
		}
	}
}

func crash(t *testing.T, verb, point, address string) {
	network := &fileNetwork{path: filepath.Join(t.TempDir(), "network")}
	w := holdfasttest.NewWorld(t, holdfasttest.Open(t, address))
	w.Processor.Network = network
	token := w.Authorize("42.50")
	var reserve holdfast.TransactionID
	if verb != "Reserve" {
		r, err := w.Processor.Reserve(t.Context(), w.Shop, reserveRequest(token))
		if err != nil {
			t.Fatal(err)
		}
		reserve = r.ID
	}

	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), crashEnv+"="+point+" "+verb, crashStore+"="+address,
		crashNetwork+"="+network.path, crashToken+"="+string(token), crashReserve+"="+string(reserve))
	output, err := child.CombinedOutput()
	exit, ok := errors.AsType[*exec.ExitError](err)
	if !ok || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("the child was not killed: %v\n%s", err, output)
	}
	w.CheckBooks()

	// What was left open is decided; then the caller, who never heard an answer,
	// asks again.
	w.Clock.Advance(10 * time.Minute)
	if _, err := w.Processor.Resolve(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.CheckBooks()
	steps := []string{"Authorize"}
	switch verb {
	case "Reserve":
		r, err := w.Processor.Reserve(t.Context(), w.Shop, reserveRequest(token))
		if err != nil || r.State != payment.Reserved {
			t.Fatalf("asking again: %+v, %v", r, err)
		}
		reserve = r.ID
	case "Settle":
		s, err := w.Settle(reserve, "")
		if err != nil || s.State != payment.Success {
			t.Fatalf("asking again: %+v, %v", s, err)
		}
		steps = append(steps, "Capture")
	case "Cancel":
		w.WantState(reserve, payment.Cancelled)
		steps = append(steps, "Release")
	}
	w.CheckBooks()
	var want []string
	for _, step := range steps {
		want = append(want, fmt.Sprintf("%s/%s USD 42.50", reserve, step))
	}
	got, err := network.effects()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("at the network (-want +got):\n%s", diff)
	}
}
