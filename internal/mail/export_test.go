package mail

// Short exports the texts of errors for the log.
var Short = short
