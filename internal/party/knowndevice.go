package party

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// KnownDeviceLife is how long a browser in which a party has signed in is known.
const KnownDeviceLife = 180 * 24 * time.Hour

// knownDeviceMax bounds what a browser can send as its proof, in bytes.
const knownDeviceMax = 256

// KnownDevice is what a browser keeps after its party has signed in there: a proof
// that it did. Guesses from a known device are counted apart, so that strangers who
// guess at the password do not keep the owner out. It is signed by what is kept of
// the password, so that a new password ends it. nonce names the device.
func (p Party) KnownDevice(nonce string, now time.Time) string {
	until := strconv.FormatInt(now.Add(KnownDeviceLife).Unix(), 10)
	return nonce + "." + until + "." + p.signDevice(nonce, until)
}

// Knows reports whether a browser's proof is of this party, and names the device.
func (p Party) Knows(proof string, now time.Time) (nonce string, known bool) {
	parts := strings.Split(proof, ".")
	if p.PasswordHash == "" || len(proof) > knownDeviceMax || len(parts) != 3 {
		return "", false
	}
	until, err := strconv.ParseInt(parts[1], 10, 64)
	if err != nil || !now.Before(time.Unix(until, 0)) {
		return "", false
	}
	return parts[0], hmac.Equal([]byte(parts[2]), []byte(p.signDevice(parts[0], parts[1])))
}

func (p Party) signDevice(nonce, until string) string {
	mac := hmac.New(sha256.New, []byte("holdfast known device\x00"+p.PasswordHash))
	mac.Write([]byte(string(p.ID) + "\x00" + nonce + "\x00" + until))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
