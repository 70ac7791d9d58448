package queryapi

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/holdfast-pay/holdfast"
)

// xmllintEnv names the XML Schema validator; make test sets it. If it is empty,
// or there is no validator, tests that need it are skipped.
const xmllintEnv = "HOLDFAST_TEST_XMLLINT"

func xmllint(t *testing.T) string {
	t.Helper()
	path, set := os.LookupEnv(xmllintEnv)
	if !set {
		path, _ = exec.LookPath("xmllint")
	}
	if path == "" {
		t.Skip("no xmllint: set " + xmllintEnv + " or use make test")
	}
	return path
}

// A validator has the schemas as files, by namespace; errors have none.
type validator struct {
	xmllint, dir string
	schemas      map[string]string
}

func newValidator(t *testing.T) *validator {
	t.Helper()
	v := &validator{
		xmllint: xmllint(t), dir: t.TempDir(), schemas: map[string]string{"": filepath.Join("testdata", "Errors.xsd")},
	}
	for _, version := range versions {
		v.schemas[namespace(version)] = v.file(t, version+".xsd", schemas[schemaPath(version)])
	}
	return v
}

func (v *validator) file(t *testing.T, name string, content []byte) string {
	t.Helper()
	path := filepath.Join(v.dir, name)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// check validates files with one schema and returns xmllint's output. If all
// files are valid, it consists of lines "… validates".
func (v *validator) check(t *testing.T, schema string, files ...string) (said string, valid bool) {
	t.Helper()
	command := exec.CommandContext(t.Context(), v.xmllint,
		append([]string{"--noout", "--nonet", "--schema", schema}, files...)...)
	output, err := command.CombinedOutput()
	if _, exited := err.(*exec.ExitError); err != nil && !exited { //nolint:errorlint // Run returns it as it is
		t.Fatal(err)
	}
	if valid = err == nil; valid && strings.Count(string(output), " validates\n") != len(files) {
		t.Fatalf("xmllint validated something else than %d files:\n%s", len(files), output)
	}
	return string(output), valid
}

// A golden answer is the body of one response in testdata.
type golden struct {
	name string
	body []byte
	root xml.Name
}

func goldenAnswers(t *testing.T) []golden {
	t.Helper()
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	var answers []golden
	for _, file := range files {
		story, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range story.Files {
			head, body, _ := bytes.Cut(part.Data, []byte("\n\n"))
			if !strings.HasPrefix(part.Name, "response") || !bytes.Contains(head, []byte("Content-Type: "+typeXML+"\n")) {
				continue
			}
			name := strings.TrimSuffix(filepath.Base(file), ".txtar") + " " + part.Name
			answers = append(answers, golden{name: name, body: body, root: root(t, name, body)})
		}
	}
	return answers
}

func root(t *testing.T, name string, body []byte) xml.Name {
	t.Helper()
	var document struct{ XMLName xml.Name }
	if err := xml.Unmarshal(body, &document); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return document.XMLName
}

// TestGoldenAnswersAreValid validates every answer in testdata. Successes are
// also validated in the other version, because the two versions do not differ
// in answers that both have.
func TestGoldenAnswersAreValid(t *testing.T) {
	v := newValidator(t)
	files := map[string][]string{} // by namespace
	for _, answer := range goldenAnswers(t) {
		own := answer.root.Space
		if _, known := v.schemas[own]; !known {
			t.Errorf("%s: there is no schema for the namespace %s", answer.name, own)
			continue
		}
		files[own] = append(files[own], v.file(t, answer.name+".xml", answer.body))
		for _, version := range versions {
			if other := namespace(version); own != "" && other != own && readSchema(t, version).has(answer.root.Local) {
				body := bytes.Replace(answer.body, []byte(own), []byte(other), 1)
				files[other] = append(files[other], v.file(t, answer.name+" in "+version+".xml", body))
			}
		}
	}
	for space, schema := range v.schemas {
		if len(files[space]) < 20 {
			t.Errorf("only %d answers to validate in namespace %q", len(files[space]), space)
			continue
		}
		if said, valid := v.check(t, schema, files[space]...); !valid {
			t.Errorf("namespace %q:\n%s", space, linesWithout(said, " validates"))
		}
	}
}

func linesWithout(text, end string) string {
	lines := slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return strings.HasSuffix(line, end) })
	return strings.Join(lines, "\n")
}

