package console

import (
	"strconv"
	"strings"
	"time"
)

// A place in a list is in the address of the page that begins behind it.

// readNumbered reads a place with a number and an id, "1764518400000000.1ABC…".
func readNumbered(text string) (n int64, id string, err error) {
	number, id, _ := strings.Cut(text, ".")
	n, wrong := strconv.ParseInt(number, 10, 64)
	if wrong != nil || n < 0 || id == "" {
		return 0, "", errNotThere
	}
	return n, id, nil
}

// readStep reads a place with a time, an id and the number of a step,
// "1764518400000000.1ABC….2".
func readStep(text string) (at time.Time, id string, step int, err error) {
	micros, rest, err := readNumbered(text)
	id, number, _ := strings.Cut(rest, ".")
	step, wrong := strconv.Atoi(number)
	if err != nil || wrong != nil {
		return at, "", 0, errNotThere
	}
	return time.UnixMicro(micros).UTC(), id, step, nil
}

// stepText is a place as readStep reads it.
func stepText(at time.Time, id string, step int) string {
	return strconv.FormatInt(at.UnixMicro(), 10) + "." + id + "." + strconv.Itoa(step)
}
