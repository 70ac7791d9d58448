package api_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"
)

var update = flag.Bool("update", false, "write the answers of the examples")

// document returns the OpenAPI document.
func (w *world) document() []byte {
	w.T.Helper()
	return w.do("GET", "/v1/openapi.json", "").want(http.StatusOK, "").Body.Bytes()
}

// The validator of the document, which is the same in every world.
var contract = struct {
	once sync.Once
	validator.Validator
}{}

// validate compares an answer with the document. Every answer of every test comes
// here, except for addresses that are not in the document.
func (w *world) validate(r *http.Request, a answer) {
	w.T.Helper()
	contract.once.Do(func() {
		document, err := libopenapi.NewDocument(w.document())
		if err != nil {
			w.T.Fatalf("reading the document: %v", err)
		}
		made, errs := validator.NewValidator(document)
		if len(errs) > 0 {
			w.T.Fatalf("reading the document: %v", errs)
		}
		if ok, errs := made.ValidateDocument(); !ok {
			for _, err := range errs {
				w.T.Errorf("the document: %v", err)
			}
		}
		contract.Validator = made
	})
	nowhere := a.Code == http.StatusNotFound && strings.HasPrefix(a.text("/detail"), "There is nothing at this path.")
	if nowhere || a.Code == http.StatusMethodNotAllowed {
		return
	}
	if ok, errs := contract.ValidateHttpResponse(r, a.Result()); !ok {
		for _, err := range errs {
			w.T.Errorf("%s %s: %v\n%s", r.Method, r.URL.Path, err, a.Body)
		}
	}
}

// A step of the story of the examples: one call, with the body of its example.
type step struct {
	operation, method, path string
	key                     string // the idempotency key
}

var story = []step{
	{"create-checkout", "POST", "/v1/checkouts", "order-1001-checkout"},
	{"get-checkout", "GET", "/v1/checkouts/V0001", ""},
	{"list-checkouts", "GET", "/v1/checkouts?state=open", ""},
	{"cancel-checkout", "POST", "/v1/checkouts/V0001/cancel", ""},
	{"get-token", "GET", "/v1/tokens/" + exampleToken, ""},
	{"list-tokens", "GET", "/v1/tokens?state=active&type=single_use", ""},
	{"cancel-token", "POST", "/v1/tokens/" + exampleToken + "/cancel", ""},
	{"create-hold", "POST", "/v1/holds", "order-1001-hold"},
	{"get-hold", "GET", "/v1/holds/" + exampleHold, ""},
	{"list-holds", "GET", "/v1/holds?state=held", ""},
	{"list-balances", "GET", "/v1/balances", ""},
	{"get-balance", "GET", "/v1/balances/account", ""},
	{"get-clock", "GET", "/v1/sandbox/clock", ""},
	{"move-clock", "POST", "/v1/sandbox/clock", ""},
}

const (
	exampleHold  = "1T000000000000000000000000000000001"
	exampleToken = "K000000000000000000000000000000000000000000000000000000000000002"
)

// TestExamples sends each example of the document, in the order of a story, and
// compares the answer with that of the document. Every operation must have one.
func TestExamples(t *testing.T) {
	w := newWorld(t)
	w.Authorize("20.00")
	w.Authorize("35.00")
	told := map[string]bool{}
	for _, s := range story {
		told[s.operation] = true
		body, err := os.ReadFile(filepath.Join("examples", s.operation+".request.json"))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		got := w.do(s.method, s.path, string(body), header("Idempotency-Key", s.key))
		if got.Code >= http.StatusBadRequest {
			t.Fatalf("%s is refused: %s", s.operation, got.Body)
		}
		var pretty bytes.Buffer
		if err := json.Indent(&pretty, got.Body.Bytes(), "", "  "); err != nil {
			t.Fatal(err)
		}
		name := filepath.Join("examples", s.operation+".answer.json")
		text := strings.TrimSpace(pretty.String()) + "\n"
		if *update {
			if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), text); diff != "" {
			t.Errorf("%s is not the answer (-want +got); run with -update:\n%s", name, diff)
		}
	}
	for operation := range w.operations() {
		if !told[operation] {
			t.Errorf("the story of the examples has no %s", operation)
		}
	}
}

// operations are the operations of the document by their ids, as method and path.
func (w *world) operations() map[string][2]string {
	w.T.Helper()
	var d struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
		} `json:"paths"`
	}
	if err := json.Unmarshal(w.document(), &d); err != nil {
		w.T.Fatal(err)
	}
	all := map[string][2]string{}
	for path, methods := range d.Paths {
		for method, operation := range methods {
			all[operation.OperationID] = [2]string{strings.ToUpper(method), path}
		}
	}
	if len(all) == 0 {
		w.T.Fatal("the document has no operations")
	}
	return all
}

// TestObjectsOfOthers asks for each object of the story with another caller's key:
// it is not found, as if it did not exist, and nothing changes.
func TestObjectsOfOthers(t *testing.T) {
	w := newWorld(t)
	w.Authorize("20.00")
	w.Authorize("35.00")
	_, other := w.newKey(w.OtherShop().ID, allScopes...)
	for _, s := range story {
		body, _ := os.ReadFile(filepath.Join("examples", s.operation+".request.json"))
		if strings.Contains(s.path, "000") { // the id of an object
			w.do(s.method, s.path, string(body), header("Idempotency-Key", "other-"+s.key), bearer(other)).
				want(http.StatusNotFound, "not_found")
		}
		w.do(s.method, s.path, string(body), header("Idempotency-Key", s.key))
	}
	list := w.do("GET", "/v1/holds", "", bearer(other)).want(http.StatusOK, "")
	if got, _ := list.field("/data").([]any); len(got) != 0 {
		t.Errorf("another caller sees %s", list.Body)
	}
	// A token of another caller cannot be used.
	w.do("POST", "/v1/holds", w.newHold("5.00"), bearer(other)).want(http.StatusUnprocessableEntity, "token_not_found")
}