// A schema that accepts everything would check nothing.
func TestSchemaRefuses(t *testing.T) {
	v := newValidator(t)
	good := map[string]string{
		"": "<Response><Errors><Error><Code>InvalidParams</Code><Message>No.</Message></Error></Errors>" +
			"<RequestID>00000000-0000-4000-8000-000000000001</RequestID></Response>",
	}
	for _, version := range versions {
		good[namespace(version)] = `<ReserveResponse xmlns="` + namespace(version) +
			`"><ReserveResult><TransactionId>1</TransactionId><TransactionStatus>Reserved</TransactionStatus></ReserveResult><ResponseMetadata><RequestId>1:0</RequestId></ResponseMetadata></ReserveResponse>`
	}
	const id, status = "<TransactionId>1</TransactionId>", "<TransactionStatus>Reserved</TransactionStatus>"
	const code, message = "<Code>InvalidParams</Code>", "<Message>No.</Message>"
	for space, document := range good {
		if said, valid := v.check(t, v.schemas[space], v.file(t, "good.xml", []byte(document))); !valid {
			t.Fatalf("namespace %q: %s", space, said)
		}
		for _, row := range []struct{ what, old, bad string }{
			{"two elements swapped", id + status, status + id},
			{"an unknown element", id, id + "<Colour>red</Colour>"},
			{"an empty enumeration", status, "<TransactionStatus></TransactionStatus>"},
			{"an unknown word", status, "<TransactionStatus>Settled</TransactionStatus>"},
			{"a required element missing", id, ""},
			{"more metadata", "</RequestId>", "</RequestId><SignatureVersion>2</SignatureVersion>"},
			{"no namespace", ` xmlns="` + space + `"`, ""},
			{"an unqualified child", id, strings.Replace(id, "<TransactionId>", `<TransactionId xmlns="">`, 1)},
			{"an unknown root", "ReserveResponse", "HoldResponse"},

			{"code and message swapped", code + message, message + code},
			{"more than code and message", code, "<Type>Sender</Type>" + code},
			{"an empty code", code, "<Code></Code>"},
			{"a line break in a message", "No.", "No.\nNo."},
			{"RequestId with a small d", "RequestID", "RequestId"},
			{"the request id of a success", "</RequestID>", ":0</RequestID>"},
			{"errors in the namespace", "<Response>", `<Response xmlns="` + namespace(holdfast.Version2010) + `">`},
		} {
			bad := strings.ReplaceAll(document, row.old, row.bad)
			if bad == document {
				continue // about the other kind of document
			}
			if said, valid := v.check(t, v.schemas[space], v.file(t, "bad.xml", []byte(bad))); valid ||
				!strings.Contains(said, "bad.xml fails to validate") {
				t.Errorf("namespace %q, %s: valid is %v\n%s", space, row.what, valid, said)
			}
		}
	}
}

// TestSchemaHasTheActions compares the table of actions with the schema of each
// version: the same parameters, structures flattened, and an answer.
func TestSchemaHasTheActions(t *testing.T) {
	for _, version := range versions {
		schema := readSchema(t, version)
		for _, a := range actions {
			served := a.since <= version
			if schema.has(a.name) != served || schema.has(a.name+"Response") != served {
				t.Errorf("%s: %s is served: %v; the schema has it: %v, and its response: %v",
					version, a.name, served, schema.has(a.name), schema.has(a.name+"Response"))
			}
			if !served {
				continue
			}
			var has []string
			for _, p := range a.parameters {
				if p.since <= version && p.aliasOf == "" {
					has = append(has, p.name)
				}
			}
			slices.Sort(has)
			if diff := cmp.Diff(slices.Sorted(slices.Values(schema.parameters(t, a.name))), has); diff != "" {
				t.Errorf("%s: parameters of %s (-schema +action):\n%s", version, a.name, diff)
			}
		}
	}
}

