package payment

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/money"
)

// A payment instruction has statements in the language GateKeeper, such as
//
//	MyRole == 'Sender'; PaymentMethod == 'ABT'; TransactionAmount <= '25.00' orSay 'Too much';
//
// If a request breaks the statement, the text after orSay is its error message.
// Only MyRole, OperationType and orSay are documented. The other names, and the
// syntax of usage limits, are this server's own.

const (
	instructionMax = 4096 // bytes
	statementsMax  = 64
)

// A rule is one statement of an instruction.
type rule struct{ name, operator, value, orSay string }

// operators of a statement.
var operators = []string{"==", "<=", ">="}

// readRules splits an instruction into its statements. Errors quote the text,
// so that its author can find the place.
func readRules(text string) ([]rule, error) {
	if len(text) > instructionMax {
		return nil, badRule("the instruction has more than %d bytes", instructionMax)
	}
	var rules []rule
	for text = strings.TrimSpace(text); text != ""; text = strings.TrimSpace(text) {
		if len(rules) == statementsMax {
			return nil, badRule("the instruction has more than %d statements", statementsMax)
		}
		r, rest, err := readRule(text)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(rules,
			func(other rule) bool { return holdfast.SameName(other.name, r.name) && other.operator == r.operator }) {
			return nil, badRule("%s appears twice", excerpt(r.name))
		}
		rules, text = append(rules, r), rest
	}
	if len(rules) == 0 {
		return nil, badRule("the instruction is empty")
	}
	return rules, nil
}

func readRule(text string) (r rule, rest string, err error) {
	at, operator := len(text), ""
	for _, o := range operators {
		if i := strings.Index(text, o); i >= 0 && i < at {
			at, operator = i, o
		}
	}
	name := strings.TrimSpace(text[:at])
	if operator == "" || !isWord(name) {
		return r, "", badRule("a statement is a name, one of == <= >= and a quoted value: %s", excerpt(text))
	}
	r = rule{name: name, operator: operator}
	r.value, rest, err = quoted(text[at+len(operator):], "the value of "+excerpt(name))
	if err != nil {
		return r, "", err
	}
	if len(rest) >= len(orSay) && holdfast.SameName(rest[:len(orSay)], orSay) {
		if r.orSay, rest, err = quoted(rest[len(orSay):], "what "+excerpt(name)+" says"); err != nil {
			return r, "", err
		}
		if utf8.RuneCountInString(r.orSay) > orSayMax || strings.ContainsFunc(r.orSay, unicode.IsControl) {
			return r, "", badRule("the orSay text of %s has more than %d characters, or a line break", excerpt(name), orSayMax)
		}
	}
	if !strings.HasPrefix(rest, ";") {
		return r, "", badRule("the statement on %s does not end in a quote and a semicolon", excerpt(name))
	}
	return r, rest[1:], nil
}

const (
	orSay    = "orSay"
	orSayMax = 200 // characters
)

// quoted reads a quoted string at the beginning of a text.
func quoted(text, what string) (value, rest string, err error) {
	text = strings.TrimSpace(text)
	if text == "" || text[0] != '\'' && text[0] != '"' {
		return "", "", badRule("%s is not in quotes", what)
	}
	value, rest, closed := strings.Cut(text[1:], text[:1])
	if !closed {
		return "", "", badRule("%s does not end in a quote", what)
	}
	return value, strings.TrimSpace(rest), nil
}

// says is the instruction's own error message for a request that breaks its
// rule on the amount.
func (t Token) says() string {
	rules, err := readRules(t.Instruction)
	if err != nil {
		return "" // the token came from the pages
	}
	for _, r := range rules {
		if holdfast.SameName(r.name, "TransactionAmount") {
			return r.orSay
		}
	}
	return ""
}

func isWord(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9')
	})
}

const excerptMax = 60 // characters

func excerpt(s string) string {
	if runes := []rune(s); len(runes) > excerptMax {
		return string(runes[:excerptMax]) + "…"
	}
	return s
}

func badRule(format string, args ...any) error {
	return holdfast.Errorf(holdfast.BadRule, "PaymentInstruction: "+format, args...)
}

// An InstallInput has everything that the decision on an instruction depends
// on.
type InstallInput struct {
	ID          holdfast.TokenID
	Caller      party.Caller
	Owner       party.Party  // the caller's owner; the token is the owner's
	Instruments []Instrument // the owner's
	Now         time.Time
}

