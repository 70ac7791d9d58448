package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/alecthomas/kong"
)

// manVerb writes the man pages that packages install.
type manVerb struct {
	Dir string `arg:"" help:"Write the pages into this directory."`
}

const (
	manDirMode  = 0o755
	manFileMode = 0o644 // everybody reads them
	manWidth    = 78
)

func (v manVerb) Run(ctx *kong.Context, w world) error {
	if err := os.MkdirAll(v.Dir, manDirMode); err != nil {
		return fmt.Errorf("making the directory of the man pages: %w", err)
	}
	about := programVersion()
	day, _, _ := strings.Cut(or(about.Date, w.Now().UTC().Format("2006-01-02T15:04:05Z")), "T")
	for _, node := range visible(ctx.Model.Node) {
		p := manPage{node: node, version: about.Version, date: day}
		path := filepath.Join(v.Dir, manName(node)+".1")
		err := os.WriteFile(path, []byte(p.text()), manFileMode)
		if err != nil {
			return fmt.Errorf("writing a man page: %w", err)
		}
	}
	return nil
}

// manName is the name of a command's page, such as holdfast-tx-list.
func manName(node *kong.Node) string {
	return "holdfast" + strings.ReplaceAll(slashPath(node), "/", "-")
}

// A manPage is the page of one command, in the macros of man(7).
type manPage struct {
	node          *kong.Node
	version, date string
	strings.Builder
}

func (p *manPage) text() string {
	name := manName(p.node)
	fmt.Fprintf(p, ".TH %s 1 %s \"holdfast %s\" \"Holdfast manual\"\n", strings.ToUpper(name), p.date, p.version)
	p.section("NAME")
	help := strings.TrimSuffix(strings.ToLower(p.node.Help[:1])+p.node.Help[1:], ".")
	p.fill(roff(name) + ` \- ` + roff(help))
	p.section("SYNOPSIS")
	fmt.Fprintf(p, ".B %s\n", roff(strings.TrimSpace("holdfast "+p.node.Path())))
	usage := strings.TrimPrefix(p.node.Summary(), p.node.Path())
	p.fill(roff(strings.TrimSpace(usage)))
	p.section("DESCRIPTION")
	p.fill(roff(p.node.Help))
	detail, examples, _ := strings.Cut(p.node.Detail, "Examples:\n")
	p.prose(detail)
	p.commands()
	if len(p.node.Positional) > 0 {
		p.section("ARGUMENTS")
		for _, v := range p.node.Positional {
			p.item(v.Summary(), valueHelp(v))
		}
	}
	p.section("OPTIONS")
	for _, f := range flagsOf(p.node) {
		p.item(strings.Join(flagForms(f), ", "), valueHelp(f.Value))
	}
	if examples != "" {
		p.section("EXAMPLES")
		p.code(examples)
	}
	p.section("EXIT STATUS")
	p.item("0", "The command did what was asked.")
	p.item("1", "What was asked could not be done.")
	p.item("2", "The command line or the configuration file is wrong.")
	p.seeAlso()
	return p.String()
}

func (p *manPage) section(title string) { p.line(".SH " + title) }

func (p *manPage) line(text string) { p.WriteString(text + "\n") }

func (p *manPage) item(term, text string) {
	p.line(".TP")
	p.line(".B " + roff(term))
	p.fill(roff(text))
}

// fill writes formatted text in lines of a usual length.
func (p *manPage) fill(text string) {
	for _, line := range wrapped(text, manWidth) {
		if strings.HasPrefix(line, ".") {
			line = `\&` + line
		}
		p.line(line)
	}
}

// prose writes paragraphs.
func (p *manPage) prose(text string) {
	for paragraph := range strings.SplitSeq(strings.TrimSpace(text), "\n\n") {
		if paragraph != "" {
			p.line(".PP")
			p.fill(roff(paragraph))
		}
	}
}

// code writes indented lines with their breaks, and other lines as text.
func (p *manPage) code(text string) {
	p.line(".nf")
	for line := range strings.SplitSeq(strings.Trim(text, "\n"), "\n") {
		p.line(roff(strings.TrimPrefix(line, "    ")))
	}
	p.line(".fi")
}

func (p *manPage) commands() {
	if p.node.Leaf() {
		return
	}
	p.section("COMMANDS")
	for _, child := range p.node.Children {
		if !child.Hidden {
			p.item("holdfast "+child.Path(), child.Help)
		}
	}
}

// seeAlso names the pages of the command above, of those on the same level, and of
// those below.
func (p *manPage) seeAlso() {
	var near []*kong.Node
	if p.node.Parent != nil {
		near = append(near, p.node.Parent)
		if p.node.Parent.Parent != nil {
			near = append(near, p.node.Parent.Children...)
		}
	}
	var names []string
	for _, node := range append(near, p.node.Children...) {
		if node != p.node && !node.Hidden {
			names = append(names, ".BR "+roff(manName(node))+" (1)")
		}
	}
	p.section("SEE ALSO")
	p.line(strings.Join(names, " ,\n"))
}

// flagForms are the ways to write a flag, with the word for its value.
func flagForms(f *kong.Flag) []string {
	forms := spellings(f)
	if !f.IsBool() {
		forms[len(forms)-1] += "=" + f.FormatPlaceHolder()
	}
	return forms
}

var roffEscapes = strings.NewReplacer(
	`\`, `\e`, "-", `\-`, "…", `\[u2026]`, "'", `\(aq`, "`", `\(ga`, "^", `\(ha`, "~", `\(ti`, `"`, `\(dq`,
)

// roff escapes characters that the formatter would interpret or change.
func roff(text string) string { return roffEscapes.Replace(text) }
