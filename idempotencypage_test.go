package holdfast_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/compare"
)

// docs/api/idempotency.md lists the codes that do not use up a reference.
func TestIdempotencyPageHasTheCodesThatMayPass(t *testing.T) {
	var got []holdfast.Code
	for line := range strings.Lines(section(t, readPage(t, "docs/api/idempotency.md"), "### Refusals")) {
		if code, ok := strings.CutPrefix(line, "- `"); ok {
			got = append(got, holdfast.Code(strings.TrimRight(code, "`\n")))
		}
	}
	want := holdfast.Retriable()
	slices.Sort(want)
	if diff := compare.Diff(want, got); diff != "" {
		t.Errorf("codes (-want +got):\n%s", diff)
	}
}
