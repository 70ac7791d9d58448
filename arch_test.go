package holdfast_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	modulePath   = "github.com/holdfast-pay/holdfast"
	fileLinesMax = 500
)

// knowHTTP are the packages that may import net/http: the SDK, the doors, the
// delivery of notifications, the card networks, the programs and their tests. No
// package below a door knows how a request arrives.
var knowHTTP = []string{
	".", "client", "internal/webui", "internal/signed", "internal/queryapi", "internal/account", "internal/cobranded",
	"internal/inbox", "internal/networkdoor", "internal/manual", "internal/welcome", "internal/https", "internal/ipn",
	"internal/calendar", "internal/console", "internal/egress", "internal/webhook", "internal/api",
	"internal/bench", "internal/metrics",
	"internal/card/stripe", "internal/card/stripe/stripefake", "internal/card/cardtest",
	"internal/bench/ceiling",
	"internal/holdfasttest",
	"shop", "cmd/holdfast", "tests/browser",
	"tests/client", "tests/cluster", "tests/examples", "tests/packages", "examples/buyer", "examples/go",
}

// A sourceFile is one Go file of the module, tests included.
type sourceFile struct {
	path      string // from the module's root, with slashes
	imports   []string
	lines     int
	generated bool
}

func (f sourceFile) test() bool  { return strings.HasSuffix(f.path, "_test.go") }
func (f sourceFile) pkg() string { return path.Dir(f.path) }

func sourceFiles(t *testing.T) []sourceFile {
	t.Helper()
	var files []sourceFile
	err := filepath.WalkDir(".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			hidden := strings.HasPrefix(entry.Name(), ".") || strings.HasPrefix(entry.Name(), "_")
			if name != "." && (hidden || entry.Name() == "testdata" || entry.Name() == "tools") {
				return fs.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ImportsOnly|parser.ParseComments)
		if err != nil {
			return err
		}
		file := sourceFile{
			path:      filepath.ToSlash(name),
			lines:     bytes.Count(text, []byte("\n")),
			generated: ast.IsGenerated(parsed),
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			file.imports = append(file.imports, imported)
		}
		files = append(files, file)
		return nil
	})
	if err != nil {
		t.Fatalf("reading the module's source: %v", err)
	}
	return files
}

// An importTable is the package table of ARCHITECTURE.md.
type importTable map[string]allowed

type allowed struct {
	anything bool
	below    bool // the row holds for the packages below as well
	packages []string
}

var tableRow = regexp.MustCompile("^\\| (`[^|]+`[^|]*) \\|([^|]*)\\|$")

