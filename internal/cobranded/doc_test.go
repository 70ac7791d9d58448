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

var _ = flag.Bool("update", false, "write the pages of docs/api/pipelines anew")

const docFolder = "../../docs/api/pipelines"

// A docPipeline is the page of one pipeline in the making.
type docPipeline struct {
	t             *testing.T
	pipeline      payment.Pipeline
	notes, common apidoc.Notes
	used          map[string]bool // of the common notes
}

func readNotes(t *testing.T, name string) apidoc.Notes {
	t.Helper()
	n, err := apidoc.ReadNotes("doc/" + name + ".md")
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func docItems(t *testing.T, n apidoc.Notes, heading string) []apidoc.Item {
	t.Helper()
	items, err := n.Items(heading)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// TestPagesOfPipelines compares the page of each pipeline with what the pipeline
// reads, what it comes back with, and the notes in doc. With -update it writes them.
func TestPagesOfPipelines(t *testing.T) {
	common, used, examples := readNotes(t, "common"), map[string]bool{}, docExamples(t)
	words := parameterWords(t)
	var names []string
	for _, pipeline := range payment.Pipelines {
		names = append(names, string(pipeline))
		p := docPipeline{t: t, pipeline: pipeline, notes: readNotes(t, string(pipeline)), common: common, used: used}
		parameters := p.parameters(words)
		p.checkParameters(parameters, words)
		p.checkReturn(examples[pipeline].back)
		text := apidoc.Head(p.notes.Title, "internal/cobranded/doc, which is compared with what the pipeline reads and answers") +
			p.notes.Intro + "\n\n" +
			"## Parameters\n\nIn addition to [those of every link](../README.md#the-parameters-of-every-link):\n\n" + parameterTable(t, parameters) +
			"\nNames count in any case. Parameters that are not known are ignored; they come back with the answer, and are part of what is signed.\n" +
			"\n## Return\n\nThe return URL also gives back the link's own parameters, unless the operator has set you to get the answer alone.\n\n" +
			p.table("Return", []string{"field", "meaning"}) +
			"\n## Statuses\n\n" + p.table("Statuses", []string{"status", "meaning"}) +
			"\n## Sent twice\n\n" + sentTwice + "\n\n## Example\n\n" + examples[pipeline].text
		apidoc.Check(t, filepath.Join(docFolder, string(pipeline)+".md"), text)
	}
	apidoc.CheckFolder(t, docFolder, names)
	apidoc.CheckFolder(t, "doc", append(names, "common"))
	for _, heading := range []string{"Parameters", "Statuses"} {
		for _, item := range docItems(t, common, heading) {
			if !used[heading+" "+item.Name] {
				t.Errorf("doc/common.md: %s is no pipeline's", item.Name)
			}
		}
	}
}

const sentTwice = "A link can be opened again until somebody has agreed: then a token has the callerReference, and the link ends with `CE`. " +
	"Make a new link, with a new callerReference, for each order. If the return got lost, [GetTokenByCaller](../actions/GetTokenByCaller.md) finds the token."

// parameters are the notes of what the pipeline reads: its own, and those of the
// common ones that it reads.
func (p docPipeline) parameters(words []string) (all []apidoc.Item) {
	p.t.Helper()
	all = docItems(p.t, p.notes, "Parameters")
	for i, own := range all {
		for _, item := range docItems(p.t, p.common, "Parameters") {
			if own.Text == "" && own.Name == item.Name {
				p.used["Parameters "+item.Name] = true
				all[i] = item
			}
		}
	}
	for _, item := range docItems(p.t, p.common, "Parameters") {
		own := slices.ContainsFunc(all, func(own apidoc.Item) bool { return own.Name == item.Name })
		if !own && slices.Contains(words, item.Name) && p.reads(item.Name) {
			p.used["Parameters "+item.Name] = true
			all = append(all, item)
		}
	}
	return all
}

// table has the pipeline's own rows, with the texts of the common notes where it
// has none.
func (p docPipeline) table(heading string, head []string) string {
	p.t.Helper()
	var rows [][]string
	own, common := docItems(p.t, p.notes, heading), docItems(p.t, p.common, heading)
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
			t.Errorf("%s has the kind %q, which there is not", item.Name, item.Remark)
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
	return apidoc.Table([]string{"name", "value", "required", "by default", "meaning"}, rows)
}

// A docKind is a kind of parameter: how pages describe it, and values that it may
// have and may not have, which every parameter of the kind is tried with.
type docKind struct {
	words     string
	required  bool
	good, bad []string
}

var (
	long2048, long2049 = strings.Repeat("x", 2048), strings.Repeat("x", 2049)

	docKinds = map[string]docKind{
		"reference":          {"text, at most 128 bytes", true, []string{strings.Repeat("x", 128)}, []string{"", strings.Repeat("x", 129)}},
		"optional reference": {"text, at most 128 bytes", false, []string{"", strings.Repeat("x", 128)}, []string{strings.Repeat("x", 129)}},
		"token":              {"text, at most 65 bytes", true, []string{strings.Repeat("x", 65)}, []string{"", strings.Repeat("x", 66)}},
		"text":               {"text, at most 2048 bytes", false, []string{"", long2048}, []string{long2049}},
		"total":              {"amount, from 0.02 to 10000.00", true, []string{"0.02", "10000"}, []string{"", "0.01", "10000.01", "1.005", "USD 1"}},
		"limit":              {"amount, above 0", true, []string{"0.01", "1000000"}, []string{"", "0", "-1", "1.005"}},
		"bound":              {"amount, above 0, at most 10000.00", false, []string{"", "0.01", "100"}, []string{"0", "10000.01", "x"}},
		"amount":             {"amount", false, []string{"", "0", "5.25"}, []string{"-1.00", "a lot"}},
		"percent":            {"a percentage from 0 to 100 with at most four decimals", false, []string{"", "2.5", "100"}, []string{"101", "x", "0.00001"}},
		"flag":               {"`True` or `False`", false, []string{"", "True", "false"}, []string{"yes", "1"}},
		"required flag":      {"`True` or `False`", true, []string{"True", "false"}, []string{"", "yes", "1"}},
		"time": {
			"seconds since 1970, or a day or a time in ISO 8601", false,
			[]string{"", "1804118400", "2027-03-04", "2027-03-04T02:00:01+02:00"}, []string{"soon", "-1"},
		},
		"period": {
			"a number from 1 to 1200 and `Hour`, `Day`, `Week`, `Month` or `Year`, singular or plural, such as `1 Month`", true,
			[]string{"1 Hour", "12 months", "1200 Days"}, []string{"", "0 Days", "1 Fortnight", "1201 Days"},
		},
		"limit type":    {"`Count` or `Amount`", false, []string{"", "Count", "Amount"}, []string{"Sum"}},
		"limit value":   {"a whole number or an amount, above 0", false, []string{"3"}, []string{"0", "-1", "x"}},
		"limit period":  {"a period, such as `1 Month`", false, []string{"", "1 Hour"}, []string{"1 Fortnight"}},
		"amount type":   {"`Exact`, `Maximum` or `Minimum`", false, []string{"", "Exact", "Maximum", "Minimum"}, []string{"About"}},
		"currency":      {"`USD`", false, []string{"", "USD"}, []string{"EUR"}},
		"methods":       {"any of `CC`, `ACH` and `ABT`, joined by commas", false, []string{"", "CC", "CC,ACH,ABT"}, []string{"Cash", "CC,Cash"}},
		"one recipient": {"a token, at most 65 bytes", false, []string{"", strings.Repeat("x", 65)}, []string{strings.Repeat("x", 66), "A,B"}},
		"recipients": {
			"at most 20 tokens, joined by commas", false,
			[]string{"", "A,B", numbered(20)}, []string{strings.Repeat("x", 66), numbered(21)},
		},
		"logo": {
			"an https address, or an http address on the sender's own machine", false,
			[]string{"", "https://shop.example.test/logo.png", "http://localhost/logo.png"}, []string{"http://shop.example.test/logo.png", "logo.png"},
		},
		"style": {"`logo` or `banner`", false, []string{"", "logo", "banner"}, []string{"poster"}},
	}
)

// numbered is a list of so many tokens.
func numbered(n int) string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = "T" + strconv.Itoa(i)
	}
	return strings.Join(ids, ",")
}

