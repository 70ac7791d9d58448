package queryapi_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// Each usual mistake is explained to the sandbox caller that made it, in one
// header of one line, and to nobody else.
func TestSignatureHints(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	w.server.Log = slog.New(slog.NewTextHandler(&log, nil))
	hmac := func(text string) string {
		signature, err := holdfast.SignHMAC(holdfast.NewSecretKey(secret), holdfast.HmacSHA256, text)
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
	replaced := func(oldnew ...string) func(string) string {
		return func(text string) string { return hmac(strings.NewReplacer(oldnew...).Replace(text)) }
	}
	for _, row := range []struct {
		name string
		sign func(right string) string
		want string
	}{
		{"blank as plus", replaced("%20", "+"), "blanks written as +"},
		{"asterisk", replaced("%2A", "*"), "* left as it is"},
		{"tilde", replaced("~", "%7E"), "~ encoded"},
		{"three at once", replaced("%20", "+", "%2A", "*", "~", "%7E"), "* left as it is"},
		{"lower-case escapes", replaced("%3A", "%3a", "%2A", "%2a"), "lower-case escapes"},
		{"verb", replaced("POST\n", "GET\n"), "the other verb"},
		{"port", replaced("fps.example.test", "fps.example.test:443"), "port 443"},
		{"host", replaced("fps.example.test", "localhost"), "the host localhost"},
		{"path", replaced("\n/\n", "\n\n"), "without the path"},
		{"line feeds", replaced("\n", ""), "without the line feeds"},
		{"order", func(text string) string {
			return hmac(strings.Replace(text, "AWSAccessKeyId="+keys["shop"]+"&Action=Cancel&", "Action=Cancel&AWSAccessKeyId="+
				keys["shop"]+"&", 1))
		}, "sorted ignoring case"},
		{"hexadecimal", func(text string) string {
			sum, err := base64.StdEncoding.DecodeString(hmac(text))
			if err != nil {
				t.Fatal(err)
			}
			return base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(sum)))
		}, "base64 of hexadecimal digits"},
		{
			"another secret", func(string) string { return base64.StdEncoding.EncodeToString(make([]byte, 32)) },
			"No usual mistake",
		},
	} {
		t.Run(row.name, func(t *testing.T) {
			w.wait(time.Second) // there may be so many in one
			for caller, told := range map[string]bool{"shop": true, "live": false, "nobody we know": false} {
				log.Reset()
				p := w.signed("POST", "/", "shop", holdfast.Params{
					{Name: "Action", Value: "Cancel"}, {Name: "TransactionId", Value: "x"}, {Name: "Description", Value: "a b*c~d"},
				}, "Signature")
				text := holdfast.StringToSign("POST", testHost, "/", p)
				signature := row.sign(text)
				for i := range p {
					if p[i].Name == "AWSAccessKeyId" && !told {
						p[i].Value = keys[caller] + "?"
						if caller == "live" {
							p[i].Value = keys[caller]
						}
					}
				}
				answer := w.exchange("POST", "/", append(p, holdfast.Param{Name: "Signature", Value: signature}))
				hint := answer.Header().Get("Holdfast-Signature-Hint")
				if answer.Code != http.StatusForbidden {
					t.Errorf("%s: answered %d %s", caller, answer.Code, answer.Body)
				}
				if !told {
					if hint != "" || log.Len() > 0 {
						t.Errorf("%s is told %q, and the log %q", caller, hint, log.String())
					}
					continue
				}
				if !strings.Contains(hint, row.want) || len(hint) > 1024 ||
					strings.ContainsFunc(hint, func(c rune) bool { return c < ' ' || c > '~' }) {
					t.Errorf("the hint is %q, want %q", hint, row.want)
				}
				if strings.Contains(answer.Body.String(), "matches with") ||
					!strings.Contains(answer.Body.String(), "<Code>InvalidSignature</Code>") {
					t.Errorf("the answer is %s", answer.Body)
				}
				if !strings.Contains(log.String(), "Description=a%20b%2Ac~d") || !strings.Contains(log.String(), row.want) {
					t.Errorf("the log is %s", log.String())
				}
				for _, shown := range []string{hint, log.String()} {
					if strings.Contains(shown, secret) || strings.Contains(shown, hmac(text)) {
						t.Errorf("the secret or the right signature is told: %s", shown)
					}
				}
			}
		})
	}
}

