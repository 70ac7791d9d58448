package cobranded_test

import (
	"net/http"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/cobranded"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
)

// docs/api/return-url.md has a row for each field that the server writes, and for
// no other.
func TestReturnPageHasTheFields(t *testing.T) {
	want := append([]string{"callerReference"}, cobranded.AddressFields...)
	for _, name := range holdfast.ReservedFields() {
		verb, err := holdfast.MessageVerb(holdfast.Params{{Name: name, Value: "x"}})
		if err == nil && verb == http.MethodGet {
			want = append(want, name)
		}
	}
	var got []string
	for _, row := range holdfasttest.ReadPage(t, "return-url.md").Under("## Fields").Rows() {
		got = append(got, holdfasttest.Quoted(row[0])...)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the fields of the page (-want +got):\n%s", diff)
	}
}
