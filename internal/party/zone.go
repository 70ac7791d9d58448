package party

import (
	"regexp"
	"time"
	_ "time/tzdata" // the zones, on machines that have none

	"github.com/holdfast-pay/holdfast"
)

// A Zone is a time zone by its name in the IANA database, such as Europe/Berlin. A
// caller's zone says in which time people read its pages. Empty means UTC.
type Zone string

// utc is the name of the empty Zone.
const utc = "UTC"

// formZone leaves out names that only some machines have, such as right/Europe/Berlin,
// which counts leap seconds.
var formZone = regexp.MustCompile(`^[A-Z][0-9A-Za-z_+-]*(/[0-9A-Za-z_+-]+){0,2}$`)

// zoneMax is longer than each name in the database.
const zoneMax = 64

// ErrZone does not have the name in it, because a person may have typed anything.
var ErrZone = holdfast.Errorf(holdfast.InvalidParams,
	"there is no such time zone; give a name such as Europe/Berlin, or UTC")

// ParseZone reads the name of a time zone.
func ParseZone(name string) (Zone, error) {
	if name == "" || name == utc {
		return "", nil
	}
	if len(name) > zoneMax || name == "Local" || !formZone.MatchString(name) {
		return "", ErrZone
	}
	if _, err := time.LoadLocation(name); err != nil {
		return "", ErrZone
	}
	return Zone(name), nil
}

// Location is the zone for times. It is UTC if this machine does not know the zone.
func (z Zone) Location() *time.Location {
	at, err := time.LoadLocation(string(z))
	if err != nil {
		return time.UTC
	}
	return at
}

func (z Zone) String() string {
	if z == "" {
		return utc
	}
	return string(z)
}
