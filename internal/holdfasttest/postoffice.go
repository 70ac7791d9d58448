package holdfasttest

import (
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// A PostOffice is a mail server in this process.
type PostOffice struct {
	*smtp.Server
	User, Password string     // required from clients; empty accepts all clients
	Authority      *Authority // that issued its certificate
	Port           int        // set by Open
	// Refuse returns the error that answers a command, such as "RCPT"; nil accepts
	// the command.
	Refuse func(command string) error

	mu       sync.Mutex
	commands []string
	letters  []Letter
}

// A Letter is a mail that the office accepted.
type Letter struct {
	From, To  string
	Encrypted bool
	Text      string // with its header
}

// Parsed returns the letter parsed as a mail.
func (l Letter) Parsed(t testing.TB) *netmail.Message {
	t.Helper()
	m, err := netmail.ReadMessage(strings.NewReader(l.Text))
	if err != nil {
		t.Fatalf("the letter cannot be read: %v\n%s", err, l.Text)
	}
	return m
}

// ErrHangUp, returned by Refuse, simulates a server that dies: it closes the
// connection. If it answers DATA, the letter has been accepted.
var ErrHangUp = errors.New("hang up")

// NewPostOffice makes an office with a certificate for 127.0.0.1 that is valid
// at now. Open opens it.
func NewPostOffice(t testing.TB, now time.Time) *PostOffice {
	t.Helper()
	o := &PostOffice{Authority: NewAuthority(t, now)}
	pair, err := tls.X509KeyPair(o.Authority.Issue(t, now, now.AddDate(1, 0, 0), "127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	o.Server = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &counter{office: o, conn: c}, nil
	}))
	o.Domain, o.ErrorLog = "office.example.test", slog.NewLogLogger(slog.DiscardHandler, slog.LevelInfo)
	o.TLSConfig = &tls.Config{Certificates: []tls.Certificate{pair}}
	return o
}

// Open starts the office. implicit means that connections are encrypted from
// the first byte.
func (o *PostOffice) Open(t testing.TB, implicit bool) *PostOffice {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o.Port = listener.Addr().(*net.TCPAddr).Port
	if implicit {
		listener = tls.NewListener(listener, o.TLSConfig)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		o.Serve(listener) //nolint:errcheck // it fails when the listener closes
	}()
	t.Cleanup(func() {
		o.Close()
		listener.Close() // Serve may not have registered it with the server yet
		<-ended
	})
	return o
}

// Arrived are the letters that the office accepted.
func (o *PostOffice) Arrived() []Letter {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.letters)
}

// Said are the commands MAIL, RCPT and DATA that the office received, with
// their addresses.
func (o *PostOffice) Said() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.commands)
}

// A counter serves one client of the office.
type counter struct {
	office *PostOffice
	conn   *smtp.Conn
	signed bool
	letter Letter
}

func (c *counter) AuthMechanisms() []string {
	if c.office.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

func (c *counter) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != c.office.User || password != c.office.Password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8}, Message: "wrong password " + password}
		}
		c.signed = true
		return nil
	}), nil
}

// answer records a command and returns the answer to it.
func (c *counter) answer(command, about string) error {
	c.office.mu.Lock()
	c.office.commands = append(c.office.commands, strings.TrimSpace(command+" "+about))
	c.office.mu.Unlock()
	if c.office.User != "" && !c.signed {
		return smtp.ErrAuthRequired
	}
	if c.office.Refuse == nil {
		return nil
	}
	err := c.office.Refuse(command)
	if errors.Is(err, ErrHangUp) {
		c.conn.Conn().Close()
	}
	return err
}

func (c *counter) Mail(from string, options *smtp.MailOptions) error {
	_, encrypted := c.conn.TLSConnectionState()
	c.letter = Letter{From: from, Encrypted: encrypted}
	command := "MAIL"
	if options.UTF8 {
		command = "MAIL SMTPUTF8"
	}
	return c.answer(command, from)
}

func (c *counter) Rcpt(to string, _ *smtp.RcptOptions) error {
	c.letter.To = to
	return c.answer("RCPT", to)
}

func (c *counter) Data(r io.Reader) error {
	text, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	c.letter.Text = string(text)
	err = c.answer("DATA", "")
	if err == nil || errors.Is(err, ErrHangUp) { // the office accepted it, even if no answer arrives
		c.office.mu.Lock()
		c.office.letters = append(c.office.letters, c.letter)
		c.office.mu.Unlock()
	}
	return err
}

func (c *counter) Reset()        {}
func (c *counter) Logout() error { return nil }
