package payment_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

func TestParsePeriod(t *testing.T) {
	for text, want := range map[string]payment.Period{
		"1 Hour": {N: 1, Unit: payment.Hour}, "12 Months": {N: 12, Unit: payment.Month},
		" 2  days ": {N: 2, Unit: payment.Day}, "1 year": {N: 1, Unit: payment.Year}, "52 WEEKS": {N: 52, Unit: payment.Week},
		"1200 Hours": {N: 1200, Unit: payment.Hour}, "": {}, "Month": {}, "0 Days": {}, "-1 Day": {}, "+1 Day": {},
		"1.5 Days": {}, "1 Fortnight": {}, "1201 Hours": {}, "1": {}, "99999999999999999999 Days": {},
	} {
		got, ok := payment.ParsePeriod(text)
		if got != want || ok != (want.N > 0) {
			t.Errorf("%q is %v, %v; want %v", text, got, ok, want)
		}
		if again, ok := payment.ParsePeriod(got.String()); want.N > 0 && (!ok || again != got) {
			t.Errorf("%v is written %q, and read as %v", got, got.String(), again)
		}
	}
}

// In a month without such a day, the window ends on the last day. The month
// after has the original day again.
func TestMonthsKeepTheDay(t *testing.T) {
	month := payment.Period{N: 1, Unit: payment.Month}
	start := time.Date(2027, time.January, 31, 9, 30, 0, 0, time.UTC)
	for k, want := range []string{"2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30", "2027-05-31"} {
		if got := month.After(start, k).Format("2006-01-02 15:04"); got != want+" 09:30" {
			t.Errorf("%d months after %v is %s, want %s", k, start, got, want)
		}
	}
	leap := time.Date(2028, time.February, 29, 0, 0, 0, 0, time.UTC)
	if got := (payment.Period{N: 1, Unit: payment.Year}).After(leap, 1).Format(time.DateOnly); got != "2029-02-28" {
		t.Errorf("a year after %v is %s", leap, got)
	}
}

// Resets is the end of the limit's window. Every window begins on the same day
// of the month as the first.
func TestLimitsSayWhenTheyReset(t *testing.T) {
	start := time.Date(2027, time.January, 31, 9, 30, 0, 0, time.UTC)
	l := payment.Limit{
		Kind: payment.LimitCount, Value: 1, Period: payment.Period{N: 1, Unit: payment.Month}, Start: start, Window: start,
	}
	for at, want := range map[string]string{
		"2027-01-31": "2027-02-28", "2027-02-28": "2027-03-31", "2027-03-31": "2027-04-30",
	} {
		day, _ := time.Parse(time.DateOnly, at)
		if got := l.At(day.Add(10 * time.Hour)).Resets().Format(time.DateOnly); got != want {
			t.Errorf("in the window of %s it resets at %s, want %s", at, got, want)
		}
	}
	if l.Period = (payment.Period{}); !l.Resets().IsZero() {
		t.Errorf("a limit for ever resets at %v", l.Resets())
	}
}

var drawPeriod = rapid.Custom(func(t *rapid.T) payment.Period {
	return payment.Period{
		N: rapid.IntRange(1, 40).Draw(t, "n"),
		Unit: rapid.SampledFrom([]payment.Unit{payment.Hour, payment.Day, payment.Week, payment.Month, payment.Year}).Draw(t,
			"unit"),
	}
})

func drawTime(t *rapid.T, name string) time.Time {
	const years = 40
	return time.Unix(rapid.Int64Range(0, years*366*86_400).Draw(t, name),
		rapid.Int64Range(0, 999_999).Draw(t, name+"'s microseconds")*1_000).UTC()
}

// Windows have no gaps and no overlaps: every moment from the start on is in
// exactly one window, which begins at the end of the previous one.
func TestWindowsPartTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p, start, at := drawPeriod.Draw(t, "period"), drawTime(t, "start"), drawTime(t, "at")
		window := p.Window(start, at)
		if at.Before(start) {
			if !window.Equal(start) {
				t.Fatalf("for a time before the start, the window begins at %v", window)
			}
			return
		}
		if window.Before(start) || window.After(at) {
			t.Fatalf("%v lies in a window that begins at %v, %v counted from %v", at, window, p, start)
		}
		k := 0
		for !p.After(start, k).Equal(window) {
			if k++; p.After(start, k).After(at) {
				t.Fatalf("the window at %v does not begin a whole number of %v after %v", window, p, start)
			}
		}
		if end := p.After(start, k+1); !at.Before(end) || !end.After(window) {
			t.Fatalf("the window from %v to %v does not contain %v", window, end, at)
		}
		if last := p.Window(start, p.After(start, k+1).Add(-time.Microsecond)); !last.Equal(window) {
			t.Fatalf("the window's last moment is in the window from %v", last)
		}
	})
}

