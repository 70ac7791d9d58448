package api_test

import (
	"bytes"
	gocmp "cmp"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pb33f/libopenapi"
	validator "github.com/pb33f/libopenapi-validator"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
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

// A step of the story of the examples: one call, with the body of its example. A
// step without an operation prepares the next ones, with a body of its own.
type step struct {
	operation, method, path string
	key                     string // the idempotency key
	body                    string
	save                    string // the name under which later paths have the id in the answer
	at                      string // where the id is; empty means "/id"
}

// The ids of the story: transactions are counted from 1, tokens too.
func transaction(n int) string { return fmt.Sprintf("1T%033d", n) }
func token(n int) string       { return fmt.Sprintf("K%063d", n) }

const endpoint = "/v1/webhook-endpoints/W0001"

var story = []step{
	{operation: "create-endpoint", method: "POST", path: "/v1/webhook-endpoints"},
	{operation: "get-endpoint", method: "GET", path: endpoint},
	{operation: "update-endpoint", method: "PATCH", path: endpoint},
	{operation: "create-checkout", method: "POST", path: "/v1/checkouts", key: "order-1001-checkout"},
	{operation: "get-checkout", method: "GET", path: "/v1/checkouts/V0001"},
	{operation: "list-checkouts", method: "GET", path: "/v1/checkouts?state=open"},
	{operation: "cancel-checkout", method: "POST", path: "/v1/checkouts/V0001/cancel"},
	{operation: "get-token", method: "GET", path: "/v1/tokens/" + token(2)},
	{operation: "list-tokens", method: "GET", path: "/v1/tokens?state=active&type=single_use"},
	{operation: "cancel-token", method: "POST", path: "/v1/tokens/" + token(2) + "/cancel"},
	{operation: "create-hold", method: "POST", path: "/v1/holds", key: "order-1001-hold"},
	{operation: "get-hold", method: "GET", path: "/v1/holds/" + transaction(1)},
	{operation: "raise-hold", method: "POST", path: "/v1/holds/" + transaction(1) + "/raise", key: "order-1001-raise"},
	{operation: "settle-hold", method: "POST", path: "/v1/holds/" + transaction(1) + "/settle", key: "order-1001-parcel-1"},
	{operation: "release-hold", method: "POST", path: "/v1/holds/" + transaction(1) + "/release", key: "order-1001-gone"},
	{
		method: "POST", path: "/v1/holds", key: "order-1002-hold",
		body: `{"token":"` + token(3) + `","amount":{"amount":"30.00","currency":"USD"}}`, save: "{lasting}",
	},
	{operation: "renew-hold", method: "POST", path: "/v1/holds/{lasting}/renew", key: "order-1002-renew"},
	{operation: "list-holds", method: "GET", path: "/v1/holds?state=held"},
	{operation: "create-payment", method: "POST", path: "/v1/payments", key: "order-1003-pay", save: "{paid}"},
	{operation: "get-payment", method: "GET", path: "/v1/payments/{paid}"},
	{operation: "list-payments", method: "GET", path: "/v1/payments?limit=2"},
	{operation: "create-refund", method: "POST", path: "/v1/refunds", key: "return-77", save: "{refund}", at: "/data/0/id"},
	{operation: "get-refund", method: "GET", path: "/v1/refunds/{refund}"},
	{operation: "list-refunds", method: "GET", path: "/v1/refunds?payment={paid}"},
	{operation: "list-events", method: "GET", path: "/v1/events?limit=2", save: "{event}", at: "/data/0/id"},
	{operation: "get-event", method: "GET", path: "/v1/events/{event}"},
	{operation: "test-endpoint", method: "POST", path: endpoint + "/test"},
	{operation: "redeliver-events", method: "POST", path: endpoint + "/redeliver"},
	{operation: "list-deliveries", method: "GET", path: endpoint + "/deliveries?limit=1"},
	{operation: "list-endpoints", method: "GET", path: "/v1/webhook-endpoints"},
	{operation: "rotate-endpoint-secret", method: "POST", path: endpoint + "/rotate"},
	{operation: "delete-endpoint", method: "DELETE", path: endpoint},
	{operation: "list-balances", method: "GET", path: "/v1/balances"},
	{operation: "get-balance", method: "GET", path: "/v1/balances/account"},
	{operation: "get-clock", method: "GET", path: "/v1/sandbox/clock"},
	{operation: "move-clock", method: "POST", path: "/v1/sandbox/clock"},
}

// storyWorld is a world in which the story can be told.
func storyWorld(t testing.TB) *world {
	t.Helper()
	return prepareStory(newWorld(t))
}

// prepareStory makes the tokens of the story.
func prepareStory(w *world) *world {
	w.T.Helper()
	w.Authorize("20.00")
	w.Authorize("35.00")
	w.Token(payment.Token{Type: holdfast.TokenMultiUse, Instrument: w.Card.ID, Method: w.Card.Method})
	w.Authorize("9.99")
	return w
}

// tell carries out a step, with changed options.
func (w *world) tell(s step, options ...option) answer {
	w.T.Helper()
	body := s.body
	if s.operation != "" {
		text, err := os.ReadFile(filepath.Join("examples", s.operation+".request.json"))
		if err != nil && !os.IsNotExist(err) {
			w.T.Fatal(err)
		}
		body = string(text)
	}
	if _, err := w.Processor.PlaceEvents(w.T.Context()); err != nil {
		w.T.Fatal(err)
	}
	got := w.do(s.method, w.pathOf(s), body, append([]option{header("Idempotency-Key", s.key)}, options...)...)
	if s.save != "" && len(options) == 0 {
		w.saved[s.save] = got.text(gocmp.Or(s.at, "/id"))
	}
	return got
}

// pathOf is the path of a step, with the ids that were saved.
func (w *world) pathOf(s step) string {
	path := s.path
	for name, id := range w.saved {
		path = strings.ReplaceAll(path, name, id)
	}
	return path
}

// TestExamples sends each example of the document, in the order of a story, and
// compares the answer with that of the document. Every operation must have one.
func TestExamples(t *testing.T) {
	w := storyWorld(t)
	told := map[string]bool{}
	for _, s := range story {
		told[s.operation] = true
		got := w.tell(s)
		if got.Code >= http.StatusBadRequest {
			t.Fatalf("%s %s is refused: %s", s.operation, s.path, got.Body)
		}
		if s.operation == "" || got.Body.Len() == 0 {
			continue
		}
		w.compare(s.operation, got)
	}
	for operation := range w.operations() {
		if !told[operation] {
			t.Errorf("the story of the examples has no %s", operation)
		}
	}
}

// compare compares an answer with the example of the document.
func (w *world) compare(operation string, got answer) {
	w.T.Helper()
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, got.Body.Bytes(), "", "  "); err != nil {
		w.T.Fatal(err)
	}
	name := filepath.Join("examples", operation+".answer.json")
	text := strings.TrimSpace(pretty.String()) + "\n"
	if *update {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			w.T.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(name)
	if err != nil {
		w.T.Fatal(err)
	}
	if diff := cmp.Diff(string(want), text); diff != "" {
		w.T.Errorf("%s is not the answer (-want +got); run with -update:\n%s", name, diff)
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

// ofCaller are the operations that every caller can carry out alike.
var ofCaller = map[string]bool{
	"create-endpoint": true, "create-checkout": true, "list-balances": true, "get-balance": true, "get-clock": true,
	"move-clock": true,
}

// TestObjectsOfOthers asks for each object of the story with another caller's key:
// it is not found, as if it did not exist. No list has it, and no payment can use
// its token.
func TestObjectsOfOthers(t *testing.T) {
	w := storyWorld(t)
	_, other := w.newKey(w.OtherShop().ID, allScopes...)
	for _, s := range story {
		if ofCaller[s.operation] {
			w.tell(s)
			continue
		}
		foreign := w.tell(s, header("Idempotency-Key", "other-"+s.key), bearer(other))
		of := strings.Split(strings.Split(s.path, "?")[0], "/")
		switch {
		case len(of) > 3: // of an object
			foreign.want(http.StatusNotFound, "not_found")
		case s.method == "GET":
			if list, _ := foreign.field("/data").([]any); len(list) > 0 || foreign.Code != http.StatusOK {
				t.Errorf("%s of another caller: %d %s", s.path, foreign.Code, foreign.Body)
			}
		case s.operation == "create-refund":
			foreign.want(http.StatusNotFound, "not_found")
		case s.method == "POST":
			foreign.want(http.StatusUnprocessableEntity, "token_not_found")
		}
		w.tell(s)
	}
}
