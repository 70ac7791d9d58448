package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/google/go-cmp/cmp"
)

// parsedWith returns a command line as kong parses it.
func parsedWith(t *testing.T, args ...string) (c cli, err error) {
	t.Helper()
	parser := newParser(&c, &settings{}, world{Out: io.Discard, Err: io.Discard}, func(int) {})
	_, err = parser.Parse(args)
	return c, err
}

func configWith(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "holdfast.conf")
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFlagOutranksEnvironmentOutranksFile(t *testing.T) {
	path := configWith(t, "\ufeff# a comment\r\n\r\nlisten = 127.0.0.1:1\r\n metrics=127.0.0.1:2\n"+
		"store = file.db\nacme = a.example,  b.example\ndeliver = false\nrefund-window = 24h\nlog-json = true\nmail-from = "+
		"Holdfast <pay@example.com>")
	t.Setenv("HOLDFAST_METRICS", "127.0.0.1:3")
	t.Setenv("HOLDFAST_STORE", "environment.db")
	c, err := parsedWith(t, "serve", "--config", path, "--store", "flag.db")
	if err != nil {
		t.Fatal(err)
	}
	want := []any{
		"127.0.0.1:1", "127.0.0.1:3", "flag.db",
		[]string{"a.example", "b.example"},
		false,
		24 * time.Hour, true, "Holdfast <pay@example.com>", true,
	}
	v := c.Serve
	got := []any{v.Listen, v.Metrics, v.Store, v.ACME, v.Deliver, v.RefundWindow, c.LogJSON, v.MailFrom, v.GroupCommit}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("settings (-want +got):\n%s", diff)
	}
}

// A required flag may come from the file.
func TestShopReadsItsFile(t *testing.T) {
	path := configWith(t, "server = https://pay.example.com\nkey-file = key\n")
	c, err := parsedWith(t, "shop", "--config="+path)
	if err != nil || c.Shop.Server != "https://pay.example.com" || c.Shop.KeyFile != "key" {
		t.Errorf("the shop has %q and %q, %v", c.Shop.Server, c.Shop.KeyFile, err)
	}
}

func TestWrongConfigurationFiles(t *testing.T) {
	for text, want := range map[string]string{
		"listen = a:1\nlisen = b:2":         `conf:2: there is no setting "lisen" here`,
		"--listen = a:1":                    `conf:1: write name = value`,
		"config = other.conf":               `conf:1: there is no setting "config" here`,
		"a = 1\nb = 2\nc = 3\nd = 4":        `conf:1: there is no setting "a" here`,
		"help = true":                       `conf:1: there is no setting "help" here`,
		"secret-file = f":                   `conf:1: there is no setting "secret-file" here`,
		"# a\nlisten = a:1\n\nlisten = a:1": `conf:4: listen is set in line 2 already`,
		"listen 127.0.0.1:1":                `conf:1: write name = value`,
		"= 127.0.0.1:1":                     `conf:1: write name = value`,
		"listen =":                          `conf:1: listen has no value`,
		`listen = "127.0.0.1:1"`:            `conf:1: listen: write the value without quotation marks`,
		"listen = 127.0.0.1:1 # here":       `conf:1: listen: a comment needs a line of its own`,
		"refund-window = soon":              `conf:1: refund-window: `,
		"inbox = perhaps":                   `conf:1: inbox: `,
		"store = \xff":                      `is not UTF-8 text`,
		"store = postgres://h:word@db/h":    `conf:1: there is a password here`,
		"store = host=db password=word":     `conf:1: there is a password here`,
		"store = host=db PASSWORD = word":   `conf:1: there is a password here`,
		"store = host=db sslpassword=word":  `conf:1: there is a password here`,
		strings.Repeat("#", configBytesMax): "",
		strings.Repeat("#", 1<<20+1):        "more than 1048576 bytes",
	} {
		_, err := parsedWith(t, "serve", "--config", configWith(t, text))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: error %v, want %q", text, err, want)
		}
	}
	for _, args := range [][]string{{"--config", "no-such-file"}, {"--config="}, {"--config", t.TempDir()}} {
		_, err := parsedWith(t, append([]string{"serve"}, args...)...)
		if err == nil || !strings.Contains(err.Error(), "--config") {
			t.Errorf("%v: %v", args, err)
		}
	}
	private := configWith(t, "store = postgres://h:word@db/h")
	if err := os.Chmod(private, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := parsedWith(t, "serve", "--config", private); err != nil {
		t.Errorf("a password in a file of mode 640: %v", err)
	}
}

