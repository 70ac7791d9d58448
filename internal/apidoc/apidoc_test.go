package apidoc_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast/internal/apidoc"
)

func notes(t *testing.T, text string) (apidoc.Notes, error) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notes.md")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return apidoc.ReadNotes(path)
}

func TestNotes(t *testing.T) {
	n, err := notes(t, "# Pay\n\nMoves [money](money.md)\nat once. More.\n\n## Parameters\n\n"+
		"- `A` (with B) = none: What a is: this.\n- `C`: Goes on\n  below.\n- `D`\n\n## Sent twice\n\nOnce.\n")
	if err != nil {
		t.Fatal(err)
	}
	if n.Title != "Pay" || n.Summary() != "Moves money at once." {
		t.Errorf("title %q, summary %q", n.Title, n.Summary())
	}
	if n.Section("Sent twice") != "Once." || n.Section("Errors") != "" {
		t.Errorf("sections %q", n.Sections)
	}
	items, err := n.Items("Parameters")
	if err != nil {
		t.Fatal(err)
	}
	want := []apidoc.Item{
		{Name: "A", Remark: "with B", Default: "none", Text: "What a is: this."},
		{Name: "C", Text: "Goes on below."},
		{Name: "D"},
	}
	if diff := cmp.Diff(want, items); diff != "" {
		t.Errorf("items (-want +got):\n%s", diff)
	}
}

func TestBadNotes(t *testing.T) {
	if _, err := notes(t, "# Pay\n\n## Errors\n"); err == nil {
		t.Error("notes without an introduction are taken")
	}
	n, err := notes(t, "# Pay\n\nPays.\n\n## Errors\n\n- Code: no quotes\n")
	if err != nil {
		t.Fatal(err)
	}
	if items, err := n.Items("Errors"); err == nil {
		t.Errorf("a line that is no item is taken: %q", items)
	}
}

func TestTable(t *testing.T) {
	const want = "| a | b |\n|---|---|\n| 1 | x \\| y |\n"
	if got := apidoc.Table([]string{"a", "b"}, [][]string{{"1", "x | y"}}); got != want {
		t.Errorf("table:\n%s", got)
	}
	if got := apidoc.Table([]string{"a"}, nil); got != "" {
		t.Errorf("an empty table is %q", got)
	}
}