// The differences between the two versions, from the schemas themselves.
func TestSchemaVersions(t *testing.T) {
	old, newer := readSchema(t, holdfast.Version2008), readSchema(t, holdfast.Version2010)
	var added []string
	for _, e := range newer.Elements {
		switch {
		case !old.has(e.Name):
			added = append(added, e.Name)
		case len(newer.parameters(t, e.Name)) != len(old.parameters(t, e.Name)):
			added = append(added, e.Name+".OverrideIPNURL")
			if diff := cmp.Diff(append(old.parameters(t, e.Name), "OverrideIPNURL"), newer.parameters(t, e.Name)); diff != "" {
				t.Errorf("%s (-2008 +2010):\n%s", e.Name, diff)
			}
		}
	}
	want := []string{
		"Pay.OverrideIPNURL", "Reserve.OverrideIPNURL", "Settle.OverrideIPNURL", "Cancel.OverrideIPNURL",
		"Refund.OverrideIPNURL", "CancelToken.OverrideIPNURL",
		"FundPrepaid.OverrideIPNURL", "SettleDebt.OverrideIPNURL",
		"GetSubscriptionDetails", "GetSubscriptionDetailsResponse", "GetTransactionsForSubscription",
		"GetTransactionsForSubscriptionResponse",
	}
	if diff := cmp.Diff(want, added); diff != "" {
		t.Errorf("what 2010 adds (-want +got):\n%s", diff)
	}
	if n := len(newer.Elements); n != 2*27+1 { // 27 actions, and ErrorResponse
		t.Errorf("the schema of 2010 has %d elements at its top", n)
	}
}

// An xsd is the part of a schema that the tests read.
type xsd struct {
	Elements []xsdElement `xml:"element"`
	Types    []xsdType    `xml:"complexType"`
}

type xsdElement struct {
	Name   string   `xml:"name,attr"`
	Type   string   `xml:"type,attr"`
	Inline *xsdType `xml:"complexType"`
}

type xsdType struct {
	Name     string       `xml:"name,attr"`
	Elements []xsdElement `xml:"sequence>element"`
}

func readSchema(t *testing.T, version string) (schema xsd) {
	t.Helper()
	if err := xml.Unmarshal(schemas[schemaPath(version)], &schema); err != nil {
		t.Fatal(err)
	}
	return schema
}

func (x xsd) has(element string) bool {
	return slices.ContainsFunc(x.Elements, func(e xsdElement) bool { return e.Name == element })
}

// parameters are the children of an element, structures flattened with dots.
func (x xsd) parameters(t *testing.T, element string) (names []string) {
	t.Helper()
	i := slices.IndexFunc(x.Elements, func(e xsdElement) bool { return e.Name == element })
	if i < 0 {
		t.Fatalf("the schema has no %s", element)
	}
	for _, child := range x.children(x.Elements[i]) {
		inner := x.children(child)
		for _, part := range inner {
			names = append(names, child.Name+"."+part.Name)
		}
		if len(inner) == 0 {
			names = append(names, child.Name)
		}
	}
	return names
}

func (x xsd) children(e xsdElement) []xsdElement {
	if e.Inline != nil {
		return e.Inline.Elements
	}
	for _, named := range x.Types {
		if named.Name == e.Type {
			return named.Elements
		}
	}
	return nil
}

func TestSchemaIsServed(t *testing.T) {
	handler := (&Server{Now: func() time.Time { return time.Unix(1e9, 0) }}).Handler()
	for _, path := range []string{
		"/doc/2007-01-08/AmazonFPS.xsd", "/doc/2010-08-28/AmazonFPS.wsdl", "/doc/2010-08-28/", "/doc/",
		"//doc/2010-08-28/AmazonFPS.xsd",
	} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, &http.Request{Method: http.MethodGet, URL: &url.URL{Path: path}, Body: http.NoBody})
		if answer.Code != http.StatusNotFound {
			t.Errorf("%s: %d", path, answer.Code)
		}
	}
	for _, version := range versions {
		path := "/doc/" + version + "/AmazonFPS.xsd"
		for _, verb := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			answer := httptest.NewRecorder()
			handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), verb, path+"?x=1", nil))
			h := answer.Header()
			body := answer.Body.String()
			switch verb {
			case http.MethodPost:
				if answer.Code != http.StatusMethodNotAllowed || h.Get("Allow") != "GET, HEAD" {
					t.Errorf("%s %s: %d, Allow %q", verb, path, answer.Code, h.Get("Allow"))
				}
				continue
			case http.MethodHead:
				if body != "" {
					t.Errorf("%s %s has a body", verb, path)
				}
			case http.MethodGet:
				if !strings.HasPrefix(body, "<?xml ") || !strings.Contains(body, `targetNamespace="`+namespace(version)+`"`) ||
					h.Get("Content-Length") != fmt.Sprint(len(body)) {
					t.Errorf("%s %s: %q, Content-Length %s", verb, path, body[:min(len(body), 400)], h.Get("Content-Length"))
				}
			}
			if answer.Code != http.StatusOK || h.Get("Content-Type") != "application/xml" ||
				!strings.Contains(h.Get("Cache-Control"), "max-age=") {
				t.Errorf("%s %s: %d %v", verb, path, answer.Code, h)
			}
		}
	}
}