// A line without a name is not repeated: it may contain a password.
func TestALineWithoutANameIsNotRepeated(t *testing.T) {
	for _, text := range []string{
		"postgres://h:word@db/h?sslmode=require",
		"Postgres://h:word@db/h?a=1\nPostgres://h:word@db/h?a=1",
		"postgres://h:word@db/h?sslmode=",
		`postgres://h:word@db/h?sslmode="require"`,
		"host = db password = word # here",
		"password word = 1",
	} {
		path := configWith(t, text)
		if err := os.Chmod(path, privateMode); err != nil {
			t.Fatal(err)
		}
		_, err := parsedWith(t, "serve", "--config", path)
		if err == nil || strings.Contains(err.Error(), "word") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}

// A later refusal by the command names the file's line, unless a flag or the
// environment outranks it.
func TestRefusalNamesTheLine(t *testing.T) {
	path := configWith(t, "\n\ncertificate-prefix = https://pay.example.com")
	refuse := func(more ...string) string {
		var said bytes.Buffer
		args := append([]string{"serve", "--listen=127.0.0.1:0", "--config", path}, more...)
		if code := run(t.Context(), args, world{Out: &said, Err: &said, Now: time.Now}); code != exitMisused {
			t.Errorf("%v: exit code %d", args, code)
		}
		return said.String()
	}
	if said := refuse(); !strings.Contains(said, "certificate-prefix is set in "+path+":3.\n") {
		t.Errorf("the refusal says %q", said)
	}
	if said := refuse("--certificate-prefix=x"); strings.Contains(said, path) {
		t.Errorf("the refusal of a flag says %q", said)
	}
}

var commentedSetting = regexp.MustCompile(`(?m)^#([a-z][a-z0-9-]*) = (.*)$`)

// The printed file has every flag with its default: made active, it changes
// nothing.
func TestPrintedConfiguration(t *testing.T) {
	for _, command := range []string{"serve", "shop"} {
		var c cli
		var printed bytes.Buffer
		parser := newParser(&c, &settings{}, world{Out: &printed, Err: &printed}, func(int) {})
		w := world{Out: &printed, Err: &printed, Now: time.Now}
		if code := run(t.Context(), []string{"config", command}, w); code != exitFine {
			t.Fatalf("exit code %d: %s", code, &printed)
		}
		found := map[string]string{}
		for _, m := range commentedSetting.FindAllStringSubmatch(printed.String(), -1) {
			found[m[1]] = m[2]
		}
		at := slices.IndexFunc(parser.Model.Children, func(n *kong.Node) bool { return n.Name == command })
		for _, f := range slices.Concat(parser.Model.Flags, parser.Model.Children[at].Flags) {
			value, ok := found[f.Name]
			if f.Name == "help" || f.Name == "config" {
				if ok {
					t.Errorf("%s: %s is in the file", command, f.Name)
				}
				continue
			}
			if !ok || f.HasDefault && value != f.Default {
				t.Errorf("%s: %s is %q in the file, its default is %q", command, f.Name, value, f.Default)
			}
			for _, name := range f.Envs {
				if !strings.Contains(printed.String(), "# Environment: "+name+"\n") {
					t.Errorf("%s: %s of %s is not in the file", command, name, f.Name)
				}
			}
		}
		// Values in capitals are placeholders.
		active := commentedSetting.ReplaceAllStringFunc(printed.String(), func(line string) string {
			_, value, _ := strings.Cut(line, " = ")
			if value == strings.ToUpper(value) && strings.ToLower(value) != value {
				return line
			}
			return line[1:]
		})
		args := []string{command}
		if command == "shop" {
			args = append(args, "--key-file=key")
		}
		plain, err := parsedWith(t, args...)
		if err != nil {
			t.Fatal(err)
		}
		filled, err := parsedWith(t, append(args, "--config", configWith(t, active))...)
		if err != nil {
			t.Fatalf("%s: %v\n%s", command, err, active)
		}
		filled.Serve.Config, filled.Shop.Config = "", ""
		if diff := cmp.Diff(plain, filled, cmp.Exporter(func(reflect.Type) bool { return true })); diff != "" {
			t.Errorf("%s with the printed file (-without +with):\n%s", command, diff)
		}
	}
}
