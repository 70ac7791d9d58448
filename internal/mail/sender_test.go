package mail_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/quotedprintable"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-smtp"
	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/mail"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

// A desk is a sender together with a writer of mails.
type desk struct {
	*mail.Sender
	t      *testing.T
	clock  *holdfasttest.Clock
	office *holdfasttest.PostOffice
	log    holdfasttest.Log
}

// secret stands in each mail, and nowhere else.
const secret = "https://pay.example.com/verify/s3cr3t"

func newDesk(t *testing.T, db *store.DB) *desk {
	t.Helper()
	d := &desk{t: t, clock: holdfasttest.NewClock()}
	d.office = holdfasttest.NewPostOffice(t, d.clock.Now()).Open(t, false)
	d.Sender = &mail.Sender{
		Store: db, Relay: relayTo(d.office, d.clock), Now: d.clock.Now,
		Log: slog.New(slog.NewTextHandler(&d.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	return d
}

// write writes a mail as an action does.
func (d *desk) write(id, to, subject string) {
	d.t.Helper()
	d.writeText(id, to, subject, "Hello,\n\n"+secret+"\n")
}

func (d *desk) writeText(id, to, subject, text string) {
	d.t.Helper()
	m := party.Mail{ID: id, To: to, Subject: subject, Text: text, Created: d.clock.Now()}
	if err := d.Store.Update(d.t.Context(), func(tx *store.Tx) error { return tx.InsertMail(m) }); err != nil {
		d.t.Fatal(err)
	}
}

func (d *desk) run() (done int) {
	d.t.Helper()
	done, err := d.RunOnce(d.t.Context())
	if err != nil {
		d.t.Fatal(err)
	}
	return done
}

// left are the mails in the store with an outcome.
func (d *desk) left(outcome store.MailOutcome) (ids []string) {
	d.t.Helper()
	for _, m := range d.mails(outcome) {
		ids = append(ids, m.ID)
	}
	return ids
}

func (d *desk) waiting() []string { return d.left(store.MailWaiting) }

func (d *desk) all() []store.Mail { return d.mails("") }

func (d *desk) mails(outcome store.MailOutcome) (all []store.Mail) {
	d.t.Helper()
	err := d.Store.View(d.t.Context(), func(tx *store.ReadTx) (err error) {
		all, err = tx.Mails(outcome, 100)
		return err
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return all
}

func TestDelivery(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		if done := d.run(); done != 0 {
			t.Errorf("%d mails were found where there are none", done)
		}
		d.write("M1", "ann@example.com", "Bestätigen Sie Ihre Adresse")
		d.clock.Advance(time.Minute)
		if done := d.run(); done != 1 || len(d.waiting()) != 0 || len(d.office.Arrived()) != 1 {
			t.Fatalf("%d mails sent, %v left, %d arrived", done, d.waiting(), len(d.office.Arrived()))
		}
		got := d.office.Arrived()[0]
		if got.From != "pay@holdfast.example" || got.To != "ann@example.com" || !got.Encrypted {
			t.Errorf("arrived from %s for %s, encrypted is %v", got.From, got.To, got.Encrypted)
		}
		m := got.Parsed(t)
		header := map[string]string{}
		for name := range m.Header {
			header[name] = m.Header.Get(name)
		}
		want := map[string]string{
			"From": `"Holdfast" <pay@holdfast.example>`, "To": "<ann@example.com>",
			"Subject": "=?UTF-8?q?Best=C3=A4tigen_Sie_Ihre_Adresse?=", "Date": "Mon, 23 Nov 2026 10:15:30 +0000",
			"Message-Id": "<M1@holdfast.example>", "Auto-Submitted": "auto-generated",
			"Mime-Version": "1.0", "Content-Type": "text/plain; charset=UTF-8", "Content-Transfer-Encoding": "quoted-printable",
		}
		if diff := cmp.Diff(want, header); diff != "" {
			t.Errorf("header (-want +got):\n%s", diff)
		}
		body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		if err != nil || strings.ReplaceAll(string(body), "\r\n", "\n") != "Hello,\n\n"+secret+"\n" {
			t.Errorf("the text is %q (%v)", body, err)
		}
		if said := d.log.Said(); strings.Contains(said, "s3cr3t") || strings.Contains(said, "ann@") {
			t.Errorf("logged: %s", said)
		}
		if done := d.run(); done != 0 {
			t.Error("a mail that was sent is sent again")
		}
	})
}

// No text can add a header to a mail or send it to another address.
func TestHostileMails(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		hostile := "Hi\r\nBcc: eve@example.com\r\n\r\nWin money\x07 now"
		d.writeText("M1", "ann@example.com", hostile, "Hello\r\n.\r\nMAIL FROM:<eve@example.com>\n.\rDATA\r.\r\n")
		for i, to := range []string{
			"", "nobody", "ann@example.com\r\nRCPT TO:<eve@example.com>", "ann@example.com, eve@example.com",
			"Ann <ann@example.com>", "ann@example.com>\r\nDATA", "ann@-bad-.example", "ann@exa mple.com", "ann@" +
				strings.Repeat("a", 64) + ".example", "@example.com", "ann@[127.0.0.1]",
		} {
			d.write(fmt.Sprintf("M2%02d", i), to, "Hi")
		}
		for d.run() > 0 {
			if len(d.office.Said()) > 3 {
				break
			}
		}
		if diff := cmp.Diff([]string{"MAIL pay@holdfast.example", "RCPT ann@example.com", "DATA"},
			d.office.Said()); diff != "" {
			t.Errorf("said to the mail server (-want +got):\n%s", diff)
		}
		m := d.office.Arrived()[0].Parsed(t)
		subject, err := new(mime.WordDecoder).DecodeHeader(m.Header.Get("Subject"))
		if want := "Hi  Bcc: eve@example.com    Win money  now"; err != nil || subject != want || m.Header.Get("Bcc") != "" {
			t.Errorf("the subject is %q (%v), want %q; Bcc is %q", subject, err, want, m.Header.Get("Bcc"))
		}
		body, err := io.ReadAll(quotedprintable.NewReader(m.Body))
		if want := "Hello\r\n.\r\nMAIL FROM:<eve@example.com>\r\n.\r\nDATA\r\n.\r\n"; err != nil || string(body) != want {
			t.Errorf("the text is %q (%v), want %q", body, err, want)
		}
		if left := d.waiting(); len(left) != 0 {
			t.Errorf("%v will be tried for ever", left)
		}
		if said := d.log.Said(); strings.Count(said, "mail given up") != 11 || strings.Contains(said, "s3cr3t") {
			t.Errorf("logged: %s", said)
		}
	})
}

func TestAddressesInOtherScripts(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		for i, row := range []struct {
			name, to string
			utf8     bool // the mail server takes them
			want     []string
		}{
			{"a domain", "ann@bücher.example", false, []string{
				"MAIL pay@holdfast.example", "RCPT ann@xn--bcher-kva.example", "DATA",
			}},
			{"a domain, where more is taken", "ann@bücher.example", true, []string{
				"MAIL pay@holdfast.example", "RCPT ann@xn--bcher-kva.example", "DATA",
			}},
			{"a name", "jürgen@bücher.example", true, []string{
				"MAIL SMTPUTF8 pay@holdfast.example", "RCPT jürgen@xn--bcher-kva.example", "DATA",
			}},
			{"a name, where it is not taken", "jürgen@bücher.example", false, nil},
		} {
			t.Run(row.name, func(t *testing.T) {
				d := newDesk(t, db)
				d.office.EnableSMTPUTF8 = row.utf8
				d.write(fmt.Sprintf("M%d", i), row.to, "Hi")
				d.run()
				if diff := cmp.Diff(row.want, d.office.Said()); diff != "" {
					t.Errorf("said to the mail server (-want +got):\n%s", diff)
				}
				if left := d.waiting(); len(left) != 0 {
					t.Errorf("%v waits", left)
				}
				if said := d.log.Said(); row.want == nil && !strings.Contains(said, "takes no address with other letters") {
					t.Errorf("logged: %s", said)
				}
			})
		}
	})
}

