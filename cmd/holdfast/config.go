package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/alecthomas/kong"
)

// configFlag lets a command read flags from a file. A flag on the command line
// outranks the environment, and the environment outranks the file.
type configFlag struct {
	Config configFile `help:"Read settings from this file; flags and the environment outrank it. See holdfast config." placeholder:"FILE"`
}

// A configFile is the path of a configuration file.
type configFile string

// Settings are the settings of a configuration file. The zero value is no file.
type settings struct {
	path  string
	lines map[string]settingLine // by the flag's name
	used  map[string]bool        // neither flag nor environment outranked it
}

type settingLine struct {
	number int
	value  string
}

const (
	configBytesMax = 1 << 20
	otherBits      = 0o007 // what users may do that are neither the owner nor in the group
)

// passwordInside reports whether the address of a PostgreSQL server or a proxy
// contains a password.
var passwordInside = regexp.MustCompile(`(?i)://[^/@]*:[^/@]*@|password\s*=`)

// settingName matches the names that settings may have. Only such a name is
// repeated in an error, because any other text may contain a password.
var settingName = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

// BeforeResolve is kong's: it reads the file before flags take their values.
func (configFile) BeforeResolve(ctx *kong.Context, trace *kong.Path, s *settings) error {
	path, ok := ctx.FlagValue(trace.Flag).(configFile)
	if !ok || path == "" {
		return errors.New("--config: name a file")
	}
	if err := s.read(string(path)); err != nil {
		return fmt.Errorf("--config: %w", err)
	}
	flags := map[string]*kong.Flag{}
	for _, step := range ctx.Path {
		for _, f := range configurable(step.Flags) {
			flags[f.Name] = f
		}
	}
	if err := s.check(flags); err != nil {
		return err
	}
	ctx.AddResolver(s)
	return nil
}

// configurable returns the flags that a file may set.
func configurable(flags []*kong.Flag) (some []*kong.Flag) {
	for _, f := range flags {
		_, names := f.Target.Interface().(configFile)
		if f.Name != "help" && !f.Hidden && !names {
			some = append(some, f)
		}
	}
	return some
}

// read reads a file of lines "name = value". Blank lines and lines that begin
// with # are ignored.
func (s *settings) read(path string) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(file, configBytesMax+1))
	switch {
	case err != nil:
		return err
	case len(text) > configBytesMax:
		return fmt.Errorf("%s has more than %d bytes", path, configBytesMax)
	case !utf8.Valid(text):
		return fmt.Errorf("%s is not UTF-8 text", path)
	}
	*s = settings{path: path, lines: map[string]settingLine{}, used: map[string]bool{}}
	number := 0
	for line := range strings.Lines(strings.TrimPrefix(string(text), "\ufeff")) {
		number++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		err := s.add(number, line)
		open := info.Mode().Perm()&otherBits != 0 && runtime.GOOS != "windows"
		if err == nil && open && passwordInside.MatchString(line) {
			err = fmt.Errorf("there is a password here, and all users of this machine can read it; run chmod 640 %s",
				quote(path))
		}
		if err != nil {
			return fmt.Errorf("%s:%d: %w", path, number, err)
		}
	}
	return nil
}

