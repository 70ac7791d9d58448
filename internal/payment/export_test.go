package payment

// The sandbox's tokens for accounts with a problem.
var (
	SandboxSenders    = sandboxSenders
	SandboxRecipients = sandboxRecipients
)
