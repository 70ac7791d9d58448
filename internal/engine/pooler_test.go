package engine_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/holdfast-pay/holdfast/internal/engine"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// A pooler is a proxy for PostgreSQL, like PgBouncer. It gives a client the
// server session that became free last. It takes the session back after each
// transaction or, in session mode, when the client disconnects.
type pooler struct {
	t         *testing.T
	server    string // PostgreSQL's address
	bySession bool

	mu   sync.Mutex
	idle []*pgconn.HijackedConn
}

// start returns the pooler's address for a database.
func (p *pooler) start() string {
	p.t.Helper()
	listener, err := new(net.ListenConfig).Listen(p.t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		listener.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, s := range p.idle {
			s.Conn.Close()
		}
	})
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return "postgres://holdfast@" + listener.Addr().String() + "/x?sslmode=disable"
}

func (p *pooler) serve(client net.Conn) {
	defer client.Close()
	c := pgproto3.NewBackend(client, client)
	if _, err := c.ReceiveStartupMessage(); err != nil {
		return
	}
	c.Send(&pgproto3.AuthenticationOk{})
	for name, value := range map[string]string{"standard_conforming_strings": "on", "client_encoding": "UTF8"} {
		c.Send(&pgproto3.ParameterStatus{Name: name, Value: value})
	}
	c.Send(&pgproto3.BackendKeyData{ProcessID: 1, SecretKey: []byte("1234")}) // made up
	c.Send(&pgproto3.ReadyForQuery{TxStatus: 'I'})
	var s *pgconn.HijackedConn
	defer func() {
		if s != nil {
			p.giveBack(s)
		}
	}()
	for c.Flush() == nil {
		asked, err := c.Receive()
		query, ok := asked.(*pgproto3.Query)
		if err != nil || !ok {
			return
		}
		if s == nil {
			if s, err = p.take(); err != nil {
				p.t.Errorf("a session for a client: %v", err)
				return
			}
		}
		s.Frontend.Send(query)
		status, err := byte(0), s.Frontend.Flush()
		for err == nil && status == 0 {
			var answer pgproto3.BackendMessage
			if answer, err = s.Frontend.Receive(); err != nil {
				break
			}
			if ready, ok := answer.(*pgproto3.ReadyForQuery); ok {
				status = ready.TxStatus
			}
			c.Send(answer)
			err = c.Flush() // a message is valid until the next one
		}
		if err != nil {
			return
		}
		if status == 'I' && !p.bySession {
			p.giveBack(s)
			s = nil
		}
	}
}

func (p *pooler) take() (*pgconn.HijackedConn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if last := len(p.idle) - 1; last >= 0 {
		s := p.idle[last]
		p.idle = p.idle[:last]
		return s, nil
	}
	conn, err := pgconn.Connect(context.Background(), p.server)
	if err != nil {
		return nil, err
	}
	return conn.Hijack()
}

func (p *pooler) giveBack(s *pgconn.HijackedConn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, s)
}

func postgres(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// A pooler that shares server sessions between transactions is refused before
// anything is written. A pooler in session mode is accepted.
func TestAPoolerInTransactionModeIsRefused(t *testing.T) {
	server := holdfasttest.EmptyPostgresAddress(t)
	shared := &pooler{t: t, server: server}
	pools, err := engine.Connect(t.Context(), engine.Address{PostgreSQL: shared.start()})
	if err == nil {
		pools.Close()
	}
	if !errors.Is(err, engine.ErrPooler) {
		t.Errorf("opened in transaction mode: %v", err)
	}
	session := &pooler{t: t, server: server, bySession: true}
	if err := engine.RefusePooler(t.Context(), postgres(t, session.start())); err != nil {
		t.Errorf("in session mode: %v", err)
	}
	if err := engine.RefusePooler(t.Context(), postgres(t, server)); err != nil {
		t.Errorf("without a pooler: %v", err)
	}
}
