package queryapi_test

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

var update = flag.Bool("update", false, "write the responses in testdata again")

// TestGolden plays each story in testdata on each database and compares every
// byte of the answers. A story is a txtar archive; its comment describes it.
// Its parts are, in order:
//
//	world       what there is in addition to the usual people, one per line; see
//	            arrange
//	wait        a duration: real time goes on
//	answers     what networks were asked is answered before the story goes on
//	request…    a verb, who asks ("nobody" signs nothing), then one parameter a
//	            line as it reads before encoding; "-Name" leaves one out that the
//	            harness would add
//	response…   the answer
//
// With -update only the responses are written again.
func TestGolden(t *testing.T) {
	for _, file := range stories(t) {
		for engine, address := range holdfasttest.Addresses(t) {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar")+" on "+engine, func(t *testing.T) {
				t.Parallel()
				play(t, file, address(t))
			})
		}
	}
}

func stories(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no stories in testdata (%v)", err)
	}
	return files
}

func play(t *testing.T, file, address string) {
	story, err := txtar.ParseFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if len(strings.TrimSpace(string(story.Comment))) == 0 {
		t.Error("the story has no comment that tells it")
	}
	w := newWorldOn(t, address)
	log := newMoveLog(w)
	answer := ""
	ids := map[string]string{} // that responses gave, by their number
	for i, part := range story.Files {
		text := strings.TrimSuffix(string(part.Data), "\n")
		kind, number, _ := strings.Cut(part.Name, " ")
		switch kind {
		case "world":
			w.arrange(text)
		case "wait":
			d, err := time.ParseDuration(text)
			if err != nil {
				t.Fatal(err)
			}
			w.wait(d)
		case "answers":
			w.answers()
		case "request":
			answer = w.play(expand(text, ids))
			log.check(t, part.Name, answer)
		case "response":
			if id := answeredID.FindStringSubmatch(answer); id != nil {
				ids[number] = id[1]
			}
			if *update {
				story.Files[i].Data = []byte(answer)
			} else if diff := cmp.Diff(string(part.Data), answer); diff != "" {
				t.Errorf("%s (-want +got):\n%s", part.Name, diff)
			}
		default:
			t.Fatalf("part %q is neither world, wait, answers, request nor response", part.Name)
		}
	}
	if *update {
		if err := os.WriteFile(file, txtar.Format(story), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// play sends one request and returns the answer as a story shows it.
func (w *world) play(text string) string {
	w.t.Helper()
	first, rest, _ := strings.Cut(text, "\n")
	var verb, caller string
	path := "/"
	switch words := strings.Fields(first); len(words) {
	case 2:
		verb, caller = words[0], words[1]
	case 3:
		verb, path, caller = words[0], words[1], words[2]
	default:
		w.t.Fatalf("%q is no verb and caller", first)
	}
	var given holdfast.Params
	var without []string
	for line := range strings.Lines(rest) {
		line = strings.TrimSuffix(line, "\n")
		if name, ok := strings.CutPrefix(line, "-"); ok {
			without = append(without, name)
			continue
		}
		name, value, _ := strings.Cut(line, "=")
		given = append(given, holdfast.Param{Name: name, Value: value})
	}
	return w.send(verb, path, w.signed(verb, path, caller, given, without...))
}

var (
	placeholder = regexp.MustCompile(`\{(token|transaction|answered|repeat) (\S+?)( \d+)?\}`)
	answeredID  = regexp.MustCompile(`<(?:Refund)?TransactionId>(\w+)<`)
)

// expand replaces names by ids: {token A}, {transaction 1}, {answered 2} for
// the first id in response 2; and writes long texts: {repeat x 161}.
func expand(text string, answered map[string]string) string {
	return placeholder.ReplaceAllStringFunc(text, func(found string) string {
		m := placeholder.FindStringSubmatch(found)
		n, _ := strconv.Atoi(strings.TrimSpace(m[3]))
		switch m[1] {
		case "token":
			return string(tokenID(m[2]))
		case "answered":
			return answered[m[2]]
		case "repeat":
			return strings.Repeat(m[2], n)
		}
		n, _ = strconv.Atoi(m[2])
		return string(transactionID(n))
	})
}

// signed adds the parameters of every request that are not given, and signs.
func (w *world) signed(verb, path, caller string, p holdfast.Params, without ...string) holdfast.Params {
	w.t.Helper()
	if caller == "nobody" {
		return p
	}
	for _, usual := range []holdfast.Param{
		{Name: "AWSAccessKeyId", Value: keys[caller]},
		{Name: "SignatureVersion", Value: "2"},
		{Name: "SignatureMethod", Value: "HmacSHA256"},
		{Name: "Timestamp", Value: w.clock().Format("2006-01-02T15:04:05Z")},
		{Name: "Version", Value: "2010-08-28"},
	} {
		if _, ok := p.Lookup(usual.Name); !ok && !slices.Contains(without, usual.Name) {
			p = append(p, usual)
		}
	}
	if _, ok := p.Lookup("Signature"); ok || slices.Contains(without, "Signature") {
		return p
	}
	return append(p, holdfast.Param{Name: "Signature", Value: sign(w.t, verb, testHost, path, p)})
}

func sign(t testing.TB, verb, host, path string, p holdfast.Params) string {
	t.Helper()
	if p.Get("SignatureVersion") == "1" {
		signature, err := holdfast.SignV1(holdfast.NewSecretKey(secret), p)
		if err != nil {
			t.Fatal(err)
		}
		return signature
	}
	method := holdfast.SignatureMethod(p.Get("SignatureMethod"))
	if method != holdfast.HmacSHA1 {
		method = holdfast.HmacSHA256
	}
	signature, err := holdfast.SignHMAC(holdfast.NewSecretKey(secret), method, holdfast.StringToSign(verb, host, path, p))
	if err != nil {
		t.Fatal(err)
	}
	return signature
}

// exchange sends parameters as a GET's query or another verb's form.
func (w *world) exchange(verb, path string, p holdfast.Params) *httptest.ResponseRecorder {
	w.t.Helper()
	target, body := "http://"+testHost+path, p.Encode()
	if verb == http.MethodGet {
		target, body = target+"?"+body, ""
	}
	r := httptest.NewRequestWithContext(w.t.Context(), verb, target, strings.NewReader(body))
	if verb == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	}
	answer := httptest.NewRecorder()
	w.handler.ServeHTTP(answer, r)
	return answer
}

func (w *world) send(verb, path string, p holdfast.Params) string {
	w.t.Helper()
	answer := w.exchange(verb, path, p)
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP %d\n", answer.Code)
	for _, name := range slices.Sorted(maps.Keys(answer.Header())) {
		fmt.Fprintf(&b, "%s: %s\n", name, answer.Header().Get(name))
	}
	fmt.Fprintf(&b, "\n%s\n", answer.Body)
	return b.String()
}

// The codes that no story can reach, and the tests that reach them.
var untold = map[holdfast.Code]string{
	holdfast.ConcurrentModification: "TestFaults",
	holdfast.InternalError:          "TestFaults",
	holdfast.InternalServerError:    "TestFaults",
	holdfast.ServiceUnavailable:     "TestFaults",
}

func TestGoldenCoversEveryCode(t *testing.T) {
	told := map[string]bool{}
	for _, file := range stories(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`<Code>(\w+)</Code>`).FindAllStringSubmatch(string(text), -1) {
			told[m[1]] = true
		}
	}
	for _, code := range allCodes(t) {
		reason, excused := untold[holdfast.Code(code)]
		if told[code] == excused {
			t.Errorf("%s: told in a story is %v, excused %q", code, told[code], reason)
		}
	}
}

// allCodes reads the constants of type Code.
func allCodes(t *testing.T) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../codes.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && len(spec.Values) == 1 {
			if kind, ok := spec.Type.(*ast.Ident); ok && kind.Name == "Code" {
				code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				codes = append(codes, code)
			}
		}
		return true
	})
	if len(codes) < 30 {
		t.Fatalf("found %d codes", len(codes))
	}
	return codes
}
