package webui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast/money"
)

// A format says how a country writes amounts and dates (Unicode CLDR).
type format struct {
	tag     string
	decimal string
	group   string
	dollars string // %s is the number
	percent string
	day     string // %[1]d is the day, %[2]s the month's name, %[3]d the year
	month   string // %[1]s is its name, %[2]d the year
	date    string // the same in short; %[4]d is the month's number
	clock   string // of package time
	months  [12]string
	short   [12]string // names of months in short dates
}

const nbsp = "\u00a0"

var (
	monthsEN = [12]string{
		"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
		"December",
	}
	monthsDE = [12]string{
		"Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember",
	}
	monthsAT = [12]string{
		"Jänner", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September", "Oktober", "November", "Dezember",
	}
	shortEN  = [12]string{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"}
	shortES  = [12]string{"ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sept", "oct", "nov", "dic"}
	monthsES = [12]string{
		"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre",
		"diciembre",
	}
)

const (
	dayUS = "%[2]s %[1]d, %[3]d"
	dayGB = "%[1]d %[2]s %[3]d"
	dayDE = "%[1]d. %[2]s %[3]d"
	dayES = "%[1]d de %[2]s de %[3]d"

	monthEN = "%[1]s %[2]d" // and in German
	monthES = "%[1]s de %[2]d"

	dateUS = "%[2]s %[1]d, %[3]d"
	dateGB = "%[1]d %[2]s %[3]d"
	dateDE = "%02[1]d.%02[4]d.%[3]d"
)

// formats has American English first. Readers who prefer no other format get
// it.
var formats = []format{
	{"en-US", ".", ",", "$%s", "%s%%", dayUS, monthEN, dateUS, "3:04 PM", monthsEN, shortEN},
	{"en-GB", ".", ",", "US$%s", "%s%%", dayGB, monthEN, dateGB, "15:04", monthsEN, shortEN},
	{"de", ",", ".", "%s" + nbsp + "$", "%s" + nbsp + "%%", dayDE, monthEN, dateDE, "15:04", monthsDE, monthsDE},
	{"de-AT", ",", nbsp, "$" + nbsp + "%s", "%s" + nbsp + "%%", dayDE, monthEN, dateDE, "15:04", monthsAT, monthsAT},
	{"de-CH", ".", "’", "$" + nbsp + "%s", "%s%%", dayDE, monthEN, dateDE, "15:04", monthsDE, monthsDE},
	{"es", ",", ".", "%s" + nbsp + "US$", "%s" + nbsp + "%%", dayES, monthES, dateGB, "15:04", monthsES, shortES},
	{"es-419", ".", ",", "USD" + nbsp + "%s", "%s" + nbsp + "%%", dayES, monthES, dateGB, "15:04", monthsES, shortES},
	{"es-US", ".", ",", "$%s", "%s%%", dayES, monthES, dateGB, "3:04 PM", monthsES, shortES},
}

// Dollars formats an amount, "$1,234.50".
func (w Words) Dollars(a money.Amount) string {
	f := w.speech().format
	whole, decimals, _ := strings.Cut(a.Decimal(), ".")
	whole, negative := strings.CutPrefix(whole, "-")
	for at := len(whole) - 3; at > 0; at -= 3 {
		whole = whole[:at] + f.group + whole[at:]
	}
	text := fmt.Sprintf(f.dollars, whole+f.decimal+decimals)
	if negative {
		return "−" + text
	}
	return text
}

// Signed formats an amount that was received, "+$5.00", or paid, "−$5.00". If
// the flow is zero, the amount has no sign.
func (w Words) Signed(a money.Amount, flow int) string {
	switch text := w.Dollars(a); {
	case flow > 0:
		return "+" + text
	case flow < 0:
		return "−" + text
	default:
		return text
	}
}

// Percent formats a percentage that is given as digits with a point, "2.5".
func (w Words) Percent(digits string) string {
	f := w.speech().format
	return fmt.Sprintf(f.percent, strings.Replace(digits, ".", f.decimal, 1))
}

// Count formats a whole number, "1,000".
func (w Words) Count(n int64) string {
	f := w.speech().format
	digits, negative := strings.CutPrefix(strconv.FormatInt(n, 10), "-")
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + f.group + digits[at:]
	}
	if negative {
		return "−" + digits
	}
	return digits
}

// Day formats a date in UTC, "January 2, 2006". It is empty for the zero time.
func (w Words) Day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	f := w.speech().format
	return fmt.Sprintf(f.day, t.Day(), f.months[t.Month()-1], t.Year())
}

// Month formats a month in UTC, "January 2006".
func (w Words) Month(t time.Time) string {
	t = t.UTC()
	f := w.speech().format
	return fmt.Sprintf(f.month, f.months[t.Month()-1], t.Year())
}

// Date formats a short date in UTC, "Jan 2, 2006". It is empty for the zero
// time.
func (w Words) Date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.UTC()
	f := w.speech().format
	return fmt.Sprintf(f.date, t.Day(), f.short[t.Month()-1], t.Year(), int(t.Month()))
}

// Moment formats a date with the time of day and the zone. The zone is UTC,
// because the server does not know the reader's.
func (w Words) Moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return w.Day(t) + ", " + t.UTC().Format(w.speech().format.clock) + nbsp + "UTC"
}
