package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// valueHelp is a flag's or an argument's help with its default and its
// environment variable.
func valueHelp(v *kong.Value) string {
	var more []string
	if v.HasDefault && v.Default != "" {
		more = append(more, "default: "+v.Default)
	}
	for _, name := range v.Tag.Envs {
		more = append(more, "$"+name)
	}
	if len(more) == 0 {
		return v.Help
	}
	return strings.TrimSuffix(v.Help, ".") + " (" + strings.Join(more, ", ") + ")."
}

// meant translates the usual ways to ask for help and for the version into the
// command tree's own. A flag --version at the root would take the name from the
// commands' own flags.
func meant(root *kong.Node, args []string) []string {
	if len(args) > 0 {
		switch args[0] {
		case "help":
			return append(slices.Clone(args[1:]), "--help")
		case "--version":
			return append([]string{"version"}, args[1:]...)
		}
	}
	node := root
	for _, name := range args {
		at := slices.IndexFunc(node.Children, func(n *kong.Node) bool { return n.Name == name })
		if at < 0 {
			return args
		}
		node = node.Children[at]
	}
	if node.Leaf() {
		return args
	}
	return append(slices.Clone(args), "--help") // only the name of a group, or nothing
}

// misused returns the error of a wrong command line, with the command that
// shows its help.
func misused(err error) string {
	words := strings.ReplaceAll(err.Error(), `,"" but got`, " but got") // a choice that may be left out is empty
	command := "holdfast"
	if parse, ok := errors.AsType[*kong.ParseError](err); ok {
		for _, step := range parse.Context.Path {
			if step.Command != nil {
				command = step.Command.FullPath()
			}
		}
	}
	return "holdfast: " + words + "\nSee " + command + " --help."
}

// The details that some commands print below their help. Indented lines keep
// their breaks.

func (demoVerb) Help() string {
	return `Examples:

    holdfast demo
    holdfast demo --data ./demo        # find everything there again next time
`
}

func (serveVerb) Help() string {
	return `Every flag is also an environment variable, and a setting of the file that --config names.
A flag outranks the environment, and the environment outranks the file.

Examples:

    holdfast serve
    holdfast serve --config /etc/holdfast/holdfast.conf
    holdfast serve --listen :443 --public-url https://pay.example.com/ \
        --acme pay.example.com --acme-agree
`
}

func (shopVerb) Help() string {
	return `Examples:

    holdfast shop --access-key-id ID --secret-file shop.secret
    holdfast shop --config /etc/holdfast/shop.conf
`
}

func (configVerb) Help() string {
	return `Examples:

    holdfast config serve > holdfast.conf
    holdfast serve --config holdfast.conf
`
}

func (partyCreate) Help() string {
	return `Examples:

    holdfast party create --store holdfast.db --name 'Fen Pottery' \
        --email shop@example.com --password-file password
`
}

func (callerCreate) Help() string {
	return `Examples:

    holdfast caller create --store holdfast.db --owner shop@example.com \
        --name 'Fen Pottery' --ipn-url https://shop.example.com/ipn
`
}

func (networkAdd) Help() string {
	return `Secrets come from files, from standard input or from the environment, never from the command line.
A live account needs a sealed store: see holdfast seal.

Examples:

    holdfast network add stripe fen-test --store holdfast.db \
        --owner shop@example.com --mode test --key-file stripe.key
    holdfast network add stripe fen --store holdfast.db --seal-key seal.key \
        --owner shop@example.com --mode live --key-file stripe.key --event-secret-file stripe.events
`
}

func (networkSet) Help() string {
	return `Examples:

    holdfast network set --store holdfast.db fen --key-file new.key
    holdfast network set --store holdfast.db fen --add-event-secret-file new.events
    holdfast network set --store holdfast.db fen --remove-event-secrets old
`
}

func (txList) Help() string {
	return `Examples:

    holdfast tx list --data ./demo --status Reserved
    holdfast tx list --data ./demo --since 7d
    holdfast tx list --data ./demo --operation Settle --by completed \
        --from 2026-11-01 --to 2026-11-30 --max 10000 --json
`
}

func (txSettle) Help() string {
	return `Examples:

    holdfast tx settle --data ./demo ID
    holdfast tx settle --data ./demo --amount 40.00 ID
`
}

func (txRefund) Help() string {
	return `A refund with the same reference pays back only once.
So a refund whose outcome is unknown can be sent again.

Examples:

    holdfast tx refund --data ./demo ID
    holdfast tx refund --data ./demo --amount 5.00 --reference return-17 ID
`
}

func (clockAdvance) Help() string {
	return `Examples:

    holdfast clock advance --data ./demo 7d
    holdfast clock advance --data ./demo 1d12h
`
}

func (signVerb) Help() string {
	return `Examples:

    holdfast sign --secret-file secret --url 'https://pay.example.com/?Action=GetTokens&...'
    holdfast sign --secret-file secret --url URL --explain 'SIGNATURE'
`
}

func (benchVerb) Help() string {
	return `Examples:

    holdfast bench
    holdfast bench --mix reserve+settle --connections 128 --duration 30s
`
}
