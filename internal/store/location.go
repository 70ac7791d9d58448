package store

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/holdfast-pay/holdfast"
)

// A Location says where a store is: in an SQLite file or in a PostgreSQL
// database.
type Location struct {
	File     string // the path of an SQLite file; empty for PostgreSQL
	postgres string // for pgx; may hold a password
}

// IsFile reports whether the store is an SQLite file.
func (l Location) IsFile() bool { return l.File != "" }

var (
	addressScheme = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]+):`) // one letter alone is a drive
	keywordFirst  = regexp.MustCompile(`^\s*([A-Za-z_]+)\s*=`)
	hasSecret     = regexp.MustCompile(`(?i)\b(password|passwd|pwd)\s*=|:[^/]*@`)
)

// postgresKeywords are the keywords that can begin a connection string in
// libpq's keyword form.
var postgresKeywords = map[string]bool{
	"host": true, "hostaddr": true, "port": true, "dbname": true, "database": true, "user": true, "password": true,
	"passfile": true, "sslmode": true, "sslcert": true, "sslkey": true, "sslrootcert": true, "sslpassword": true,
	"service": true, "servicefile": true,
	"connect_timeout": true, "application_name": true, "target_session_attrs": true, "options": true,
}

const addressForms = "give the path of an SQLite file, postgres://USER@HOST/DATABASE, or 'host=HOST dbname=DATABASE " +
	"user=USER'"

// ParseAddress reads a store's address: postgres://… or postgresql://… in upper
// or lower case, PostgreSQL's keyword=value form, or the path of a file, which may
// follow sqlite:. It
// refuses a text that looks like the address of a database but is in no known
// form. Otherwise that text would become the name of a new file. An error never
// repeats the address, which may hold a password.
func ParseAddress(text string) (Location, error) {
	scheme := addressScheme.FindStringSubmatch(text)
	keyword := keywordFirst.FindStringSubmatch(text)
	switch {
	case text == "":
		return Location{}, errors.New("the store's address is empty: " + addressForms)
	case scheme != nil && isPostgres(scheme[1]) && strings.HasPrefix(text[len(scheme[0]):], "//"):
		return Location{postgres: strings.ToLower(scheme[1]) + text[len(scheme[1]):]}, nil
	case scheme != nil && holdfast.SameName(scheme[1], "sqlite") && len(text) > len(scheme[0]):
		return Location{File: strings.TrimPrefix(text[len(scheme[0]):], "//")}, nil
	case scheme != nil:
		return Location{}, errors.New("the store's address begins like a URL, but not like one that is known here: " +
			addressForms + "; write ./ before a file name that has a colon")
	case keyword != nil && postgresKeywords[keyword[1]]:
		return Location{postgres: text}, nil
	case keyword != nil:
		return Location{}, errors.New("the store's address begins like keyword=value, but the keyword is not one " +
			"of PostgreSQL's: " + addressForms + "; write ./ before a file name that has an equals sign")
	case hasSecret.MatchString(text):
		return Location{}, errors.New("the store's address seems to hold a password, but is not a PostgreSQL address: " +
			addressForms)
	case strings.ContainsAny(text, "\x00\n\r"), strings.HasPrefix(text, ":"):
		return Location{}, errors.New("the store's address is not the path of a file: " + addressForms)
	}
	return Location{File: text}, nil
}

func isPostgres(scheme string) bool {
	return holdfast.SameName(scheme, "postgres") || holdfast.SameName(scheme, "postgresql")
}

// String names the store without any secret.
func (l Location) String() string {
	if l.IsFile() {
		return l.File
	}
	return "the PostgreSQL database"
}

// GoString keeps the password out of %#v.
func (l Location) GoString() string { return fmt.Sprintf("store.Location(%q)", l.String()) }