// The mail server's answer decides whether the mail is tried again. The log has
// the decision and nothing of the mail.
func TestRefusals(t *testing.T) {
	refusal := func(at string, code int, enhanced smtp.EnhancedCode) func(string) error {
		return func(command string) error {
			if command != at {
				return nil
			}
			return &smtp.SMTPError{Code: code, EnhancedCode: enhanced, Message: "about " + secret + " for ann@example.com"}
		}
	}
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		for i, row := range []struct {
			name   string
			refuse func(string) error
			again  bool
			want   string // of the log
		}{
			{"not now", refusal("RCPT", 451, smtp.EnhancedCode{4, 7, 1}), true, "RCPT TO command: 451 4.7.1"},
			{"not now, said late", refusal("DATA", 452, smtp.EnhancedCode{4, 3, 1}), true, "DATA writer: 452 4.3.1"},
			{"no such person", refusal("RCPT", 550, smtp.EnhancedCode{5, 1, 1}), false, "RCPT TO command: 550 5.1.1"},
			{"not this text", refusal("DATA", 554, smtp.EnhancedCode{5, 7, 1}), false, "DATA writer: 554 5.7.1"},
			{"not from you", refusal("MAIL", 550, smtp.EnhancedCode{5, 7, 1}), true, "MAIL FROM command: 550 5.7.1"},
			{"sign in first", refusal("RCPT", 530, smtp.EnhancedCode{5, 7, 0}), true, "RCPT TO command: 530 5.7.0"},
		} {
			t.Run(row.name, func(t *testing.T) {
				d := newDesk(t, db)
				d.office.Refuse = row.refuse
				d.write(fmt.Sprintf("M%d", i), "ann@example.com", "Hi")
				d.run()
				said := d.log.Said()
				if m := d.all()[0]; !strings.HasSuffix(m.Failure, row.want) || m.Tries != 1 {
					t.Errorf("kept as %q after %d tries", m.Failure, m.Tries)
				}
				if !strings.Contains(said, row.want) || strings.Contains(said, "s3cr3t") || strings.Contains(said, "ann@") {
					t.Errorf("logged: %s", said)
				}
				if again := len(d.waiting()) == 1; again != row.again {
					t.Fatalf("will be tried again is %v, want %v", again, row.again)
				}
				d.office.Refuse = nil
				if done := d.run(); done != 0 {
					t.Error("tried again at once")
				}
				d.clock.Advance(30 * time.Second)
				if d.run(); len(d.waiting()) != 0 || len(d.office.Arrived()) == 1 != row.again {
					t.Errorf("in the end %d arrived, and %v waits", len(d.office.Arrived()), d.waiting())
				}
			})
		}
	})
}

