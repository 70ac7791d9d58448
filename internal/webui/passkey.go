package webui

import "github.com/holdfast-pay/holdfast"

// PasskeyScript is the asset that a page with passkeys needs. It is the only one
// that asks our server: see Policy.Asks.
const PasskeyScript = "passkey.js"

// A Passkey is the part of a form that a passkey answers: the script asks our
// server for the question, the browser for the answer, and sends the form with it.
type Passkey struct {
	Makes   bool   // a new passkey, rather than using one
	Ask     string // where the question is asked for, with what the form holds
	Label   string // of the button, which is not there without the script
	Working string // while the browser asks its user
	Failed  string // when nothing came of it
}

// A PasskeyForm is a form with a passkey's answer and nothing else.
type PasskeyForm struct {
	Action  string
	Hidden  holdfast.Params
	Passkey Passkey
}
