package party_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestCheckAddress(t *testing.T) {
	for _, row := range []struct {
		name   string
		change func(*holdfast.Address)
		wrong  []string
	}{
		{"complete", func(*holdfast.Address) {}, nil},
		{"short", func(a *holdfast.Address) { a.Line2, a.State, a.Phone = "", "", "" }, nil},
		{"empty", func(a *holdfast.Address) { *a = holdfast.Address{} }, []string{"addressLine1", "addressName", "city", "country", "zip"}},
		{"blank", func(a *holdfast.Address) { a.City = "  " }, []string{"city"}},
		{"at the limit", func(a *holdfast.Address) { a.Line2 = strings.Repeat("x", 120) }, nil},
		{"above the limit", func(a *holdfast.Address) { a.Line2 = strings.Repeat("x", 121) }, []string{"addressLine2"}},
		{"two lines in one", func(a *holdfast.Address) { a.Line1 = "1 Main St\nx" }, []string{"addressLine1"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			a := holdfast.Address{Name: "Ann", Line1: "1 Main St", Line2: "2", City: "Ames", State: "IA", Zip: "50010", Country: "US", Phone: "1"}
			row.change(&a)
			var wrong []string
			for name := range party.CheckAddress(a) {
				wrong = append(wrong, name)
			}
			slices.Sort(wrong)
			if !slices.Equal(wrong, row.wrong) {
				t.Errorf("wrong are %v, want %v", wrong, row.wrong)
			}
		})
	}
}
