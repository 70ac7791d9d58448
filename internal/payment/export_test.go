package payment

// The sandbox's own tokens.
var (
	SandboxSenders    = sandboxSenders
	SandboxRecipients = sandboxRecipients
)
