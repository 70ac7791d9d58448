package account_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/party"
)

// atLocalhost returns a browser that uses the host name for which passkeys
// work.
func (s *site) atLocalhost() *browser {
	b := s.newBrowser()
	b.base = strings.Replace(s.server.URL, "127.0.0.1", "localhost", 1)
	return b
}

// asked returns the answer to the script: the options for the device, or an
// error message.
func (b *browser) asked() (options []byte, refused string) {
	b.t.Helper()
	var answer struct {
		Options json.RawMessage
		Refused string
	}
	if err := json.Unmarshal([]byte(b.at.body), &answer); err != nil {
		b.t.Fatalf("the script gets %q (%v)", b.at.body, err)
	}
	return answer.Options, answer.Refused
}

// device returns a device that can store Ann's passkeys.
func (b *browser) device() *holdfasttest.Authenticator {
	return &holdfasttest.Authenticator{T: b.t, Host: "localhost", Origin: b.base}
}

// addPasskey creates a passkey with a name, as the script does.
func (b *browser) addPasskey(device *holdfasttest.Authenticator, name string) page {
	b.t.Helper()
	b.postTo("security/passkey/ask", "name", name, "password", holdfasttest.Password)
	question, refused := b.asked()
	if refused != "" {
		b.t.Fatalf("refused: %s", refused)
	}
	return b.postTo("security/passkey", "name", name, "answer", string(device.Make(question)))
}

func (b *browser) signInByPasskey(device *holdfasttest.Authenticator) page {
	b.t.Helper()
	b.postTo("passkey/ask")
	question, refused := b.asked()
	if refused != "" {
		b.t.Fatalf("refused: %s", refused)
	}
	return b.postTo("passkey", "answer", string(device.Sign(question)), "to", "methods")
}

func TestPasskeys(t *testing.T) {
	s := newSite(t)
	b := s.atLocalhost()
	b.signIn(s.Buyer.Email, holdfasttest.Password)
	b.get("security")
	b.wantText("Add a passkey")
	device := b.device()
	b.addPasskey(device, "Ann’s <phone>")
	b.wantPage("security")
	b.wantText("Ann’s <phone>", "Last used", "Never")
	s.post.Last(s.Buyer.Email, party.NoticePasskeyAdded)

	other := s.atLocalhost()
	other.get("sign-in")
	other.wantText("Sign in with a passkey")
	if policy := other.at.header.Get("Content-Security-Policy"); !strings.Contains(policy, "connect-src 'self'") {
		t.Errorf("the policy does not allow the script to call the server: %s", policy)
	}
	device.Count++
	other.signInByPasskey(device)
	other.wantPage("methods")
	before := other.cookie()
	other.signInByPasskey(device) // its counter does not rise, so the passkey has been copied
	other.wantStatus("a copy", http.StatusUnprocessableEntity)
	other.wantText("We could not sign you in with the passkey.")
	if before == "" {
		t.Error("nobody was signed in")
	}

	b.get("security")
	id := regexp.MustCompile(`/passkey/remove\?passkey=(K\w+)`).FindStringSubmatch(b.at.body)[1]
	b.postTo("security/passkey/remove", "passkey", id)
	b.wantStatus("without a password", http.StatusUnprocessableEntity)
	b.get("security/passkey/remove?passkey=" + id)
	b.wantText("Remove the passkey “Ann’s <phone>”?", "Use a passkey instead")
	b.send("security/passkey/remove", "", "password", "wrong")
	b.wantStatus("with a wrong password", http.StatusUnprocessableEntity)
	b.wantText("The password is not correct.")
	b.postTo("security/passkey/remove", "passkey", id, "answer", "{}")
	b.wantText("The passkey was not accepted.")
	b.send("security/passkey/remove", "", "password", holdfasttest.Password)
	b.wantPage("security")
	b.wantText("The passkey was removed.")
	s.post.Last(s.Buyer.Email, party.NoticePasskeyRemoved)
	device.Count++
	stranger := s.atLocalhost()
	stranger.signInByPasskey(device)
	stranger.wantStatus("a passkey that was removed", http.StatusUnprocessableEntity)
}

