package main

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
)

// Help texts say in the imperative what a command or a flag does.
var helpVerbs = strings.Fields(`
	Erase Find Release Repeat Search
	Back Bring Copy Drop Migrate Restore Resume Skip Try
	Accept Acknowledge Add Agree Answer Ask Audit Begin Cancel Change Charge Check Choose Commit Compare Confirm Create Decline
	Decrypt Deliver Deposit Drive Encrypt End Explain Export Give Hold Keep Kill Let Limit List Log Make Measure Move Name Open Preload Print Put
	Read Record Redirect Refund Refuse Remove Replace Report Revoke Rotate Run Seal Seed Select Send Serve Set Show Sign Speak Spread Start Take Use Wait Warm Write`)

var sentenceEnd = regexp.MustCompile(`\.$|…$`)

func commandTree() *kong.Node {
	return newParser(&cli{}, &settings{}, world{Out: io.Discard, Err: io.Discard}, func(int) {}).Model.Node
}

func TestHelpBeginsWithAVerb(t *testing.T) {
	check := func(what, help string) {
		first, _, _ := strings.Cut(help, " ")
		if !slices.Contains(helpVerbs, strings.TrimSuffix(first, ",")) || !sentenceEnd.MatchString(help) {
			t.Errorf("%s: %q is no sentence that begins with a verb", what, help)
		}
	}
	for _, node := range visible(commandTree()) {
		if node.Parent != nil {
			check(node.FullPath(), node.Help)
		}
		for _, f := range node.Flags {
			check(node.FullPath()+" --"+f.Name, f.Help)
			if !f.IsBool() && f.PlaceHolder == "" {
				t.Errorf("%s --%s has no word for its value", node.FullPath(), f.Name)
			}
		}
		for _, p := range node.Positional {
			check(node.FullPath()+" <"+p.Name+">", p.Help)
		}
	}
}

// The help of every command names the defaults and the environment variables of
// its flags.
func TestHelpShowsDefaults(t *testing.T) {
	defaults := 0
	for _, node := range visible(commandTree()) {
		args := append(strings.Fields(node.Path()), "--help")
		var said bytes.Buffer
		if code := run(t.Context(), args, world{Out: &said, Err: &said, Now: time.Now}); code != exitFine {
			t.Fatalf("%v: exit code %d\n%s", args, code, &said)
		}
		text := strings.Join(strings.Fields(said.String()), " ")
		for _, f := range node.Flags {
			if f.HasDefault && f.Default != "" {
				defaults++
				if !strings.Contains(text, "(default: "+f.Default) {
					t.Errorf("the help of %s does not show %q, the default of --%s", node.FullPath(), f.Default, f.Name)
				}
			}
			for _, name := range f.Envs {
				if !strings.Contains(text, "$"+name) {
					t.Errorf("the help of %s does not show $%s", node.FullPath(), name)
				}
			}
		}
	}
	if defaults < 20 {
		t.Errorf("only %d flags have defaults: the test looks at the wrong place", defaults)
	}
}

// Every example in the help parses.
func TestExamplesParse(t *testing.T) {
	examples := 0
	for _, node := range visible(commandTree()) {
		text := strings.ReplaceAll(node.Detail, "\\\n", " ")
		for line := range strings.Lines(text) {
			line, _, _ = strings.Cut(strings.TrimSpace(line), " #")
			line, _, _ = strings.Cut(line, " > ")
			command, found := strings.CutPrefix(line, "holdfast ")
			if !found || !strings.Contains(node.Detail, "    "+line[:8]) {
				continue
			}
			examples++
			// --config would read a file that does not exist here.
			args := slices.DeleteFunc(shellWords(command), func(word string) bool {
				return word == "--config" || strings.HasSuffix(word, ".conf")
			})
			if node.Name == "shop" && !slices.Contains(args, "--key-file") {
				continue // the file has what is required
			}
			if _, err := parsedWith(t, args...); err != nil {
				t.Errorf("%s: example %q: %v", node.FullPath(), line, err)
			}
		}
	}
	if examples < 15 {
		t.Errorf("%d examples are found", examples)
	}
}

// shellWords splits a line like a shell that knows only single quotes.
func shellWords(text string) (words []string) {
	for i, part := range strings.Split(text, "'") {
		if i%2 == 1 {
			words = append(words, part)
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words
}

func TestUsageErrorsNameTheHelp(t *testing.T) {
	for _, row := range []struct{ args, want string }{
		{"serve --no-such-flag", "See holdfast serve --help.\n"},
		{"tx settle", "See holdfast tx settle --help.\n"},
		{"tx no-such-command", "See holdfast tx --help.\n"},
		{"no-such-command", "See holdfast --help.\n"},
		{
			"tx list --status Paid",
			`must be one of "Reserved","Success","Failure","Pending","Cancelled" but got "Paid"` +
				"\nSee holdfast tx list --help.\n",
		},
		{"mail list --max 0", "--max: give a number from 1 to 10000\nSee holdfast mail list --help.\n"},
	} {
		var out, said bytes.Buffer
		code := run(t.Context(), strings.Fields(row.args), world{Out: &out, Err: &said, Now: time.Now})
		if code != exitMisused || !strings.HasSuffix(said.String(), row.want) || out.Len() > 0 {
			t.Errorf("%s: exit code %d, %q and %q, want %q", row.args, code, &said, &out, row.want)
		}
	}
}
