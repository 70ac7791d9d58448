package queryapi_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/apidoc"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
)

// docFolder is where the pages are.
const docFolder = "../../docs/api"

// A docPage is the page of one action in the making.
type docPage struct {
	t      *testing.T
	action queryapi.DocumentedAction
	notes  apidoc.Notes
	common apidoc.Notes
	schema docSchema
}

// TestPagesOfActions compares the page of each action with the tables of the door,
// the schema, the golden answers and the notes in doc. With -update it writes them.
func TestPagesOfActions(t *testing.T) {
	common, schema, examples := apidoc.MustRead(t, "doc/common.md"), readDocSchema(t), docExamples(t)
	used := map[string]bool{}
	var names []string
	for _, a := range queryapi.DocumentedActions() {
		names = append(names, a.Name)
		p := docPage{t: t, action: a, notes: apidoc.MustRead(t, "doc/"+a.Name+".md"), common: common, schema: schema}
		var b strings.Builder
		b.WriteString(apidoc.Head(a.Name, "the tables of internal/queryapi and doc/"+a.Name+".md there"))
		b.WriteString(p.notes.Intro + "\n\n")
		if a.Since != "" {
			fmt.Fprintf(&b, "It is in version %s, and not in earlier ones.\n\n", a.Since)
		}
		b.WriteString("## Parameters\n\n" + p.parameters(used) + "\n")
		b.WriteString("## Answer\n\n" + p.answer(used) + "\n")
		b.WriteString(p.lists())
		b.WriteString("## Errors\n\n" + p.errors() + "\n")
		b.WriteString("## Sent twice\n\n" + p.sentTwice() + "\n\n")
		example, ok := examples[a.Name]
		if !ok {
			t.Errorf("%s has no example in testdata/pages.txtar", a.Name)
		}
		b.WriteString("## Example\n\n" + example)
		apidoc.Check(t, filepath.Join(docFolder, "actions", a.Name+".md"), b.String())
	}
	apidoc.CheckFolder(t, filepath.Join(docFolder, "actions"), names)
	apidoc.CheckFolder(t, "doc", append(names, "common", "errors", "index"))
	for _, heading := range []string{"Parameters", "Fields"} {
		for _, item := range apidoc.MustItems(t, common, heading) {
			if !used[heading+" "+item.Name] {
				t.Errorf("doc/common.md: %s is no action's", item.Name)
			}
		}
	}
}

// note finds a name in the action's notes, or else in the common notes.
func (p docPage) note(used map[string]bool, heading, name, commonHeading, commonName string) apidoc.Item {
	p.t.Helper()
	for _, item := range apidoc.MustItems(p.t, p.notes, heading) {
		if item.Name == name {
			return item
		}
	}
	for _, item := range apidoc.MustItems(p.t, p.common, commonHeading) {
		if item.Name == commonName {
			used[commonHeading+" "+commonName] = true
			return item
		}
	}
	p.t.Errorf("%s: %s is not documented", p.action.Name, name)
	return apidoc.Item{}
}

func (p docPage) parameters(used map[string]bool) string {
	p.t.Helper()
	fields := p.schema.parameters(p.action.Name)
	var rows [][]string
	var names []string
	for _, param := range p.action.Parameters {
		if param.AliasOf != "" {
			p.checkAlias(param)
			continue
		}
		names = append(names, param.Name)
		note := p.note(used, "Parameters", param.Name, "Parameters", param.Name)
		field := fields[param.Name]
		required := "no"
		switch {
		case param.Required:
			required = "yes"
		case note.Remark != "":
			required = note.Remark
		case strings.HasSuffix(param.Name, ".CurrencyCode"):
			required = "with the Value"
		}
		byDefault := note.Default
		if byDefault == "" && field.Default != "" {
			byDefault = apidoc.Code(field.Default)
		}
		if byDefault == "" && required == "no" {
			p.t.Errorf("%s: what %s is by default is not documented", p.action.Name, param.Name)
		}
		text := note.Text
		if param.Since != "" {
			text += " Since version " + param.Since + "."
		}
		rows = append(rows, []string{apidoc.Code(param.Name), p.form(param, field), required, byDefault, text})
	}
	p.checkNames("Parameters", names)
	if len(rows) == 0 {
		return "None of its own; only [those of every request](../README.md#the-parameters-of-every-request).\n"
	}
	intro := "In addition to [those of every request](../README.md#the-parameters-of-every-request):\n\n"
	if p.action.Public {
		intro = ""
	}
	return intro + apidoc.Table([]string{"name", "value", "required", "default", "meaning"}, rows)
}

// wholeForm are the words of rules that say the type, too.
var wholeForm = regexp.MustCompile("^(an? |digits )")

// form is the type and the size of a parameter.
func (p docPage) form(param queryapi.DocumentedParameter, field docField) string {
	p.t.Helper()
	words := p.schema.words(p.t, field.docElement)
	switch {
	case param.List:
		return "list of " + words
	case strings.HasPrefix(words, "`"), param.Allowed == "":
		return words // the schema names the values
	case wholeForm.MatchString(param.Allowed):
		return param.Allowed
	}
	return words + ", " + param.Allowed
}

