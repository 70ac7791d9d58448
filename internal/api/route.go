package api

import (
	"bytes"
	"context"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// A route is an operation with what huma needs to carry it out.
type route struct {
	operation
	huma     *huma.Operation
	segments []string // of the path; "{id}" stands for any
	body     *shape   // nil if the operation has no body
	query    []string // names of the parameters of the query
	handle   func(huma.Context)
	direct   direct // nil leaves every request to handle
}

// routes has the operations, and finds the one that a request is for. It is not
// an http.ServeMux, because that redirects untidy paths and answers in plain
// text.
type routes struct {
	all      []*route
	registry huma.Registry
	serve    http.HandlerFunc
}

// Handle implements huma.Adapter: huma calls it for each operation that is
// registered.
func (rs *routes) Handle(op *huma.Operation, handle func(huma.Context)) {
	own, ok := op.Metadata[operationKey].(operation)
	if !ok {
		panic("api: " + op.OperationID + " was not registered by this package")
	}
	r := &route{operation: own, huma: op, segments: strings.Split(op.Path, "/"), handle: handle}
	if op.RequestBody != nil {
		r.body = shapeOf(rs.registry, op.RequestBody.Content[typeJSON].Schema)
	}
	for _, p := range op.Parameters {
		if p.In == "query" {
			r.query = append(r.query, p.Name)
		}
	}
	rs.all = append(rs.all, r)
}

// ServeHTTP implements huma.Adapter.
func (rs *routes) ServeHTTP(w http.ResponseWriter, r *http.Request) { rs.serve(w, r) }

// find returns the route of a request, and the methods of its path. It stores
// the values of the path in the request.
func (rs *routes) find(r *http.Request) (found *route, methods []string) {
	if !storable(r.URL.Path) {
		return nil, nil
	}
	segments := strings.Split(r.URL.Path, "/")
	for _, one := range rs.all {
		if !one.at(segments) {
			continue
		}
		methods = append(methods, one.method)
		if one.method == r.Method {
			found = one
		}
	}
	if found != nil {
		for i, segment := range found.segments {
			if name, ok := variable(segment); ok {
				r.SetPathValue(name, segments[i])
			}
		}
	}
	return found, methods
}

func (r *route) at(segments []string) bool {
	return slices.EqualFunc(r.segments, segments, func(own, sent string) bool {
		_, any := variable(own)
		return own == sent || any && sent != ""
	})
}

func variable(segment string) (name string, ok bool) {
	if !strings.HasPrefix(segment, "{") {
		return "", false
	}
	return strings.Trim(segment, "{}"), true
}

// readQuery decodes a query, and returns what is wrong with its parameters: a name
// that the operation does not have, or one that comes twice.
func (r *route) readQuery(query string) (sent url.Values, faults []Fault) {
	if query == "" {
		return nil, nil
	}
	sent, err := url.ParseQuery(query)
	if err != nil {
		return nil, []Fault{{Code: InvalidValue, Detail: "The query cannot be decoded."}}
	}
	for _, name := range slices.Sorted(maps.Keys(sent)) {
		switch values := sent[name]; {
		case len(faults) == faultsMax:
		case !slices.Contains(r.query, name):
			faults = append(faults, Fault{Parameter: shown(name), Code: UnknownParameter, Detail: "There is no such parameter."})
		case len(values) > 1:
			faults = append(faults, Fault{Parameter: name, Code: DuplicateParameter, Detail: "Give the parameter once."})
		case !storable(values[0]):
			faults = append(faults, Fault{Parameter: name, Code: InvalidValue, Detail: "This is not UTF-8 text."})
		}
	}
	return sent, faults
}

// storable reports whether a database can hold a text, and so whether it can be
// looked for.
func storable(text string) bool { return utf8.ValidString(text) && !strings.ContainsRune(text, 0) }

type humaContext = huma.Context

// An exchange is a request and its answer as huma sees them: with the query and
// the body that were read and checked before.
type exchange struct {
	humaContext
	context context.Context
	query   url.Values
	body    []byte
}

func newExchange(r *route, q *request, w http.ResponseWriter, sent *http.Request) exchange {
	return exchange{
		humaContext: humago.NewContext(r.huma, sent, w), query: q.query, body: q.body,
		context: context.WithValue(sent.Context(), requestKey{}, q),
	}
}

// Context implements huma.Context.
func (e exchange) Context() context.Context { return e.context }

// Query implements huma.Context.
func (e exchange) Query(name string) string { return e.query.Get(name) }

// BodyReader implements huma.Context.
func (e exchange) BodyReader() io.Reader { return bytes.NewReader(e.body) }

// SetReadDeadline does nothing: the body was read, and the server has its own
// limits.
func (exchange) SetReadDeadline(time.Time) error { return nil }
