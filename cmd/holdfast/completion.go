package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type completionVerb struct {
	Shell string `arg:"" help:"Print the script for this shell: bash, zsh or fish." enum:"bash,zsh,fish"`
}

func (completionVerb) Help() string {
	return `Examples:

    holdfast completion bash > /usr/share/bash-completion/completions/holdfast
    holdfast completion zsh > /usr/local/share/zsh/site-functions/_holdfast
    holdfast completion fish > ~/.config/fish/completions/holdfast.fish

    source <(holdfast completion bash)      # for this shell only
`
}

func (v completionVerb) Run(ctx *kong.Context, w world) error {
	script := map[string]func(*kong.Node) string{
		"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion,
	}[v.Shell]
	_, err := io.WriteString(w.Out, script(ctx.Model.Node))
	return err
}

// visible returns a command and all commands below it that are not hidden,
// parents first.
func visible(node *kong.Node) (all []*kong.Node) {
	all = append(all, node)
	for _, child := range node.Children {
		if !child.Hidden {
			all = append(all, visible(child)...)
		}
	}
	return all
}

// slashPath is a command's name in the scripts, such as /tx/list. It is empty
// for the program itself.
func slashPath(node *kong.Node) string {
	if node.Parent == nil {
		return ""
	}
	return slashPath(node.Parent) + "/" + node.Name
}

// flagsOf returns all flags of a command that are not hidden.
func flagsOf(node *kong.Node) []*kong.Flag {
	return slices.Concat(node.AllFlags(true)...)
}

// spellings are the words for a flag on the command line.
func spellings(f *kong.Flag) (words []string) {
	if f.Short != 0 {
		words = append(words, "-"+string(f.Short))
	}
	words = append(words, "--"+f.Name)
	if f.Tag.Negatable != "" {
		words = append(words, "--no-"+f.Name)
	}
	return words
}

// A valueKind says how a shell completes a value.
type valueKind int

const (
	anyText valueKind = iota
	aFile
	aDirectory
	oneOf // of the words that choices has
)

// kindOf decides by a flag's choices, or by the placeholder of its value in the
// help.
func kindOf(v *kong.Value) valueKind {
	word := strings.ToUpper(v.Name)
	if v.Flag != nil {
		word = v.Flag.PlaceHolder
	}
	switch {
	case len(choices(v)) > 0:
		return oneOf
	case word == "FILE" || v.Name == "store": // which may be a file
		return aFile
	case word == "DIR":
		return aDirectory
	}
	return anyText
}

func choices(v *kong.Value) []string {
	if v.Enum == "" {
		return nil
	}
	return slices.DeleteFunc(v.EnumSlice(), func(word string) bool { return word == "" })
}

// quoted puts a text between single quotes for bash and zsh.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// bashCompletion follows the words before the cursor down the tree and offers
// the words that may follow.
func bashCompletion(root *kong.Node) string {
	var paths, values, words strings.Builder
	for _, node := range visible(root) {
		at := slashPath(node)
		if at != "" {
			paths.WriteString("\t\t" + at + ") path=$path/${COMP_WORDS[i]} ;;\n")
		}
		var follow []string
		for _, child := range node.Children {
			if !child.Hidden {
				follow = append(follow, child.Name)
			}
		}
		files := ""
		for _, p := range node.Positional {
			follow = append(follow, choices(p)...)
			if kindOf(p) == aFile {
				files = " -f"
			}
		}
		var flags []string
		for _, f := range flagsOf(node) {
			flags = append(flags, spellings(f)...)
			if offer := bashValues(f.Value); !f.IsBool() {
				fmt.Fprintf(&values, "\t'%s --%s') %s ;;\n", at, f.Name, offer)
			}
		}
		if len(follow) == 0 && files == "" {
			follow = flags
		}
		fmt.Fprintf(&words, "\t'%s') flags=%s words=%s files='%s' ;;\n",
			at, quoted(strings.Join(flags, " ")), quoted(strings.Join(follow, " ")), files)
	}
	return fmt.Sprintf(bashScript, paths.String(), values.String(), words.String())
}

func bashValues(v *kong.Value) string {
	switch kindOf(v) {
	case oneOf:
		return "_holdfast_offer -W " + quoted(strings.Join(choices(v), " ")) + "; return"
	case aFile:
		return "_holdfast_offer -f; return"
	case aDirectory:
		return "_holdfast_offer -d; return"
	case anyText:
	}
	return "return"
}

const bashScript = `# bash completion for holdfast, printed by: holdfast completion bash

_holdfast_offer() {
	local IFS=$'\n'
	[ "$1" = -W ] && IFS=$' \t\n'
	[ "$1" = -W ] || compopt -o filenames 2>/dev/null
	COMPREPLY+=($(compgen "$@" -- "$cur"))
}

_holdfast() {
	local path='' cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} flags words files i
	COMPREPLY=()
	# bash splits --flag=value at the equals sign.
	if [ "$cur" = = ]; then
		cur=''
	elif [ "$prev" = = ]; then
		prev=${COMP_WORDS[COMP_CWORD-2]}
	fi
	for ((i = 1; i < COMP_CWORD; i++)); do
		case $path/${COMP_WORDS[i]} in
%s		esac
	done
	case "$path $prev" in
%s	esac
	case $path in
%s	esac
	if [[ $cur == -* ]]; then
		words=$flags files=''
	fi
	[ -z "$files" ] || _holdfast_offer $files
	_holdfast_offer -W "$words"
}

complete -F _holdfast holdfast
`