// A mail server that dies gets the mail again. If it had accepted the mail, it
// can recognise the repetition.
func TestCutConnections(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		for at, times := range map[string]int{"MAIL": 1, "RCPT": 1, "DATA": 2} {
			t.Run(at, func(t *testing.T) {
				d := newDesk(t, db)
				d.office.Refuse = func(command string) error {
					if command == at {
						return holdfasttest.ErrHangUp
					}
					return nil
				}
				d.write("M1", "ann@example.com", "Hi")
				d.run()
				if said := d.log.Said(); !strings.Contains(said, "the connection broke") || strings.Contains(said, "s3cr3t") {
					t.Errorf("logged: %s", said)
				}
				d.office.Refuse = nil
				d.clock.Advance(30 * time.Second)
				d.run()
				arrived := d.office.Arrived()
				if len(arrived) != times || len(d.all()) != 0 {
					t.Fatalf("%d arrived, want %d, and %v is left", len(arrived), times, d.all())
				}
				for _, letter := range arrived {
					if letter.Text != arrived[0].Text || letter.Parsed(t).Header.Get("Message-Id") != "<M1@holdfast.example>" {
						t.Errorf("another than the first:\n%s\n%s", letter.Text, arrived[0].Text)
					}
				}
			})
		}
	})
}