// docMinimal is the least that each pipeline takes.
var docMinimal = map[payment.Pipeline]holdfast.Params{
	payment.PipelineSingleUse:     params("callerReference", "a", "transactionAmount", "5"),
	payment.PipelineMultiUse:      params("callerReference", "a", "globalAmountLimit", "100"),
	payment.PipelineRecurring:     params("callerReference", "a", "transactionAmount", "5", "recurringPeriod", "1 Month"),
	payment.PipelineRecipient:     params("callerReference", "a", "recipientPaysFee", "False"),
	payment.PipelineSetupPrepaid:  params("callerReferenceSender", "a", "callerReferenceFunding", "b", "fundingAmount", "50"),
	payment.PipelineSetupPostpaid: params("callerReferenceSender", "a", "callerReferenceSettlement", "b", "creditLimit", "50", "globalAmountLimit", "100"),
	payment.PipelineEditToken:     params("callerReference", "a", "tokenID", "T"),
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

// reads reports whether a pipeline looks at a parameter: each has its size.
func (p docPipeline) reads(name string) bool { return p.refuses(name, long2049) }

// parameterWords are all words of the pipelines' source that could be names of
// parameters.
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

// checkParameters compares what is documented of parameters with what the pipeline
// takes and refuses.
func (p docPipeline) checkParameters(documented []apidoc.Item, words []string) {
	p.t.Helper()
	for _, item := range documented {
		if !p.reads(item.Name) {
			p.t.Errorf("%s: %s is documented and not read", p.pipeline, item.Name)
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
			p.t.Errorf("%s: %s is read and not documented", p.pipeline, word)
		}
	}
}

// checkReturn fails for fields of a return URL that are not documented.
func (p docPipeline) checkReturn(back holdfast.Params) {
	p.t.Helper()
	own, common := docItems(p.t, p.notes, "Return"), docItems(p.t, p.common, "Return")
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
			p.t.Errorf("%s: the field %s is documented and did not come back", p.pipeline, item.Name)
		}
	}
}

// TestParametersOfEveryLink compares what every link must have with its notes.
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
	for _, item := range docItems(t, readNotes(t, "common"), "Link") {
		documented = append(documented, item.Name)
	}
	slices.Sort(needed)
	slices.Sort(documented)
	if !slices.Equal(needed, documented) {
		t.Errorf("a link needs %v; documented are %v", needed, documented)
	}
}

// TestStatusesOfPipelines compares the statuses on the page of each pipeline with
// those of docs/api/return-url.md, which are held against the code.
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
		for _, item := range docItems(t, readNotes(t, string(pipeline)), "Statuses") {
			documented = append(documented, item.Name)
		}
		slices.Sort(documented)
		slices.Sort(want[string(pipeline)])
		if !slices.Equal(want[string(pipeline)], documented) {
			t.Errorf("%s ends with %v; documented are %v", pipeline, want[string(pipeline)], documented)
		}
	}
}
