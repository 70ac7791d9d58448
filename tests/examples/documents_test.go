package examples

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Readers copy the documents' code. It holds money only for a buyer who agreed,
// and only for the order that the return belongs to.
func TestDocumentsCheckTheReturn(t *testing.T) {
	for _, name := range []string{"README.md", "docs/getting-started.md"} {
		text, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		_, code, _ := strings.Cut(string(text), ".ParseReturn(")
		code, _, ok := strings.Cut(code, "client.Reserve(")
		if !ok {
			t.Fatalf("%s: there is no Reserve after ParseReturn", name)
		}
		for _, check := range []string{"err != nil", "!back.Authorised()", "back.CallerReference != ", "\treturn "} {
			if !strings.Contains(code, check) {
				t.Errorf("%s: there is no %q between ParseReturn and Reserve", name, check)
			}
		}
	}
}
