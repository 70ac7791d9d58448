package queryapi_test

import (
	"encoding/xml"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/apidoc"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
)

// A docSchema is the part of a schema that the pages need.
type docSchema struct {
	Elements []docElement `xml:"element"`
	Types    []docType    `xml:"complexType"`
	Simple   []struct {
		Name   string `xml:"name,attr"`
		Values []struct {
			Value string `xml:"value,attr"`
		} `xml:"restriction>enumeration"`
	} `xml:"simpleType"`
}

type docElement struct {
	Name    string   `xml:"name,attr"`
	Type    string   `xml:"type,attr"`
	Default string   `xml:"default,attr"`
	Min     string   `xml:"minOccurs,attr"`
	Max     string   `xml:"maxOccurs,attr"`
	Inline  *docType `xml:"complexType"`
}

type docType struct {
	Name     string       `xml:"name,attr"`
	Elements []docElement `xml:"sequence>element"`
}

func readDocSchema(t *testing.T) (s docSchema) {
	t.Helper()
	if err := xml.Unmarshal(queryapi.SchemaOf(holdfast.VersionNewest), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s docSchema) element(name string) docElement {
	i := slices.IndexFunc(s.Elements, func(e docElement) bool { return e.Name == name })
	return s.Elements[i]
}

// children are an element's parts; typeName is the type that they belong to, if it
// has a name.
func (s docSchema) children(e docElement) (all []docElement, typeName string) {
	if e.Inline != nil {
		return e.Inline.Elements, ""
	}
	for _, t := range s.Types {
		if t.Name == e.Type {
			return t.Elements, t.Name
		}
	}
	return nil, ""
}

// A docField is an element of a message, at any depth.
type docField struct {
	docElement

	path   string // from the Result on, or of a parameter
	member string // such as "Token.TokenId": what every Token has
}

// fields are all elements below one, in order. An Amount is a leaf.
func (s docSchema) fields(e docElement, prefix string) (all []docField) {
	children, typeName := s.children(e)
	for _, c := range children {
		f := docField{docElement: c, path: prefix + c.Name, member: typeName + "." + c.Name}
		all = append(all, f)
		if c.Type != "Amount" {
			all = append(all, s.fields(c, f.path+".")...)
		}
	}
	return all
}

// result are the fields of an action's result.
func (s docSchema) result(action string) []docField {
	response, _ := s.children(s.element(action + "Response"))
	return s.fields(response[0], "")
}

// parameters are the fields of an action's request by their names, an Amount's
// halves too.
func (s docSchema) parameters(action string) map[string]docField {
	all := map[string]docField{}
	for _, f := range s.fields(s.element(action), "") {
		all[f.path] = f
		if f.Type == "Amount" {
			for _, half := range s.fields(f.docElement, f.path+".") {
				all[half.path] = half
			}
		}
	}
	return all
}

// words is the text of a type on a page.
func (s docSchema) words(t *testing.T, e docElement) string {
	t.Helper()
	switch e.Type {
	case "xs:string":
		return "text"
	case "xs:integer":
		return "whole number"
	case "xs:decimal":
		return "decimal"
	case "xs:dateTime":
		return "time"
	case "Amount":
		return "amount"
	}
	for _, simple := range s.Simple {
		if simple.Name == e.Type {
			var words []string
			for _, v := range simple.Values {
				words = append(words, apidoc.Code(v.Value))
			}
			return strings.Join(words, ", ")
		}
	}
	if children, _ := s.children(e); len(children) == 0 {
		t.Fatalf("the type of %s is not known", e.Name)
	}
	return "structure"
}

// occurs says how often an element of an answer is there.
func (e docElement) occurs() string {
	switch {
	case e.Max == "unbounded" && e.Min == "0":
		return "any number"
	case e.Max == "unbounded":
		return "at least one"
	case e.Max != "":
		return "at most " + e.Max
	case e.Min == "0":
		return "may be missing"
	}
	return "always"
}