// Install makes a token from a payment instruction of the caller's owner. The
// owner can receive, pay or call with it (Query API Reference,
// InstallPaymentInstruction).
func Install(in InstallInput, r holdfast.InstallPaymentInstructionRequest) (Installation, error) {
	if in.Owner.Standing != party.Active {
		return Installation{}, holdfast.Errorf(holdfast.InvalidAccountState, "the caller's account is %s", standing(in.Owner))
	}
	rules, err := readRules(r.PaymentInstruction)
	if err != nil {
		return Installation{}, err
	}
	made := &instruction{
		in: in, token: Token{
			ID: in.ID, Caller: in.Caller.ID, Type: r.TokenType, Reference: r.CallerReference,
			FriendlyName: r.TokenFriendlyName, Reason: r.PaymentReason, Instruction: r.PaymentInstruction, Installed: in.Now,
		},
	}
	for _, rule := range rules {
		if err := made.apply(rule); err != nil {
			return Installation{}, err
		}
	}
	return made.finish()
}

// An instruction builds a token from its statements.
type instruction struct {
	in    InstallInput
	token Token
	role  string
	usage struct {
		given               bool
		kind, value, period string
		start               time.Time
	}
}

func (m *instruction) apply(r rule) error {
	if r.operator != "==" && !holdfast.SameName(r.name, "TransactionAmount") {
		return badRule("%s can be used only with ==", excerpt(r.name))
	}
	switch holdfast.FoldName(r.name) {
	case "myrole":
		return m.setRole(r.value)
	case "operationtype":
		return m.setOperation(r.value)
	case "paymentmethod":
		return m.setMethod(r.value)
	case "transactionamount":
		return m.setAmount(r)
	case "usagetype":
		m.usage.kind = r.value
	case "usagelimit":
		m.usage.value = r.value
	case "usageperiod":
		m.usage.period = r.value
	case "usagestart":
		at, err := time.Parse(time.RFC3339, r.value)
		if err != nil || at.Before(m.in.Now.Add(-time.Minute)) {
			return holdfast.Errorf(holdfast.InvalidUsageStartTime,
				"UsageStart must be a future time, such as 2026-12-01T00:00:00Z. Specified value: %s", excerpt(r.value))
		}
		m.usage.start = at.UTC().Truncate(time.Microsecond)
	default:
		return badRule("%s is not known", excerpt(r.name))
	}
	if strings.HasPrefix(holdfast.FoldName(r.name), "usage") {
		m.usage.given = true
	}
	return nil
}

func (m *instruction) setRole(value string) error {
	m.role = holdfast.FoldName(value)
	switch m.role {
	case "caller":
		m.token.Use = UseCall
	case "recipient":
		m.token.Use, m.token.PaysFee = UseReceive, true
	case "sender":
		m.token.Use = UsePay
	default:
		return badRule("MyRole is Caller, Sender or Recipient, not %s", excerpt(value))
	}
	return nil
}

// operations that an instruction may name. For a sender's token they decide its
// use.
var operations = []string{"pay", "reserve", "settle", "refund", "fundprepaid", "settledebt", "writeoffdebt"}

func (m *instruction) setOperation(value string) error {
	word := holdfast.FoldName(value)
	if !slices.Contains(operations, word) {
		return badRule("OperationType is not known: %s", excerpt(value))
	}
	if word == "refund" {
		m.token.Use = UseRefund
	}
	return nil
}

func (m *instruction) setMethod(value string) error {
	method := holdfast.PaymentMethod(strings.ToUpper(value))
	switch method {
	case holdfast.MethodCC, holdfast.MethodACH, holdfast.MethodABT:
	default:
		return holdfast.Errorf(holdfast.InvalidPaymentMethod, "PaymentMethod is CC, ACH or ABT. Specified value: %s",
			excerpt(value))
	}
	m.token.Method = method
	return nil
}

func (m *instruction) setAmount(r rule) error {
	amount, err := money.Parse(strings.TrimPrefix(r.value, string(money.USD)+" "), money.USD)
	if err != nil || !amount.Positive() {
		return badRule("TransactionAmount is an amount such as '25.00'. Specified value: %s", excerpt(r.value))
	}
	if m.token.Amount.Given() {
		return badRule("TransactionAmount appears twice")
	}
	m.token.Amount = amount
	m.token.AmountType = map[string]holdfast.AmountType{
		"==": holdfast.AmountExact, "<=": holdfast.AmountMaximum, ">=": holdfast.AmountMinimum,
	}[r.operator]
	return nil
}