// A mail that was claimed by a server that crashed is sent by another server
// after the lease.
func TestCrash(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.write("M1", "ann@example.com", "Hi")
		const lease = time.Minute
		err := db.Update(t.Context(), func(tx *store.Tx) error {
			claimed, err := tx.ClaimMails(d.clock.Now(), d.clock.Now().Add(lease), 10)
			if err == nil && len(claimed) != 1 {
				t.Errorf("claimed %v", claimed)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		d.clock.Advance(lease - time.Microsecond)
		if done := d.run(); done != 0 {
			t.Error("a mail is sent that somebody else has")
		}
		d.clock.Advance(time.Microsecond)
		if d.run(); len(d.office.Arrived()) != 1 || len(d.all()) != 0 {
			t.Errorf("%d arrived, and %v is left", len(d.office.Arrived()), d.all())
		}
	})
}

// Tries come at longer and longer intervals, for a day.
func TestGivesUpAfterADay(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.office.Refuse = func(string) error {
			return &smtp.SMTPError{Code: 421, EnhancedCode: smtp.EnhancedCode{4, 3, 2}, Message: "closed"}
		}
		d.write("M1", "ann@example.com", "Hi")
		written := d.clock.Now()
		var tries []string
		for len(d.waiting()) > 0 && len(tries) < 100 {
			if d.run() > 0 {
				tries = append(tries, d.clock.Now().Sub(written).String())
			}
			if len(tries) < 8 {
				d.clock.Advance(30 * time.Second)
			} else {
				d.clock.Advance(30 * time.Minute)
			}
		}
		if diff := cmp.Diff([]string{"0s", "30s", "1m30s", "6m30s", "21m30s", "51m30s", "1h51m30s", "2h51m30s"},
			tries[:8]); diff != "" {
			t.Errorf("tried at (-want +got):\n%s", diff)
		}
		if last := tries[len(tries)-1]; len(tries) != 29 || last != "23h51m30s" {
			t.Errorf("tried %d times, last after %s", len(tries), last)
		}
		if said := d.log.Said(); !strings.Contains(said, "mail given up") || strings.Contains(said, "s3cr3t") {
			t.Errorf("logged: %s", said)
		}
	})
}

// A mail that has waited for a day is not sent, because its link has expired.
func TestOldMails(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.write("M1", "ann@example.com", "Hi")
		d.clock.Advance(24*time.Hour - time.Second)
		d.write("M2", "bob@example.com", "Hi")
		relay := d.Relay
		d.Relay = nil
		if done := d.run(); done != 0 || d.On() {
			t.Errorf("%d mails were done with, without a mail server", done)
		}
		d.clock.Advance(time.Second)
		if d.run(); !slices.Equal(d.waiting(), []string{"M2"}) || !strings.Contains(d.log.Said(), "there is no mail server") {
			t.Errorf("%v waits for a mail server", d.waiting())
		}
		d.write("M3", "cleo@example.com", "Hi")
		d.Relay = relay
		d.clock.Advance(24*time.Hour - time.Second)
		for d.run() > 0 {
		}
		if arrived := d.office.Arrived(); len(arrived) != 1 || arrived[0].To != "cleo@example.com" || len(d.waiting()) != 0 {
			t.Errorf("arrived %v, and %v waits", arrived, d.waiting())
		}
		if diff := cmp.Diff([]string{"M2", "M1"}, d.left(store.MailGivenUp)); diff != "" {
			t.Errorf("given up (-want +got):\n%s", diff)
		}
	})
}

