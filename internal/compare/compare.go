// Package compare shows how two values differ, for the tests of the SDK. They use
// the standard library alone: "go mod tidy" puts what the tests of a package import
// into the go.sum of every program that uses the package.
package compare

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Diff returns "" if two values are equal: of the same type, with equal elements.
// Times are equal if they are the same moment. Otherwise it returns what differs, a
// line for each element or line of text: those of want begin with "-", those of got
// with "+". Values with functions or channels in them cannot be compared.
func Diff(want, got any) string {
	wanted, gotten := dump(want), dump(got)
	for len(wanted) > 0 && len(gotten) > 0 && wanted[0] == gotten[0] {
		wanted, gotten = wanted[1:], gotten[1:]
	}
	for len(wanted) > 0 && len(gotten) > 0 && wanted[len(wanted)-1] == gotten[len(gotten)-1] {
		wanted, gotten = wanted[:len(wanted)-1], gotten[:len(gotten)-1]
	}
	var b strings.Builder
	for _, line := range wanted {
		b.WriteString("-" + line + "\n")
	}
	for _, line := range gotten {
		b.WriteString("+" + line + "\n")
	}
	return b.String()
}

func dump(value any) (lines []string) {
	v := reflect.ValueOf(value)
	name := "nil"
	if v.IsValid() {
		name = v.Type().String()
	}
	return appendLines(nil, name, v)
}

// appendLines writes a line for each element of a value.
func appendLines(lines []string, path string, v reflect.Value) []string {
	switch kind := v.Kind(); {
	case kind == reflect.Invalid || isNil(v):
		return append(lines, path+": nil")
	case v.Type() == reflect.TypeFor[time.Time]() && v.CanInterface():
		moment, _ := reflect.TypeAssert[time.Time](v)
		return append(lines, path+": "+moment.UTC().Format(time.RFC3339Nano))
	case kind == reflect.Pointer:
		return appendLines(lines, path, v.Elem())
	case kind == reflect.Interface:
		return appendLines(lines, path+"."+v.Elem().Type().String(), v.Elem())
	case kind == reflect.Struct:
		for i := range v.NumField() {
			lines = appendLines(lines, path+"."+v.Type().Field(i).Name, v.Field(i))
		}
		return lines
	case kind == reflect.Slice || kind == reflect.Array:
		lines = append(lines, fmt.Sprintf("%s: %d elements", path, v.Len()))
		for i := range v.Len() {
			lines = appendLines(lines, fmt.Sprintf("%s[%d]", path, i), v.Index(i))
		}
		return lines
	case kind == reflect.Map:
		lines = append(lines, fmt.Sprintf("%s: %d elements", path, v.Len()))
		var elements []string
		for key, element := range v.Seq2() {
			elements = appendLines(elements, fmt.Sprintf("%s[%v]", path, key), element)
		}
		slices.Sort(elements)
		return append(lines, elements...)
	case kind == reflect.String:
		for line := range strings.SplitSeq(v.String(), "\n") {
			lines = append(lines, fmt.Sprintf("%s: %q", path, line))
		}
		return lines
	case v.CanInt():
		return append(lines, fmt.Sprintf("%s: %d", path, v.Int()))
	case v.CanUint():
		return append(lines, fmt.Sprintf("%s: %d", path, v.Uint()))
	case kind == reflect.Bool:
		return append(lines, fmt.Sprintf("%s: %t", path, v.Bool()))
	}
	panic(fmt.Sprintf("compare: %s is a %v, which cannot be compared", path, v.Kind()))
}

func isNil(v reflect.Value) bool {
	switch v.Kind() { //nolint:exhaustive // no other kind can be nil
	case reflect.Pointer, reflect.Interface, reflect.Slice, reflect.Map, reflect.Func, reflect.Chan, reflect.UnsafePointer:
		return v.IsNil()
	}
	return false
}
