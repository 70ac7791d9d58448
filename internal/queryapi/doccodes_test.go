package queryapi_test

import (
	"cmp"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/apidoc"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
)

// TestCodesOfActionsAreDocumented compares the codes on the page of each action
// with the codes that the action can be refused with: every code in a function
// that the action's function leads to, except codes that its notes call
// impossible. It also compares them with the golden answers.
func TestCodesOfActionsAreDocumented(t *testing.T) {
	program := readProgram(t)
	every := apidoc.MustItems(t, apidoc.MustRead(t, "doc/common.md"), "Errors")
	told := goldenCodes(t)
	for _, a := range queryapi.DocumentedActions() {
		notes := apidoc.MustRead(t, "doc/"+a.Name+".md")
		documented, never := apidoc.MustItems(t, notes, "Errors"), apidoc.MustItems(t, notes, "Never")
		possible := program.codes("var "+strings.ToLower(a.Name[:1])+a.Name[1:], "")
		for _, code := range possible {
			if !named(documented, code) && !named(every, code) && !named(never, code) {
				t.Errorf("%s may be refused with %s, which is not documented", a.Name, code)
			}
		}
		for _, item := range append(slices.Clone(documented), never...) {
			if !slices.Contains(possible, item.Name) && !named(every, item.Name) {
				t.Errorf("%s is never refused with %s, which its notes name", a.Name, item.Name)
			}
		}
		for _, code := range told[a.Name] {
			if !named(documented, code) && !named(every, code) {
				t.Errorf("%s was refused with %s in a story, which is not documented", a.Name, code)
			}
		}
	}
	for _, code := range program.codes("serve", "actionNamed") {
		if !named(every, code) && !named(apidoc.MustItems(t, apidoc.MustRead(t, "doc/errors.md"), "Codes"), code) {
			t.Errorf("every action may be refused with %s, which is not documented", code)
		}
	}
}

func named(items []apidoc.Item, code string) bool {
	return slices.ContainsFunc(items, func(i apidoc.Item) bool { return i.Name == code })
}

// goldenCodes are the codes of each action in the golden stories.
func goldenCodes(t *testing.T) map[string][]string {
	t.Helper()
	told := map[string][]string{}
	for _, file := range stories(t) {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for request := range strings.SplitSeq(string(text), "\n-- request ") {
			_, action, _ := strings.Cut(request, "\nAction=")
			action, _, _ = strings.Cut(action, "\n")
			_, code, refused := strings.Cut(request, "<Code>")
			if code, _, _ = strings.Cut(code, "<"); refused && action != "" {
				told[action] = append(told[action], code)
			}
		}
	}
	return told
}

const modulePath = "github.com/holdfast-pay/holdfast"

// A program is the part of the server's source that makes refusals: which
// functions and variables name which others, and the codes that they use.
type program struct {
	t        *testing.T
	fset     *token.FileSet
	info     *types.Info
	packages map[string]*types.Package
	names    map[types.Object]map[types.Object]bool
	refuses  map[types.Object]map[string]bool
}

func readProgram(t *testing.T) *program {
	t.Helper()
	p := &program{
		t: t, fset: token.NewFileSet(), packages: map[string]*types.Package{},
		info:  &types.Info{Uses: map[*ast.Ident]types.Object{}, Defs: map[*ast.Ident]types.Object{}},
		names: map[types.Object]map[types.Object]bool{}, refuses: map[types.Object]map[string]bool{},
	}
	if _, err := p.Import(modulePath + "/internal/queryapi"); err != nil {
		t.Fatal(err)
	}
	return p
}

// Import reads a package of this module. Other packages are empty: they make no
// refusals, and errors about unknown types do not matter.
func (p *program) Import(name string) (*types.Package, error) {
	if known := p.packages[name]; known != nil {
		return known, nil
	}
	folder, ours := strings.CutPrefix(name, modulePath)
	if !ours {
		empty := types.NewPackage(name, path.Base(name))
		empty.MarkComplete()
		p.packages[name] = empty
		return empty, nil
	}
	paths, err := filepath.Glob(filepath.Join("../..", folder, "*.go"))
	if err != nil {
		return nil, err
	}
	var files []*ast.File
	for _, file := range paths {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(p.fset, file, nil, parser.SkipObjectResolution)
		if err != nil {
			return nil, err
		}
		files = append(files, parsed)
	}
	config := types.Config{Importer: p, Error: func(error) {}}
	pkg, _ := config.Check(name, p.fset, files, p.info)
	p.packages[name] = pkg
	for _, file := range files {
		p.read(file)
	}
	return pkg, nil
}

func (p *program) read(file *ast.File) {
	for _, declaration := range file.Decls {
		switch d := declaration.(type) {
		case *ast.FuncDecl:
			if d.Body != nil {
				p.readIn(p.info.Defs[d.Name], d.Body)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				if v, ok := spec.(*ast.ValueSpec); ok && d.Tok == token.VAR && len(v.Names) == len(v.Values) {
					for i, name := range v.Names {
						p.readIn(p.info.Defs[name], v.Values[i])
					}
				}
			}
		}
	}
}

// readIn notes the names that a function or variable uses.
func (p *program) readIn(in types.Object, n ast.Node) {
	p.names[in], p.refuses[in] = map[types.Object]bool{}, map[string]bool{}
	ast.Inspect(n, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CallExpr:
			if len(n.Args) > 0 {
				if code, ok := p.code(n.Args[0]); ok {
					p.refuses[in][code] = true
				}
			}
		case *ast.Ident:
			switch used := p.info.Uses[n].(type) {
			case *types.Func:
				p.names[in][used.Origin()] = true
			case *types.Var:
				p.names[in][used] = true
			}
		}
		return true
	})
}

// code is the constant that an argument is, if it is a Code.
func (p *program) code(argument ast.Expr) (string, bool) {
	selector, ok := argument.(*ast.SelectorExpr)
	if !ok {
		return "", false
	}
	c, ok := p.info.Uses[selector.Sel].(*types.Const)
	if !ok || c.Type().String() != modulePath+".Code" {
		return "", false
	}
	value, err := strconv.Unquote(c.Val().ExactString())
	return value, err == nil
}

// codes returns all codes that a function or variable of the door leads to,
// without passing through another action.
func (p *program) codes(from, without string) []string {
	p.t.Helper()
	start := p.object(from)
	seen := map[types.Object]bool{}
	found := map[string]bool{}
	if without != "" {
		seen[p.object(without)] = true
	}
	var walk func(types.Object)
	walk = func(o types.Object) {
		if seen[o] {
			return
		}
		seen[o] = true
		maps.Copy(found, p.refuses[o])
		for next := range p.names[o] {
			walk(next)
		}
	}
	walk(start)
	return slices.Sorted(maps.Keys(found))
}

func (p *program) object(name string) types.Object {
	p.t.Helper()
	name, variable := strings.CutPrefix(name, "var ")
	door := p.packages[modulePath+"/internal/queryapi"]
	inOrder := func(a, b types.Object) int { return cmp.Compare(a.Pos(), b.Pos()) }
	for _, o := range slices.SortedFunc(maps.Keys(p.names), inOrder) {
		_, isVariable := o.(*types.Var)
		if o.Pkg() == door && o.Name() == name && isVariable == variable {
			return o
		}
	}
	p.t.Fatalf("the door has no %s", name)
	return nil
}
