package cobranded_test

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/apidoc"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

var _ = flag.Bool("update", false, "write the pages of docs/api/pipelines")

const docFolder = "../../docs/api/pipelines"

// A docPipeline builds the page of one pipeline.
type docPipeline struct {
	t             *testing.T
	pipeline      payment.Pipeline
	notes, common apidoc.Notes
	used          map[string]bool // the common notes that the page uses
}

func readNotes(t *testing.T, name string) apidoc.Notes {
	t.Helper()
	return apidoc.MustRead(t, "doc/"+name+".md")
}

// TestPagesOfPipelines compares the page of each pipeline with the parameters
// that it reads, the fields that it returns, and the notes in doc. With -update
// it writes the pages.
func TestPagesOfPipelines(t *testing.T) {
	common, used, examples := readNotes(t, "common"), map[string]bool{}, docExamples(t)
	words := parameterWords(t)
	var names []string
	for _, pipeline := range payment.Pipelines {
		names = append(names, string(pipeline))
		p := docPipeline{t, pipeline, readNotes(t, string(pipeline)), common, used}
		parameters := p.parameters(words)
		p.checkParameters(parameters, words)
		p.checkReturn(examples[pipeline].back)
		apidoc.Check(t, filepath.Join(docFolder, string(pipeline)+".md"), p.page(parameters, examples[pipeline].text))
	}
	apidoc.CheckFolder(t, docFolder, names)
	apidoc.CheckFolder(t, "doc", append(names, "common"))
	for _, heading := range []string{"Parameters", "Statuses"} {
		for _, item := range apidoc.MustItems(t, common, heading) {
			if !used[heading+" "+item.Name] {
				t.Errorf("doc/common.md: no pipeline has %s", item.Name)
			}
		}
	}
}

func (p docPipeline) page(parameters []apidoc.Item, example string) string {
	p.t.Helper()
	head := apidoc.Head(p.notes.Title, "internal/cobranded/doc, which tests compare with the pipeline")
	fields, statuses := p.table("Return", []string{"field", "meaning"}), p.table("Statuses", []string{"status", "meaning"})
	return head + p.notes.Intro + "\n\n" +
		"## Parameters\n\n" + p.common.Section("Before the parameters") + "\n\n" + parameterTable(p.t, parameters) +
		"\n" + p.common.Section("After the parameters") + "\n" +
		"\n## Return\n\n" + p.common.Section("Before the return") + "\n\n" + fields +
		"\n## Statuses\n\n" + statuses +
		"\n" + p.common.Section("After the statuses") + "\n" +
		"\n## Sent twice\n\n" + p.common.Section("Sent twice") + "\n" +
		"\n## Example\n\n" + example
}

// parameters returns the notes about the parameters that the pipeline reads:
// its own and common ones.
func (p docPipeline) parameters(words []string) (all []apidoc.Item) {
	p.t.Helper()
	all = apidoc.MustItems(p.t, p.notes, "Parameters")
	for i, own := range all {
		for _, item := range apidoc.MustItems(p.t, p.common, "Parameters") {
			if own.Text == "" && own.Name == item.Name {
				p.used["Parameters "+item.Name] = true
				all[i] = item
			}
		}
	}
	for _, item := range apidoc.MustItems(p.t, p.common, "Parameters") {
		own := slices.ContainsFunc(all, func(own apidoc.Item) bool { return own.Name == item.Name })
		if !own && slices.Contains(words, item.Name) && p.reads(item.Name) {
			p.used["Parameters "+item.Name] = true
			all = append(all, item)
		}
	}
	return all
}

// table returns a table of the pipeline's rows. A row without a text gets the
// text of the common notes.
func (p docPipeline) table(heading string, head []string) string {
	p.t.Helper()
	var rows [][]string
	own, common := apidoc.MustItems(p.t, p.notes, heading), apidoc.MustItems(p.t, p.common, heading)
	if heading == "Return" {
		own = append(own, common...)
	}
	for _, item := range own {
		for _, other := range common {
			if item.Text == "" && other.Name == item.Name {
				item.Text = other.Text
				p.used[heading+" "+item.Name] = true
			}
		}
		if item.Text == "" {
			p.t.Errorf("%s: %s is not documented", p.pipeline, item.Name)
		}
		rows = append(rows, []string{apidoc.Code(item.Name), item.Text})
	}
	return apidoc.Table(head, rows)
}

func parameterTable(t *testing.T, items []apidoc.Item) string {
	t.Helper()
	var rows [][]string
	for _, item := range items {
		k, known := docKinds[item.Remark]
		if !known {
			t.Errorf("%s has the unknown kind %q", item.Name, item.Remark)
		}
		required := "no"
		if k.required {
			required = "yes"
		}
		if k.required == (item.Default != "") {
			t.Errorf("%s is either required or has a default", item.Name)
		}
		rows = append(rows, []string{apidoc.Code(item.Name), k.words, required, item.Default, item.Text})
	}
	return apidoc.Table([]string{"name", "value", "required", "default", "meaning"}, rows)
}