func (s *settings) add(number int, line string) error {
	name, value, found := strings.Cut(line, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	first, again := s.lines[name]
	switch {
	case !found || !settingName.MatchString(name):
		return errors.New("write name = value, such as listen = 127.0.0.1:8010")
	case again:
		return fmt.Errorf("%s is set in line %d already; a list goes into one line, with commas", name, first.number)
	case value == "":
		return fmt.Errorf("%s has no value; leave the line out for the default", name)
	case len(value) > 1 && strings.ContainsAny(value[:1], `"'`) && value[0] == value[len(value)-1]:
		return fmt.Errorf("%s: write the value without quotation marks", name)
	case strings.Contains(value, " #"):
		return fmt.Errorf("%s: a comment needs a line of its own", name)
	}
	s.lines[name] = settingLine{number, value}
	return nil
}

// check refuses unknown names and bad values, also if a flag or the environment
// outranks them.
func (s *settings) check(flags map[string]*kong.Flag) error {
	byNumber := func(a, b string) int { return cmp.Compare(s.lines[a].number, s.lines[b].number) }
	for _, name := range slices.SortedFunc(maps.Keys(s.lines), byNumber) {
		line := s.lines[name]
		f, ok := flags[name]
		if !ok {
			return fmt.Errorf("%s:%d: there is no setting %q here; holdfast config prints those that there are",
				s.path, line.number, name)
		}
		scan := kong.Scan().PushTyped(line.forFlag(f), kong.FlagValueToken)
		unused := reflect.New(f.Target.Type()).Elem()
		if err := f.Mapper.Decode(&kong.DecodeContext{Value: f.Value, Scan: scan}, unused); err != nil {
			return fmt.Errorf("%s:%d: %s: %w", s.path, line.number, name, err)
		}
	}
	return nil
}

// forFlag is the value in kong's form: in the file, blanks may follow the
// commas of a list.
func (l settingLine) forFlag(f *kong.Flag) string {
	if !f.IsSlice() {
		return l.value
	}
	parts := strings.Split(l.value, ",")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return strings.Join(parts, ",")
}

// Validate is kong's. BeforeResolve has checked the file.
func (*settings) Validate(*kong.Application) error { return nil }

// Resolve is kong's: it is asked for each flag that is not on the command line.
func (s *settings) Resolve(_ *kong.Context, _ *kong.Path, f *kong.Flag) (any, error) {
	line, ok := s.lines[f.Name]
	inEnvironment := slices.ContainsFunc(f.Envs, func(name string) bool {
		_, set := os.LookupEnv(name)
		return set
	})
	if !ok || inEnvironment {
		return nil, nil
	}
	s.used[f.Name] = true
	return line.forFlag(f), nil
}

var flagName = regexp.MustCompile(`--([a-z][a-z0-9-]*)`)

// origin names the file and line of the flags in an error, if they come from
// the file. Otherwise it is empty.
func (s *settings) origin(message string) string {
	var places []string
	for _, found := range flagName.FindAllStringSubmatch(message, -1) {
		if name := found[1]; s.used[name] {
			places = append(places, fmt.Sprintf("%s is set in %s:%d.", name, s.path, s.lines[name].number))
		}
	}
	slices.Sort(places)
	return strings.Join(slices.Compact(places), "\n")
}

// configVerb prints a configuration file with every possible setting.
type configVerb struct {
	Command string `arg:"" help:"Print the file for this command: serve or shop." enum:"serve,shop"`
}

func (v configVerb) Run(ctx *kong.Context, w world) error {
	root := ctx.Model.Node
	at := slices.IndexFunc(root.Children, func(n *kong.Node) bool { return n.Name == v.Command })
	command := root.Children[at]
	_, err := io.WriteString(w.Out, printedConfig(command))
	return err
}

const configHead = `# Settings of holdfast %[1]s, for holdfast %[1]s --config FILE.
#
# Write name = value, one in a line, without quotation marks. Commas separate the
# values of a list. A comment has a line of its own. What is commented out has
# the default that stands there; what stands there in CAPITALS has none.
#
# A flag on the command line outranks the environment variable that is named
# here, and that outranks this file. Relative paths begin at the directory that
# the program is started in. Secrets stay in files of their own.
`

// printedConfig is a configuration file with a comment and the default for
// each flag of a command.
func printedConfig(command *kong.Node) string {
	var text strings.Builder
	fmt.Fprintf(&text, configHead, command.Name)
	group := ""
	for _, f := range slices.Concat(configurable(command.Parent.Flags), configurable(command.Flags)) {
		text.WriteString("\n")
		if f.Group != nil && f.Group.Key != group {
			group = f.Group.Key
			text.WriteString("# " + strings.Repeat("-", configWidth) + "\n# " + group + "\n\n")
		}
		for _, line := range wrapped(f.Help, configWidth) {
			text.WriteString("# " + line + "\n")
		}
		if f.Required {
			text.WriteString("# Required.\n")
		}
		for _, name := range f.Envs {
			text.WriteString("# Environment: " + name + "\n")
		}
		fmt.Fprintf(&text, "#%s = %s\n", f.Name, shownDefault(f))
	}
	return text.String()
}

const configWidth = 76

func shownDefault(f *kong.Flag) string {
	switch {
	case f.HasDefault && f.Default != "":
		return f.Default
	case f.IsBool():
		return "false"
	case f.PlaceHolder != "":
		return f.PlaceHolder
	}
	return strings.ToUpper(f.Name)
}

// wrapped breaks a text between words into lines of at most width bytes.
func wrapped(text string, width int) (lines []string) {
	line := ""
	for word := range strings.FieldsSeq(text) {
		switch {
		case line == "":
			line = word
		case len(line)+1+len(word) > width:
			lines, line = append(lines, line), word
		default:
			line += " " + word
		}
	}
	return append(lines, line)
}
