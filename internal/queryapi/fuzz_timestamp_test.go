package queryapi

import (
	"errors"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// FuzzTimestamp reads any text as a Timestamp and compares the result with an
// independent parser of ISO 8601. Every accepted time is within the window, and
// every time within the window in a form that programs use is accepted.
func FuzzTimestamp(f *testing.F) {
	for _, seed := range []string{
		"2026-11-23T10:06:45Z", "2026-11-23T10:06:07.000Z", "2026-11-23T10:06:44.159Z", "2026-11-23T02:15:30-0800",
		"2026-11-23T02:15:30.5-08:00", "2026-11-23T10:15:30,5Z", "2026-11-23T9:15:30Z", "2026-02-29T10:15:30Z",
		"2026-11-23T24:00:00Z", "2026-11-23T10:15:60Z",
		"2026-11-23 10:15:30Z", "2026-11-23T10:15:30", "2026-11-23T10:15:30+99:99", "1795428930", "", "\x00Z",
		"9999-12-31T23:59:59Z", "0000-01-01T00:00:00Z",
	} {
		f.Add(seed, int64(899), int8(-8))
	}
	real := time.Date(2026, 11, 23, 10, 15, 30, 44_000_000, time.UTC)
	s := &Server{}
	check := func(name, text string) error {
		return s.checkTime(holdfast.Params{{Name: name, Value: text}}, real)
	}
	f.Fuzz(func(t *testing.T, text string, off int64, zone int8) {
		if text == "" {
			return // is not given
		}
		err := check("Timestamp", text)
		refused(t, err)
		code := holdfast.Code("")
		if e, ok := errors.AsType[*holdfast.Error](err); ok {
			code = e.Code
		}
		sent, ok := iso8601(text)
		in := ok && sent.Sub(real).Abs() <= windowDefault
		switch {
		case code == "" && !in:
			t.Errorf("%q was accepted", text)
		case code == holdfast.RequestExpired && (!ok || in):
			t.Errorf("%q has expired, it was said", text)
		case code == holdfast.InvalidParameterValue && ok, code != "" && code != holdfast.RequestExpired &&
			code != holdfast.InvalidParameterValue:
			t.Errorf("%q was answered with %s", text, code)
		}

		// A time about the window's ends, to the millisecond, in every form.
		off %= 2 * windowDefault.Milliseconds()
		at := real.Add(time.Duration(off) * time.Millisecond).In(time.FixedZone("", int(zone%13)*3600))
		for _, form := range []string{
			"2006-01-02T15:04:05.000Z07:00", "2006-01-02T15:04:05.000Z0700", "2006-01-02T15:04:05.000000Z07:00",
			"2006-01-02T15:04:05Z07:00",
		} {
			written := at.Format(form)
			says, _ := time.Parse(form, written) // whole seconds drop the rest
			err := check("Timestamp", written)
			if in := says.Sub(real).Abs() <= windowDefault; in != (err == nil) {
				t.Errorf("%q, which is in the window: %v, was answered %v", written, in, err)
			}
			if err := check("Expires", written); real.Before(says) != (err == nil) {
				t.Errorf("Expires=%s was answered %v", written, err)
			}
		}
	})
}

// dateTime allows, with Go's parser, an hour of one digit.
var dateTime = regexp.MustCompile(`^(\d{4})-(\d\d)-(\d\d)T(\d\d?):(\d\d):(\d\d)(?:[.,](\d+))?(?:Z|([+-])(\d\d):?(\d\d))$`)

// iso8601 is a date and time with an offset, to the nanosecond.
func iso8601(text string) (time.Time, bool) {
	m := dateTime.FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, false
	}
	number := func(i int) int {
		n, _ := strconv.Atoi(m[i]) // digits, or nothing
		return n
	}
	nanos, _ := strconv.Atoi((m[7] + strings.Repeat("0", 9))[:9])
	at := time.Date(number(1), time.Month(number(2)), number(3), number(4), number(5), number(6), nanos, time.UTC)
	if at.Month() != time.Month(number(2)) || at.Day() != number(3) || at.Hour() != number(4) ||
		at.Minute() != number(5) || at.Second() != number(6) {
		return time.Time{}, false // such as 31 April
	}
	if number(9) > 24 || number(10) > 60 {
		return time.Time{}, false
	}
	offset := time.Duration(number(9))*time.Hour + time.Duration(number(10))*time.Minute
	if m[8] == "+" {
		offset = -offset
	}
	return at.Add(offset), true
}
