package packages

import (
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Files with different paths on Debian and on Red Hat.
var onRedHat = map[string]string{
	"/usr/share/doc/holdfast/copyright":           "/usr/share/licenses/holdfast/LICENSE",
	"/usr/share/doc/holdfast/NOTICE":              "/usr/share/licenses/holdfast/NOTICE",
	"/usr/share/doc/holdfast/THIRD-PARTY.txt":     "/usr/share/licenses/holdfast/THIRD-PARTY.txt",
	"/usr/share/zsh/vendor-completions/_holdfast": "/usr/share/zsh/site-functions/_holdfast",
}

func TestDebHasItsFiles(t *testing.T) {
	files := debFiles(t, made(t).deb(t))
	for _, want := range []string{
		"-rwxr-xr-x root/root /usr/bin/holdfast",
		"-rw-r----- root/root /etc/holdfast/holdfast.conf",
		"-rw-r--r-- root/root /usr/lib/systemd/system/holdfast.service",
		"-rw-r--r-- root/root /usr/lib/sysusers.d/holdfast.conf",
		"-rw-r--r-- root/root /usr/lib/tmpfiles.d/holdfast.conf",
		"-rw-r--r-- root/root /usr/share/man/man1/holdfast.1.gz",
		"-rw-r--r-- root/root /usr/share/bash-completion/completions/holdfast",
		"-rw-r--r-- root/root /usr/share/zsh/vendor-completions/_holdfast",
		"-rw-r--r-- root/root /usr/share/fish/vendor_completions.d/holdfast.fish",
		"-rw-r--r-- root/root /usr/share/doc/holdfast/copyright",
		"-rw-r--r-- root/root /usr/share/doc/holdfast/NOTICE",
		"-rw-r--r-- root/root /usr/share/doc/holdfast/THIRD-PARTY.txt",
		"-rw-r--r-- root/root /usr/share/doc/holdfast/operating.md",
	} {
		if !slices.Contains(files, want) {
			t.Errorf("the .deb lacks %s", want)
		}
	}
	for _, file := range files {
		if !strings.Contains(file, "root/root") || strings.ContainsAny(file[:10], "st") {
			t.Errorf("the .deb has also %s", file)
		}
	}
	if got := output(t, "dpkg-deb", "--info", made(t).deb(t), "conffiles"); strings.TrimSpace(got) != configPath {
		t.Errorf("its settings are %q", got)
	}
	// Backups need sqlite3.
	if got := output(t, "dpkg-deb", "--field", made(t).deb(t), "Recommends"); !strings.Contains(got, "sqlite3") {
		t.Errorf("it recommends %q", got)
	}
}

// debFiles returns the mode, owner and path of each file of a .deb.
func debFiles(t *testing.T, deb string) (files []string) {
	t.Helper()
	needs(t, "dpkg-deb", "dpkg")
	for line := range strings.Lines(output(t, "dpkg-deb", "--contents", deb)) {
		columns := strings.Fields(line)
		if path := strings.TrimPrefix(columns[5], "."); !strings.HasSuffix(path, "/") {
			files = append(files, columns[0]+" "+columns[1]+" "+path)
		}
	}
	return files
}

// The .rpm has the same files as the .deb, byte for byte, at Red Hat's paths.
func TestRPMHasTheSame(t *testing.T) {
	r := made(t)
	needs(t, "rpm", "rpm")
	needs(t, "dpkg-deb", "dpkg")
	var want []string
	folder := t.TempDir()
	output(t, "dpkg-deb", "--extract", r.deb(t), folder)
	for _, line := range debFiles(t, r.deb(t)) {
		path := strings.Fields(line)[2]
		sum := strings.Fields(output(t, "sha256sum", filepath.Join(folder, path)))[0]
		if there, ok := onRedHat[path]; ok {
			path = there
		}
		want = append(want, path+" "+sum)
	}
	var got []string
	query := func(format string) string { return output(t, "rpm", "-qp", "--queryformat", format, r.rpm(t)) }
	for line := range strings.Lines(query(`[%{FILENAMES} %{FILEDIGESTS}\n]`)) {
		if columns := strings.Fields(line); len(columns) == 2 && strings.Trim(columns[1], "0") != "" {
			got = append(got, strings.Join(columns, " "))
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the .rpm has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if recommended := strings.Fields(query(`[%{RECOMMENDNAME} ]`)); !slices.Contains(recommended, "sqlite") {
		t.Errorf("the .rpm recommends %q", recommended)
	}
	settings := query(`[%{FILENAMES} %{FILEFLAGS:fflags} %{FILEMODES:perms} %{FILEGROUPNAME}\n]`)
	if want := configPath + " cn -rw-r----- holdfast\n"; !strings.Contains(settings, want) {
		t.Errorf("the .rpm has no %s:\n%s", want, settings)
	}
}

func TestArchiveHasItsFiles(t *testing.T) {
	folder := unpack(t, made(t))
	names := filesBelow(t, folder)
	for _, want := range []string{
		"CHANGELOG.md", "LICENSE", "NOTICE", "README.md", "THIRD-PARTY.txt", "completions/_holdfast",
		"completions/holdfast.bash", "completions/holdfast.fish", "holdfast", "holdfast.conf", "man/holdfast.1",
		"systemd/holdfast.service",
	} {
		if !slices.Contains(names, want) {
			t.Errorf("the archive lacks %s", want)
		}
	}
	var says struct{ Version, Commit, Date string }
	printed := output(t, filepath.Join(folder, "holdfast"), "version", "--json")
	if err := json.Unmarshal([]byte(printed), &says); err != nil {
		t.Fatal(err)
	}
	if says.Version != releaseVersion || says.Commit != releaseCommit || says.Date != "2026-09-21T14:13:20Z" {
		t.Errorf("the program prints %+v", says)
	}
	binary, err := elf.Open(filepath.Join(folder, "holdfast"))
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	for _, part := range binary.Progs {
		if part.Type == elf.PT_INTERP {
			t.Error("the program is not static")
		}
	}
}

func TestSumsAreRight(t *testing.T) {
	r := made(t)
	cmd := exec.Command("sha256sum", "--check", "--strict", "SHA256SUMS")
	cmd.Dir = r.folder
	said, err := cmd.CombinedOutput()
	if err != nil {
		t.Errorf("%v\n%s", err, said)
	}
	if files, checked := len(filesBelow(t, r.folder)), strings.Count(string(said), ": OK"); checked != files-1 {
		t.Errorf("sha256sum checks %d of %d files", checked, files-1)
	}
}

// The SBOM and the licences name each module of the program.
func TestSBOMNamesEveryModule(t *testing.T) {
	r := made(t)
	folder := unpack(t, r)
	info, err := buildinfo.ReadFile(filepath.Join(folder, "holdfast"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(r.sbom(t))
	if err != nil {
		t.Fatal(err)
	}
	var bom struct {
		BOMFormat  string
		Components []struct{ Purl string }
	}
	if err := json.Unmarshal(text, &bom); err != nil || bom.BOMFormat != "CycloneDX" {
		t.Fatalf("the SBOM is %q (%v)", bom.BOMFormat, err)
	}
	want := []string{"pkg:golang/std@" + strings.TrimPrefix(info.GoVersion, "go")}
	licences, err := os.ReadFile(filepath.Join(folder, "THIRD-PARTY.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, dep := range info.Deps {
		want = append(want, fmt.Sprintf("pkg:golang/%s@%s", dep.Path, dep.Version))
		if !strings.Contains(string(licences), "\n"+dep.Path+" "+dep.Version+": ") {
			t.Errorf("the licence of %s is missing", dep.Path)
		}
	}
	var got []string
	for _, component := range bom.Components {
		got = append(got, component.Purl)
	}
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("the SBOM has\n%q\nwant\n%q", got, want)
	}
}

// The scripts of the .rpm are not run here. A shell parses them, and they
// create the same user as the .deb.
func TestScriptsOfTheRPM(t *testing.T) {
	folder := filepath.Join(repository, "packaging")
	for _, name := range filesBelow(t, filepath.Join(folder, "rpm")) {
		output(t, "sh", "-n", filepath.Join(folder, "rpm", name))
	}
	user, err := os.ReadFile(filepath.Join(folder, "sysusers.conf"))
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile(filepath.Join(folder, "rpm", "pre"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(script), "\n"+string(user)) {
		t.Errorf("the .rpm creates another user than\n%s", user)
	}
}
