package store_test

import (
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A migration is never changed, because some database may have run it.
// testdata/migrations.sum has the hash of each migration.
func TestMigrationsArePinned(t *testing.T) {
	text, err := os.ReadFile("testdata/migrations.sum")
	if err != nil {
		t.Fatal(err)
	}
	pinned := map[string]string{}
	for line := range strings.Lines(string(text)) {
		if sum, name, ok := strings.Cut(strings.TrimSpace(line), "  "); ok {
			pinned[name] = sum
		}
	}
	files, err := filepath.Glob("schema/*")
	if err != nil {
		t.Fatal(err)
	}
	numbered := map[string]string{}
	for _, file := range files {
		number, _, _ := strings.Cut(filepath.Base(file), "_")
		if other, taken := numbered[number]; taken {
			t.Errorf("%s and %s have the same number", other, file)
		}
		numbered[number] = file
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name, sum := filepath.Base(file), fmt.Sprintf("%x", sha256.Sum256(text))
		switch want, known := pinned[name]; {
		case !known:
			t.Errorf("a new migration: add this line to testdata/migrations.sum\n%s  %s", sum, name)
		case sum != want:
			t.Errorf("%s was changed, but databases that have run it will not run it again: write a new migration", name)
		}
		delete(pinned, name)
	}
	for name := range pinned {
		t.Errorf("%s is missing", name)
	}
}