// checkAlias fails if no note names the other spelling of a parameter. A
// parameter that means nothing needs none.
func (p docPage) checkAlias(param queryapi.DocumentedParameter) {
	p.t.Helper()
	if param.AliasOf != "-" && !strings.Contains(p.notes.Section("Parameters"), apidoc.Code(param.Name)) {
		p.t.Errorf("%s: the other name %s of %s is not documented", p.action.Name, param.Name, param.AliasOf)
	}
}

// checkNames fails for notes about names that the action does not have.
func (p docPage) checkNames(heading string, names []string) {
	p.t.Helper()
	for _, item := range apidoc.MustItems(p.t, p.notes, heading) {
		if !slices.Contains(names, item.Name) {
			p.t.Errorf("doc/%s.md, %s: there is no %s", p.action.Name, heading, item.Name)
		}
	}
}

func (p docPage) answer(used map[string]bool) string {
	p.t.Helper()
	if p.action.NoResult {
		return "No result: the document has its ResponseMetadata alone.\n"
	}
	var rows [][]string
	var names []string
	for _, f := range p.schema.result(p.action.Name) {
		names = append(names, f.path)
		note := p.note(used, "Answer", f.path, "Fields", strings.TrimPrefix(or(f.member, f.path), "."))
		rows = append(rows, []string{apidoc.Code(f.path), p.schema.words(p.t, f.docElement), f.occurs(), note.Text})
	}
	p.checkNames("Answer", names)
	return apidoc.Table([]string{"field", "value", "occurs", "meaning"}, rows)
}

// lists are further tables of the notes.
func (p docPage) lists() (text string) {
	p.t.Helper()
	for _, heading := range []string{"Statuses", "Status codes"} {
		var rows [][]string
		for _, item := range apidoc.MustItems(p.t, p.notes, heading) {
			rows = append(rows, []string{apidoc.Code(item.Name), item.Text})
		}
		if len(rows) > 0 {
			text += "## " + heading + "\n\n" + apidoc.Table([]string{"value", "meaning"}, rows) + "\n"
		}
	}
	return text
}

func (p docPage) errors() string {
	p.t.Helper()
	table := errorTable(apidoc.MustItems(p.t, p.notes, "Errors"))
	every := "[The errors of every action](../errors.md#what-every-action-may-answer)"
	switch {
	case p.action.Public:
		return table + "\n" + every + " come in addition, without those about access key, signature and time: " +
			"a request whose signature is wrong counts as one that is not signed.\n"
	case table == "":
		return every + ", and no others.\n"
	}
	return table + "\n" + every + " come in addition.\n"
}

func errorTable(items []apidoc.Item) string {
	var rows [][]string
	for _, item := range items {
		code := holdfast.Code(item.Name)
		rows = append(rows, []string{apidoc.Code(item.Name), fmt.Sprint(code.HTTPStatus()), retry(code), item.Text})
	}
	return apidoc.Table([]string{"code", "HTTP", "retry", "when"}, rows)
}

func retry(c holdfast.Code) string {
	switch {
	case c.HTTPStatus() >= http.StatusInternalServerError:
		return "yes, at once"
	case c.Retriable():
		return "yes"
	}
	return "no"
}

func (p docPage) sentTwice() string {
	p.t.Helper()
	if own := p.notes.Section("Sent twice"); own != "" {
		return own
	}
	referenced := slices.ContainsFunc(p.action.Parameters, func(param queryapi.DocumentedParameter) bool {
		return param.Name == "CallerReference" && param.Required
	})
	reads := strings.HasPrefix(p.action.Name, "Get") || p.action.Public
	switch {
	case referenced:
		return p.common.Section("Sent twice")
	case reads:
		return p.common.Section("Read twice")
	}
	p.t.Errorf("%s: what it does when it is sent twice is not documented", p.action.Name)
	return ""
}

// TestStatusesAreDocumented compares the words of a transaction's status with the
// page that explains them.
func TestStatusesAreDocumented(t *testing.T) {
	notes := apidoc.MustRead(t, "doc/GetTransactionStatus.md")
	for heading, kind := range map[string]string{"Statuses": "TransactionStatus", "Status codes": "StatusCode"} {
		words := holdfasttest.Constants(t, kind)
		var documented []string
		for _, item := range apidoc.MustItems(t, notes, heading) {
			documented = append(documented, item.Name)
		}
		for _, word := range words {
			if !slices.Contains(documented, word) {
				t.Errorf("%s: %s is not documented", heading, word)
			}
		}
	}
}

