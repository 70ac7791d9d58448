package main

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// completionScript writes the script of a shell into a file. The test is
// skipped if the shell is not installed; scripts/install-needs installs it.
func completionScript(t *testing.T, shell, name string) (dir string) {
	t.Helper()
	if _, err := exec.LookPath(shell); err != nil {
		t.Skipf("%s is not installed", shell)
	}
	var script bytes.Buffer
	w := world{Out: &script, Err: &script, Now: time.Now}
	if code := run(t.Context(), []string{"completion", shell}, w); code != exitFine {
		t.Fatalf("exit code %d: %s", code, &script)
	}
	dir = t.TempDir()
	for file, text := range map[string]string{name: script.String(), "a key": "", "folder/inside": ""} {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := exec.Command(shell, "-n", filepath.Join(dir, name)).CombinedOutput(); err != nil || len(out) > 0 {
		t.Fatalf("%s -n: %v\n%s", shell, err, out)
	}
	return dir
}

// completions are lines to complete and the words that a shell must offer:
// exactly these, in alphabetical order.
var completions = []struct{ line, want string }{
	{"holdfast tx se", "settle"},
	{"holdfast se", "seal serve"},
	{"holdfast tx ", "cancel list refund settle show status"},
	{"holdfast --log-json tx re", "refund"},
	{"holdfast tx list --st", "--status"},
	{"holdfast tx list --status S", "Success"},
	{"holdfast tx list --status=P", "Pending"},
	{"holdfast caller create --name tx --market", "--marketplace"},
	{"holdfast serve --no-d", "--no-decline-by-amount --no-deliver"},
	{"holdfast config ", "serve shop"},
	{"holdfast completion z", "zsh"},
	{"holdfast serve --tls-cert a", "a key"},
	{"holdfast seal keygen a", "a key"},
	{"holdfast demo --data f", "folder"},
	{"holdfast serve --listen ", ""},
	{"holdfast ceil", ""},
}

func checkCompletions(t *testing.T, complete func(line string) []string) {
	t.Helper()
	for _, row := range completions {
		var want []string
		switch row.want {
		case "":
		case "a key":
			want = []string{row.want}
		default:
			want = strings.Fields(row.want)
		}
		var got []string
		for _, word := range complete(row.line) {
			// A shell may offer the flag with its value, and a folder with its slash.
			word = strings.TrimSuffix(strings.TrimPrefix(word, "--status="), "/")
			if word != "" && !slices.Contains(got, word) {
				got = append(got, word)
			}
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", row.line, diff)
		}
	}
}

func TestBashCompletion(t *testing.T) {
	dir := completionScript(t, "bash", "holdfast")
	checkCompletions(t, func(line string) []string {
		// bash splits at equals signs before it asks.
		words := strings.Split(strings.ReplaceAll(line, "=", " = "), " ")
		program := `source ./holdfast
			COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _holdfast; printf '%s\n' "${COMPREPLY[@]}"`
		command := exec.Command("bash", append([]string{"--norc", "-c", program, "bash"}, words...)...)
		command.Dir = dir
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", line, err, out)
		}
		return strings.Split(string(out), "\n")
	})
}

func TestFishCompletion(t *testing.T) {
	dir := completionScript(t, "fish", "holdfast.fish")
	checkCompletions(t, func(line string) (words []string) {
		command := exec.Command("fish", "--no-config", "-c", "source ./holdfast.fish; complete -C $argv[1]", line)
		command.Dir = dir
		command.Env = append(os.Environ(), "HOME="+dir)
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", line, err, out)
		}
		for line := range strings.Lines(string(out)) {
			word, _, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			words = append(words, strings.ReplaceAll(word, `\ `, " "))
		}
		return words
	})
}

// zshCapture makes a shell write the offered words into a file. It numbers the
// prompts, at which the editor is ready for input.
const zshCapture = `
autoload -Uz compinit
compinit -D -u
source ./_holdfast
compadd() {
	if [[ ${@[1,(i)(-|--)]} != *-(O|A|D)\ * ]]; then
		local -a found
		builtin compadd -A found "$@"
		print -rl -- $found >> offered
	fi
	builtin compadd "$@"
}
zle-line-init() { print "<prompt $((++prompts))>" }
zle -N zle-line-init
`

// zshType types lines with a tab into a shell in a terminal of its own, and prints
// what each was offered, followed by a line of dashes. compadd works only there.
const zshType = `
zmodload zsh/zpty
zpty editor ZDOTDIR=. zsh -i
zpty -r editor shown '*<prompt 1>*'
for line; do
	: > offered
	zpty -n -w editor "$line"$'\t\x15\n'
	zpty -r editor shown "*<prompt $((++typed + 1))>*"
	cat offered
	print -- ----
done
zpty -d editor
`

func TestZshCompletion(t *testing.T) {
	dir := completionScript(t, "zsh", "_holdfast")
	if err := os.WriteFile(filepath.Join(dir, ".zshrc"), []byte(zshCapture), 0o644); err != nil {
		t.Fatal(err)
	}
	args := []string{"-f", "-c", zshType, "zsh"}
	for _, row := range completions {
		args = append(args, row.line)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	command := exec.CommandContext(ctx, "zsh", args...)
	command.Dir = dir
	command.Env = append(os.Environ(), "HOME="+dir, "TERM=dumb")
	out, err := command.CombinedOutput()
	offered := strings.Split(string(out), "----\n")
	if err != nil || len(offered) != len(completions)+1 {
		t.Fatalf("zsh: %v\n%s", err, out)
	}
	next := 0
	checkCompletions(t, func(string) []string {
		next++
		return strings.Split(strings.ReplaceAll(offered[next-1], `\ `, " "), "\n")
	})
}