// A limit never allows more than its value in one window, even if uses are
// given back in between. A use that is given back can be used again.
func TestLimitsHold(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]payment.LimitKind{payment.LimitCount, payment.LimitAmount}).Draw(t, "kind")
		l := payment.Limit{
			Kind: kind, Value: rapid.Int64Range(1, 5).Draw(t, "value"), Start: now, Window: now, UsedAmount: money.Micros(0),
		}
		if kind == payment.LimitAmount {
			l.Value *= 10_000_000
		}
		if rapid.Bool().Draw(t, "repeating") {
			l.Period = drawPeriod.Draw(t, "period")
		}
		type use struct {
			at     time.Time
			amount money.Amount
		}
		var open []use // that count, of the present window
		at := now
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if rapid.IntRange(0, 2).Draw(t, "time goes on") == 0 {
				at = at.Add(time.Duration(rapid.Int64Range(0, 60*24).Draw(t, "hours")) * time.Hour)
			}
			window := l.Period.Window(l.Start, at)
			present := func(u use) bool { return l.Period.Window(l.Start, u.at).Equal(window) }
			if len(open) > 0 && rapid.IntRange(0, 3).Draw(t, "give back") == 0 {
				last := open[len(open)-1]
				l, open = l.GiveBack(last.amount, last.at, true), open[:len(open)-1]
				continue
			}
			amount := money.Cents(rapid.Int64Range(1, 20_00).Draw(t, "cents"))
			count, sum := int64(1), amount
			for _, u := range open {
				if present(u) {
					count, sum = count+1, sum.Add(u.amount)
				}
			}
			want := count <= l.Value
			if kind == payment.LimitAmount {
				want = sum.Micro <= l.Value
			}
			after, ok := l.Use(amount, at)
			if ok != want {
				t.Fatalf("the use number %d, %v in all, is allowed: %v; want %v by %+v", count, sum, ok, want, l)
			}
			if ok {
				l, open = after, append(open, use{at, amount})
			}
		}
	})
}

// If only part of a counted amount is given back, the use still counts.
func TestAPartIsGivenBack(t *testing.T) {
	l := payment.Limit{Kind: payment.LimitAmount, Value: 50_000_000, Start: now, Window: now, UsedAmount: money.Micros(0)}
	l, _ = l.Use(money.Cents(42_50), now)
	l = l.GiveBack(money.Cents(2_50), now, false)
	if l.UsedCount != 1 || l.UsedAmount != money.Cents(40_00) {
		t.Errorf("used: %d times, %v", l.UsedCount, l.UsedAmount)
	}
	l = l.GiveBack(money.Cents(99_00), now, true)
	if l.UsedCount != 0 || l.UsedAmount != money.Cents(0) {
		t.Errorf("after everything is given back, %d uses of %v are left", l.UsedCount, l.UsedAmount)
	}
}

// A use is given back, in full or in part, only to the window in which it was
// counted.
func TestAUseGoesBackToItsWindow(t *testing.T) {
	month := payment.Period{N: 1, Unit: payment.Month}
	start := time.Date(2027, time.January, 31, 9, 30, 0, 0, time.UTC)
	begins := month.After(start, 1) // on the last of February
	for _, whole := range []bool{true, false} {
		l := payment.Limit{
			Kind: payment.LimitAmount, Value: 90_000_000, Period: month, Start: start, Window: start,
			UsedAmount: money.Micros(0),
		}
		old := begins.Add(-time.Microsecond)
		l, _ = l.Use(money.Cents(42_50), old)
		if back := l.GiveBack(money.Cents(2_50), old, whole); back.UsedAmount != money.Cents(40_00) ||
			back.UsedCount == l.UsedCount == whole {
			t.Errorf("in its window, whole %t: %d times, %v", whole, back.UsedCount, back.UsedAmount)
		}
		l, _ = l.Use(money.Cents(10_00), begins)
		if back := l.GiveBack(money.Cents(42_50), old, whole); back != l {
			t.Errorf("from the window before, whole %t: %d times, %v", whole, back.UsedCount, back.UsedAmount)
		}
		if back := l.GiveBack(money.Cents(4_00), begins, whole); back.UsedAmount != money.Cents(6_00) {
			t.Errorf("at the window's first moment: %v", back.UsedAmount)
		}
	}
}

// A clock that is put back empties no limit. A use in a window that is now in
// the future stays counted until that window is over.
func TestAClockThatIsPutBackEmptiesNothing(t *testing.T) {
	for _, period := range []payment.Period{{}, {N: 1, Unit: payment.Hour}, {N: 1, Unit: payment.Month}} {
		start := time.Date(2027, time.January, 31, 9, 30, 0, 0, time.UTC)
		l := payment.Limit{
			Kind: payment.LimitCount, Value: 2, Period: period, Start: start, Window: start, UsedAmount: money.Micros(0),
		}
		ahead := start.AddDate(0, 3, 0)
		l, _ = l.Use(money.Cents(1_00), ahead)
		for _, back := range []time.Time{ahead.Add(-time.Hour), start, start.AddDate(-1, 0, 0)} {
			if at := l.At(back); at != l {
				t.Errorf("%v, at %v: %d times in the window from %v", period, back, at.UsedCount, at.Window)
			}
		}
		l, ok := l.Use(money.Cents(1_00), start)
		if !ok || l.UsedCount != 2 || l.UsedAmount != money.Cents(2_00) {
			t.Errorf("%v: used %d times, %v", period, l.UsedCount, l.UsedAmount)
		}
		if _, ok := l.Use(money.Cents(1_00), start); ok {
			t.Errorf("%v: used a third time", period)
		}
	}
}