// A POST with parameters in query and body, of which the client signed only one
// part.
func TestSignatureHintForQueryAndBody(t *testing.T) {
	w := newWorld(t)
	p := w.signed("POST", "/", "shop", holdfast.Params{{Name: "Action", Value: "Cancel"}}, "Signature")
	query := holdfast.Params{{Name: "TransactionId", Value: "x"}}
	for place, signed := range map[string]holdfast.Params{"body": p, "query": query} {
		body := append(p[:len(p):len(p)], holdfast.Param{Name: "Signature", Value: sign(t, "POST", testHost, "/", signed)})
		r := httptest.NewRequest("POST", "http://"+testHost+"/?"+query.Encode(), strings.NewReader(body.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		answer := httptest.NewRecorder()
		w.handler.ServeHTTP(answer, r)
		if hint := answer.Header().Get("Holdfast-Signature-Hint"); !strings.Contains(hint, "the parameters of the "+place+
			" alone") {
			t.Errorf("signed the %s: the hint is %q", place, hint)
		}
	}
}

// A request without a signature, or one that needs none, gets no explanation.
func TestNoSignatureHint(t *testing.T) {
	w := newWorld(t)
	for name, p := range map[string]holdfast.Params{
		"no signature": w.signed("POST", "/", "shop", holdfast.Params{{Name: "Action", Value: "Cancel"}}, "Signature"),
		"verify signature": w.signed("POST", "/", "shop", holdfast.Params{
			{Name: "Action", Value: "VerifySignature"}, {Name: "Signature", Value: "AAAA"},
		}),
		"right": w.signed("POST", "/", "shop", holdfast.Params{{Name: "Action", Value: "Cancel"}}),
	} {
		if hint := w.exchange("POST", "/", p).Header().Get("Holdfast-Signature-Hint"); hint != "" {
			t.Errorf("%s: the hint is %q", name, hint)
		}
	}
}

// In a flood, wrong signatures are refused later and without an explanation.
// Requests with a right signature are answered at once.
func TestFloodOfWrongSignatures(t *testing.T) {
	w := newWorld(t)
	w.server.StrangerPause = time.Millisecond
	ask := func(signature string, status int) (hint string) {
		t.Helper()
		p := w.signed("POST", "/", "shop", holdfast.Params{{Name: "Action", Value: "GetAccountBalance"}}, "Signature")
		if signature == "" {
			w.server.StrangerPause = 24 * time.Hour // nobody who waits for this comes back
			p = w.signed("POST", "/", "shop", p)
		} else {
			p = append(p, holdfast.Param{Name: "Signature", Value: signature})
		}
		answer := w.exchange("POST", "/", p)
		if answer.Code != status {
			t.Errorf("answered %d %s", answer.Code, answer.Body)
		}
		return answer.Header().Get("Holdfast-Signature-Hint")
	}
	wrong := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for range 20 {
		if hint := ask(wrong, http.StatusForbidden); !strings.Contains(hint, "No usual mistake") {
			t.Fatalf("the hint is %q", hint)
		}
	}
	if hint := ask(wrong, http.StatusForbidden); !strings.Contains(hint, "Too many") {
		t.Errorf("in a flood the hint is %q", hint)
	}
	ask("", http.StatusOK)
	w.wait(time.Second)
	if hint := ask(wrong, http.StatusForbidden); !strings.Contains(hint, "No usual mistake") {
		t.Errorf("a second later the hint is %q", hint)
	}
}

// A request of version 1 by a caller that may not use it: the header of a
// sandbox caller and the log say how to allow it.
func TestSignatureV1IsNamed(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	w.server.Log = slog.New(slog.NewTextHandler(&log, nil))
	for caller, want := range map[string]struct{ told, logged bool }{
		"shop": {true, true}, "live": {false, true}, "ancient": {false, false},
	} {
		log.Reset()
		answer := w.signed("POST", "/", "shop", holdfast.Params{
			{Name: "Action", Value: "Cancel"}, {Name: "SignatureVersion", Value: "1"}, {Name: "Signature", Value: "AAAA"},
		})
		for i := range answer {
			if answer[i].Name == "AWSAccessKeyId" {
				answer[i].Value = keys[caller]
			}
		}
		got := w.exchange("POST", "/", answer)
		hint := got.Header().Get("Holdfast-Signature-Hint")
		if told := strings.Contains(hint, "--signature-v1"); told != want.told {
			t.Errorf("%s is told %q", caller, hint)
		}
		if logged := strings.Contains(log.String(), "--caller C"+strings.ToUpper(caller)+
			" --signature-v1"); logged != want.logged {
			t.Errorf("%s: the log is %s", caller, log.String())
		}
	}
}

// Anybody who knows a caller's key id can send requests of version 1 and wrong
// signatures. The log grows by a limited number of lines an hour.
func TestStrangersCannotFillTheLog(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	w.server.Log = slog.New(slog.NewTextHandler(&log, nil))
	lines := func(version, signature string) (count int) {
		log.Reset()
		for range 300 {
			p := w.signed("POST", "/", "shop", holdfast.Params{{Name: "Action", Value: "Cancel"}})
			p = append(p.Without("SignatureVersion").Without("Signature"),
				holdfast.Param{Name: "SignatureVersion", Value: version}, holdfast.Param{Name: "Signature", Value: signature})
			if got := w.exchange("POST", "/", p); got.Code == http.StatusOK {
				t.Fatalf("answered %s", got.Body)
			}
			w.wait(time.Second)
		}
		return strings.Count(log.String(), "level=INFO")
	}
	wrong := base64.StdEncoding.EncodeToString(make([]byte, 32))
	for range 2 {
		if got := lines("1", "AAAA"); got != 1 {
			t.Errorf("version 1 makes %d lines, want 1:\n%.2000s", got, &log)
		}
		if got := lines("2", wrong); got != 100 {
			t.Errorf("wrong signatures make %d lines, want 100", got)
		}
		w.wait(time.Hour)
	}
}

// A refusal of a signed request is in the log with the request's id, and
// without anything that was sent.
func TestRefusalsAreLogged(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	w.server.Log = slog.New(slog.NewTextHandler(&log, nil))
	cancel := holdfast.Params{{Name: "Action", Value: "Cancel"}, {Name: "TransactionId", Value: "4111111111111111"}}
	answer := w.exchange("POST", "/", w.signed("POST", "/", "shop", cancel))
	_, id, _ := strings.Cut(answer.Body.String(), "<RequestID>")
	id, _, _ = strings.Cut(id, "<")
	for _, part := range []string{"level=INFO", "msg=refused", "request=" +
		id, "action=Cancel", "caller=CSHOP", "code=InvalidParams"} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("the log lacks %s: %s", part, log.String())
		}
	}
	if id == "" || strings.Contains(log.String(), "4111") {
		t.Errorf("request %q is logged as %s", id, log.String())
	}
	log.Reset()
	w.exchange("POST", "/", append(cancel, holdfast.Param{Name: "AWSAccessKeyId", Value: "NOBODY"}))
	if log.Len() > 0 {
		t.Errorf("a stranger's request is logged: %s", log.String())
	}
}
