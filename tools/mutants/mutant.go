package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
)

// A fate is the result of running a mutant.
type fate string

const (
	killed    fate = "killed"
	lived     fate = "lived"
	timedOut  fate = "timed out"  // the tests hang: they would never pass
	notViable fate = "not viable" // it does not compile, so it does not count
)

// A mutant is one operator in a source file and its replacement.
type mutant struct {
	id           int
	file, kind   string
	line, column int
	first, last  int // lines of its expression in the source with switches
	offset       int
	operator     string
	instead      string
	code         string // the source line
	alone        bool   // it has to be compiled alone
	fate         fate
}

// instead maps operators to their replacements, by gremlins' kind of mutation.
var instead = map[string]map[string]string{
	"ARITHMETIC_BASE":       {"+": "-", "-": "+", "*": "/", "/": "*", "%": "*"},
	"CONDITIONALS_BOUNDARY": {">=": ">", ">": ">=", "<=": "<", "<": "<="},
	"CONDITIONALS_NEGATION": {"==": "!=", "!=": "==", ">=": "<", ">": "<=", "<=": ">", "<": ">="},
	"INCREMENT_DECREMENT":   {"++": "--", "--": "++"},
	"INVERT_NEGATIVES":      {"-": "+"},
}

func newMutant(file string, source []byte, kind string, line, column int) (*mutant, error) {
	offset := 0
	lines := bytes.SplitAfter(source, []byte("\n"))
	if line < 1 || line > len(lines) || column < 1 || column > len(lines[line-1]) {
		return nil, fmt.Errorf("%s has no place %d:%d", file, line, column)
	}
	for _, l := range lines[:line-1] {
		offset += len(l)
	}
	offset += column - 1
	for _, length := range []int{2, 1} {
		if offset+length > len(source) {
			continue
		}
		operator := string(source[offset : offset+length])
		if to, ok := instead[kind][operator]; ok {
			return &mutant{
				file: file, kind: kind, line: line, column: column, offset: offset, operator: operator, instead: to,
				code: strings.TrimSpace(string(lines[line-1])),
			}, nil
		}
	}
	return nil, fmt.Errorf("%s:%d:%d has no operator for %s", file, line, column, kind)
}

// key finds a mutant's reason. It has no line number, because line numbers
// change with every edit.
func (m *mutant) key(dir string) string { return dir + "/" + m.file + "\t" + m.kind + "\t" + m.code }

// applied returns the source with the mutant in it.
func (m *mutant) applied(source []byte) []byte {
	return slices.Concat(source[:m.offset], []byte(m.instead), source[m.offset+len(m.operator):])
}

// An edit replaces the bytes between two offsets by text.
type edit struct {
	from, to int
	text     string
}

// withSwitches returns the source with all its mutants, each turned on by its
// number. Line numbers stay the same.
func withSwitches(file string, source []byte, mutants []*mutant) ([]byte, error) {
	at := make(map[int][]*mutant)
	for _, m := range mutants {
		if m.file == file && !m.alone {
			at[m.offset] = append(at[m.offset], m)
		}
	}
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, file, source, parser.ParseComments)
	if err != nil {
		return nil, fmt.Errorf("parsing %s: %w", file, err)
	}
	offset := func(p token.Pos) int { return fset.Position(p).Offset }
	var edits []edit
	ast.Inspect(tree, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.BinaryExpr:
			if here := at[offset(n.OpPos)]; len(here) > 0 {
				for _, m := range here {
					m.first, m.last = fset.Position(n.Pos()).Line, fset.Position(n.End()).Line
				}
				edits = append(edits, switched(here, offset(n.Pos()), offset(n.OpPos), offset(n.End()), n.Op)...)
			}
		case *ast.UnaryExpr:
			if here := at[offset(n.OpPos)]; len(here) > 0 {
				edits = append(edits, edit{offset(n.OpPos), offset(n.X.Pos()), "mutantNeg("}, edit{
					offset(n.End()), offset(n.End()), fmt.Sprintf(", %d)", here[0].id),
				})
			}
		case *ast.IncDecStmt:
			for _, m := range at[offset(n.TokPos)] {
				m.alone = true
			}
		}
		return true
	})
	return apply(source, edits), nil
}

