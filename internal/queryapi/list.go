package queryapi

import (
	"strconv"
	"strings"

	"github.com/holdfast-pay/holdfast"
)

// Lists come as Role.1=Caller&Role.2=Sender, as Role=Caller,Sender, or as a bare
// Role=Caller; an item may be given once.

const listMax = 20 // items

// isItem reports whether name is list.1, list.2 and so on.
func isItem(list, name string) bool {
	number, ok := strings.CutPrefix(name, list+".")
	n, err := strconv.Atoi(number)
	return ok && err == nil && n >= 1 && n <= listMax && strconv.Itoa(n) == number
}

// items are the values of a list, in the order in which they were sent.
func items(p holdfast.Params, list string) (values []string) {
	for _, param := range p {
		if param.Name != list && !isItem(list, param.Name) {
			continue
		}
		for value := range strings.SplitSeq(param.Value, ",") {
			if value = strings.TrimSpace(value); value != "" {
				values = append(values, value)
			}
		}
	}
	return values
}

func (l parameter) checkList(p holdfast.Params) error {
	values := items(p, l.name)
	if len(values) > listMax {
		return holdfast.Errorf(holdfast.InvalidParams, "%s has at most %d items.", l.name, listMax)
	}
	for _, value := range values {
		if err := l.rule.check(l.name, value); err != nil {
			return err
		}
	}
	return nil
}
