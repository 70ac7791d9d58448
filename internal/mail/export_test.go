package mail

// Short opens the words of errors for the log.
var Short = short