func readImportTable(t *testing.T) importTable {
	t.Helper()
	text, err := os.ReadFile("ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	table := importTable{}
	for line := range strings.Lines(string(text)) {
		row := tableRow.FindStringSubmatch(strings.TrimSpace(line))
		if row == nil {
			continue
		}
		names, below := strings.CutSuffix(row[1], " and below")
		may := allowed{below: below, anything: strings.TrimSpace(row[2]) == "anything"}
		if !may.anything {
			for _, short := range strings.Fields(row[2]) {
				may.packages = append(may.packages, longName(short))
			}
		}
		for name := range strings.SplitSeq(names, ",") {
			table[strings.Trim(strings.TrimSpace(name), "`")] = may
		}
	}
	if len(table) == 0 {
		t.Fatal("ARCHITECTURE.md has no package table")
	}
	return table
}

// longName adds internal/, which the table leaves out.
func longName(short string) string {
	if short == "." || short == "money" || short == "docs" || short == "client" || short == "client/inbox" {
		return short
	}
	return "internal/" + short
}

// row finds the row of a package: its own, or that of a parent package whose
// row also holds for the packages below.
func (table importTable) row(pkg string) (name string, may allowed, ok bool) {
	if may, ok := table[pkg]; ok {
		return pkg, may, true
	}
	for above := path.Dir(pkg); above != "."; above = path.Dir(above) {
		if may, ok := table[above]; ok && may.below {
			return above, may, true
		}
	}
	return "", allowed{}, false
}

// allows reports whether pkg may import another package. Both are named by
// their folders.
func (table importTable) allows(pkg, imported string) bool {
	name, may, ok := table.row(pkg)
	switch {
	case !ok:
		return false
	case may.anything:
		return true
	case may.below && (imported == name || strings.HasPrefix(imported, name+"/")):
		return true
	}
	if slices.Contains(may.packages, imported) {
		return true
	}
	above, row, ok := table.row(imported)
	return ok && row.below && slices.Contains(may.packages, above)
}

// local returns the folder of a package of this module.
func local(imported string) (folder string, ok bool) {
	if imported == modulePath {
		return ".", true
	}
	return strings.CutPrefix(imported, modulePath+"/")
}

func standard(imported string) bool {
	first, _, _ := strings.Cut(imported, "/")
	return !strings.Contains(first, ".")
}

func TestImportsGoOneWay(t *testing.T) {
	table := readImportTable(t)
	for _, file := range sourceFiles(t) {
		if _, _, ok := table.row(file.pkg()); !ok {
			t.Errorf("%s: package %s is not in the table of ARCHITECTURE.md", file.path, file.pkg())
			continue
		}
		if file.test() {
			continue
		}
		for _, imported := range file.imports {
			if folder, ok := local(imported); ok && !table.allows(file.pkg(), folder) {
				t.Errorf("%s: %s may not import %s", file.path, file.pkg(), folder)
			}
		}
	}
}

// The rule also holds for the SDK's tests: "go mod tidy" adds the modules that
// they import to the go.sum of each program that uses the SDK.
func TestSDKStandsAlone(t *testing.T) {
	sdk := []string{".", "money", "internal/compare", "client", "client/inbox"}
	for _, file := range sourceFiles(t) {
		if !slices.Contains(sdk, file.pkg()) {
			continue
		}
		for _, imported := range file.imports {
			folder, ok := local(imported)
			if ok && slices.Contains(sdk, folder) || standard(imported) {
				continue
			}
			t.Errorf("%s imports %s: the SDK and its tests import the standard library, the SDK and internal/compare only",
				file.path, imported)
		}
	}
}

func TestNothingBelowADoorKnowsHTTP(t *testing.T) {
	for _, file := range sourceFiles(t) {
		if file.test() || slices.Contains(knowHTTP, file.pkg()) {
			continue
		}
		for _, imported := range file.imports {
			if imported == "net/http" || strings.HasPrefix(imported, "net/http/") {
				t.Errorf("%s imports %s below the doors", file.path, imported)
			}
		}
	}
}

// Nothing outside the package of a card network sees the types of its client.
func TestClientsOfNetworksStayInTheirPackages(t *testing.T) {
	for _, file := range sourceFiles(t) {
		if file.pkg() == "internal/card/stripe" {
			continue
		}
		for _, imported := range file.imports {
			if strings.HasPrefix(imported, "github.com/stripe/") {
				t.Errorf("%s imports %s", file.path, imported)
			}
		}
	}
}

// The doors ask the processor for every change.
func TestDoorsDoNotWrite(t *testing.T) {
	doors := []string{"internal/account", "internal/cobranded", "internal/inbox", "internal/queryapi"}
	writes := regexp.MustCompile(`\bstore\.(DB|Tx|Sessions)\b`)
	for _, file := range sourceFiles(t) {
		if file.test() || !slices.Contains(doors, file.pkg()) {
			continue
		}
		text, err := os.ReadFile(file.path)
		if err != nil {
			t.Fatal(err)
		}
		if found := writes.Find(text); found != nil {
			t.Errorf("%s uses %s: a door reads with store.Reader, and the processor writes", file.path, found)
		}
	}
}

func TestFilesAreShort(t *testing.T) {
	for _, file := range sourceFiles(t) {
		if !file.test() && !file.generated && file.lines > fileLinesMax {
			t.Errorf("%s has %d lines, more than %d: split it by noun", file.path, file.lines, fileLinesMax)
		}
	}
}

// A checker that allows everything would pass the tests above, so these rows
// test imports that are allowed and imports that are not.
func TestImportTable(t *testing.T) {
	table := readImportTable(t)
	for _, row := range []struct {
		pkg, imported string
		want          bool
	}{
		{"money", ".", false},
		{".", "money", true},
		{".", "internal/payment", false},
		{"internal/payment", "internal/store", false},
		{"internal/store", "internal/payment", true},
		{"internal/card/sandbox", "internal/card", true},
		{"internal/card", "internal/store", false},
		{"internal/processor", "internal/card", true},
		{"internal/processor", "internal/queryapi", false},
		{"internal/queryapi", "internal/card", false},
		{"internal/webui", "internal/store", false},
		{"shop", "client/inbox", true},
		{"shop", "internal/holdfasttest", false},
		{"cmd/holdfast", "shop", true},
		{"internal/unheard", "money", false},
	} {
		if got := table.allows(row.pkg, row.imported); got != row.want {
			t.Errorf("%s importing %s: allowed is %v, want %v", row.pkg, row.imported, got, row.want)
		}
	}
}
