package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// A page is one page of a list.
type page[T any] struct {
	Data []T    `json:"data"`
	More bool   `json:"has_more"`
	Next string `json:"next"`
}

const pageSize = 100 // objects, the most that a page may have

// list reads a list page by page while it is ranged over. It ends at the first
// error, which is its last pair.
func list[T any](ctx context.Context, c *Client, path string, filter query) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		filter := filter.values()
		filter.Set("limit", strconv.Itoa(pageSize))
		for {
			p, err := ask[page[T]](ctx, c, call{method: http.MethodGet, path: path, query: filter})
			if err != nil {
				yield(none, err)
				return
			}
			for _, one := range p.Data {
				if !yield(one, nil) {
					return
				}
			}
			if !p.More || p.Next == "" {
				return
			}
			filter.Set("after", p.Next)
		}
	}
}

// A query has the parameters of a list. Empty ones are not sent.
type query []parameter

type parameter struct{ name, value string }

func (q query) values() url.Values {
	all := url.Values{}
	for _, p := range q {
		if p.value != "" {
			all.Set(p.name, p.value)
		}
	}
	return all
}

// stamp is a time as a parameter.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}

// decimal is an amount as a parameter.
func decimal(a Amount) string {
	if a.IsZero() {
		return ""
	}
	return a.Decimal()
}
