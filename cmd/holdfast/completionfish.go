package main

import (
	"fmt"
	"strings"

	"github.com/alecthomas/kong"
)

// fishCompletion has a line for each command and each flag, and a condition that
// says after which command it holds.
func fishCompletion(root *kong.Node) string {
	var text strings.Builder
	text.WriteString(fishHead)
	for _, node := range visible(root) {
		if at := slashPath(node); at != "" {
			text.WriteString(" \\\n\t\t\t\t" + at)
		}
	}
	text.WriteString(fishTail)
	for _, node := range visible(root) {
		at := fmt.Sprintf("complete -c holdfast -n '__holdfast_at \"%s\"'", slashPath(node))
		for _, child := range node.Children {
			if !child.Hidden {
				text.WriteString(at + " -a " + child.Name + " -d " + fishQuoted(child.Help) + "\n")
			}
		}
		for _, p := range node.Positional {
			switch kindOf(p) {
			case oneOf:
				text.WriteString(at + " -a " + fishQuoted(strings.Join(choices(p), " ")) + "\n")
			case aFile:
				text.WriteString(at + " -F\n")
			case aDirectory, anyText:
			}
		}
		for _, f := range flagsOf(node) {
			text.WriteString(at + fishFlag(f) + "\n")
			if f.Tag.Negatable != "" {
				text.WriteString(at + " -l no-" + f.Name + " -d " + fishQuoted("Not: "+f.Help) + "\n")
			}
		}
	}
	return text.String()
}

func fishFlag(f *kong.Flag) string {
	words := " -l " + f.Name + " -d " + fishQuoted(f.Help)
	if f.Short != 0 {
		words = " -s " + string(f.Short) + words
	}
	if f.IsBool() {
		return words
	}
	switch kindOf(f.Value) {
	case oneOf:
		return words + " -x -a " + fishQuoted(strings.Join(choices(f.Value), " "))
	case aFile:
		return words + " -r -F"
	case aDirectory:
		return words + " -x -a '(__fish_complete_directories)'"
	case anyText:
	}
	return words + " -x"
}

func fishQuoted(text string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, "'", `\'`).Replace(text) + "'"
}

const fishHead = `# fish completion for holdfast, printed by: holdfast completion fish

# Whether the words before the cursor end in this command.
function __holdfast_at
	set -l path ""
	for word in (commandline -opc)[2..-1]
		switch "$path/$word"
			case`

const fishTail = `
				set path "$path/$word"
		end
	end
	test "$path" = "$argv[1]"
end

complete -c holdfast -f
`
