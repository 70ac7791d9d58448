package packages

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// The workflow publishes nothing if the release has another version than its tag.
func TestWorkflowComparesTheTag(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(repository, ".github", "workflows", "release.yml"))
	if err != nil {
		t.Fatal(err)
	}
	step := regexp.MustCompile(`(?s)- run: make release\n.*?\n +- run: (test -f [^\n]+)\n.*upload-artifact`).FindSubmatch(text)
	if step == nil {
		t.Fatal("no step after make release compares the version")
	}
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "dist"), 0o700); err != nil {
		t.Fatal(err)
	}
	archive := "holdfast_" + releaseVersion + "_linux_amd64.tar.gz"
	if err := os.WriteFile(filepath.Join(folder, "dist", archive), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for tag, want := range map[string]bool{"v" + releaseVersion: true, "v99.0.0": false} {
		cmd := exec.CommandContext(t.Context(), "sh", "-c", string(step[1]))
		cmd.Dir, cmd.Env = folder, []string{"GITHUB_REF_NAME=" + tag}
		if err := cmd.Run(); (err == nil) != want {
			t.Errorf("with the tag %s the step ends with %v", tag, err)
		}
	}
}
