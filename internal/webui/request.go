package webui

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/holdfast-pay/holdfast"
)

// FormBytesMax is the largest size of a form's body and of a link's query.
const FormBytesMax = 64 << 10

// ErrTooMuch reports a request that is larger than FormBytesMax.
var ErrTooMuch = errors.New("the request is larger than 64 KiB")

// ReadParams reads the query and the form of a request, in that order. The
// handler must have limited the size of the body.
func ReadParams(r *http.Request) (holdfast.Params, error) {
	if len(r.URL.RawQuery) > FormBytesMax {
		return nil, ErrTooMuch
	}
	params, err := holdfast.ParseParams(r.URL.RawQuery)
	if err != nil || r.Method != http.MethodPost {
		return params, err
	}
	if !plain(r) {
		return nil, errEncoded
	}
	body, err := io.ReadAll(r.Body)
	if _, tooMuch := errors.AsType[*http.MaxBytesError](err); tooMuch {
		return nil, ErrTooMuch
	}
	if err != nil {
		return nil, err
	}
	form, err := holdfast.ParseParams(string(body))
	return append(params, form...), err
}

var errEncoded = errors.New("the body has a Content-Encoding, which is not understood; send it without")

// plain reports whether a body is not compressed.
func plain(r *http.Request) bool {
	coding := strings.TrimSpace(strings.Join(r.Header.Values("Content-Encoding"), ","))
	return coding == "" || holdfast.SameName(coding, "identity")
}

// A BadFormError reports a request that none of our pages sends.
type BadFormError struct{ err error }

// NewBadForm refuses a form that none of our pages has.
func NewBadForm(why string) *BadFormError { return &BadFormError{errors.New(why)} }

func (e *BadFormError) Error() string { return "reading a form: " + e.err.Error() }

func (e *BadFormError) Unwrap() error { return e.err }

// ReadForm is ReadParams for requests from our own pages. They never repeat a
// parameter; if one is repeated, the error is a *BadFormError.
func ReadForm(r *http.Request) (holdfast.Params, error) {
	form, err := ReadParams(r)
	if err != nil {
		return nil, &BadFormError{err}
	}
	if name, twice := form.Duplicate(); twice {
		return nil, &BadFormError{fmt.Errorf("the form has %q twice", name)}
	}
	return form, nil
}

// Redirect makes the browser GET an address, whatever the method of its request
// was.
func Redirect(w http.ResponseWriter, r *http.Request, address string) {
	status := http.StatusSeeOther
	if r.Method == http.MethodGet {
		status = http.StatusFound // older than 303, for old programs
	}
	w.Header().Set("Location", address)
	w.WriteHeader(status)
}
