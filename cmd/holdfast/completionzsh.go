package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// zshCompletion has a function for each command, such as _holdfast_tx_list.
func zshCompletion(root *kong.Node) string {
	var text strings.Builder
	text.WriteString("#compdef holdfast\n# zsh completion for holdfast, printed by: holdfast completion zsh\n")
	for _, node := range visible(root) {
		fmt.Fprintf(&text, "\n%s() {\n", zshFunction(node))
		if len(node.Children) > 0 {
			text.WriteString("\tlocal curcontext=$curcontext state line\n\tlocal -a commands\n")
		}
		text.WriteString("\t_arguments -C -s")
		for _, f := range flagsOf(node) {
			for _, spec := range zshFlag(f) {
				text.WriteString(" \\\n\t\t" + quoted(spec))
			}
		}
		switch {
		case len(node.Children) > 0:
			text.WriteString(" \\\n\t\t'1: :->command' '*:: :->arguments'\n" + zshCommands(node))
		default:
			for _, p := range node.Positional {
				many := ""
				if p.IsCumulative() {
					many = "*"
				}
				text.WriteString(" \\\n\t\t" + quoted(many+":"+zshText(p.Name)+":"+zshValues(p)))
			}
			text.WriteString("\n")
		}
		text.WriteString("}\n")
	}
	text.WriteString(`
if [[ $funcstack[1] == _holdfast ]]; then
	_holdfast "$@"
else
	compdef _holdfast holdfast
fi
`)
	return text.String()
}

func zshFunction(node *kong.Node) string {
	return "_holdfast" + strings.ReplaceAll(slashPath(node), "/", "_")
}

// zshCommands offers the commands below a command, and continues with the one
// that is typed.
func zshCommands(node *kong.Node) string {
	var names, cases strings.Builder
	for _, child := range node.Children {
		if child.Hidden {
			continue
		}
		names.WriteString("\t\t\t" + quoted(child.Name+":"+child.Help) + "\n")
		fmt.Fprintf(&cases, "\t\t%s) %s ;;\n", child.Name, zshFunction(child))
	}
	return "\tcase $state in\n\tcommand)\n\t\tcommands=(\n" + names.String() + "\t\t)\n" +
		"\t\t_describe command commands\n\t\t;;\n\targuments)\n\t\tcase $line[1] in\n" + cases.String() +
		"\t\tesac\n\t\t;;\n\tesac\n"
}

// zshFlag is what _arguments takes for each spelling of a flag.
func zshFlag(f *kong.Flag) (specs []string) {
	many := ""
	if f.IsCumulative() {
		many = "*"
	}
	for _, word := range spellings(f) {
		spec := many + word
		if !f.IsBool() {
			spec += "="
		}
		spec += "[" + zshText(f.Help) + "]"
		if !f.IsBool() {
			spec += ":" + zshText(f.PlaceHolder) + ":" + zshValues(f.Value)
		}
		specs = append(specs, spec)
	}
	return specs
}

func zshValues(v *kong.Value) string {
	switch kindOf(v) {
	case oneOf:
		return "(" + strings.Join(choices(v), " ") + ")"
	case aFile:
		return "_files"
	case aDirectory:
		return "_files -/"
	case anyText:
	}
	return " "
}

// zshText escapes the characters that _arguments interprets.
func zshText(text string) string {
	return strings.NewReplacer(`\`, `\\`, ":", `\:`, "[", `\[`, "]", `\]`).Replace(text)
}
