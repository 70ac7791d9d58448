package party_test

import (
	"strings"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/party"
)

func TestLooksLikeSecret(t *testing.T) {
	key, _ := party.KeyText("K01ABC", strings.Repeat("aB3", 15)[:party.KeySecretSize], party.Caller{})
	for _, secret := range []string{
		"4242 4242 4242 4242", key, "my key " + key, "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "sk_live_51AbCdEfGh",
		"key=rk_test_51AbCdEfGh", "AGE-SECRET-KEY-1QQPQQPQQPQQPQQPQQPQ", "wJalrXUtnFEMIzK7MDENGibPxRfiCYEXAMPLEKEY",
		"secret: wJalrXUtnFEMIzK7MDENGibPxRfiCYEXAMPLEKEY.",
	} {
		if !party.LooksLikeSecret(secret) {
			t.Errorf("%q is not taken for a secret", secret)
		}
	}
	for _, harmless := range []string{
		"", "order-4711", "ann@example.test", "4242 12.50", "pi_3MtwBwLkdIwHu7ix28a3tqPa", "hf_test_", "whsec_",
		"da39a3ee5e6b4b0d3255bfef95601890afd80709", "DA39A3EE5E6B4B0D3255BFEF95601890AFD80709",
		strings.Repeat("A1", 32), "task_live_abcdefghijk", "1T0ABCDEFGHJKMNPQRSTVWXYZ0123456789",
	} {
		if party.LooksLikeSecret(harmless) {
			t.Errorf("%q is taken for a secret", harmless)
		}
	}
}
