package queryapi_test

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/tools/txtar"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/apidoc"
)

// docExamples are the examples of the pages by their actions: the first request of
// each in the story of the pages, and its golden answer.
func docExamples(t *testing.T) map[string]string {
	t.Helper()
	story, err := txtar.ParseFile("testdata/pages.txtar")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, now: testNow}
	ids := map[string]string{}
	examples := map[string]string{}
	request := ""
	for _, part := range story.Files {
		text := strings.TrimSuffix(string(part.Data), "\n")
		switch kind, number, _ := strings.Cut(part.Name, " "); kind {
		case "wait":
			d, err := time.ParseDuration(text)
			if err != nil {
				t.Fatal(err)
			}
			w.now = w.now.Add(d)
		case "request":
			request = expand(text, ids)
		case "response":
			if id := answeredID.FindStringSubmatch(text); id != nil {
				ids[number] = id[1]
			}
			verb, caller, given := readRequest(t, request)
			action := given.Get("Action")
			if _, taken := examples[action]; !taken {
				examples[action] = docExample(t, verb, given, w.signed(verb, "/", caller, given), text)
			}
		}
	}
	return examples
}

func readRequest(t *testing.T, text string) (verb, caller string, p holdfast.Params) {
	t.Helper()
	first, rest, _ := strings.Cut(text, "\n")
	verb, caller, _ = strings.Cut(first, " ")
	for line := range strings.Lines(rest) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		p = append(p, holdfast.Param{Name: name, Value: value})
	}
	return verb, caller, p
}

func docExample(t *testing.T, verb string, given, signed holdfast.Params, response string) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("The request's own parameters, before they are encoded:\n\n")
	lines := ""
	for _, p := range given {
		lines += p.Name + "=" + p.Value + "\n"
	}
	b.WriteString(apidoc.Block("", lines) + "\n")
	wire := "POST / HTTP/1.1\nHost: " + testHost + "\n" +
		"Content-Type: application/x-www-form-urlencoded; charset=utf-8\n\n" + signed.Encode()
	said := "The whole request, signed with the secret access key `" + secret + "`:\n\n"
	if verb == http.MethodGet {
		wire = "GET /?" + signed.Encode() + " HTTP/1.1\nHost: " + testHost
		said = "The whole request, which needs no signature:\n\n"
	}
	b.WriteString(said + apidoc.Block("http", wire) + "\n")
	b.WriteString("The answer, broken into lines here:\n\n" + apidoc.Block("http", docResponse(t, response)))
	return b.String()
}

// docResponse is a golden answer in a readable form: without its length, and
// with its document in lines.
func docResponse(t *testing.T, response string) string {
	t.Helper()
	head, body, _ := strings.Cut(response, "\n\n")
	status, headers, _ := strings.Cut(head, "\n")
	code, err := strconv.Atoi(strings.TrimPrefix(status, "HTTP "))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\n", code, http.StatusText(code))
	for line := range strings.Lines(headers + "\n") {
		if !strings.HasPrefix(line, "Content-Length:") {
			b.WriteString(line)
		}
	}
	return b.String() + "\n" + docXML(t, body)
}

// docXML puts each element of a document on a line of its own.
func docXML(t *testing.T, document string) string {
	t.Helper()
	var b strings.Builder
	decoder := xml.NewDecoder(strings.NewReader(document))
	depth, leaf := 0, false
	for {
		before := decoder.InputOffset()
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		raw := document[before:decoder.InputOffset()]
		switch token.(type) {
		case xml.StartElement:
			b.WriteString("\n" + strings.Repeat("  ", depth) + raw)
			depth++
			leaf = true
		case xml.EndElement:
			depth--
			if !leaf {
				b.WriteString("\n" + strings.Repeat("  ", depth))
			}
			b.WriteString(raw)
			leaf = false
		case xml.ProcInst:
			b.WriteString(raw)
		default:
			b.WriteString(strings.TrimSpace(raw))
		}
	}
}
