package queryapi

import (
	"testing"

	"github.com/holdfast-pay/holdfast"
)

// Names count whatever the case of their ASCII letters; a Kelvin sign is no k, and
// a long s no s.
func TestNamesFoldByASCIIAlone(t *testing.T) {
	for name, want := range map[string]bool{
		"CANCELTOKEN": true, "cancelToken": true, "CancelTo\u212aen": false, "Re\u017ferve": false, "RESERVE": true,
	} {
		if _, known := actionNamed(name); known != want {
			t.Errorf("the action %q is known: %v", name, known)
		}
	}
	a, _ := actionNamed("CancelToken")
	for name, want := range map[string]bool{"TOKENID": true, "To\u212aenId": false, "Rea\u017fonText": false} {
		if _, known := a.nameOf(holdfast.VersionNewest, name); known != want {
			t.Errorf("the parameter %q is known: %v", name, known)
		}
	}
}
