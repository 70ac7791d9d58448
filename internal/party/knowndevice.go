package party

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// KnownDeviceLife is the time for which a browser stays known after its party
// signed in.
const KnownDeviceLife = 180 * 24 * time.Hour

// knownDeviceMax is the largest size of a browser's proof, in bytes.
const knownDeviceMax = 256

// KnownDevice returns the proof that a browser keeps after its party has signed
// in. Guesses from a known device are counted separately, so that strangers who
// guess the password do not lock the owner out. The signing key is derived from
// the password's hash, so a new password makes the proof invalid. nonce names
// the device.
func (p Party) KnownDevice(nonce string, now time.Time) string {
	until := strconv.FormatInt(now.Add(KnownDeviceLife).Unix(), 10)
	return nonce + "." + until + "." + p.signDevice(nonce, until)
}

// Knows reports whether a browser's proof is valid for this party, and returns
// the device's nonce.
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