// TestIndexOfThePages compares docs/api/README.md with its notes, in which each
// action and each pipeline is named once.
func TestIndexOfThePages(t *testing.T) {
	notes := apidoc.MustRead(t, "doc/index.md")
	var b strings.Builder
	b.WriteString(apidoc.Head(notes.Title, "the tables of internal/queryapi and doc/index.md there"))
	b.WriteString(notes.Intro + "\n")
	var actions, pipelines []string
	for _, a := range queryapi.DocumentedActions() {
		actions = append(actions, a.Name)
	}
	for _, p := range payment.Pipelines {
		pipelines = append(pipelines, string(p))
	}
	for _, s := range notes.Sections {
		fmt.Fprintf(&b, "\n## %s\n\n", s.Heading)
		switch s.Heading {
		case "Actions":
			b.WriteString(indexLines(t, s.Text, "doc", "actions", actions))
		case "Pipelines":
			b.WriteString(indexLines(t, s.Text, "../cobranded/doc", "pipelines", pipelines))
		case "The parameters of every request":
			b.WriteString(everyRequest(t, notes))
		case "The parameters of every link":
			b.WriteString(everyLink(t))
		default:
			b.WriteString(s.Text + "\n")
		}
	}
	apidoc.Check(t, filepath.Join(docFolder, "README.md"), b.String())
}

// indexLines makes lines such as "- Reserve" links with the first sentence of the page.
func indexLines(t *testing.T, text, notes, folder string, names []string) string {
	t.Helper()
	var b strings.Builder
	for line := range strings.Lines(text + "\n") {
		name, listed := strings.CutPrefix(strings.TrimSpace(line), "- ")
		if !listed {
			b.WriteString(line)
			continue
		}
		i := slices.Index(names, name)
		if i < 0 {
			t.Errorf("the index names %s twice, or there is none", name)
			continue
		}
		names = slices.Delete(slices.Clone(names), i, i+1)
		fmt.Fprintf(&b, "- [%s](%s/%s.md): %s\n", name, folder, name, apidoc.MustRead(t, notes+"/"+name+".md").Summary())
	}
	if len(names) > 0 {
		t.Errorf("the index leaves out %v", names)
	}
	return b.String()
}

func everyRequest(t *testing.T, notes apidoc.Notes) string {
	t.Helper()
	var rows [][]string
	names := queryapi.CommonParameters()
	for _, item := range apidoc.MustItems(t, notes, "The parameters of every request") {
		rows = append(rows, []string{apidoc.Code(item.Name), item.Remark, item.Text})
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == item.Name })
	}
	if len(names) > 0 {
		t.Errorf("%v are not documented", names)
	}
	return apidoc.Table([]string{"name", "required", "value"}, rows) +
		"\nVerifySignature alone may be sent without those that sign, and without Version.\n"
}

// everyLink is from the notes of the pipelines, whose tests compare them with what
// a link needs.
func everyLink(t *testing.T) string {
	t.Helper()
	var rows [][]string
	for _, item := range apidoc.MustItems(t, apidoc.MustRead(t, "../cobranded/doc/common.md"), "Link") {
		rows = append(rows, []string{apidoc.Code(item.Name), "yes", item.Text})
	}
	version := apidoc.Code(holdfast.VersionCoBranded) + ", the version of the pipelines."
	rows = append(rows, []string{apidoc.Code("version"), "no", version})
	return apidoc.Table([]string{"name", "required", "value"}, rows)
}

// TestPageOfErrors compares docs/api/errors.md with the codes, what they are
// answered with, and the pages of the actions.
func TestPageOfErrors(t *testing.T) {
	notes, common := apidoc.MustRead(t, "doc/errors.md"), apidoc.MustRead(t, "doc/common.md")
	answeredBy := map[string][]string{}
	for _, a := range queryapi.DocumentedActions() {
		for _, item := range apidoc.MustItems(t, apidoc.MustRead(t, "doc/"+a.Name+".md"), "Errors") {
			answeredBy[item.Name] = append(answeredBy[item.Name], fmt.Sprintf("[%s](actions/%s.md)", a.Name, a.Name))
		}
	}
	every := apidoc.MustItems(t, common, "Errors")
	var rows [][]string
	var documented []string
	for _, item := range apidoc.MustItems(t, notes, "Codes") {
		documented = append(documented, item.Name)
		code := holdfast.Code(item.Name)
		by := strings.Join(answeredBy[item.Name], ", ")
		for _, e := range every {
			if e.Name == item.Name {
				by = or(e.Remark, "every action")
			}
		}
		if by == "" {
			t.Errorf("%s is on the page of no action", item.Name)
		}
		rows = append(rows, []string{apidoc.Code(item.Name), fmt.Sprint(code.HTTPStatus()), retry(code), item.Text, by})
	}
	codes := allCodes(t)
	slices.Sort(codes)
	if !slices.Equal(codes, documented) {
		t.Errorf("doc/errors.md has to name all codes, sorted:\n%v\nand names\n%v", codes, documented)
	}
	text := apidoc.Head(notes.Title, "codes.go and internal/queryapi/doc/errors.md") +
		notes.Intro + "\n\n## Codes\n\n" +
		apidoc.Table([]string{"code", "HTTP", "retry", "meaning", "answered by"}, rows) +
		"\n## What every action may answer\n\n" + errorTable(every)
	apidoc.Check(t, filepath.Join(docFolder, "errors.md"), text)
}
