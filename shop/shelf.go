package shop

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
)

// A productView is a product with the number of its pieces.
type productView struct {
	Product
	Free int64
}

// Few reports whether the page says how many pieces are left.
func (v productView) Few() bool { return v.Free > 0 && v.Free <= fewPieces }

const fewPieces = 5

func (s *Shop) shelf(w http.ResponseWriter, r *http.Request) error {
	free, err := stock(r.Context(), s.db)
	if err != nil {
		return err
	}
	var products []productView
	for _, p := range catalogue {
		products = append(products, productView{p, free[p.ID]})
	}
	return s.render(w, r, http.StatusOK, "shelf.html", products)
}

func (s *Shop) product(w http.ResponseWriter, r *http.Request) error {
	p, ok := productByID(ProductID(r.PathValue("id")))
	if !ok {
		return errNoPage
	}
	free, err := stock(r.Context(), s.db)
	if err != nil {
		return err
	}
	return s.render(w, r, http.StatusOK, "product.html", productView{p, free[p.ID]})
}

// A cartView is the cart with its price.
type cartView struct {
	ID          CartID
	Lines       []Line
	Totals      Totals
	FreeFrom    string
	QuantityMax int64
	Full        string // the name of a product that is at its maximum
	Short       []Line // lines of which there are too few pieces, with the number that there are
}

func (s *Shop) cartPage(w http.ResponseWriter, r *http.Request) error {
	v := cartView{FreeFrom: dollars(shippingFree), QuantityMax: quantityMax}
	if session, ok := sessionOf(r); ok {
		var err error
		if v.Lines, err = cart(r.Context(), s.db, session); err != nil {
			return err
		}
		if v.ID, err = cartID(r.Context(), s.db, session); err != nil {
			return err
		}
	}
	free, err := stock(r.Context(), s.db)
	if err != nil {
		return err
	}
	for _, l := range v.Lines {
		if l.Quantity == quantityMax && string(l.Product) == r.URL.Query().Get("full") {
			v.Full = l.Name
		}
		if free[l.Product] < l.Quantity {
			l.Quantity = free[l.Product]
			v.Short = append(v.Short, l)
		}
	}
	if len(v.Lines) > 0 {
		v.Totals = totalsOf(v.Lines)
	}
	return s.render(w, r, http.StatusOK, "cart.html", v)
}

func (s *Shop) addToCart(w http.ResponseWriter, r *http.Request) error {
	p, ok := productByID(ProductID(r.PostFormValue("product")))
	if !ok {
		return errNoPage
	}
	quantity, err := quantityIn(r, 1)
	if err != nil {
		return err
	}
	session, all := s.session(w, r), true
	err = inTx(r.Context(), s.db, func(tx *sql.Tx) error {
		if _, err := ensureCart(r.Context(), tx, session, CartID(s.newID())); err != nil {
			return err
		}
		all, err = addToCart(r.Context(), tx, session, p.ID, quantity, s.now())
		return err
	})
	if err != nil {
		return err
	}
	if !all {
		return seeOther(w, r, "/cart?full="+url.QueryEscape(string(p.ID)))
	}
	return seeOther(w, r, "/cart")
}

func (s *Shop) changeCart(w http.ResponseWriter, r *http.Request) error {
	quantity, err := quantityIn(r, 0)
	if err != nil {
		return err
	}
	if session, ok := sessionOf(r); ok {
		err := setInCart(r.Context(), s.db, session, ProductID(r.PathValue("id")), quantity, s.now())
		if err != nil {
			return err
		}
	}
	return seeOther(w, r, "/cart")
}

// quantityIn reads the quantity from a form.
func quantityIn(r *http.Request, fewest int64) (int64, error) {
	text := r.PostFormValue("quantity")
	if text == "" {
		return 1, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < fewest || n > quantityMax {
		return 0, &pageError{
			http.StatusUnprocessableEntity, "How many pieces?",
			fmt.Sprintf("Choose between %d and %d pieces of a product. Go back and try again.", max(fewest, 1),
				quantityMax),
		}
	}
	return n, nil
}
