package queryapi

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
	"github.com/holdfast-pay/holdfast/money"
)

// actions lists the actions of the API. Each is in a file of its name.
var actions = []action{
	pay, reserve, settle, cancel, refund,
	getTransactionStatus, getTransaction,
	getAccountActivity, getAccountBalance,
	getTokenByCaller, getTokens, getTokenUsage, cancelToken,
	installPaymentInstruction, getPaymentInstruction, getRecipientVerificationStatus,
	verifySignature,
	fundPrepaid, getPrepaidBalance, getTotalPrepaidLiability,
	settleDebt, writeOffDebt, getDebtBalance, getOutstandingDebtBalance,
	cancelSubscriptionAndRefund, getSubscriptionDetails, getTransactionsForSubscription,
}

// An action is one operation of the API.
type action struct {
	name       string
	spellings  []string // that clients use in addition to the name
	since      string   // the first version that has it; empty for all
	parameters []parameter
	noResult   bool // the answer is metadata alone

	// byClock means that the answer depends on the caller's time, and that the
	// processor does not read the caller again.
	byClock bool

	// public actions need no signature: anybody may ask for them. Such a request
	// may have unknown parameters and no Version.
	public bool

	// answer carries the action out and writes the children of its result.
	answer func(*Server, context.Context, *request, *document) error
}

// A parameter describes one parameter of the schema, with structures flattened
// by dots.
type parameter struct {
	name     string
	since    string // the first version that has it; empty for all
	required bool
	list     bool // sent as Name.1, Name.2, … or all in one Name
	rule     rule

	// aliasOf is the parameter that programs mean by this name, which no schema
	// has.
	aliasOf string
}

// common parameters belong to every action.
var common = append([]string{"Action", "Version"}, credentials...)

var actionsByName = func() map[string]*action {
	byName := map[string]*action{}
	for i := range actions {
		byName[actions[i].name] = &actions[i]
		for _, name := range append(actions[i].spellings, actions[i].name) {
			byName[holdfast.FoldName(name)] = &actions[i]
		}
	}
	return byName
}()

// actionNamed finds an action whatever the case of its name. It is never nil.
func actionNamed(name string) (*action, bool) {
	if a, ok := actionsByName[name]; ok { // spelt as in the documents, as nearly always
		return a, true
	}
	if a, ok := actionsByName[holdfast.FoldName(name)]; ok {
		return a, true
	}
	return &action{}, false
}

// read returns the parameters under the action's own names. It refuses
// parameters that the action does not have in this version, missing required
// parameters, and values that can never be right. An empty parameter counts as
// not given.
func (a *action) read(version string, p holdfast.Params) (holdfast.Params, error) {
	p, err := a.named(version, p)
	if err != nil {
		return nil, err
	}
	for _, known := range a.parameters {
		if known.list {
			if err := known.checkList(p); err != nil {
				return nil, err
			}
			continue
		}
		value := p.Get(known.name)
		switch {
		case value == "" && known.required:
			return nil, missing(known.name)
		case value == "":
		default:
			if err := known.rule.check(known.name, value); err != nil {
				return nil, err
			}
		}
	}
	return p, nil
}

// named puts each parameter under its own name: programs wrote TokenID and
// tokenId where the documents have TokenId. Two spellings of one name in one
// request are refused.
func (a *action) named(version string, sent holdfast.Params) (holdfast.Params, error) {
	p := sent
	for i, param := range sent {
		if slices.Contains(common, param.Name) {
			continue
		}
		name, known := a.nameOf(version, param.Name)
		if name == param.Name {
			continue
		}
		switch _, taken := p.Lookup(name); {
		case known && !taken:
		case a.public:
			continue
		default:
			return nil, a.unknownParameter(version, param.Name)
		}
		if &p[0] == &sent[0] {
			p = slices.Clone(sent)
		}
		p[i].Name = name
	}
	return p, nil
}

// nameOf returns a parameter's own name, whatever its case in the request.
func (a *action) nameOf(version, sent string) (name string, known bool) {
	for _, p := range a.parameters {
		switch {
		case p.since > version:
		case p.name == sent:
			return sent, true
		case holdfast.SameName(p.name, sent):
			name, known = p.name, true
		case p.list && len(sent) > len(p.name) && holdfast.SameName(p.name, sent[:len(p.name)]) &&
			isItem(p.name, p.name+sent[len(p.name):]):
			name, known = p.name+sent[len(p.name):], true
		}
	}
	return name, known
}