// A passkey can be removed with a passkey, even with the same one.
func TestAPasskeyRemovesItself(t *testing.T) {
	s := newSite(t)
	b := s.atLocalhost()
	b.signIn(s.Buyer.Email, holdfasttest.Password)
	device := b.device()
	b.addPasskey(device, "Phone")
	b.get("security")
	id := regexp.MustCompile(`/passkey/remove\?passkey=(K\w+)`).FindStringSubmatch(b.at.body)[1]
	b.postTo("passkey/ask")
	question, _ := b.asked()
	b.postTo("security/passkey/remove", "passkey", id, "answer", string(device.Sign(question)))
	b.wantPage("security")
	b.wantText("The passkey was removed.")
	b.get("security/passkey/remove?passkey=" + id)
	b.wantStatus("a passkey that there is not", http.StatusNotFound)
}

func TestPasskeysThatAreNotMade(t *testing.T) {
	s := newSite(t)
	b := s.atLocalhost()
	b.signIn(s.Buyer.Email, holdfasttest.Password)
	for name, typed := range map[string][]string{
		"wrong password": {"name", "Phone", "password", "wrong"},
		"no name":        {"name", "", "password", holdfasttest.Password},
		"long name":      {"name", strings.Repeat("n", 500), "password", holdfasttest.Password},
	} {
		b.postTo("security/passkey/ask", typed...)
		b.wantStatus(name, http.StatusUnprocessableEntity)
		if options, refused := b.asked(); options != nil || refused == "" {
			t.Errorf("%s: %s, %q", name, options, refused)
		}
	}
	device := b.device()
	device.Origin = "https://evil.example"
	b.addPasskey(device, "Phone")
	b.wantStatus("of another site", http.StatusUnprocessableEntity)
	for name, answer := range map[string]string{
		"without JavaScript": "", "no JSON": "x", "empty": "{}", "huge": strings.Repeat("x", 60_000),
	} {
		b.postTo("security/passkey", "name", "Phone", "answer", answer)
		b.wantStatus(name, http.StatusUnprocessableEntity)
		b.postTo("passkey", "answer", answer)
		b.wantStatus("signing in: "+name, http.StatusUnprocessableEntity)
	}
	b.get("security")
	b.wantNoText("Phone")
}

// A challenge belongs to one account. An answer to it does not work for
// another.
func TestAPasskeyForSomebodyElse(t *testing.T) {
	s := newSite(t)
	ann, other := s.atLocalhost(), s.atLocalhost()
	ann.signIn(s.Buyer.Email, holdfasttest.Password)
	other.signUp()
	ann.postTo("security/passkey/ask", "name", "Phone", "password", holdfasttest.Password)
	question, _ := ann.asked()
	other.postTo("security/passkey", "name", "Phone", "answer", string(other.device().Make(question)))
	other.wantStatus("Ann's question", http.StatusUnprocessableEntity)
}

// Passkeys do not work at an IP address, and the pages say where they work.
func TestWherePasskeysAre(t *testing.T) {
	s := newSite(t)
	b := s.newBrowser()
	b.get("sign-in")
	b.wantText("Passkeys do not work on an IP address. Open http://localhost:")
	b.wantNoText("Sign in with a passkey")
	b.postTo("passkey/ask")
	b.wantStatus("asking all the same", http.StatusNotFound)
	b.signIn(s.Buyer.Email, holdfasttest.Password)
	b.get("security/passkey")
	b.wantPage("security")
	b.wantText("Passkeys do not work on an IP address")
	b.postTo("security/passkey/ask", "name", "Phone", "password", holdfasttest.Password)
	b.wantStatus("making one all the same", http.StatusNotFound)
}

func TestQuestionsToPasskeysAreCounted(t *testing.T) {
	s := newSite(t)
	b := s.atLocalhost()
	for range party.AddressGuesses.Free {
		b.postTo("passkey/ask")
		b.wantStatus("a question", http.StatusOK)
	}
	b.postTo("passkey/ask")
	b.wantStatus("one too many", http.StatusTooManyRequests)
	if _, refused := b.asked(); refused == "" {
		t.Error("the script has no message for a failure")
	}
}
