package engine_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// commitMessage is a part of each message that commits: the name of an empty
// portal, and the name under which the driver has prepared the commit.
var commitMessage = func() []byte {
	const length = 24
	digest := sha256.Sum256([]byte("commit"))
	return []byte("\x00stmtcache_" + hex.EncodeToString(digest[:length]) + "\x00")
}()

// A wire is a proxy between an engine and its database that can cut connections.
type wire struct {
	t        *testing.T
	listener net.Listener
	network  string // of the database
	address  string
	carried  atomic.Int64 // bytes to the database
	turns    atomic.Int64 // round trips: messages to the database that follow an answer

	mu    sync.Mutex
	open  []net.Conn
	cutAt func(sent []byte) cutting // nil cuts nothing
}

// A cutting says what is lost when a connection is cut.
type cutting int

const (
	cutNothing  cutting = iota
	cutQuestion         // the message does not arrive
	cutAnswer           // the message arrives, and its answer is lost
	hangUp              // the message arrives, and the database loses its client
)

func newWire(t *testing.T, database string) *wire {
	t.Helper()
	config, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{t: t}
	w.network, w.address = pgconn.NetworkAddress(config.Host, config.Port)
	if w.listener, err = new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.refuse(); w.cut() })
	go func() {
		for {
			client, err := w.listener.Accept()
			if err != nil {
				return
			}
			server, err := new(net.Dialer).Dial(w.network, w.address)
			if err != nil {
				client.Close()
				continue
			}
			w.mu.Lock()
			w.open = append(w.open, client, server)
			w.mu.Unlock()
			go w.carry(client, server)
		}
	}()
	return w
}

// carry copies bytes both ways until one end closes or the wire is cut.
func (w *wire) carry(client, server net.Conn) {
	defer client.Close()
	defer server.Close()
	answers := make(chan net.Conn, 1) // the connection for answers; none once the wire is cut
	answers <- client
	var answered atomic.Bool
	go func() {
		defer client.Close()
		defer server.Close()
		buffer := make([]byte, 64<<10)
		for {
			n, err := server.Read(buffer)
			if err != nil {
				return
			}
			to := <-answers
			answers <- to
			if to == nil {
				return
			}
			answered.Store(true)
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
	}()
	buffer := make([]byte, 64<<10)
	for {
		n, err := client.Read(buffer)
		if err != nil {
			return
		}
		w.carried.Add(int64(n))
		if answered.Swap(false) {
			w.turns.Add(1)
		}
		w.mu.Lock()
		cutAt := w.cutAt
		w.mu.Unlock()
		what := cutNothing
		if cutAt != nil {
			what = cutAt(buffer[:n])
		}
		switch what {
		case cutQuestion:
			return
		case cutAnswer:
			<-answers
			answers <- nil
		case cutNothing, hangUp:
		}
		if _, err := server.Write(buffer[:n]); err != nil || what == hangUp {
			return
		}
	}
}

func (w *wire) cutCommits(what cutting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cutAt = func(sent []byte) cutting {
		if bytes.Contains(sent, commitMessage) {
			return what
		}
		return cutNothing
	}
}

// refuse accepts no more connections, and keeps the existing ones.
func (w *wire) refuse() { w.listener.Close() }

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, end := range w.open {
		end.Close()
	}
	w.open = nil
}

// through is the address of a database behind wires.
func through(t *testing.T, database string, wires ...*wire) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	query := u.Query()
	query.Del("host")
	query.Del("port")
	query.Set("sslmode", "disable")
	var hosts []string
	for _, w := range wires {
		hosts = append(hosts, w.listener.Addr().String())
	}
	u.Host, u.RawQuery = strings.Join(hosts, ","), query.Encode()
	return u.String()
}