// unknownParameter refuses with the recorded message of FPS. An amount in the
// form of version 2007-01-08 gets a message of its own, because nothing else is
// wrong with a program that sends it.
func (a *action) unknownParameter(version, name string) error {
	amount, old := strings.CutSuffix(name, ".Amount")
	if _, known := a.nameOf(version, amount+".Value"); old && known {
		return holdfast.Errorf(holdfast.InvalidRequest,
			"Parameter %s is of version 2007-01-08; in version %s it is %s.Value.", name, version, amount)
	}
	return unknownParameter(version, name)
}

// given is a parameter's value under whichever of its names was sent. Two names
// with different values are refused, because the request then means two things.
func (a *action) given(version string, p holdfast.Params, name string) (string, error) {
	value := p.Get(name)
	for _, alias := range a.parameters {
		other := p.Get(alias.name)
		switch {
		case alias.aliasOf != name || other == "" || other == value:
		case value == "":
			value = other
		default:
			return "", unknownParameter(version, alias.name)
		}
	}
	return value, nil
}

// Sizes of the API's data types.
const (
	tokenIDMax        = 65 // bytes, though real ids have 64
	identifierMax     = 128
	transactionIDSize = 35
	urlMax            = 1024 // bytes
)

// overrideIPNURL is a parameter of every action that moves money or cancels.
var overrideIPNURL = parameter{name: "OverrideIPNURL", since: holdfast.Version2010, rule: webAddress}

// amountParameters are the two halves of an amount; [amountOf] reads them.
func amountParameters(name string, required bool) []parameter {
	return []parameter{
		{name: name + ".CurrencyCode", required: required, rule: rule{allowed: string(money.USD)}},
		{name: name + ".Value", required: required, rule: rule{allowed: amountAllowed, form: amountForm}},
	}
}

const (
	amountForm    = "digits with at most two decimals, such as 12.50"
	amountAllowed = amountForm + ", without sign, exponent or currency"
)

// amountOf reads an amount. Both of its halves must be given, or neither; an
// amount that is not given is the zero Amount.
func amountOf(p holdfast.Params, name string) (money.Amount, error) {
	currency, value := p.Get(name+".CurrencyCode"), p.Get(name+".Value")
	switch {
	case currency == "" && value == "":
		return money.Amount{}, nil
	case currency == "":
		return money.Amount{}, missing(name + ".CurrencyCode")
	case value == "":
		return money.Amount{}, missing(name + ".Value")
	}
	amount, err := money.Parse(value, money.Currency(currency))
	switch {
	case err == nil:
		return amount, nil
	case errors.Is(err, money.ErrNoDollars):
		return money.Amount{}, invalid(name+".CurrencyCode", string(money.USD), currency)
	case errors.Is(err, money.ErrTooLarge):
		return money.Amount{}, holdfast.Errorf(holdfast.AmountOutOfRange, "%s.Value has too many digits. Specified value: %s",
			name, shown(value))
	}
	return money.Amount{}, invalid(name+".Value", amountAllowed, value)
}

// Parameters of several actions.
var (
	senderTokenID     = parameter{name: "SenderTokenId", required: true, rule: bytesMax(tokenIDMax)}
	callerReference   = parameter{name: "CallerReference", required: true, rule: bytesMax(payment.ReferenceMax)}
	callerDescription = parameter{name: "CallerDescription", rule: charactersMax(payment.DescriptionMax)}
	senderDescription = parameter{name: "SenderDescription", rule: charactersMax(payment.DescriptionMax)}
	timeoutInMins     = parameter{name: "TransactionTimeoutInMins", rule: minutes}

	descriptorPolicy = []parameter{
		{name: "DescriptorPolicy.SoftDescriptorType", rule: oneOf("Static", "Dynamic")},
		{name: "DescriptorPolicy.CSOwner", rule: oneOf(string(holdfast.RoleCaller), string(holdfast.RoleRecipient))},
	}
)
