package main

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/kong"
)

const day = 24 * time.Hour

func noDuration(text string) error {
	return fmt.Errorf("%q is not a duration; give one such as 7d, 1d12h, 90m or 30s", text)
}

// parseDuration is [time.ParseDuration] with whole days in front, such as
// 7d12h. A day has 24 hours.
func parseDuration(text string) (time.Duration, error) {
	sign := ""
	rest := text
	if strings.HasPrefix(text, "-") || strings.HasPrefix(text, "+") {
		sign, rest = text[:1], text[1:]
	}
	count, hours, found := strings.Cut(rest, "d")
	if !found {
		d, err := time.ParseDuration(text)
		if err != nil {
			return 0, noDuration(text)
		}
		return d, nil
	}
	days, err := strconv.ParseUint(count, 10, 32)
	if err != nil || time.Duration(days) > math.MaxInt64/day {
		return 0, noDuration(text)
	}
	whole := time.Duration(days) * day
	if hours != "" {
		part, err := time.ParseDuration(hours)
		if err != nil || part < 0 || strings.HasPrefix(hours, "+") || whole > math.MaxInt64-part {
			return 0, noDuration(text)
		}
		whole += part
	}
	if sign == "-" {
		whole = -whole
	}
	return whole, nil
}

// inDays writes a duration as parseDuration reads it: 7d1h30m0s.
func inDays(d time.Duration) string {
	switch days, rest := d/day, d%day; {
	case days == 0:
		return d.String()
	case rest == 0:
		return fmt.Sprintf("%dd", days)
	default:
		return fmt.Sprintf("%dd%v", days, rest.Abs())
	}
}

// durations lets every flag of type duration accept days.
func durations() kong.Option {
	return kong.TypeMapper(reflect.TypeFor[time.Duration](), kong.MapperFunc(
		func(ctx *kong.DecodeContext, target reflect.Value) error {
			var text string
			if err := ctx.Scan.PopValueInto("duration", &text); err != nil {
				return err
			}
			d, err := parseDuration(text)
			if err == nil {
				target.SetInt(int64(d))
			}
			return err
		},
	))
}
