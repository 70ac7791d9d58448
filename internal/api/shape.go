package api

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json/jsontext"
)

// A shape says what a JSON value must look like. It is made from the schema in
// the document, so what the document says is what is checked.
type shape struct {
	kind     jsontext.Kind // of the value; zero allows every kind
	fields   map[string]*shape
	required []string
	each     *shape // an item of a list, or a value of a map; nil if there are none
	min, max int    // characters, items or members; of a whole number its value. max is -1 without a limit
	words    []string
	pattern  *regexp.Regexp
	allowed  string // says what the pattern allows
	time     bool   // RFC 3339
}

// shapeOf makes the shape of a schema. It panics on a schema that it does not
// know, when the server is made.
func shapeOf(registry huma.Registry, schema *huma.Schema) *shape {
	if schema.Ref != "" {
		schema = registry.SchemaFromRef(schema.Ref)
	}
	s := &shape{max: -1}
	for _, word := range schema.Enum {
		s.words = append(s.words, fmt.Sprint(word))
	}
	switch schema.Type {
	case huma.TypeObject:
		s.kind = '{'
		s.bound(schema.MinProperties, schema.MaxProperties)
		s.required = slices.Sorted(slices.Values(schema.Required))
		s.fields = make(map[string]*shape, len(schema.Properties))
		for name, property := range schema.Properties {
			s.fields[name] = shapeOf(registry, property)
		}
		if each, ok := schema.AdditionalProperties.(*huma.Schema); ok {
			s.each = shapeOf(registry, each)
		}
	case huma.TypeArray:
		s.kind = '['
		s.bound(schema.MinItems, schema.MaxItems)
		s.each = shapeOf(registry, schema.Items)
	case huma.TypeString:
		s.kind, s.time = '"', schema.Format == "date-time"
		s.bound(schema.MinLength, schema.MaxLength)
		if schema.Pattern != "" {
			s.pattern, s.allowed = regexp.MustCompile(schema.Pattern), schema.PatternDescription
		}
	case huma.TypeInteger:
		s.kind = '0'
		if schema.Minimum != nil {
			s.min = int(*schema.Minimum)
		}
		if schema.Maximum != nil {
			s.max = int(*schema.Maximum)
		}
	case huma.TypeBoolean:
		s.kind = 't'
	default:
		panic(fmt.Sprintf("api: a schema of type %q cannot be checked", schema.Type))
	}
	return s
}

func (s *shape) bound(least, most *int) {
	if least != nil {
		s.min = *least
	}
	if most != nil {
		s.max = *most
	}
}

// empty reports whether an empty object has this shape. A request may then have
// no body.
func (s *shape) empty() bool { return s.kind == '{' && len(s.required) == 0 }

// noun is the kind of a value in words.
func noun(kind jsontext.Kind) string {
	switch kind {
	case '{':
		return "an object"
	case '[':
		return "a list"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't', 'f':
		return "true or false"
	case 'n':
		return "null"
	}
	return "a value"
}

// outside says how a size is wrong, or returns an empty text.
func (s *shape) outside(size int, unit string) string {
	switch {
	case s.min == s.max && size != s.max:
		return "This must have exactly " + strconv.Itoa(s.max) + " " + unit + "."
	case size < s.min:
		return "This must have at least " + strconv.Itoa(s.min) + " " + unit + "."
	case s.max >= 0 && size > s.max:
		return "This may have at most " + strconv.Itoa(s.max) + " " + unit + "."
	}
	return ""
}
