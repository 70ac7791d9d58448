package party

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// Warnings are the times before the deadline of a hold at which its caller is
// warned, such as "48h,24h,6h,1h": whole hours or minutes, the longest first.
// Empty means that it is not warned.
type Warnings string

// DefaultWarnings are those of a new caller.
const DefaultWarnings Warnings = "48h,24h,6h,1h"

// noWarnings is the word for empty Warnings.
const noWarnings = "none"

// Limits of warnings.
const (
	warningsMax   = 8
	warningMin    = time.Minute
	warningMax    = 30 * 24 * time.Hour
	hoursOfTheDay = 24 * time.Hour
)

// ParseWarnings reads a list of durations, such as "2d, 24h, 90m", or "none".
func ParseWarnings(text string) (Warnings, error) {
	if text = strings.TrimSpace(text); holdfast.SameName(text, noWarnings) {
		return "", nil
	}
	var times []time.Duration
	for one := range strings.SplitSeq(text, ",") {
		before, err := parseWarning(strings.TrimSpace(one))
		if err != nil {
			return "", err
		}
		if slices.Contains(times, before) {
			return "", holdfast.Errorf(holdfast.InvalidParams, "%s is in the list of warnings twice", writeWarning(before))
		}
		times = append(times, before)
	}
	if len(times) > warningsMax {
		return "", holdfast.Errorf(holdfast.InvalidParams, "a hold has at most %d warnings", warningsMax)
	}
	slices.SortFunc(times, func(a, b time.Duration) int { return cmp.Compare(b, a) })
	words := make([]string, len(times))
	for i, before := range times {
		words[i] = writeWarning(before)
	}
	return Warnings(strings.Join(words, ",")), nil
}

func parseWarning(text string) (before time.Duration, err error) {
	if days, found := strings.CutSuffix(text, "d"); found {
		n, failed := strconv.ParseUint(days, 10, 8)
		before, err = time.Duration(n)*hoursOfTheDay, failed
	} else {
		before, err = time.ParseDuration(text)
	}
	switch {
	case err != nil || before%time.Minute != 0:
		return 0, holdfast.Errorf(holdfast.InvalidParams,
			"%.40q is not a time before a deadline; give a list such as 48h,24h,6h,1h, or none", text)
	case before < warningMin || before > warningMax:
		return 0, holdfast.Errorf(holdfast.InvalidParams,
			"a warning comes between one minute and 30 days before a deadline, not %.40s", text)
	}
	return before, nil
}

// writeWarning writes a time in whole hours, or else in minutes.
func writeWarning(before time.Duration) string {
	if before%time.Hour == 0 {
		return fmt.Sprintf("%dh", before/time.Hour)
	}
	return fmt.Sprintf("%dm", before/time.Minute)
}

// WarningsOf is a single warning, in whole minutes.
func WarningsOf(before time.Duration) Warnings { return Warnings(writeWarning(before)) }

// Times are the times before the deadline, the longest first.
func (w Warnings) Times() (times []time.Duration) {
	if w == "" {
		return nil
	}
	for one := range strings.SplitSeq(string(w), ",") {
		before, err := time.ParseDuration(one)
		if err != nil {
			panic("party: the warnings " + string(w) + " were not made by ParseWarnings")
		}
		times = append(times, before)
	}
	return times
}

// String is the list as ParseWarnings reads it.
func (w Warnings) String() string { return cmp.Or(string(w), noWarnings) }
