package mail

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	netmail "net/mail"
	"strings"
	"time"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// A Relay is the mail server that accepts our mails (SMTP submission).
type Relay struct {
	Host string
	Port int
	// Security says how the connection is encrypted. The zero value is STARTTLS,
	// without which nothing is sent.
	Security Security
	User     string // empty does not sign in
	Password holdfast.SecretKey
	From     netmail.Address  // its domain is also how we introduce ourselves
	Now      func() time.Time // for certificates
	Roots    *x509.CertPool   // whom to trust; nil means whom the machine does
	Timeout  time.Duration    // of one mail; zero means 30 s
}

// A Security is how a connection to a relay is encrypted.
type Security int

// The ways.
const (
	StartTLS Security = iota // begins plain, and is encrypted before anything is said
	TLS                      // encrypted from the first byte
	Plain                    // not at all: for a relay on this machine
)

const timeoutDefault = 30 * time.Second

func (r *Relay) timeout() time.Duration {
	if r.Timeout == 0 {
		return timeoutDefault
	}
	return r.Timeout
}

// A refusedError says that a mail will never be accepted; any other error may
// pass. The texts of this package's errors contain nothing of the mail and can
// be logged.
type refusedError struct{ why string }

func (e *refusedError) Error() string { return e.why }

// Send gives a mail to the relay over its own connection, so that a failure of
// one mail does not affect others. After an error the relay may have accepted
// the mail all the same.
func (r *Relay) Send(ctx context.Context, m party.Mail) error {
	to, err := recipient(m.To)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout()) // the library counts each step by itself
	defer cancel()
	wide := !ascii(to.Address)
	s, err := r.open(ctx, wide)
	if err != nil {
		return err
	}
	defer s.close()
	if takes, _ := s.smtp.Extension("SMTPUTF8"); wide && !takes {
		return &refusedError{"the mail server takes no address with other letters than ASCII before the @"}
	}
	letter := r.letter(m, to)
	if err := s.client.SendWithSMTPClient(s.smtp, letter); !letter.IsDelivered() {
		return explain(err)
	}
	return nil
}

// Check reports whether the relay can be reached and accepts our login.
func (r *Relay) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.timeout())
	defer cancel()
	s, err := r.open(ctx, false)
	if err != nil {
		return err
	}
	s.close()
	return nil
}

// letter is a mail as it goes over the wire. Its id is the same for all tries,
// so a receiver can recognise a repetition. A header asks robots not to answer.
func (r *Relay) letter(m party.Mail, to *netmail.Address) *gomail.Msg {
	letter := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	letter.FromMailAddress(&r.From)
	letter.ToMailAddress(to)
	letter.Subject(oneLine(m.Subject))
	letter.SetDateWithValue(m.Created.UTC())
	letter.SetMessageIDWithValue(m.ID + "@" + domainOf(r.From.Address))
	letter.SetGenHeader("Auto-Submitted", "auto-generated")
	letter.SetBodyString(gomail.TypeTextPlain, m.Text)
	return letter
}

// recipient reads an address, with its domain as name servers know it.
func recipient(address string) (*netmail.Address, error) {
	parsed, err := netmail.ParseAddress(address)
	if err != nil || parsed.Address != address {
		return nil, &refusedError{"this is no e-mail address"}
	}
	at := strings.LastIndexByte(address, '@')
	domain, err := party.MailDomain(address[at+1:])
	if err != nil {
		return nil, &refusedError{"the e-mail address has a domain that cannot be"}
	}
	return &netmail.Address{Address: address[:at+1] + domain}, nil
}

func ascii(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > unicode.MaxASCII })
}

// oneLine keeps a text from beginning another header.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// explain says why a relay did not accept a mail, without the relay's own
// words: they may repeat the mail's text.
func explain(err error) error {
	failure, ok := errors.AsType[*gomail.SendError](err)
	if !ok {
		return errors.New("the mail server did not take it on")
	}
	code := failure.ErrorCode()
	if code == 0 {
		return fmt.Errorf("%s: the connection broke", failure.Reason)
	}
	why := strings.TrimSpace(fmt.Sprintf("%s: %d %s", failure.Reason, code, failure.EnhancedStatusCode()))
	const signInFirst = 53 // 530, 534, 535, 538: somebody has to change the settings, not the mail
	ofTheMail := failure.Reason == gomail.ErrSMTPRcptTo || failure.Reason == gomail.ErrSMTPData ||
		failure.Reason == gomail.ErrSMTPDataClose
	if ofTheMail && code/100 == 5 && code/10 != signInFirst {
		return &refusedError{why}
	}
	return errors.New(why)
}

// CheckFrom reports whether mails can come from an address. It must be ASCII,
// because receivers' servers may accept nothing else.
func CheckFrom(address string) error {
	to, err := recipient(address)
	if err == nil && (to.Address != address || !ascii(address)) {
		err = &refusedError{"the e-mail address is not in ASCII letters"}
	}
	return err
}