func (m *instruction) finish() (Installation, error) {
	t := &m.token
	if m.role == "" {
		return Installation{}, badRule("MyRole is missing")
	}
	if err := m.finishRole(); err != nil {
		return Installation{}, err
	}
	if t.Type == holdfast.TokenSingleUse {
		t.Expires = m.in.Now.Add(SingleUseLife)
	}
	if t.FriendlyName == "" {
		t.FriendlyName = NameFor(t.Type, t.Reason, t.Amount)
	}
	limits, err := m.limits()
	return Installation{Tokens: []Token{*t}, Limits: limits}, err
}

// finishRole sets the token's party by its role. A sender token pays any
// recipient that a call names, with the owner's own instrument.
func (m *instruction) finishRole() error {
	t := &m.token
	if t.Use != UsePay {
		if m.role == "recipient" && t.Method != "" {
			t.Methods = []holdfast.PaymentMethod{t.Method}
		}
		t.Recipient, t.Method = m.in.Owner.ID, ""
		return nil
	}
	t.Sender = m.in.Owner.ID
	if t.Method == "" {
		return nil
	}
	for _, i := range Lasting(m.in.Instruments) {
		if i.Method == t.Method && !i.Removed && !i.Expired(m.in.Now) {
			t.Instrument = i.ID
			return nil
		}
	}
	return holdfast.Errorf(holdfast.PaymentInstrumentMissing, "the account has no instrument for the payment method %s",
		t.Method)
}

// limits reads the usage limits of the instruction. Multi-use and recurring
// tokens need one; a single-use token has none.
func (m *instruction) limits() ([]Limit, error) {
	t, u := m.token, m.usage
	switch {
	case t.Type == holdfast.TokenSingleUse && u.given:
		return nil, holdfast.Errorf(holdfast.CannotSpecifyUsageForSingleUseToken,
			"a single-use token is used once, and has no usage limits")
	case t.Limited() && !u.given:
		return nil, holdfast.Errorf(holdfast.UsageNotDefined,
			"a %s token needs usage limits: UsageType, UsageLimit and, for a repeating limit, UsagePeriod", t.Type)
	case !u.given:
		return nil, nil
	}
	l := Limit{
		Scope: string(t.Caller), Subject: string(t.ID), Slot: 1, Kind: LimitKind(u.kind),
		Start: m.in.Now, UsedAmount: money.Micros(0),
	}
	if !u.start.IsZero() {
		l.Start = u.start
	}
	l.Window = l.Start
	switch l.Kind {
	case LimitCount:
		n, err := strconv.ParseInt(u.value, 10, 32)
		if err != nil || n < 1 {
			return nil, holdfast.Errorf(holdfast.InvalidUsageLimitCount,
				"UsageLimit is a number of uses above zero. Specified value: %s", excerpt(u.value))
		}
		l.Value = n
	case LimitAmount:
		amount, err := money.Parse(u.value, money.USD)
		if err != nil || !amount.Positive() {
			return nil, holdfast.Errorf(holdfast.InvalidUsageLimitCount,
				"UsageLimit is an amount above zero. Specified value: %s", excerpt(u.value))
		}
		l.Value = amount.Micro
	default:
		return nil, holdfast.Errorf(holdfast.InvalidUsageType, "UsageType is Count or Amount. Specified value: %s",
			excerpt(u.kind))
	}
	if u.period != "" {
		period, ok := ParsePeriod(u.period)
		if !ok {
			return nil, holdfast.Errorf(holdfast.InvalidUsageDuration,
				"UsagePeriod is a period such as 1 Month. Specified value: %s", excerpt(u.period))
		}
		l.Period = period
	}
	return []Limit{l}, nil
}

// InstructionText is the instruction that the token was installed with. For a
// token from the pages, it describes the token in the same language.
func (t Token) InstructionText() string {
	if t.Instruction != "" {
		return t.Instruction
	}
	rules := []string{"MyRole == 'Sender';"}
	if t.Use == UseReceive || t.Use == UseRefund {
		rules[0] = "MyRole == 'Recipient';"
	}
	if t.Use == UseRefund {
		rules = append(rules, "OperationType == 'Refund';")
	}
	if t.Method != "" {
		rules = append(rules, "PaymentMethod == '"+string(t.Method)+"';")
	}
	if t.Amount.Given() {
		operator := map[holdfast.AmountType]string{
			holdfast.AmountExact: "==", holdfast.AmountMaximum: "<=", holdfast.AmountMinimum: ">=",
		}[t.AmountType]
		rules = append(rules, "TransactionAmount "+operator+" '"+t.Amount.Decimal()+"';")
	}
	return strings.Join(rules, " ")
}
