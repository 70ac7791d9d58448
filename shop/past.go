package shop

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	pastRowsMax   = 25  // orders on one page
	searchTextMax = 160 // characters
	pastPagesMax  = 100_000
)

// A pastView is a page of all orders, or of search results.
type pastView struct {
	Sought       string
	Rows         []packingRow
	Newer, Older string // addresses of the pages before and after, or empty
}

// past lists all orders, the last changed first, or those that match a search.
func (s *Shop) past(w http.ResponseWriter, r *http.Request) error {
	sought := strings.Join(strings.Fields(r.URL.Query().Get("q")), " ")
	if utf8.RuneCountInString(sought) > searchTextMax {
		return &pageError{
			http.StatusUnprocessableEntity, "Too long to search for",
			"Search for an order's number, or for a part of a name, an address or an id.",
		}
	}
	page, err := strconv.Atoi(r.URL.Query().Get("page"))
	if err != nil || page < 1 || page > pastPagesMax {
		page = 1
	}
	orders, err := searchOrders(r.Context(), s.db, sought, pastRowsMax+1, (page-1)*pastRowsMax)
	if err != nil {
		return err
	}
	v := pastView{Sought: sought}
	if page > 1 {
		v.Newer = pastPath(sought, page-1)
	}
	if len(orders) > pastRowsMax {
		orders, v.Older = orders[:pastRowsMax], pastPath(sought, page+1)
	}
	for _, o := range orders {
		v.Rows = append(v.Rows, s.packingRow(o))
	}
	return s.render(w, r, http.StatusOK, "past.html", v)
}

func pastPath(sought string, page int) string {
	query := url.Values{"page": {strconv.Itoa(page)}}
	if sought != "" {
		query.Set("q", sought)
	}
	return "/bench/past?" + query.Encode()
}

// searchOrders finds orders by their number, or by a part of the address, of the
// e-mail address, of a product's name or of an id.
func searchOrders(ctx context.Context, q querier, sought string, countMax, skip int) ([]Order, error) {
	if sought == "" {
		return ordersWhere(ctx, q, "TRUE", nil, countMax, skip)
	}
	const which = `CAST(number AS TEXT) = ?1
		OR (order_id || ' ' || hold_id || ' ' || token || ' ' || email) LIKE ?2 ESCAPE '\'
		OR (address_name || ' ' || address_line1 || ' ' || address_line2 || ' ' || address_zip || ' ' || address_city) LIKE ?2 ESCAPE '\'
		OR EXISTS (SELECT 1 FROM order_lines WHERE order_lines.order_id = orders.order_id AND order_lines.name LIKE ?2 ESCAPE '\')`
	plain := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(sought)
	return ordersWhere(ctx, q, which, []any{strings.TrimPrefix(sought, "#"), "%" + plain + "%"}, countMax, skip)
}
