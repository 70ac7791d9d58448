package account

import (
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/internal/webui"
	"github.com/holdfast-pay/holdfast/money"
)

// Amount formats an amount. It is empty if no amount is given.
func Amount(w webui.Words, a money.Amount) string {
	if !a.Given() {
		return ""
	}
	return w.Dollars(a)
}

// Bound is the label of an amount that limits each payment.
func Bound(w webui.Words, t holdfast.AmountType) string {
	switch t {
	case holdfast.AmountMinimum:
		return w.T("term.each-at-least")
	case holdfast.AmountMaximum:
		return w.T("term.each-at-most")
	case holdfast.AmountExact:
	}
	return w.T("term.each")
}

// Usage describes a limit of a token.
func Usage(w webui.Words, u payment.UsageTerms) string {
	amount := u.Kind == payment.LimitAmount
	switch {
	case amount && u.Period.Endless():
		return w.T("limit.amount", "Amount", w.Dollars(money.Micros(u.Value)))
	case amount:
		return w.T("limit.amount-per", "Amount", w.Dollars(money.Micros(u.Value)), "Per", per(w, u.Period))
	case u.Period.Endless():
		return w.N("limit.count", int(u.Value))
	}
	return w.N("limit.count-per", int(u.Value), "Per", per(w, u.Period))
}

// Every says how often something recurs, "every month".
func Every(w webui.Words, p payment.Period) string {
	switch p.Unit {
	case payment.Hour:
		return w.N("every.hour", p.N)
	case payment.Day:
		return w.N("every.day", p.N)
	case payment.Week:
		return w.N("every.week", p.N)
	case payment.Year:
		return w.N("every.year", p.N)
	case payment.Month:
	}
	return w.N("every.month", p.N)
}

// per says for which period a limit applies, "per month".
func per(w webui.Words, p payment.Period) string {
	switch p.Unit {
	case payment.Hour:
		return w.N("per.hour", p.N)
	case payment.Day:
		return w.N("per.day", p.N)
	case payment.Week:
		return w.N("per.week", p.N)
	case payment.Year:
		return w.N("per.year", p.N)
	case payment.Month:
	}
	return w.N("per.month", p.N)
}

// FeeCeiling describes the largest fee that a marketplace may take.
func FeeCeiling(w webui.Words, c *payment.FeeCeiling) string {
	switch {
	case c == nil || !c.Fixed.Positive() && c.Variable <= 0:
		return w.T("fee.none")
	case !c.Fixed.Positive():
		return w.T("fee.at-most", "Fee", w.Percent(c.Variable.Percent()))
	case c.Variable <= 0:
		return w.T("fee.at-most", "Fee", w.Dollars(c.Fixed))
	}
	return w.T("fee.both", "Fixed", w.Dollars(c.Fixed), "Share", w.Percent(c.Variable.Percent()))
}

// MethodNames lists payment methods in words.
func MethodNames(w webui.Words, methods []holdfast.PaymentMethod) string {
	names := map[holdfast.PaymentMethod]string{
		holdfast.MethodCC: w.T("method.card"), holdfast.MethodACH: w.T("method.bank"),
		holdfast.MethodABT: w.T("method.balance"),
	}
	all := make([]string, len(methods))
	for i, m := range methods {
		all[i] = names[m]
	}
	return strings.Join(all, ", ")
}
