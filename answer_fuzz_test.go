package holdfast_test

import (
	"errors"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
)

var answerRoot = regexp.MustCompile(`<(?:(\w+)Response xmlns=|Response>)`)

// A recorded answer is the body of an answer in a story of the server's tests.
type recorded struct {
	story, body string
	action      string // empty for a refusal
}

func recordedAnswers(t testing.TB) (all []recorded) {
	t.Helper()
	files, err := filepath.Glob("internal/queryapi/testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories of the server (%v)", err)
	}
	for _, file := range files {
		story, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for part := range strings.SplitSeq(string(story), "\n-- ") {
			name, data, _ := strings.Cut(part, " --\n")
			_, body, _ := strings.Cut(data, "\n\n")
			if root := answerRoot.FindStringSubmatch(body); root != nil && strings.HasPrefix(name, "response") {
				all = append(all, recorded{
					story: filepath.Base(file) + ", " + name, body: strings.TrimSpace(body), action: root[1],
				})
			}
		}
	}
	return all
}

// callOf returns the last call of an action, which has the fewest parameters.
func callOf(t testing.TB, action string) call {
	t.Helper()
	for _, c := range slices.Backward(allCalls()) {
		if c.action == action {
			return c
		}
	}
	t.Fatalf("no call of %s", action)
	return call{}
}

// The server's tests store its answers byte for byte. The SDK reads all of them
// here, so that server and SDK stay compatible.
func TestRecordedAnswersAreRead(t *testing.T) {
	read := map[string]int{}
	for _, answer := range recordedAnswers(t) {
		read[answer.action]++
		if answer.action == "" {
			_, err := callOf(t, "Pay").ask(t.Context(), cannedClient(http.StatusBadRequest, answer.body))
			if refusal, ok := errors.AsType[*holdfast.Error](err); !ok || refusal.Message == "" || refusal.RequestID == "" {
				t.Errorf("%s: %v", answer.story, err)
			}
			continue
		}
		got, err := callOf(t, answer.action).ask(t.Context(), cannedClient(http.StatusOK, answer.body))
		if err != nil {
			t.Errorf("%s: %v", answer.story, err)
		} else if lack := missing(got); lack != "" {
			t.Errorf("%s: read without %s: %+v", answer.story, lack, got)
		}
	}
	for _, action := range append(actions, "") {
		if read[action] == 0 {
			t.Errorf("no story has an answer of %q", action)
		}
	}
}

// missing names the required field that a value lacks, or returns "".
func missing(got any) string {
	has := func(texts ...string) bool { return !slices.Contains(texts, "") }
	ok := true
	switch v := got.(type) {
	case holdfast.TransactionResult:
		ok = has(string(v.TransactionID), string(v.Status))
	case holdfast.TransactionState:
		ok = has(string(v.TransactionID), string(v.Status))
	case holdfast.TransactionDetail:
		ok = has(string(v.TransactionID), string(v.Status))
	case holdfast.AccountActivity:
		for _, row := range v.Transactions {
			ok = ok && has(string(row.TransactionID), string(row.Status))
		}
	case holdfast.SubscriptionTransactions:
		for _, row := range v.Transactions {
			ok = ok && has(string(row.TransactionID), string(row.Status))
		}
	case holdfast.SubscriptionDetails:
		ok = has(string(v.SubscriptionID), string(v.Status))
	case holdfast.Token:
		ok = has(string(v.TokenID))
	case holdfast.InstalledInstruction:
		ok = has(string(v.Token.TokenID))
	case holdfast.InstalledToken:
		ok = has(string(v.TokenID))
	case holdfast.Tokens:
		for _, row := range v.Tokens {
			ok = ok && has(string(row.TokenID))
		}
	default:
		return missingAmount(got)
	}
	if !ok {
		return "an id or a status"
	}
	return ""
}

func missingAmount(got any) string {
	ok := true
	switch v := got.(type) {
	case holdfast.AccountBalance:
		ok = v.Total.Given()
	case holdfast.PrepaidBalance:
		ok = v.Available.Given()
	case holdfast.PrepaidLiability:
		ok = v.Outstanding.Given()
	case holdfast.DebtBalance:
		ok = v.Available.Given()
	case holdfast.OutstandingDebt:
		ok = v.Outstanding.Given()
	}
	if !ok {
		return "its amount"
	}
	return ""
}

// FuzzAnswer gives arbitrary bytes to every method as an answer. A method must
// return either a value with all required fields or an error. A method that
// moves money may only return a refusal or an InDoubtError.
func FuzzAnswer(f *testing.F) {
	seeded := map[string]bool{}
	for _, answer := range recordedAnswers(f) {
		if seeded[answer.action] {
			continue
		}
		seeded[answer.action] = true
		f.Add(answer.body, answer.action == "")
		f.Add(answer.body[:len(answer.body)*2/3], false)
		f.Add(strings.Replace(answer.body, "http://fps.amazonaws.com/doc/", "urn:other:", 1), false)
	}
	for _, c := range allCalls() {
		f.Add(c.answer(), false)
		for _, old := range slices.Sorted(maps.Keys(c.flaws)) {
			f.Add(strings.Replace(c.answer(), old, c.flaws[old], 1), false)
		}
	}
	f.Add(`<ErrorResponse xmlns="http://fps.amazonaws.com/doc/2008-09-17/"><Error><Type>Sender</Type>`+
		`<Code>AuthFailure</Code><Message>No.</Message></Error><RequestId>r</RequestId></ErrorResponse>`, true)
	f.Add(`<x:PayResponse xmlns:x="urn:x"><x:PayResult><x:TransactionId>T</x:TransactionId></x:PayResult>`, false)
	f.Add(`<?xml version="1.0" encoding="ISO-8859-1"?><!DOCTYPE a [<!ENTITY b "c">]><a>&b;<![CDATA[]]></a>`, false)
	f.Add("", false)
	calls := allCalls()
	f.Fuzz(func(t *testing.T, body string, refused bool) {
		status := http.StatusOK
		if refused {
			status = http.StatusBadRequest
		}
		client := cannedClient(status, body)
		readers := map[string]bool{}
		for _, c := range calls {
			// All methods treat bytes without the action's name alike. One that moves
			// money and one that does not are enough then.
			if c.action != "Pay" && c.action != "GetTransaction" && !strings.Contains(body, c.action+"Response") {
				continue
			}
			got, err := c.ask(t.Context(), client)
			switch _, refusal := errors.AsType[*holdfast.Error](err); {
			case err == nil:
				readers[c.action] = true
				if lack := missing(got); lack != "" {
					t.Errorf("%s: %q was read without %s: %+v", c.name(), body, lack, got)
				}
			case !refusal:
				c.checkUnanswered(t, got, err)
			case !reflect.ValueOf(got).IsZero():
				t.Errorf("%s: %q is a refusal, and yet %+v", c.name(), body, got)
			}
		}
		if len(readers) > 1 || refused && len(readers) > 0 {
			t.Errorf("%q with status %d answers %v", body, status, readers)
		}
	})
}
