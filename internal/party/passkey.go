package party

import "time"

// A PasskeyID names a passkey, such as "K01K…".
type PasskeyID string

// A Passkey signs a party in without a password: a key pair whose private half
// never leaves the party's device.
type Passkey struct {
	ID           PasskeyID
	Owner        ID
	CredentialID []byte // the device's name for it
	Credential   []byte // public key, counter and what else belongs to it, as the library has it
	Name         string // given by the owner
	Created      time.Time
	LastUsed     time.Time // zero until it was used
}

// A PasskeyChallenge is a question that a passkey has to answer, once and soon.
type PasskeyChallenge struct {
	Challenge string
	Owner     ID     // who adds a passkey; empty when the answer tells who signs in
	Session   []byte // what the library wants back
	Expires   time.Time
}

// Limits of passkeys.
const (
	PasskeyNameMax   = 60 // characters
	PasskeysMax      = 20 // of one party
	PasskeyPatience  = 5 * time.Minute
	PasskeyAnswerMax = 32 << 10 // bytes
)