// refuses reports whether a pipeline refuses a parameter for its value.
func (p docPipeline) refuses(name, value string) bool {
	sent := append(params("pipelineName", string(p.pipeline)), docMinimal[p.pipeline].Without(name)...)
	if n := name[len(name)-1:]; strings.HasPrefix(name, "usageLimit") && !strings.HasPrefix(name, "usageLimitType") {
		sent = append(sent, holdfast.Param{Name: "usageLimitType" + n, Value: "Count"})
	}
	_, end := payment.ReadPipeline(append(sent, holdfast.Param{Name: name, Value: value}))
	return end != nil && slices.Contains(regexp.MustCompile(`\w+`).FindAllString(end.Message, -1), name)
}

// reads reports whether a pipeline reads a parameter, by trying a value that is
// too long for any.
func (p docPipeline) reads(name string) bool { return p.refuses(name, long(2049)) }

// parameterWords returns all words in the pipelines' source code that could be
// names of parameters.
func parameterWords(t *testing.T) (words []string) {
	t.Helper()
	files, err := filepath.Glob("../payment/*.go")
	if err != nil {
		t.Fatal(err)
	}
	form := regexp.MustCompile(`^[a-z][A-Za-z0-9]+$`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
				if word, err := strconv.Unquote(literal.Value); err == nil && form.MatchString(word) {
					words = append(words, word, word+"1", word+"2")
				}
			}
			return true
		})
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// checkParameters compares the documented parameters with the values that the
// pipeline accepts and refuses.
func (p docPipeline) checkParameters(documented []apidoc.Item, words []string) {
	p.t.Helper()
	for _, item := range documented {
		if !p.reads(item.Name) {
			p.t.Errorf("%s: %s is documented but not read", p.pipeline, item.Name)
		}
		for _, good := range docKinds[item.Remark].good {
			if p.refuses(item.Name, good) {
				p.t.Errorf("%s: %s=%s is refused", p.pipeline, item.Name, good)
			}
		}
		for _, bad := range docKinds[item.Remark].bad {
			if !p.refuses(item.Name, bad) {
				p.t.Errorf("%s: %s=%s is not refused", p.pipeline, item.Name, bad)
			}
		}
	}
	for _, word := range words {
		named := func(item apidoc.Item) bool { return item.Name == word }
		if word != "pipelineName" && p.reads(word) && !slices.ContainsFunc(documented, named) {
			p.t.Errorf("%s: %s is read but not documented", p.pipeline, word)
		}
	}
}

// checkReturn fails for fields of a return URL that are not documented.
func (p docPipeline) checkReturn(back holdfast.Params) {
	p.t.Helper()
	own, common := apidoc.MustItems(p.t, p.notes, "Return"), apidoc.MustItems(p.t, p.common, "Return")
	var documented []string
	for _, item := range slices.Concat(own, common) {
		documented = append(documented, strings.Split(item.Name, ", ")...)
	}
	for _, field := range back {
		if slices.Contains(holdfast.ReservedFields(), field.Name) && !slices.Contains(documented, field.Name) {
			p.t.Errorf("%s: the field %s of the return URL is not documented", p.pipeline, field.Name)
		}
	}
	for _, item := range own {
		if _, ok := back.Lookup(item.Name); !ok {
			p.t.Errorf("%s: the field %s is documented but was not returned", p.pipeline, item.Name)
		}
	}
}

// TestParametersOfEveryLink compares the required parameters of every link with
// their notes.
func TestParametersOfEveryLink(t *testing.T) {
	s := newSite(t)
	link, err := url.Parse(s.link(order()))
	if err != nil {
		t.Fatal(err)
	}
	sent, err := holdfast.ParseParams(link.RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	var needed []string
	for _, param := range sent {
		link.RawQuery = sent.Without(param.Name).Encode()
		s.get(link.String())
		s.wantInvalid("")
		if strings.Contains(s.at.body, "["+param.Name+"]") {
			needed = append(needed, param.Name)
		}
	}
	var documented []string
	for _, item := range apidoc.MustItems(t, readNotes(t, "common"), "Link") {
		documented = append(documented, item.Name)
	}
	slices.Sort(needed)
	slices.Sort(documented)
	if !slices.Equal(needed, documented) {
		t.Errorf("a link needs %v; documented are %v", needed, documented)
	}
}

// TestStatusesOfPipelines compares the statuses on the page of each pipeline
// with those in docs/api/return-url.md, which another test compares with the
// code.
func TestStatusesOfPipelines(t *testing.T) {
	want := map[string][]string{}
	for _, row := range holdfasttest.ReadPage(t, "return-url.md").Under("## Status codes").Rows() {
		for _, pipeline := range payment.Pipelines {
			if row[1] == "all" || slices.Contains(strings.Split(row[1], ", "), string(pipeline)) {
				want[string(pipeline)] = append(want[string(pipeline)], holdfasttest.Quoted(row[0])...)
			}
		}
	}
	for _, pipeline := range payment.Pipelines {
		var documented []string
		for _, item := range apidoc.MustItems(t, readNotes(t, string(pipeline)), "Statuses") {
			documented = append(documented, item.Name)
		}
		slices.Sort(documented)
		slices.Sort(want[string(pipeline)])
		if !slices.Equal(want[string(pipeline)], documented) {
			t.Errorf("%s ends with %v; documented are %v", pipeline, want[string(pipeline)], documented)
		}
	}
}
