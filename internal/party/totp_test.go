package party_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/party"
)

// The secret and the times are those of RFC 6238, appendix B. Its codes have eight
// digits; ours are the last six.
func TestTOTPVectors(t *testing.T) {
	totp := party.NewTOTP("P1", []byte("12345678901234567890"))
	for at, code := range map[int64]string{
		59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924",
		2000000000: "279037", 20000000000: "353130",
	} {
		if step, ok := totp.Check(code, time.Unix(at, 0)); !ok || step != at/30 {
			t.Errorf("the code %s at %d: step %d, %t", code, at, step, ok)
		}
	}
}

func TestTOTPWindow(t *testing.T) {
	totp := party.NewTOTP("P1", []byte("12345678901234567890"))
	const code, made = "287082", 59 // the last second of step 1
	for at, want := range map[int64]bool{made - 30: true, made + 30: true, made + 31: false} {
		if _, ok := totp.Check(code, time.Unix(at, 0)); ok != want {
			t.Errorf("at %d the code of %d is accepted: %t, want %t", at, made, ok, want)
		}
	}
	for _, wrong := range []string{"", "28708", "2870822", "287083", "abcdef", "94287082"} {
		if _, ok := totp.Check(wrong, time.Unix(made, 0)); ok {
			t.Errorf("%q is accepted", wrong)
		}
	}
	totp.LastStep = 1
	if _, ok := totp.Check(code, time.Unix(made, 0)); ok {
		t.Error("a code is accepted again")
	}
	if _, ok := (party.TOTP{}).Check(code, time.Unix(made, 0)); ok {
		t.Error("a code is accepted without a secret")
	}
}

func TestTOTPURI(t *testing.T) {
	totp := party.NewTOTP("P1", []byte("12345678901234567890"))
	const want = "otpauth://totp/pay.example.com:ann+1@example.com?algorithm=SHA1&digits=6&issuer=pay.example.com&" +
		"period=30" +
		"&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	if got := totp.URI("ann+1@example.com", "pay.example.com"); got != want {
		t.Errorf("the address is %s", got)
	}
}

func TestRecoveryCodes(t *testing.T) {
	code := party.RecoveryCode([]byte("0123456789"))
	if code != "gayt-emzu-gu3d-oobz" {
		t.Errorf("the code is %s", code)
	}
	hash := party.HashRecovery("P1", code)
	for _, typed := range []string{strings.ToUpper(code), " gayt emzugu3d-oobz "} {
		if party.HashRecovery("P1", typed) != hash {
			t.Errorf("%q has another hash", typed)
		}
	}
	if party.HashRecovery("P2", code) == hash {
		t.Error("two parties' codes have the same hash")
	}
}
