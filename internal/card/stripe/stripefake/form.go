package stripefake

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A form is a request's parameters, in their order. Names are as in
// "line_items[][quantity]": the numbers of a list are left out.
type form []parameter

type parameter struct{ name, sent, value string }

var listIndex = regexp.MustCompile(`\[\d*\]`)

// readForm reads the bracket parameters of a body or a query.
func readForm(raw string) (form, error) {
	var f form
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		sent, err := url.QueryUnescape(name)
		if err != nil {
			return nil, invalid("", "Invalid string: %q", name)
		}
		text, err := url.QueryUnescape(value)
		if err != nil {
			return nil, invalid(sent, "Invalid string: %q", value)
		}
		f = append(f, parameter{listIndex.ReplaceAllString(sent, "[]"), sent, text})
	}
	return f, nil
}

// unknown returns the first parameter that an endpoint does not take. A name in
// allowed that ends in "[*]" stands for all names of a hash.
func (f form) unknown(allowed []string) (name string, found bool) {
	for _, p := range f {
		ok := slices.ContainsFunc(allowed, func(a string) bool {
			if hash, all := strings.CutSuffix(a, "[*]"); all {
				rest, in := strings.CutPrefix(p.name, hash+"[")
				return in && strings.HasSuffix(rest, "]") && strings.Count(rest, "]") == 1
			}
			return p.name == a
		})
		if !ok && p.name != "expand[]" {
			return p.sent, true
		}
	}
	return "", false
}

func (f form) has(name string) bool {
	return slices.ContainsFunc(f, func(p parameter) bool { return p.name == name })
}

// text returns the last value of a parameter.
func (f form) text(name string) string {
	for _, p := range slices.Backward(f) {
		if p.name == name {
			return p.value
		}
	}
	return ""
}

func (f form) required(name string) (string, error) {
	if value := f.text(name); value != "" {
		return value, nil
	}
	return "", &apiError{
		status: 400, Type: typeInvalid, Code: "parameter_missing", Param: name, unstored: true,
		Message: "Missing required param: " + name + ".",
	}
}

func (f form) integer(name string, otherwise int64) (int64, error) {
	if !f.has(name) {
		return otherwise, nil
	}
	n, err := strconv.ParseInt(f.text(name), 10, 64)
	if err != nil {
		return 0, invalidCode("parameter_invalid_integer", name, "Invalid integer: %s", f.text(name))
	}
	return n, nil
}

func (f form) boolean(name string) (bool, error) {
	switch f.text(name) {
	case "":
		return false, nil
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, invalid(name, "Invalid boolean: %s", f.text(name))
}

func (f form) enum(name string, otherwise string, values ...string) (string, error) {
	value := f.text(name)
	if value == "" {
		return otherwise, nil
	}
	if !slices.Contains(values, value) {
		return "", invalid(name, "Invalid %s: must be one of %s", name, strings.Join(values, ", "))
	}
	return value, nil
}

func (f form) list(name string) []string {
	var values []string
	for _, p := range f {
		if p.name == name+"[]" {
			values = append(values, p.value)
		}
	}
	return values
}

func (f form) hash(name string) map[string]string {
	values := map[string]string{}
	for _, p := range f {
		if key, ok := strings.CutPrefix(p.name, name+"["); ok {
			values[strings.TrimSuffix(key, "]")] = p.value
		}
	}
	return values
}

// Limits of metadata.
const (
	metadataPairsMax = 50
	metadataKeyMax   = 40
	metadataValueMax = 500
)

// metadata reads metadata, which an update adds to what is there. An empty
// value removes a key.
func (f form) metadata(name string, before map[string]string) (map[string]string, error) {
	after := map[string]string{}
	for key, value := range before {
		after[key] = value
	}
	for key, value := range f.hash(name) {
		switch {
		case len(key) > metadataKeyMax:
			return nil, invalid(name, "Metadata keys can be up to %d characters long: %s", metadataKeyMax, key)
		case len(value) > metadataValueMax:
			return nil, invalid(name+"["+key+"]", "Metadata values can have up to %d characters", metadataValueMax)
		case value == "":
			delete(after, key)
		default:
			after[key] = value
		}
	}
	if len(after) > metadataPairsMax {
		return nil, invalid(name, "Metadata can have up to %d keys", metadataPairsMax)
	}
	return after, nil
}

// A period is a filter such as created[gte].
type period struct{ from, until int64 } // both included

func (f form) period(name string) (period, error) {
	p := period{0, 1 << 62}
	for _, bound := range []struct {
		name  string
		apply func(int64)
	}{
		{"gte", func(n int64) { p.from = max(p.from, n) }},
		{"gt", func(n int64) { p.from = max(p.from, n+1) }},
		{"lte", func(n int64) { p.until = min(p.until, n) }},
		{"lt", func(n int64) { p.until = min(p.until, n-1) }},
	} {
		if full := name + "[" + bound.name + "]"; f.has(full) {
			n, err := f.integer(full, 0)
			if err != nil {
				return p, err
			}
			bound.apply(n)
		}
	}
	if f.has(name) {
		n, err := f.integer(name, 0)
		if err != nil {
			return p, err
		}
		p = period{n, n}
	}
	return p, nil
}

func (p period) has(at int64) bool { return at >= p.from && at <= p.until }

// periodOf lists the parameters of a filter by time.
func periodOf(name string) []string {
	return []string{name, name + "[gte]", name + "[gt]", name + "[lte]", name + "[lt]"}
}
