package main

import (
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-smtp"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/mail"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
)

const letterLink = "https://pay.example.com/verify/s3cr3t"

// writeLetters writes mails as an action does, to a store that may be served.
func writeLetters(t *testing.T, address string, to ...string) {
	t.Helper()
	db, err := store.Open(t.Context(), store.Config{Address: address})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	now := time.Now()
	err = db.Update(t.Context(), func(tx *store.Tx) error {
		for _, address := range to {
			name, _, _ := strings.Cut(address, "@")
			m := party.Mail{
				ID: "M-" + name, To: address, Subject: "Your address", Text: "Hello,\n\n" + letterLink + "\n", Created: now,
			}
			if err := tx.InsertMail(m); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What was written is sent, before and after a start; what is refused for good
// is kept for the operator, and sent again when told so.
func TestServeSendsMails(t *testing.T) {
	for name, empty := range holdfasttest.Addresses(t) {
		t.Run(name, func(t *testing.T) {
			address := empty(t)
			office := holdfasttest.NewPostOffice(t, time.Now())
			office.User, office.Password = "holdfast", "correct horse"
			office.Refuse = func(command string) error {
				if command == "RCPT" && len(office.Arrived()) == 1 {
					return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 7, 1}, Message: "not " + letterLink}
				}
				return nil
			}
			office.Open(t, false)
			t.Setenv("SSL_CERT_FILE", writeFile(t, "root.pem", office.Authority.PEM))
			writeLetters(t, address, "ann@example.com")
			startVerb(
				t, "serve", "--listen", freePort, "--store", address, "--mail-from", "Holdfast <pay@example.com>",
				"--smtp", "smtp://holdfast@127.0.0.1:"+strconv.Itoa(office.Port), "--smtp-password-file",
				writeFile(t, "password", []byte(office.Password+"\n")),
			)
			eventually(t, "a mail from before the start arrives", func() bool { return len(office.Arrived()) == 1 })
			if got := office.Arrived()[0]; got.From != "pay@example.com" || got.To != "ann@example.com" || !got.Encrypted {
				t.Errorf("arrived: %+v", got)
			}
			writeLetters(t, address, "bob@example.com")
			eventually(t, "a refused mail is given up", func() bool {
				return onStore(t, address, "mail", "list", "--outcome", "GivenUp") != ""
			})
			list := onStore(t, address, "mail", "list")
			for _, want := range []string{"M-bob", "GivenUp", "bob@example.com", "Your address", "  1  ", "550 5.7.1"} {
				if !strings.Contains(list, want) {
					t.Errorf("the list lacks %q:\n%s", want, list)
				}
			}
			asJSON := onStore(t, address, "mail", "list", "--json")
			if want := `{"mailId":"M-bob","outcome":"GivenUp","to":"bob@example.com","subject":"Your address","written":"`; !strings.HasPrefix(asJSON, want) {
				t.Errorf("the list begins with %s, want %s", asJSON, want)
			}
			if strings.Contains(list+asJSON, "s3cr3t") {
				t.Errorf("the list has the mail's text in it:\n%s%s", list, asJSON)
			}
			writeLetters(t, address, "cleo@example.com")
			eventually(t, "another refused mail is given up", func() bool {
				return strings.Count(onStore(t, address, "mail", "list", "--outcome", "GivenUp"), "\n") == 3 // with headings
			})
			if out := onStore(t, address, "mail", "again", "M-cleo", "M-bob"); out != "2 to be sent again\n" {
				t.Errorf("sending again says %q", out)
			}
		})
	}
}

// A server without an inbox has no page there.
func TestNoInboxUnlessAskedFor(t *testing.T) {
	for flag, want := range map[string]int{"--inbox": http.StatusOK, "--secure-cookies": http.StatusNotFound} {
		address := filepath.Join(t.TempDir(), "s.db")
		listen, _ := startVerb(t, "serve", "--listen", freePort, "--store", address, flag)
		if got := ask(t, http.DefaultClient, http.MethodGet, "http://"+listen+"/inbox/", ""); got.status != want {
			t.Errorf("with %s the inbox is answered with %d, want %d", flag, got.status, want)
		}
	}
}

// Where a real card network is asked, nobody's mails are shown.
func TestNoInboxWithARealNetwork(t *testing.T) {
	db := holdfasttest.Open(t, filepath.Join(t.TempDir(), "s.db"))
	listener, err := net.Listen("tcp", freePort)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s := &server{
		Store: db, PublicURL: &url.URL{Scheme: "http", Host: "localhost", Path: "/"}, Network: &holdfasttest.Network{},
		Mail: &mail.Sender{Inbox: true}, Now: time.Now, Log: slog.New(slog.DiscardHandler), Ended: newEnding(),
	}
	if err := s.start(t.Context(), listener); err == nil || !strings.Contains(err.Error(), "an inbox is for a sandbox") {
		t.Errorf("an inbox with another network: %v", err)
	}
}

func TestDemoShowsMails(t *testing.T) {
	dir := t.TempDir()
	demo := startDemo(t, dir)
	writeLetters(t, filepath.Join(dir, serverFile), "ann@example.com")
	list := ask(t, http.DefaultClient, http.MethodGet, demo.answer.Inbox, "")
	if !strings.Contains(list.body, `<a href="/inbox/M-ann">Your address</a>`) {
		t.Errorf("the inbox shows, with %d:\n%s", list.status, list.body)
	}
	letter := ask(t, http.DefaultClient, http.MethodGet, demo.answer.Inbox+"M-ann", "")
	if !strings.Contains(letter.body, `<a href="`+letterLink+`"`) {
		t.Errorf("the mail is shown, with %d, as\n%s", letter.status, letter.body)
	}
	// Another name that leads to this machine, such as a page of somebody else's
	// may have, is not the inbox's.
	other := ask(t, clientOf(strings.Trim(strings.TrimPrefix(demo.answer.Endpoint, "http://"), "/"), nil), http.MethodGet,
		"http://evil.example.com/inbox/M-ann", "")
	if other.status != http.StatusNotFound {
		t.Errorf("under another name the mail is shown with %d", other.status)
	}
	eventually(t, "the mail is kept in the inbox", func() bool {
		out, code := holdfastCommand(t, "mail", "list", "--data", dir, "--outcome", "Kept")
		return code == 0 && strings.Contains(out, "M-ann")
	})
}
