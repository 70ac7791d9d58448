package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

const (
	depthMax  = 20 // of objects and lists inside each other
	faultsMax = 20 // that one answer names
)

// A syntaxError says why a text is not JSON as this API reads it.
type syntaxError struct {
	code    Code
	pointer jsontext.Pointer
	detail  string
}

func (e *syntaxError) Error() string { return e.detail }

// checkJSON compares a JSON text with a shape, and returns what is wrong. It
// reads strictly: valid UTF-8, no name twice in an object, and nothing after the
// value. A text that is not JSON is a syntaxError.
func checkJSON(text []byte, s *shape) ([]Fault, error) {
	c := check{in: jsontext.NewDecoder(bytes.NewBuffer(text))}
	err := c.value(s)
	if err == nil {
		if _, err = c.in.ReadToken(); err == nil {
			err = &syntaxError{code: InvalidJSON, detail: "There is something after the end of the JSON value."}
		}
	}
	if !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || c.in.InputOffset() == 0 {
		return nil, c.syntax(err)
	}
	return c.faults, nil
}

// A check reads one JSON text.
type check struct {
	in     *jsontext.Decoder
	faults []Fault
}

func (c *check) syntax(err error) error {
	if own, ok := errors.AsType[*syntaxError](err); ok {
		return own
	}
	if wrong, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		if errors.Is(wrong, jsontext.ErrDuplicateName) {
			return &syntaxError{DuplicateField, wrong.JSONPointer, "The object has this name twice."}
		}
		return &syntaxError{
			InvalidJSON, wrong.JSONPointer, fmt.Sprintf("The text is not JSON at byte %d.", wrong.ByteOffset),
		}
	}
	return &syntaxError{code: InvalidJSON, detail: "The JSON value is not complete."}
}

// fault notes that the value or name that was just read is wrong.
func (c *check) fault(code Code, detail string) { c.faultAt(c.in.StackPointer(), code, detail) }

func (c *check) faultAt(at jsontext.Pointer, code Code, detail string) {
	if len(c.faults) < faultsMax {
		c.faults = append(c.faults, Fault{Pointer: string(at), Code: code, Detail: detail})
	}
}

func (c *check) value(s *shape) error {
	kind := c.in.PeekKind()
	if kind == 'f' {
		kind = 't'
	}
	if s.kind != 0 && kind != s.kind && kind != 0 {
		if err := c.skip(); err != nil {
			return err
		}
		c.fault(WrongType, fmt.Sprintf("This must be %s, not %s.", noun(s.kind), noun(kind)))
		return nil
	}
	switch kind {
	case '{':
		return c.object(s)
	case '[':
		return c.list(s)
	case '"':
		return c.text(s)
	case '0':
		return c.number(s)
	}
	return c.skip()
}

// enter reads the begin of an object or a list.
func (c *check) enter() error {
	if _, err := c.in.ReadToken(); err != nil {
		return err
	}
	if c.in.StackDepth() > depthMax {
		return &syntaxError{
			InvalidJSON, c.in.StackPointer(),
			fmt.Sprintf("Objects and lists may be nested at most %d deep.", depthMax),
		}
	}
	return nil
}

// skip reads a value whose content does not matter.
func (c *check) skip() error {
	for depth := c.in.StackDepth(); ; {
		if kind := c.in.PeekKind(); kind == '{' || kind == '[' {
			if err := c.enter(); err != nil {
				return err
			}
		} else if _, err := c.in.ReadToken(); err != nil {
			return err
		}
		if c.in.StackDepth() <= depth {
			return nil
		}
	}
}

func (c *check) object(s *shape) error {
	if err := c.enter(); err != nil {
		return err
	}
	seen := make([]string, 0, 8)
	for c.in.PeekKind() != '}' {
		token, err := c.in.ReadToken()
		if err != nil {
			return err
		}
		name := token.String()
		seen = append(seen, name)
		field := s.fields[name]
		if field == nil {
			field = s.each
		}
		if field == nil {
			c.fault(UnknownField, "There is no such field here.")
			if err := c.skip(); err != nil {
				return err
			}
			continue
		}
		if err := c.value(field); err != nil {
			return err
		}
	}
	if _, err := c.in.ReadToken(); err != nil {
		return err
	}
	for _, name := range s.required {
		if !slices.Contains(seen, name) {
			c.faultAt(c.in.StackPointer().AppendToken(name), MissingField, "This field is required.")
		}
	}
	if wrong := s.outside(len(seen), "fields"); wrong != "" && s.each != nil {
		c.fault(InvalidValue, wrong)
	}
	return nil
}

func (c *check) list(s *shape) error {
	if err := c.enter(); err != nil {
		return err
	}
	size := 0
	for ; c.in.PeekKind() != ']'; size++ {
		if err := c.value(s.each); err != nil {
			return err
		}
	}
	if _, err := c.in.ReadToken(); err != nil {
		return err
	}
	if wrong := s.outside(size, "items"); wrong != "" {
		c.fault(InvalidValue, wrong)
	}
	return nil
}

func (c *check) text(s *shape) error {
	token, err := c.in.ReadToken()
	if err != nil {
		return err
	}
	value := token.String()
	switch wrong := s.outside(utf8.RuneCountInString(value), "characters"); {
	case strings.ContainsRune(value, 0): // no database stores it
		c.fault(InvalidValue, "This has the character U+0000.")
	case wrong != "":
		c.fault(InvalidValue, wrong)
	case len(s.words) > 0 && !slices.Contains(s.words, value):
		c.fault(InvalidValue, "This must be "+oneOf(s.words)+".")
	case s.time && !isTime(value):
		c.fault(InvalidValue, "This must be a time such as 2026-11-23T10:15:30Z.")
	case s.pattern != nil && !s.pattern.MatchString(value):
		c.fault(InvalidValue, "This must be "+s.allowed+".")
	}
	return nil
}

func isTime(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	return err == nil
}

func oneOf(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return "one of " + strings.Join(words, ", ")
}

func (c *check) number(s *shape) error {
	token, err := c.in.ReadToken()
	if err != nil {
		return err
	}
	if s.kind == 0 {
		return nil
	}
	n, err := strconv.Atoi(token.String())
	switch {
	case err != nil:
		c.fault(InvalidValue, "This must be a whole number without a fraction and an exponent.")
	case n < s.min || s.max >= 0 && n > s.max:
		c.fault(InvalidValue, fmt.Sprintf("This must be a number from %d to %d.", s.min, s.max))
	}
	return nil
}
