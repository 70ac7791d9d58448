package webui

import "github.com/holdfast-pay/holdfast"

// PasskeyScript is the asset that a page with passkeys needs. It is the only
// script that calls the server: see Policy.Asks.
const PasskeyScript = "passkey.js"

// A Passkey is the part of a form that a passkey fills in. The script gets the
// challenge from the server and the answer from the browser, and then sends the
// form with the answer.
type Passkey struct {
	Makes   bool   // create a passkey instead of using one
	Ask     string // address that answers the form's fields with a challenge
	Label   string // of the button, which only the script shows
	Working string // while the browser asks its user
	Failed  string // shown if it failed
}

// A PasskeyForm is a form that has only a passkey's answer.
type PasskeyForm struct {
	Action  string
	Hidden  holdfast.Params
	Passkey Passkey
}
