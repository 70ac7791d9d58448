package report

import (
	"errors"
	"fmt"
	"time"
)

// A Period is the time that a report is about, from the beginning of a day until
// before the beginning of another, in a time zone.
type Period struct{ From, To time.Time }

// Earliest is the first day that a period may begin with.
const Earliest = "1970-01-02"

// Zone is the time zone.
func (p Period) Zone() *time.Location { return p.From.Location() }

// Last is the last day of the period.
func (p Period) Last() time.Time { return ByDay.start(p.To.Add(-time.Microsecond)) }

// A PeriodInput is what a person gives.
type PeriodInput struct {
	Month    string // such as 2026-11
	From, To string // days, such as 2026-11-01; both are in the period
	Zone     string // such as Europe/Berlin; empty means UTC
}

// Period reads a period. Without a month and days, it is the month of now, which is
// the caller's time.
func (in PeriodInput) Period(now time.Time) (p Period, err error) {
	zone, err := readZone(in.Zone)
	if err != nil {
		return p, err
	}
	switch {
	case in.Month != "" && (in.From != "" || in.To != ""):
		return p, errors.New("give a month, or the first and the last day, but not both")
	case in.Month != "":
		month, err := time.ParseInLocation("2006-01", in.Month, zone)
		if err != nil {
			return p, fmt.Errorf("%q is not a month; give one such as 2026-11", in.Month)
		}
		p = Period{ByMonth.start(month.Add(noon)), ByMonth.next(month.Add(noon))}
	case in.From == "" && in.To == "":
		month := ByMonth.start(now.In(zone))
		p = Period{month, ByMonth.next(month)}
	default:
		if p, err = in.days(now, zone); err != nil {
			return p, err
		}
	}
	if p.From.Format(time.DateOnly) < Earliest || p.To.After(endOfTime) {
		return p, errors.New("the period must be between the years 1970 and 9999")
	}
	return p, nil
}

// days reads the first and the last day. Without the first, the period is the last
// day alone; without the last, it goes on until today.
func (in PeriodInput) days(now time.Time, zone *time.Location) (p Period, err error) {
	p.From, p.To = ByDay.start(now.In(zone)), ByDay.start(now.In(zone))
	if in.To != "" {
		if p.To, err = readDay(in.To, zone); err != nil {
			return p, err
		}
		p.From = p.To
	}
	if in.From != "" {
		if p.From, err = readDay(in.From, zone); err != nil {
			return p, err
		}
	}
	if p.To.Before(p.From) {
		return p, errors.New("the last day is before the first")
	}
	p.To = ByDay.next(p.To)
	return p, nil
}

func readDay(text string, zone *time.Location) (time.Time, error) {
	day, err := time.ParseInLocation(time.DateOnly, text, zone)
	if err != nil {
		return day, fmt.Errorf("%q is not a day; give one such as 2026-11-01", text)
	}
	return ByDay.start(day.Add(noon)), nil
}

// noon is a time of day at which no zone changes its clocks.
const noon = 12 * time.Hour

// midnight is the beginning of a day. In some zones, the clocks go from 23:59 to
// 01:00 on some days, and [time.Date] may return a time of the day before.
func midnight(year int, month time.Month, day int, zone *time.Location) time.Time {
	want := time.Date(year, month, day, 12, 0, 0, 0, zone).Day()
	at := time.Date(year, month, day, 0, 0, 0, 0, zone)
	for range 8 {
		if at.Day() == want {
			break
		}
		at = at.Add(15 * time.Minute)
	}
	return at
}

func readZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%q is not a time zone; give one such as Europe/Berlin", name)
	}
	return zone, nil
}