// A mail that was given up can be sent again for a week and is then deleted.
func TestGivenUpMails(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		d.office.Refuse = func(command string) error {
			if command == "RCPT" {
				return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1}, Message: "nobody of that name"}
			}
			return nil
		}
		d.write("M1", "ann@example.com", "Hi")
		d.write("M2", "bob@example.com", "Hi")
		d.run()
		for _, m := range d.all() {
			if m.Outcome != store.MailGivenUp || m.Tries != 1 || m.Failure != "sending SMTP RCPT TO command: 550 5.1.1" {
				t.Errorf("after a refusal for good: %+v", m)
			}
		}
		d.office.Refuse = nil
		d.clock.Advance(3 * 24 * time.Hour)
		if done := d.run(); done != 0 {
			t.Errorf("%d mails that were given up are sent by themselves", done)
		}
		for _, row := range []struct {
			id   string
			want bool
		}{{"M1", true}, {"M1", false}, {"M3", false}} {
			err := db.Update(t.Context(), func(tx *store.Tx) error {
				again, err := tx.SendMailAgain(row.id, d.clock.Now())
				if again != row.want {
					t.Errorf("%s is to be sent again: %v, want %v", row.id, again, row.want)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		d.run()
		arrived := d.office.Arrived()
		if len(arrived) != 1 || arrived[0].Parsed(t).Header.Get("Message-Id") != "<M1@holdfast.example>" {
			t.Errorf("arrived: %+v", arrived)
		}
		d.clock.Advance(mail.Life - 3*24*time.Hour)
		if d.run(); len(d.all()) != 1 {
			t.Errorf("after a week %v are left, want M2", d.all())
		}
		d.clock.Advance(time.Second)
		if d.run(); len(d.all()) != 0 {
			t.Errorf("after more than a week %v are left", d.all())
		}
	})
}

func TestTheInboxKeepsMails(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		relay := d.Relay
		d.Relay, d.Inbox = nil, true
		d.write("M1", "ann@example.com", "Hi")
		if done := d.run(); done != 1 || !d.On() || !slices.Equal(d.left(store.MailKept), []string{"M1"}) {
			t.Errorf("%d mails were put into the inbox, %v is there", done, d.all())
		}
		// A mail server that is configured later does not get a sandbox's mails.
		d.Relay, d.Inbox = relay, false
		d.clock.Advance(mail.Life)
		if done := d.run(); done != 0 || len(d.office.Arrived()) != 0 {
			t.Errorf("%d mails left the inbox", done)
		}
		d.clock.Advance(time.Second)
		if d.run(); len(d.all()) != 0 {
			t.Errorf("%v is in the inbox after a week", d.all())
		}
	})
}

// Two servers on one store send each mail once.
func TestTwoSenders(t *testing.T) {
	for name, address := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			at := address(t)
			d := newDesk(t, holdfasttest.Open(t, at))
			other := *d.Sender
			other.Store = holdfasttest.Open(t, at)
			const mails = 60
			for i := range mails {
				d.write(fmt.Sprintf("M%02d", i), fmt.Sprintf("ann%02d@example.com", i), "Hi")
			}
			var both sync.WaitGroup
			for _, s := range []*mail.Sender{d.Sender, &other} {
				both.Go(func() {
					for {
						done, err := s.RunOnce(t.Context())
						if err != nil {
							t.Error(err)
						}
						if done == 0 {
							return
						}
					}
				})
			}
			both.Wait()
			var to []string
			for _, l := range d.office.Arrived() {
				to = append(to, l.To)
			}
			slices.Sort(to)
			if len(to) != mails || len(slices.Compact(to)) != mails || len(d.waiting()) != 0 {
				t.Errorf("%d of %d arrived, and %v waits", len(to), mails, d.waiting())
			}
		})
	}
}

// A server that stops puts back the mails that it had claimed.
func TestStopPutsMailsBack(t *testing.T) {
	holdfasttest.Databases(t, func(t *testing.T, db *store.DB) {
		d := newDesk(t, db)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		d.office.Refuse = func(string) error {
			cancel()
			<-ctx.Done()
			return holdfasttest.ErrHangUp
		}
		d.write("M1", "ann@example.com", "Hi")
		if _, err := d.RunOnce(ctx); err != nil {
			t.Fatal(err)
		}
		d.office.Refuse = nil
		if done := d.run(); done != 1 || len(d.office.Arrived()) != 1 {
			t.Errorf("%d mails are sent at the next start, %d arrived", done, len(d.office.Arrived()))
		}
	})
}
