package api

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
)

// constantsOf are the texts of the constants with a type in the files of a
// directory.
func constantsOf(t *testing.T, dir, typeName string) (texts []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok {
				return true
			}
			if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != typeName {
				return true
			}
			for _, value := range spec.Values {
				if literal, ok := value.(*ast.BasicLit); ok {
					text, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Fatal(err)
					}
					texts = append(texts, text)
				}
			}
			return true
		})
	}
	if len(texts) == 0 {
		t.Fatalf("%s has no constants of type %s", dir, typeName)
	}
	return texts
}

// Every code that the engine refuses with has a code here, and every code here
// has a meaning.
func TestEveryCodeHasAMeaning(t *testing.T) {
	for _, code := range constantsOf(t, "../..", "Code") {
		if _, ok := refusals[holdfast.Code(code)]; !ok {
			t.Errorf("refusals has no row for %s", code)
		}
	}
	for from, code := range refusals {
		if _, ok := meaningOf[code]; !ok {
			t.Errorf("%s becomes %s, which has no meaning", from, code)
		}
	}
	for _, code := range append(constantsOf(t, "../payment", "CallCode"), constantsOf(t, "../party", "KeyError")...) {
		if _, ok := meaningOf[Code(code)]; !ok {
			t.Errorf("%s has no meaning", code)
		}
	}
	ofFaults := []Code{UnknownField, MissingField, WrongType, InvalidValue, UnknownParameter, DuplicateParameter}
	for _, code := range constantsOf(t, ".", "Code") {
		_, ok := meaningOf[Code(code)]
		for _, of := range ofFaults {
			ok = ok || string(of) == code
		}
		if !ok {
			t.Errorf("%s has no meaning", code)
		}
	}
}

// The texts of a code are sentences, and no code is listed twice.
func TestMeanings(t *testing.T) {
	if len(meaningOf) != len(meanings) {
		t.Errorf("%d meanings of %d codes", len(meanings), len(meaningOf))
	}
	for _, m := range meanings {
		if !strings.HasSuffix(m.title, ".") || !strings.HasSuffix(m.advice, ".") || m.status < 400 {
			t.Errorf("%s: %d %q %q", m.code, m.status, m.title, m.advice)
		}
	}
}
