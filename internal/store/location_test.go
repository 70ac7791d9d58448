package store_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/store"
)

func TestParseAddress(t *testing.T) {
	for _, row := range []struct {
		text string
		want string // "file", "PostgreSQL", or a part of the refusal
	}{
		{"holdfast.db", "file"},
		{"/var/lib/holdfast/holdfast.db", "file"},
		{"./with:colon.db", "file"},
		{"./a=b.db", "file"},
		{"C:/holdfast.db", "file"},
		{"a b.db", "file"},
		{"postgres://ann:hunter2@db/x", "PostgreSQL"},
		{"POSTGRES://ann:hunter2@db/x", "PostgreSQL"},
		{"PostgreSQL://ann:hunter2@db/x", "PostgreSQL"},
		{"host=db password=hunter2 dbname=x", "PostgreSQL"},
		{"  user = ann password=hunter2", "PostgreSQL"},
		{"password=hunter2", "PostgreSQL"},
		{"", "empty"},
		{"postgres:ann:hunter2@db/x", "like a URL"},
		{"postgres:/ann:hunter2@db/x", "like a URL"},
		{"mysql://ann:hunter2@db/x", "like a URL"},
		{"ann:hunter2@db/x", "like a URL"},
		{"file:holdfast.db", "like a URL"},
		{"Server=db;Password=hunter2", "keyword=value"},
		{"HOST=db PASSWORD=hunter2", "keyword=value"},
		{"db password=hunter2", "seems to hold a password"},
		{"//ann:hunter2@db/x", "seems to hold a password"},
		{":memory:", "not the path of a file"},
	} {
		at, err := store.ParseAddress(row.text)
		got := "PostgreSQL"
		switch {
		case err != nil:
			got = err.Error()
		case at.IsFile():
			got = "file"
			if at.File != row.text {
				t.Errorf("%q is the file %q", row.text, at.File)
			}
		}
		if !strings.Contains(got, row.want) {
			t.Errorf("%q is %s, want %s", row.text, got, row.want)
		}
		if shown := fmt.Sprintf("%v %+v %#v %v", at, at, at, err); strings.Contains(shown, "hunter2") {
			t.Errorf("%q is printed as %s", row.text, shown)
		}
	}
}
