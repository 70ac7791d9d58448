package api

import (
	"cmp"
	"embed"
	"encoding/json"
	"fmt"
	"html"
	"html/template"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

//go:embed templates/*.html
var templateFiles embed.FS

var pages = webui.MustParsePages(templateFiles)

// A reference is the data of the reference page, made from the document.
type reference struct {
	Document string // its address, without ".json"
	Server   string
	Groups   []referenceGroup
	Objects  []referenceObject
	Codes    []referenceCode
}

type referenceGroup struct {
	Name       string
	Anchor     string
	About      template.HTML
	Operations []referenceOperation
}

type referenceOperation struct {
	ID, Method, Path, Summary string
	About                     template.HTML
	Scope                     party.Scope
	Keyed                     bool
	Parameters, Body          []referenceField
	Status                    int
	Answer                    template.HTML // the type
	Request, Example          string
}

type referenceField struct {
	Name     string
	Type     template.HTML
	Required bool
	About    template.HTML
}

type referenceObject struct {
	Name   string
	Fields []referenceField
}

type referenceCode struct {
	Code          Code
	Status        int
	Title, Advice template.HTML
}

// newReference renders the reference page.
func (s *Server) newReference() ([]byte, error) {
	r := reference{Document: documentPath, Server: s.huma.OpenAPI().Servers[0].URL}
	for _, tag := range s.huma.OpenAPI().Tags {
		g := referenceGroup{
			Name: tag.Name, Anchor: "about-" + strings.ReplaceAll(strings.ToLower(tag.Name), " ", "-"),
			About: inline(tag.Description),
		}
		for _, route := range s.routes.all {
			if route.tag == tag.Name {
				g.Operations = append(g.Operations, s.referenceOperation(route))
			}
		}
		r.Groups = append(r.Groups, g)
	}
	schemas := s.routes.registry.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		if !s.isBody(name) {
			r.Objects = append(r.Objects, referenceObject{name, s.referenceFields(schemas[name])})
		}
	}
	for _, m := range meanings {
		r.Codes = append(r.Codes, referenceCode{m.code, m.status, inline(m.title), inline(m.advice)})
	}
	return pages.Page("reference", webui.Layout{Title: "JSON API", NoCheckout: true, Wide: true, Content: r})
}

// isBody reports whether a schema is the body of an operation, which shows it.
func (s *Server) isBody(name string) bool {
	return slices.ContainsFunc(s.routes.all, func(r *route) bool {
		return r.huma.RequestBody != nil && refName(r.huma.RequestBody.Content[typeJSON].Schema) == name
	})
}

func (s *Server) referenceOperation(r *route) referenceOperation {
	o := referenceOperation{
		ID: r.id, Method: r.method, Path: r.path, Summary: r.summary, About: inline(r.about), Scope: r.scope,
		Keyed: r.keyed, Status: r.status,
	}
	for _, p := range r.huma.Parameters {
		o.Parameters = append(o.Parameters, referenceField{
			Name: p.Name, Type: s.typeOf(p.Schema), Required: p.Required,
			About: inline(cmp.Or(p.Schema.Description, p.Description)),
		})
	}
	if r.huma.RequestBody != nil {
		o.Body = s.referenceFields(s.resolved(r.huma.RequestBody.Content[typeJSON].Schema))
	}
	if answer := r.huma.Responses[strconv.Itoa(r.status)].Content[typeJSON]; answer != nil {
		o.Answer = s.typeOf(answer.Schema)
	}
	o.Request, o.Example = exampleText(r.id, "request"), exampleText(r.id, "answer")
	return o
}

// exampleText is an example as it is shown; empty if there is none.
func exampleText(operation, part string) string {
	value, ok := example(operation, part)
	if !ok {
		return ""
	}
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		panic("api: " + err.Error()) // it was read as JSON
	}
	return string(text)
}

func (s *Server) resolved(schema *huma.Schema) *huma.Schema {
	if schema.Ref != "" {
		return s.routes.registry.SchemaFromRef(schema.Ref)
	}
	return schema
}

// referenceFields are the fields of an object, the required ones first.
func (s *Server) referenceFields(schema *huma.Schema) (fields []referenceField) {
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		p := schema.Properties[name]
		about := p.Description
		if p.Ref != "" && about == "" {
			about = s.resolved(p).Description
		}
		fields = append(fields, referenceField{
			Name: name, Type: s.typeOf(p), Required: slices.Contains(schema.Required, name), About: inline(about),
		})
	}
	slices.SortStableFunc(fields, func(a, b referenceField) int {
		if a.Required == b.Required {
			return 0
		}
		if a.Required {
			return -1
		}
		return 1
	})
	return fields
}

func refName(schema *huma.Schema) string {
	return strings.TrimPrefix(schema.Ref, "#/components/schemas/")
}

// typeOf says what a schema allows, in a few words.
func (s *Server) typeOf(schema *huma.Schema) template.HTML {
	if name := refName(schema); name != "" {
		return template.HTML(fmt.Sprintf(`<a href="#%s">%[1]s</a>`, html.EscapeString(name))) //nolint:gosec // it is escaped
	}
	switch {
	case schema.Type == huma.TypeArray:
		return "list of " + s.typeOf(schema.Items)
	case len(schema.Enum) > 0:
		var words []string
		for _, word := range schema.Enum {
			words = append(words, "`"+fmt.Sprint(word)+"`")
		}
		return inline(strings.Join(words, ", "))
	case schema.Type == huma.TypeObject:
		if each, ok := schema.AdditionalProperties.(*huma.Schema); ok {
			return "object of " + s.typeOf(each)
		}
	case schema.Format == "date-time":
		return "time, RFC 3339"
	case schema.Type == huma.TypeString && schema.MaxLength != nil:
		return inline(fmt.Sprintf("string, at most %d characters", *schema.MaxLength))
	case schema.Type == huma.TypeInteger && schema.Maximum != nil && schema.Minimum != nil:
		return inline(fmt.Sprintf("integer from %v to %v", *schema.Minimum, *schema.Maximum))
	}
	return inline(schema.Type)
}

// inline renders a text, with code between backquotes.
func inline(text string) template.HTML {
	var b strings.Builder
	for i, part := range strings.Split(text, "`") {
		if i%2 == 1 {
			b.WriteString("<code>" + html.EscapeString(part) + "</code>")
		} else {
			b.WriteString(html.EscapeString(part))
		}
	}
	return template.HTML(b.String()) //nolint:gosec // it is escaped
}
