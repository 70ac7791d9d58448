package holdfast_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

var (
	codeSpan   = regexp.MustCompile("`([^`\n]+)`")
	goName     = regexp.MustCompile(`^[A-Za-z][A-Za-z.]*(\(\))?$`)
	makeCall   = regexp.MustCompile(`^make ([a-z-]+)$`)
	notThere   = regexp.MustCompile(`\b[vV]erb\b|NAME|…`) // what the reader is about to add
	otherWords = map[string]bool{".": true, "holdfast": true, "/doc/": true}
)

// ARCHITECTURE.md is how people find their way, so the files, folders, targets and
// Go names that it mentions exist.
func TestArchitectureNamesWhatExists(t *testing.T) {
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	makefile, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	files, names := filesAndNames(t)
	for _, span := range codeSpan.FindAllStringSubmatch(mdFence.ReplaceAllString(string(text), ""), -1) {
		word := span[1]
		exists := otherWords[word] || notThere.MatchString(word) || files[strings.TrimSuffix(word, "/")]
		if target := makeCall.FindStringSubmatch(word); target != nil {
			exists = strings.Contains(string(makefile), "\n"+target[1]+":")
		} else if goName.MatchString(word) && !exists {
			name := strings.TrimSuffix(word, "()")
			exists = names[name[strings.LastIndex(name, ".")+1:]]
		} else if strings.HasPrefix(word, "holdfast ") || strings.HasPrefix(word, "serve ") {
			exists = true // the tests of cmd/holdfast know the commands
		}
		if !exists {
			t.Errorf("ARCHITECTURE.md names %s, which does not exist", word)
		}
	}
}

// filesAndNames are the files and folders, each by its path and every end of it,
// and all names that Go code of the module declares.
func filesAndNames(t *testing.T) (files, names map[string]bool) {
	t.Helper()
	files, names = map[string]bool{}, map[string]bool{}
	err := fs.WalkDir(os.DirFS("."), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name == ".git" && entry.IsDir() {
			return fs.SkipDir
		}
		for end := name; ; {
			files[end] = true
			_, rest, more := strings.Cut(end, "/")
			if !more {
				break
			}
			end = rest
		}
		if path.Ext(name) == ".go" {
			declared(t, name, names)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("reading the module: %v", err)
	}
	return files, names
}

// declared adds the names of a file's functions, methods, types, fields,
// variables and constants.
func declared(t *testing.T, file string, names map[string]bool) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		var found []*ast.Ident
		switch n := n.(type) {
		case *ast.FuncDecl:
			found = append(found, n.Name)
		case *ast.TypeSpec:
			found = append(found, n.Name)
		case *ast.ValueSpec:
			found = n.Names
		case *ast.Field:
			found = n.Names
		}
		for _, ident := range found {
			names[ident.Name] = true
		}
		return true
	})
}
