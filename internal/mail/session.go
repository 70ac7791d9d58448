package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"regexp"
	"strconv"
	"strings"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"
)

// A session is a connection on which a relay waits for mails.
type session struct {
	client *gomail.Client
	smtp   *smtp.Client
	conn   net.Conn
	forget func() bool // that ctx ends it
}

// mechanisms are the ways to sign in, the best first.
var mechanisms = []gomail.SMTPAuthType{
	gomail.SMTPAuthSCRAMSHA256PLUS, gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthSCRAMSHA1PLUS, gomail.SMTPAuthSCRAMSHA1,
	gomail.SMTPAuthPlain, gomail.SMTPAuthLogin, gomail.SMTPAuthCramMD5,
}

// open connects, encrypts and signs in. wide is for addresses with other than
// ASCII letters. The end of ctx ends the session, whatever it waits for.
func (r *Relay) open(ctx context.Context, wide bool) (*session, error) {
	if r.User != "" && r.Security == Plain {
		return nil, errors.New("connecting to the mail server: no password is sent over an unencrypted connection")
	}
	s := &session{}
	dial := func(dialing context.Context, network, _ string) (_ net.Conn, err error) {
		if s.conn, err = r.dial(dialing, network); err == nil {
			s.forget = context.AfterFunc(ctx, func() { s.conn.Close() })
		}
		return s.conn, err
	}
	options := []gomail.Option{
		gomail.WithPort(r.Port), gomail.WithTimeout(r.timeout()), gomail.WithTLSConfig(r.tls()),
		gomail.WithDialContextFunc(dial),
		gomail.WithHELO(domainOf(r.From.Address)),
		gomail.WithoutNoop(), gomail.WithoutRset(), // there is one mail
	}
	switch r.Security {
	case StartTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	case TLS:
		options = append(options, gomail.WithSSL())
	case Plain:
		options = append(options, gomail.WithTLSPolicy(gomail.NoTLS))
	}
	if !wide {
		// If a mail that does not need SMTPUTF8 asks for it, relays further on may
		// refuse the mail.
		options = append(options, gomail.WithoutSMTPUTF8())
	}
	if r.User != "" {
		options = append(
			options, gomail.WithUsername(r.User), gomail.WithPassword(string(r.Password.Reveal())),
			gomail.WithOpportunisticSMTPAuth(mechanisms...),
		)
	}
	var err error
	if s.client, err = gomail.NewClient(r.Host, options...); err == nil {
		s.smtp, err = s.client.DialToSMTPClientWithContext(ctx)
	}
	if err != nil {
		s.close()
		if over := ctx.Err(); over != nil {
			err = over // and not that we closed the connection for it
		}
		return nil, fmt.Errorf("connecting to the mail server: %s", short(err))
	}
	return s, nil
}

func (s *session) close() {
	if s.smtp != nil {
		_ = s.client.CloseWithSMTPClient(s.smtp) // a relay that does not say goodbye has all that it gets
	}
	if s.conn != nil {
		s.forget()
		s.conn.Close()
	}
}

func (r *Relay) dial(ctx context.Context, network string) (net.Conn, error) {
	address := net.JoinHostPort(r.Host, strconv.Itoa(r.Port))
	if r.Security == TLS {
		return (&tls.Dialer{Config: r.tls()}).DialContext(ctx, network, address)
	}
	return new(net.Dialer).DialContext(ctx, network, address)
}

func (r *Relay) tls() *tls.Config {
	return &tls.Config{ServerName: r.Host, MinVersion: tls.VersionTLS12, RootCAs: r.Roots, Time: r.Now}
}

const reasonBytesMax = 200

// short makes one log line of a failed connection. It keeps only the code of a
// server's answer, because the rest may repeat a password.
func short(err error) string {
	text := err.Error()
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		said := strings.TrimSpace(fmt.Sprintf("%d %s", answer.Code, enhancedCode.FindString(answer.Msg)))
		text = strings.ReplaceAll(text, answer.Error(), said)
	}
	text = strings.ToValidUTF8(oneLine(resolver.ReplaceAllString(text, "$1: ")), "?")
	if len(text) > reasonBytesMax {
		text = strings.ToValidUTF8(text[:reasonBytesMax], "")
	}
	return text
}

// resolver matches the machine's name server in Go's errors.
var resolver = regexp.MustCompile(`\b(lookup \S+) on \S+: `)

var enhancedCode = regexp.MustCompile(`^[245]\.\d{1,3}\.\d{1,3}\b`) // RFC 3463
