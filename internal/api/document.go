package api

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/holdfast-pay/holdfast/internal/webui"
)

// The examples of the document: ID.request.json is a body, and ID.answer.json
// what the server answered to it. The contract tests send them.
//
//go:embed examples/*.json
var exampleFiles embed.FS

const (
	documentPath = Path + "openapi" // .json and .yaml
	securityKey  = "key"
)

// tags are the groups of operations, in the order of the reference.
var tags = []*huma.Tag{
	{Name: tagCheckouts, Description: "A checkout asks a buyer for a token, on pages of the server. Send the browser to " +
		"its address; it comes back to yours."},
	{Name: tagTokens, Description: "A token is what a buyer has approved: one payment, several up to a limit, or one in " +
		"each period. Holds are made with tokens."},
	{Name: tagHolds, Description: "A hold keeps an amount available on the buyer's card until its deadline. Take it in " +
		"one or several parts when the goods ship, and release what you do not need."},
	{Name: tagPayments, Description: "A payment is money that was taken: at once, or from a hold."},
	{Name: tagRefunds, Description: "A refund gives a payment, or a part of it, back to the buyer."},
	{Name: tagEvents, Description: "Every change of a hold, a payment, a refund, a dispute, a token and a checkout is " +
		"an event. Read them here, or let a webhook endpoint get them."},
	{Name: tagEndpoints, Description: "A webhook endpoint is an address of yours to which events go, signed by the " +
		"specification of Standard Webhooks."},
	{Name: tagBalances, Description: "The balance of your account, and those of your buyers' prepaid and credit " +
		"instruments."},
	{Name: tagSandbox, Description: "The clock of a sandbox caller can be moved, to see how holds expire."},
}

// newDocument returns the document without its operations.
func (s *Server) newDocument(registry huma.Registry) *huma.OpenAPI {
	return &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{
			Title: "Holdfast", Version: "1",
			Description: "Hold the money when the buyer orders, and take it when the goods ship.",
		},
		Servers:  []*huma.Server{{URL: strings.TrimSuffix(s.Public.String(), "/")}},
		Tags:     tags,
		Security: []map[string][]string{{securityKey: {}}},
		Components: &huma.Components{
			Schemas: registry,
			SecuritySchemes: map[string]*huma.SecurityScheme{securityKey: {
				Type: "http", Scheme: "bearer",
				Description: "A JSON key, such as `hf_test_…`. `holdfast key add` makes one.",
			}},
		},
	}
}

// finishDocument adds what is the same for all operations.
func (s *Server) finishDocument() {
	for _, schema := range s.routes.registry.Map() {
		withoutNull(schema)
	}
	header := func(about string) *huma.Param {
		return &huma.Param{Description: about, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	for _, r := range s.routes.all {
		for _, answer := range r.huma.Responses {
			if answer.Headers == nil {
				answer.Headers = map[string]*huma.Param{}
			}
			answer.Headers["Request-Id"] = header("The id of the request. Quote it when you ask the operator.")
			answer.Headers["Holdfast-Time"] = header("Your clock at the server. Compare deadlines with it.")
		}
		problem := &huma.MediaType{Schema: s.routes.registry.Schema(reflect.TypeFor[Problem](), true, "Problem")}
		r.huma.Responses["default"] = &huma.Response{
			Description: "The request was refused, or failed.",
			Content:     map[string]*huma.MediaType{typeProblem: problem},
		}
		r.addExamples()
		if r.huma.Extensions == nil {
			r.huma.Extensions = map[string]any{}
		}
		r.huma.Extensions["x-scope"] = string(r.scope)
	}
}

// made returns the document and the reference by their paths. They are made once,
// at the first request.
func (s *Server) made() map[string]file {
	s.once.Do(func() {
		var err error
		if s.files, err = s.makeFiles(); err != nil {
			s.log().Error("the document of the JSON API cannot be made", "error", err)
		}
	})
	return s.files
}

func (s *Server) makeFiles() (map[string]file, error) {
	d := s.huma.OpenAPI()
	body, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encoding the document: %w", err)
	}
	yaml, err := d.YAML()
	if err != nil {
		return nil, fmt.Errorf("encoding the document: %w", err)
	}
	page, err := s.newReference()
	if err != nil {
		return nil, err
	}
	return map[string]file{
		documentPath + ".json": newFile("application/vnd.oai.openapi+json;version=3.1", body),
		documentPath + ".yaml": newFile("application/vnd.oai.openapi;version=3.1", yaml),
		Path:                   newFile(typeHTML, page),
	}, nil
}

// withoutNull removes null from the lists of a schema: this API never sends it.
func withoutNull(schema *huma.Schema) {
	for _, property := range schema.Properties {
		property.Nullable = false
	}
}

// addExamples adds the examples of an operation to the document.
func (r *route) addExamples() {
	if body, ok := example(r.id, "request"); ok && r.huma.RequestBody != nil {
		r.huma.RequestBody.Content[typeJSON].Example = body
	}
	if answer, ok := example(r.id, "answer"); ok {
		r.huma.Responses[strconv.Itoa(r.status)].Content[typeJSON].Example = answer
	}
}

// example reads an example.
func example(operation, part string) (value any, ok bool) {
	text, err := exampleFiles.ReadFile(fmt.Sprintf("examples/%s.%s.json", operation, part))
	if err != nil {
		return nil, false
	}
	if err := json.Unmarshal(text, &value); err != nil {
		panic(fmt.Sprintf("api: the example of %s is not JSON: %v", operation, err)) // tests read all
	}
	return value, true
}

// A file is an answer that is ready to send.
type file struct {
	contentType string
	body        []byte
	etag        string
}

func newFile(contentType string, body []byte) file {
	sum := sha256.Sum256(body)
	return file{contentType, body, `"` + hex.EncodeToString(sum[:8]) + `"`}
}

const typeHTML = "text/html; charset=utf-8"

// serveFile answers a request for the document or the reference, and reports
// whether it was one. Neither needs a key.
func (s *Server) serveFile(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	if r.URL.Path+"/" == Path {
		webui.Redirect(w, r, Path)
		return true
	}
	if !strings.HasPrefix(r.URL.Path, documentPath) && r.URL.Path != Path {
		return false
	}
	f, ok := s.made()[r.URL.Path]
	if !ok {
		return false
	}
	webui.Secure(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", f.contentType)
		h.Set("ETag", f.etag)
		h.Set("Cache-Control", "public, no-cache") // see package manual
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(f.body))
	})).ServeHTTP(w, r)
	return true
}
