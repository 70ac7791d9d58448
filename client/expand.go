package client

import (
	"net/url"
	"strings"
)

// Expanded has objects that belong to the object of an answer, if the call has
// asked for them.
type Expanded struct {
	Token    *Token    `json:"token"`
	Hold     *Hold     `json:"hold"`
	Payment  *Payment  `json:"payment"`
	Payments []Payment `json:"payments"`
	Refunds  []Refund  `json:"refunds"`
}

func expanded(names []string) url.Values {
	return query{{"expand", strings.Join(names, ",")}}.values()
}
