package main

import (
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"net/netip"
	"net/url"
	"strconv"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/mail"
)

// mailFlags say how parties get their mails. Without any they get none.
type mailFlags struct {
	SMTP             string `name:"smtp" help:"Send mails through this server: smtp://user@host:587 with STARTTLS, or smtps://user@host:465." env:"HOLDFAST_SMTP" placeholder:"URL"`
	SMTPPasswordFile string `name:"smtp-password-file" help:"Read the mail server's password from the first line of this file." env:"HOLDFAST_SMTP_PASSWORD_FILE" placeholder:"FILE"`
	SMTPPlain        bool   `name:"smtp-plain" help:"Send without encryption, to a mail server on this machine or in a network that you trust." env:"HOLDFAST_SMTP_PLAIN"`
	MailFrom         string `name:"mail-from" help:"Send mails from this address, such as 'Holdfast <pay@example.com>'." env:"HOLDFAST_MAIL_FROM" placeholder:"ADDRESS"`
	Inbox            bool   `name:"inbox" help:"Show mails at /inbox/ to this machine only, as the demo does, and send none." env:"HOLDFAST_INBOX"`
}

const (
	portSubmission  = 587 // begins plain, then STARTTLS (RFC 6409)
	portSubmissions = 465 // TLS from the first byte (RFC 8314)
)

// sender is what delivers mails, apart from its store, or why the flags make no
// sense.
func (f mailFlags) sender(w world) (*mail.Sender, error) {
	s := &mail.Sender{Inbox: f.Inbox, Now: w.Now, Log: w.Log}
	switch {
	case f.SMTP == "" && (f.SMTPPasswordFile != "" || f.SMTPPlain || f.MailFrom != ""):
		return nil, errors.New("--smtp-password-file, --smtp-plain and --mail-from do nothing without --smtp URL")
	case f.SMTP != "" && f.Inbox:
		return nil, errors.New("--smtp and --inbox: give one of them; mails are sent or shown")
	case f.SMTP == "":
		return s, nil
	}
	relay, err := f.relay(w.Now)
	s.Relay = relay
	return s, err
}

// relay reads the mail server's address. What is wrong with it is said without
// repeating it: there may be a password in it, although there must not.
func (f mailFlags) relay(now func() time.Time) (*mail.Relay, error) {
	const form = "--smtp: give an address such as smtp://user@mail.example.com:587 or smtps://user@mail.example.com"
	u, err := url.Parse(f.SMTP)
	if err != nil || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New(form)
	}
	relay := &mail.Relay{Host: u.Hostname(), User: u.User.Username(), Now: now}
	switch {
	case u.Scheme == "smtps" && !f.SMTPPlain:
		relay.Security, relay.Port = mail.TLS, portSubmissions
	case u.Scheme == "smtp" && !f.SMTPPlain:
		relay.Security, relay.Port = mail.StartTLS, portSubmission
	case u.Scheme == "smtp":
		relay.Security, relay.Port = mail.Plain, portSubmission
	default:
		return nil, errors.New(form)
	}
	if u.Port() != "" {
		if relay.Port, err = strconv.Atoi(u.Port()); err != nil || relay.Port < 1 || relay.Port > 65535 {
			return nil, errors.New(form)
		}
	}
	if relay.From, err = f.from(); err != nil {
		return nil, err
	}
	relay.Password, err = f.password(u.User)
	return relay, err
}

func (f mailFlags) from() (netmail.Address, error) {
	from, err := netmail.ParseAddress(f.MailFrom)
	if err == nil {
		err = mail.CheckFrom(from.Address)
	}
	if err != nil {
		return netmail.Address{},
			errors.New("--mail-from: give an address such as 'Holdfast <pay@example.com>', in ASCII letters")
	}
	return *from, nil
}

// password is the one for the user of the mail server.
func (f mailFlags) password(user *url.Userinfo) (secret holdfast.SecretKey, err error) {
	_, inAddress := user.Password()
	switch {
	case inAddress:
		return secret, errors.New("--smtp: put the password into a file, and name that with --smtp-password-file; others " +
			"can read a command line")
	case user.Username() != "" && f.SMTPPlain:
		return secret, errors.New("--smtp-plain: no password is sent without encryption; leave the user out of --smtp")
	case user.Username() != "" && f.SMTPPasswordFile == "":
		return secret, errors.New("--smtp-password-file: say where the password of the user in --smtp is")
	case user.Username() == "" && f.SMTPPasswordFile != "":
		return secret, errors.New("--smtp: whose is the password? Name the user in the address")
	case f.SMTPPasswordFile == "":
		return secret, nil
	}
	password, err := readSecret(f.SMTPPasswordFile)
	if err != nil {
		return secret, fmt.Errorf("--smtp-password-file: %w", err)
	}
	return holdfast.NewSecretKey(password), nil
}

// checkInbox refuses the inbox on a server that others can reach: mails contain
// links that give access to accounts.
func (f mailFlags) checkInbox(public *url.URL, listener net.Listener, addressHeader string) error {
	switch {
	case !f.Inbox:
		return nil
	case addressHeader != "":
		return errors.New("--inbox and --address-header: browsers behind the proxy could read all mails; give --smtp")
	case !loopback(public.Hostname()) || !loopback(hostOf(listener)):
		return errors.New("--inbox: every browser that reaches this server could read all mails. Let it listen on " +
			"loopback, with a public URL there, or give --smtp")
	}
	return nil
}

func hostOf(listener net.Listener) string {
	host, _, _ := net.SplitHostPort(listener.Addr().String())
	return host
}

func loopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}
