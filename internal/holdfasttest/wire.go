package holdfasttest

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

// A Wire is a proxy between a server and its PostgreSQL that can cut connections.
type Wire struct {
	t        testing.TB
	listener net.Listener
	network  string // of the database
	address  string
	Carried  atomic.Int64 // bytes to the database
	Turns    atomic.Int64 // round trips: messages to the database that follow an answer

	mu    sync.Mutex
	open  []net.Conn
	cutAt func(sent []byte) Cutting // nil cuts nothing
}

// A Cutting says what is lost when a connection is cut.
type Cutting int

// What can be lost.
const (
	CutNothing  Cutting = iota
	CutQuestion         // the message does not arrive
	CutAnswer           // the message arrives, and its answer is lost
	HangUp              // the message arrives, and the database loses its client
)

// NewWire starts a proxy to a PostgreSQL server.
func NewWire(t testing.TB, database string) *Wire {
	t.Helper()
	config, err := pgx.ParseConfig(database)
	if err != nil {
		t.Fatal(err)
	}
	w := &Wire{t: t}
	w.network, w.address = pgconn.NetworkAddress(config.Host, config.Port)
	if w.listener, err = new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Refuse(); w.Cut() })
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
func (w *Wire) carry(client, server net.Conn) {
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
		w.Carried.Add(int64(n))
		if answered.Swap(false) {
			w.Turns.Add(1)
		}
		w.mu.Lock()
		cutAt := w.cutAt
		w.mu.Unlock()
		what := CutNothing
		if cutAt != nil {
			what = cutAt(buffer[:n])
		}
		switch what {
		case CutQuestion:
			return
		case CutAnswer:
			<-answers
			answers <- nil
		case CutNothing, HangUp:
		}
		if _, err := server.Write(buffer[:n]); err != nil || what == HangUp {
			return
		}
	}
}

// CutCommits cuts what is lost of each message that commits.
func (w *Wire) CutCommits(what Cutting) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cutAt = func(sent []byte) Cutting {
		if bytes.Contains(sent, commitMessage) {
			return what
		}
		return CutNothing
	}
}

// Refuse accepts no more connections, and keeps the existing ones.
func (w *Wire) Refuse() { w.listener.Close() }

// Cut closes all connections.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, end := range w.open {
		end.Close()
	}
	w.open = nil
}

// Through is the address of a database behind wires.
func Through(t testing.TB, database string, wires ...*Wire) string {
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
