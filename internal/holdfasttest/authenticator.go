package holdfasttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"testing"
)

// An Authenticator has a passkey, like a user's device. Its answers are in the
// form in which a browser at Origin sends them.
type Authenticator struct {
	T      testing.TB
	Host   string // for which passkeys are made
	Origin string // of the page
	Count  uint32 // of signatures; zero for devices that do not count
	Lazy   bool   // does not verify its user

	id   []byte
	key  *ecdsa.PrivateKey
	user []byte
}

// options are the fields of both questions.
type options struct {
	Challenge string `json:"challenge"`
	User      struct {
		ID string `json:"id"`
	} `json:"user"`
}

var encoding = base64.RawURLEncoding

func (a *Authenticator) read(question []byte) (o options) {
	a.T.Helper()
	if err := json.Unmarshal(question, &o); err != nil || o.Challenge == "" {
		a.T.Fatalf("the question is %s (%v)", question, err)
	}
	return o
}

// Make makes a passkey for a question of the server.
func (a *Authenticator) Make(question []byte) (answer []byte) {
	a.T.Helper()
	o := a.read(question)
	a.id = make([]byte, 16)
	rand.Read(a.id)
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		a.T.Fatal(err)
	}
	if a.user, err = encoding.DecodeString(o.User.ID); err != nil {
		a.T.Fatal(err)
	}
	point, err := a.key.PublicKey.Bytes() // 4, x, y
	if err != nil {
		a.T.Fatal(err)
	}
	// COSE: kty EC2, alg ES256, crv P-256, x, y.
	public := append([]byte{0xa5, 1, 2, 3, 0x26, 0x20, 1, 0x21, 0x58, 32}, point[1:33]...)
	public = append(append(public, 0x22, 0x58, 32), point[33:]...)
	data := a.data(attested)
	data = append(data, make([]byte, 16)...) // the device's model is not revealed
	data = binary.BigEndian.AppendUint16(data, uint16(len(a.id)))
	data = append(append(data, a.id...), public...)
	// {"fmt": "none", "attStmt": {}, "authData": data}
	object := append([]byte("\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x59"), byte(len(data)>>8), byte(len(data)))
	return a.answer(map[string]string{
		"clientDataJSON":    encoding.EncodeToString(a.client("webauthn.create", o)),
		"attestationObject": encoding.EncodeToString(append(object, data...)),
	})
}

// Sign answers a question of the server with the passkey.
func (a *Authenticator) Sign(question []byte) (answer []byte) {
	a.T.Helper()
	client := a.client("webauthn.get", a.read(question))
	data := a.data(0)
	hash := sha256.Sum256(client)
	signed := sha256.Sum256(append(data[:len(data):len(data)], hash[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, a.key, signed[:])
	if err != nil {
		a.T.Fatal(err)
	}
	return a.answer(map[string]string{
		"clientDataJSON":    encoding.EncodeToString(client),
		"authenticatorData": encoding.EncodeToString(data),
		"signature":         encoding.EncodeToString(signature),
		"userHandle":        encoding.EncodeToString(a.user),
	})
}

// Flags of an answer.
const (
	present  = 0x01
	verified = 0x04
	attested = 0x40
)

func (a *Authenticator) data(flags byte) []byte {
	host := sha256.Sum256([]byte(a.Host))
	if flags |= present; !a.Lazy {
		flags |= verified
	}
	return binary.BigEndian.AppendUint32(append(host[:], flags), a.Count)
}

func (a *Authenticator) client(kind string, o options) []byte {
	a.T.Helper()
	text, err := json.Marshal(map[string]any{
		"type": kind, "challenge": o.Challenge, "origin": a.Origin, "crossOrigin": false,
	})
	if err != nil {
		a.T.Fatal(err)
	}
	return text
}

func (a *Authenticator) answer(response map[string]string) []byte {
	a.T.Helper()
	id := encoding.EncodeToString(a.id)
	text, err := json.Marshal(map[string]any{
		"id": id, "rawId": id, "type": "public-key", "response": response, "clientExtensionResults": map[string]any{},
	})
	if err != nil {
		a.T.Fatal(err)
	}
	return text
}
