package payment

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
)

// A Unit is the unit of a period.
type Unit string

// The units, as pipelines write them. The tables of FPS's documents lack weeks
// and years, but one use case's text has them.
const (
	Hour  Unit = "Hour"
	Day   Unit = "Day"
	Week  Unit = "Week"
	Month Unit = "Month"
	Year  Unit = "Year"
)

// A Period is a span of time such as "1 Month", after which a limit is empty
// again. The zero Period never ends.
type Period struct {
	N    int
	Unit Unit
}

const periodMax = 1200 // units

// ParsePeriod reads "1 Hour", "12 Months" and the like, in upper or lower case.
func ParsePeriod(s string) (Period, bool) {
	number, word, _ := strings.Cut(strings.TrimSpace(s), " ")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > periodMax || number[0] == '+' {
		return Period{}, false
	}
	word = strings.TrimSuffix(holdfast.FoldName(strings.TrimSpace(word)), "s")
	for _, unit := range []Unit{Hour, Day, Week, Month, Year} {
		if word == holdfast.FoldName(string(unit)) {
			return Period{n, unit}, true
		}
	}
	return Period{}, false
}

func (p Period) String() string {
	if p.N == 1 {
		return "1 " + string(p.Unit)
	}
	return fmt.Sprintf("%d %ss", p.N, p.Unit)
}

// Words is the period in the words of the JSON API, such as "1 month".
func (p Period) Words() string { return holdfast.FoldName(p.String()) }

// Endless reports whether the period never ends.
func (p Period) Endless() bool { return p.N == 0 }

// After is k periods after start. Months keep the day of the month. In a month
// without such a day, the result is the last day of that month.
func (p Period) After(start time.Time, k int) time.Time {
	n := k * p.N
	switch p.Unit {
	case Hour:
		return start.Add(time.Duration(n) * time.Hour)
	case Day:
		return start.AddDate(0, 0, n)
	case Week:
		return start.AddDate(0, 0, 7*n)
	case Year:
		n *= 12
	case Month:
	}
	y, m, d := start.Date()
	last := time.Date(y, m+time.Month(n)+1, 0, 0, 0, 0, 0, time.UTC).Day()
	return time.Date(y, m+time.Month(n), min(d, last), start.Hour(), start.Minute(), start.Second(), start.Nanosecond(),
		time.UTC)
}

// Window is the start of the period that contains at; the first period begins
// at start. It is start itself if at is earlier, or if the period never ends.
// Times are UTC.
func (p Period) Window(start, at time.Time) time.Time {
	if p.Endless() || at.Before(start) {
		return start
	}
	return p.After(start, p.count(start, at))
}

// count is the number of whole periods between start and at, which must not be
// before start.
func (p Period) count(start, at time.Time) int {
	k := max(0, int(at.Sub(start)/p.longest())-1) // a lower bound
	for !at.Before(p.After(start, k+1)) {
		k++
	}
	return k
}

// longest is an upper bound of the period's length.
func (p Period) longest() time.Duration {
	const day = 24 * time.Hour
	length := map[Unit]time.Duration{Hour: time.Hour, Day: day, Week: 7 * day, Month: 31 * day, Year: 366 * day}[p.Unit]
	return time.Duration(p.N) * length
}

// Frequency is the period in the units of the subscription actions. They have
// no unit for hours.
func (p Period) Frequency() (n int, unit holdfast.TimeUnit, ok bool) {
	switch p.Unit {
	case Day:
		return p.N, holdfast.UnitDay, true
	case Week:
		return p.N, holdfast.UnitWeek, true
	case Month:
		return p.N, holdfast.UnitMonth, true
	case Year:
		return p.N, holdfast.UnitYear, true
	case Hour:
		if p.N%24 == 0 {
			return p.N / 24, holdfast.UnitDay, p.N > 0
		}
	}
	return 0, "", false
}
