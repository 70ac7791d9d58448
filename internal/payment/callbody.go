package payment

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

var (
	errBodyText  = errors.New("the body is not UTF-8")
	errBodyAfter = errors.New("there is something after the JSON value")
)

// CanonicalBody returns a body of JSON with the names of objects sorted and
// without white space. Two bodies with the same canonical form are the same call.
// An empty body is an empty object. The door has refused names that come twice.
func CanonicalBody(body []byte) (string, error) {
	if len(bytes.TrimSpace(body)) == 0 {
		return "{}", nil
	}
	canonical := jsontext.Value(bytes.Clone(body)) // numbers stay as they are written
	if err := canonical.Format(jsontext.ReorderRawObjects(true)); err != nil {
		return "", fmt.Errorf("writing a canonical body: %w", err)
	}
	return string(canonical), nil
}

// decodeBody keeps numbers as they are written.
func decodeBody(body []byte) (value any, err error) {
	if !utf8.Valid(body) {
		return nil, errBodyText
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		return nil, fmt.Errorf("reading a body: %w", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errBodyAfter
	}
	return value, nil
}

const (
	differencesMax = 20  // that are named
	pointerMax     = 200 // bytes; a longer pointer is cut to the object around it
)

// Differences returns JSON pointers (RFC 6901) to the fields in which two
// canonical bodies differ, at most differencesMax of them. A field that only one
// of them has differs. The pointer to a whole body is empty.
func Differences(a, b string) []string {
	before, errBefore := decodeBody([]byte(a))
	after, errAfter := decodeBody([]byte(b))
	if errBefore != nil || errAfter != nil {
		if a == b {
			return nil
		}
		return []string{""}
	}
	found := differing{}
	found.compare("", before, after)
	return found.pointers
}

// differing collects pointers, in order.
type differing struct{ pointers []string }

func (d *differing) add(pointer string) {
	if len(d.pointers) < differencesMax && !slices.Contains(d.pointers, pointer) {
		d.pointers = append(d.pointers, pointer)
	}
}

func (d *differing) compare(at string, a, b any) {
	switch a := a.(type) {
	case map[string]any:
		if b, ok := b.(map[string]any); ok {
			d.compareObjects(at, a, b)
			return
		}
	case []any:
		if b, ok := b.([]any); ok {
			d.compareLists(at, a, b)
			return
		}
	default:
		switch b.(type) {
		case map[string]any, []any:
		default:
			if a == b {
				return
			}
		}
	}
	d.add(at)
}

func (d *differing) compareObjects(at string, a, b map[string]any) {
	var names []string
	for _, object := range []map[string]any{a, b} {
		for name := range object {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range slices.Compact(names) {
		before, had := a[name]
		after, has := b[name]
		if pointer := pointerTo(at, name); had && has {
			d.compare(pointer, before, after)
		} else {
			d.add(pointer)
		}
	}
}

func (d *differing) compareLists(at string, a, b []any) {
	for i := range max(len(a), len(b)) {
		pointer := pointerTo(at, strconv.Itoa(i))
		if i < len(a) && i < len(b) {
			d.compare(pointer, a[i], b[i])
		} else {
			d.add(pointer)
		}
	}
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// pointerTo is the pointer to a field of the object at a pointer.
func pointerTo(at, name string) string {
	if pointer := at + "/" + pointerEscapes.Replace(name); len(pointer) <= pointerMax {
		return pointer
	}
	return at
}