// switched returns the edits of an expression with two operands: it becomes a
// call of the helper with the operator's name. Equality is not a call, because
// no helper accepts every type, nil included.
func switched(here []*mutant, start, op, end int, operator token.Token) []edit {
	if operator == token.EQL || operator == token.NEQ {
		return []edit{{start, start, "(("}, {end, end, fmt.Sprintf(") != mutantOn(%d))", here[0].id)}}
	}
	ids := map[string]int{}
	for _, m := range here {
		ids[m.kind] = m.id
	}
	first, second := ids["CONDITIONALS_BOUNDARY"], ids["CONDITIONALS_NEGATION"]
	if first == 0 && second == 0 {
		first = here[0].id
	}
	return []edit{
		{start, start, "mutant" + names[operator] + "("},
		{op, op + len(operator.String()), ","},
		{end, end, fmt.Sprintf(", %d, %d)", first, second)},
	}
}

var names = map[token.Token]string{
	token.LSS: "Less", token.LEQ: "AtMost", token.GTR: "More", token.GEQ: "AtLeast",
	token.ADD: "Add", token.SUB: "Sub", token.MUL: "Mul", token.QUO: "Quo", token.REM: "Rem",
}

// apply makes the edits. Insertions at the same place are ordered: those that
// close an inner expression come first, and those that open an outer one.
func apply(source []byte, edits []edit) []byte {
	slices.SortStableFunc(edits, func(a, b edit) int {
		if c := cmp.Compare(a.from, b.from); c != 0 {
			return c
		}
		return cmp.Compare(rank(a), rank(b))
	})
	var closing []edit
	var out []byte
	at := 0
	put := func(e edit) {
		out = append(append(out, source[at:e.from]...), e.text...)
		at = max(at, e.to)
	}
	for i, e := range edits {
		if rank(e) == 0 { // inner expressions are found last
			closing = append([]edit{e}, closing...)
			if i+1 < len(edits) && edits[i+1].from == e.from && rank(edits[i+1]) == 0 {
				continue
			}
			for _, c := range closing {
				put(c)
			}
			closing = nil
			continue
		}
		put(e)
	}
	return append(out, source[at:]...)
}

// rank sorts edits that close an expression before edits that open one.
func rank(e edit) int {
	if e.from == e.to && strings.HasSuffix(e.text, ")") {
		return 0
	}
	return 1
}

// helpers is the source of the file that turns mutants on.
func helpers(pack string) []byte {
	var b strings.Builder
	fmt.Fprintf(&b, `package %s

import (
	"cmp"
	"os"
	"strconv"
)

var mutantID, _ = strconv.Atoi(os.Getenv(%q))

func mutantOn(id int) bool { return id != 0 && mutantID == id }

type mutantNumber interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float64
}

func mutantNeg[T mutantNumber](a T, id int) T {
	if mutantOn(id) {
		return a
	}
	return -a
}
`, pack, switchVariable)
	for _, c := range [][4]string{
		{"Less", "<", "<=", ">="}, {"AtMost", "<=", "<", ">"}, {"More", ">", ">=", "<="}, {"AtLeast", ">=", ">", "<"},
	} {
		fmt.Fprintf(&b, "\nfunc mutant%s[T cmp.Ordered](a, b T, boundary, negation int) bool {\n\tif mutantOn(boundary) "+
			"{\n\t\treturn a %s b\n\t}\n\tif mutantOn(negation) {\n\t\treturn a %s b\n\t}\n\treturn a %s b\n}\n", c[0], c[2],
			c[3], c[1])
	}
	for _, c := range [][3]string{{"Add", "+", "-"}, {"Sub", "-", "+"}, {"Mul", "*", "/"}, {"Quo", "/", "*"}} {
		fmt.Fprintf(&b, "\nfunc mutant%s[T mutantNumber](a, b T, id, _ int) T {\n\tif mutantOn(id) {\n\t\treturn a %s "+
			"b\n\t}\n\treturn a %s b\n}\n", c[0], c[2], c[1])
	}
	b.WriteString("\nfunc mutantRem[T ~int | ~int32 | ~int64 | ~uint64](a, b T, id, _ int) T {\n\tif mutantOn(id) " +
		"{\n\t\treturn a * b\n\t}\n\treturn a % b\n}\n")
	return []byte(b.String())
}
