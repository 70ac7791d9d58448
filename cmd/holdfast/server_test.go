package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/card"
	"github.com/holdfast-pay/holdfast/internal/card/sandbox"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/money"
)

// A transcript is a run's output, safe for concurrent use.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *transcript) Write(text []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(text)
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", freePort)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// endListener closes a listener of this process without its owner's knowledge.
func endListener(t *testing.T, address string) {
	t.Helper()
	at, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	const descriptorsMax = 1024
	for fd := range descriptorsMax {
		listens, err := syscall.GetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_ACCEPTCONN)
		if err != nil || listens == 0 {
			continue
		}
		if name, err := syscall.Getsockname(fd); err != nil {
			continue
		} else if own, ok := name.(*syscall.SockaddrInet4); !ok || own.Port != at.Port {
			continue
		}
		if err := syscall.Shutdown(fd, syscall.SHUT_RDWR); err != nil {
			t.Fatal(err)
		}
		return
	}
	t.Fatalf("nothing listens on %s", address)
}

// A process that can no longer answer ends.
func TestRunEndsWithItsListener(t *testing.T) {
	key := writeFile(t, "key", []byte("hf_test_KEY"))
	for _, row := range []struct {
		name, flag, ready string
		args              []string
	}{
		{"serve", "--listen", "serving", []string{"serve", "--store", filepath.Join(t.TempDir(), "holdfast.db")}},
		{"shop", "--listen", "the shop is open", []string{
			"shop", "--key-file", key, "--database", filepath.Join(t.TempDir(), "shop.db"),
		}},
		{"the demo's server", "--listen", `"endpoint"`, []string{"demo", "--json", "--data", t.TempDir()}},
		{"the demo's shop", "--shop-listen", `"endpoint"`, []string{"demo", "--json", "--data", t.TempDir()}},
	} {
		t.Run(row.name, func(t *testing.T) {
			address, printed, ended := freeAddress(t), &transcript{}, make(chan int, 1)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			go func() {
				ended <- run(ctx, append(row.args, row.flag, address), world{Out: printed, Err: printed, Now: time.Now})
			}()
			eventually(t, row.name+" is ready", func() bool { return strings.Contains(printed.String(), row.ready) })
			endListener(t, address)
			if code := <-ended; code != exitFailed ||
				!strings.Contains(printed.String(), "holdfast: the listener on "+address+" ended") {
				t.Errorf("exit code %d, want %d, after\n%s", code, exitFailed, printed)
			}
		})
	}
}

// A silentNetwork takes cards and answers no question.
type silentNetwork struct {
	sandbox.Network
	asked chan struct{}
	ended chan error // why a question ended
}

func (n *silentNetwork) Ask(ctx context.Context, _ card.Question) (payment.Answer, error) {
	n.asked <- struct{}{}
	<-ctx.Done()
	n.ended <- ctx.Err()
	return payment.Answer{}, ctx.Err()
}

// A job that waits for the card network does not delay the end of the server.
func TestStopCutsQuestionsShort(t *testing.T) {
	var ahead atomic.Int64
	network := &silentNetwork{asked: make(chan struct{}, 10), ended: make(chan error, 10)}
	network.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	_, p, stop := startServer(t, network, network.Now)
	_, err := p.client().Reserve(t.Context(), holdfast.ReserveRequest{
		SenderTokenID: p.token("order-1-pay", money.Cents(1000)), CallerReference: "order-1",
		TransactionAmount: money.Cents(1000),
	})
	if err != nil {
		t.Fatal(err)
	}
	<-network.asked
	ahead.Store(int64(time.Minute)) // the question is in doubt, and a job asks it again
	<-network.asked
	stop()
	for range 2 {
		if err := <-network.ended; !errors.Is(err, context.Canceled) {
			t.Errorf("a question ended with %v, want it cut short", err)
		}
	}
}

// startServer starts a server on a new store with the cast of a demo.
func startServer(t *testing.T, network card.Network, now func() time.Time) (s *server, p *process, stop func()) {
	t.Helper()
	dir := t.TempDir()
	db, err := openStore(t.Context(), store.Config{Address: filepath.Join(dir, serverFile)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	s = startOn(t, db, network, now)
	stop = sync.OnceFunc(s.stop)
	t.Cleanup(stop)
	kept, err := (&cast{Processor: s.Processor, Store: db.Reader, Dir: dir, Now: now}).assemble(t.Context(), demoState{})
	if err == nil {
		_, err = s.Processor.ChangeCaller(t.Context(), kept.CallerID, func(c party.Caller) (party.Caller, error) {
			c.IPNURL = "http://127.0.0.1:1/ipn"
			return c, nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	d := &demo{dir: dir, kept: kept, public: s.PublicURL, shopAt: s.PublicURL}
	return s, &process{t: t, answer: d.answer()}, stop
}

// startOn starts a server on a store, with changed settings. The test must stop it.
func startOn(
	t testing.TB, db *store.DB, network card.Network, now func() time.Time, settings ...func(*server),
) *server {
	t.Helper()
	listener, err := listen(t.Context(), "--listen", freePort)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{
		Store: db, PublicURL: &url.URL{Scheme: "http", Host: listener.Addr().String(), Path: "/"}, AllowPrivate: true,
		Network: network, Now: now, Log: slog.New(slog.DiscardHandler), Ended: newEnding(),
	}
	for _, change := range settings {
		change(s)
	}
	if err := s.start(t.Context(), listener); err != nil {
		t.Fatal(err)
	}
	return s
}

// The API and the Co-Branded pages read a caller once, and not again before its
// clock was moved.
func TestDoorsShareCallers(t *testing.T) {
	at := time.Now()
	now := func() time.Time { return at }
	s, p, _ := startServer(t, &sandbox.Network{Now: now}, now)
	var reads atomic.Int64
	find := s.callers.Find
	s.callers.Find = func(ctx context.Context, id string) (party.Caller, party.AccessKey, bool, error) {
		reads.Add(1)
		return find(ctx, id)
	}
	pay := func(ref holdfast.CallerReference) {
		if _, err := p.client().Reserve(t.Context(), holdfast.ReserveRequest{
			SenderTokenID: p.token(ref, money.Cents(1000)), CallerReference: ref, TransactionAmount: money.Cents(1000),
		}); err != nil {
			t.Fatal(err)
		}
	}
	pay("order-1")
	pay("order-2")
	if n := reads.Load(); n != 1 {
		t.Errorf("the caller was read %d times", n)
	}
	if _, err := p.client().AdvanceClock(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	pay("order-3")
	if n := reads.Load(); n != 2 {
		t.Errorf("the caller was read %d times, the last time after its clock was moved", n)
	}
}
