package party

import "time"

// A PasskeyID names a passkey, such as "K01K…".
type PasskeyID string

// A Passkey signs a party in without a password: a key pair whose private half
// never leaves the party's device.
type Passkey struct {
	ID           PasskeyID
	Owner        ID
	CredentialID []byte // the device's name for the passkey
	Credential   []byte // public key, counter and other data, as the library encodes them
	Name         string // given by the owner
	Created      time.Time
	LastUsed     time.Time // zero if it was never used
}

// A PasskeyChallenge is a challenge that a passkey must answer once, within a
// short time.
type PasskeyChallenge struct {
	Challenge string
	Owner     ID     // the party that adds a passkey; empty if the answer names the party
	Session   []byte // the library's data for checking the answer
	Expires   time.Time
}

// Limits of passkeys.
const (
	PasskeyNameMax   = 60 // characters
	PasskeysMax      = 20 // of one party
	PasskeyPatience  = 5 * time.Minute
	PasskeyAnswerMax = 32 << 10 // bytes
)
