package packages

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// An instruction is a line of a Containerfile: its keyword and the rest.
type instruction struct{ word, rest string }

// instructions reads a Containerfile and fills in the build's arguments.
func instructions(t *testing.T, arguments map[string]string) (all []instruction) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(repository, "packaging", "Containerfile"))
	if err != nil {
		t.Fatal(err)
	}
	joined := strings.ReplaceAll(string(text), "\\\n", " ")
	for line := range strings.Lines(joined) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		word, rest, _ := strings.Cut(line, " ")
		rest = os.Expand(rest, func(name string) string {
			value, ok := arguments[name]
			if !ok {
				t.Errorf("%s: there is no argument %s", line, name)
			}
			return value
		})
		all = append(all, instruction{word, rest})
	}
	return all
}

// one returns the rest of the only instruction with a keyword.
func one(t *testing.T, all []instruction, word string) (rest string) {
	t.Helper()
	for _, i := range all {
		if i.word != word {
			continue
		}
		if rest != "" {
			t.Errorf("there are two %s", word)
		}
		rest = i.rest
	}
	if rest == "" {
		t.Errorf("there is no %s", word)
	}
	return rest
}

// No container engine builds the image here. The test compares the
// Containerfile with the release and the program: the archive and its files,
// the user, and a command line that the program accepts.
func TestContainerfile(t *testing.T) {
	r := made(t)
	all := instructions(t, map[string]string{"VERSION": releaseVersion, "TARGETARCH": runtime.GOARCH})
	last := slices.IndexFunc(all, func(i instruction) bool { return i.word == "FROM" && i.rest == "scratch" })
	if last < 0 {
		t.Fatal("the image is not made from scratch")
	}
	making, image := all[:last], all[last:]

	archive, _, _ := strings.Cut(one(t, making, "ADD"), " ")
	if want := filepath.Base(r.archive(t)); archive != want {
		t.Errorf("the image adds %s, but the release has %s", archive, want)
	}
	unpacked := unpack(t, r)
	for _, i := range making {
		for word := range strings.FieldsSeq(i.rest) {
			if name, ok := strings.CutPrefix(word, "/release/"); i.word == "RUN" && ok {
				if _, err := os.Stat(filepath.Join(filepath.Dir(unpacked), name)); err != nil {
					t.Errorf("the image copies a file that the archive lacks: %v", err)
				}
			}
		}
	}

	for _, i := range image {
		if i.word == "RUN" || i.word == "HEALTHCHECK" || i.word == "ADD" {
			t.Errorf("%s %s: the image has no program for this", i.word, i.rest)
		}
	}
	if user := one(t, image, "USER"); user != "65532:65532" {
		t.Errorf("the image's user is %s", user)
	}
	if one(t, image, "VOLUME") != one(t, image, "WORKDIR") {
		t.Error("the program does not start in its data folder")
	}
	var program, arguments []string
	for word, list := range map[string]*[]string{"ENTRYPOINT": &program, "CMD": &arguments} {
		if err := json.Unmarshal([]byte(one(t, image, word)), list); err != nil {
			t.Fatalf("%s is not a list: %v", word, err)
		}
	}
	inImage := strings.Contains(making[len(making)-1].rest, "/root-of-image/usr/bin")
	if !slices.Equal(program, []string{"/usr/bin/holdfast"}) || !inImage {
		t.Errorf("the entry point is %q", program)
	}
	if !slices.Contains(arguments, one(t, image, "VOLUME")+"/holdfast.db") {
		t.Errorf("with %q the store is not on the volume", arguments)
	}
	// All that the program misses is the address that the person who runs the image gives.
	here := slices.Clone(arguments)
	here[slices.Index(here, "--listen")+1] = ":0"
	here[slices.Index(here, "--store")+1] = filepath.Join(t.TempDir(), "holdfast.db")
	said, err := exec.Command(filepath.Join(unpacked, "holdfast"), here...).CombinedOutput()
	if err == nil || !strings.Contains(string(said), "--public-url") {
		t.Errorf("the program prints for %q: %s", here, said)
	}
}

// unpack unpacks the archive and returns its folder.
func unpack(t *testing.T, r release) string {
	t.Helper()
	folder := t.TempDir()
	output(t, "tar", "-xzf", r.archive(t), "-C", folder)
	return filepath.Join(folder, "holdfast-"+releaseVersion)
}
