package queryapi

import (
	"bytes"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"sync"

	"github.com/holdfast-pay/holdfast"
)

const typeForm = "application/x-www-form-urlencoded"

// read reads a request's parameters up to a limit. A request that is too large
// is refused before it is read if its length is known, and its connection is
// closed.
func (s *Server) read(w http.ResponseWriter, r *http.Request) (holdfast.Params, error) {
	if len(r.TransferEncoding) > 0 && r.ProtoMajor == 1 {
		// net/http does not tell whether there was also a Content-Length. A proxy in
		// front may have used that and sent a second request inside this one.
		w.Header().Set("Connection", "close")
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !holdfast.SameName(coding, "identity") {
		w.Header().Set("Connection", "close")
		return nil, holdfast.Errorf(holdfast.InvalidRequest,
			"A body with Content-Encoding %s is not understood; send it without.", shown(coding))
	}
	most := s.BodyMax
	if most == 0 {
		most = bodyMaxDefault
	}
	most -= int64(len(r.URL.RawQuery))
	if most < 0 || r.ContentLength > most {
		return nil, tooLarge(w)
	}
	body, err := readBody(w, r, most)
	if _, exceeded := errors.AsType[*http.MaxBytesError](err); exceeded {
		return nil, tooLarge(w)
	}
	if err != nil {
		return nil, holdfast.Errorf(holdfast.InvalidRequest, "The request's body is not complete.")
	}
	if r.Method != http.MethodPost {
		body = "" // a GET is its query
	}
	return form(r.URL.RawQuery, body, r.Header.Get("Content-Type"))
}

// bodyBuffers are reused, because a server reads thousands of bodies a second.
var bodyBuffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

func readBody(w http.ResponseWriter, r *http.Request, most int64) (string, error) {
	b := bodyBuffers.Get().(*bytes.Buffer) //nolint:forcetypeassert // the pool has nothing else
	defer bodyBuffers.Put(b)
	b.Reset()
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, most))
	return b.String(), err
}

func tooLarge(w http.ResponseWriter) error {
	w.Header().Set("Connection", "close")
	return holdfast.Errorf(holdfast.InvalidRequest, "The request is too large.")
}

// form merges query and body, because clients use either. A body without
// Content-Type is not a form.
func form(query, body, contentType string) (holdfast.Params, error) {
	if body != "" && contentType != "" && contentType != typeForm {
		// A broken parameter, such as a charset without a value, does not matter.
		if media, _, _ := mime.ParseMediaType(contentType); media != typeForm {
			return nil, holdfast.Errorf(holdfast.InvalidRequest, "A body of Content-Type %s is not understood; send %s.",
				shown(contentType), typeForm)
		}
	}
	params, err := holdfast.ParseParams(query)
	if err == nil && contentType != "" {
		var more holdfast.Params
		more, err = holdfast.ParseParams(body)
		if len(params) == 0 {
			params = more
		} else {
			params = append(params, more...)
		}
	}
	if err != nil {
		return nil, holdfast.Errorf(holdfast.InvalidParams, "The request cannot be read: %s.",
			shownMost(err.Error(), messageMax/2))
	}
	if name, doubled := params.Duplicate(); doubled {
		return nil, holdfast.Errorf(holdfast.InvalidRequest, "Parameter %s is given more than once.", shown(name))
	}
	return params, nil
}

const (
	shownMax   = 128 // characters of a caller's text that are quoted back
	messageMax = 512 // characters of an error's message
)

// shown shortens a caller's text before it is quoted back.
func shown(text string) string { return shownMost(text, shownMax) }

func shownMost(text string, most int) string {
	n := 0
	for i := range text {
		if n++; n > most {
			return text[:i] + "…"
		}
	}
	return text
}

// missing refuses a request without a parameter that it needs.
func missing(name string) error {
	return holdfast.Errorf(holdfast.InvalidParams, "%s is missing.", name)
}

// invalid refuses a parameter's value, and says what is allowed.
func invalid(name, allowed, value string) error {
	return holdfast.Errorf(holdfast.InvalidParams, "%s has to be %s. Specified value: %s", lowerFirst(name), allowed,
		shown(value))
}

// lowerFirst writes a parameter as FPS did in its messages.
func lowerFirst(name string) string { return strings.ToLower(name[:1]) + name[1:] }

// unknownParameter refuses with the recorded message of FPS.
func unknownParameter(version, name string) error {
	return holdfast.Errorf(holdfast.InvalidRequest, "%s", fmt.Sprintf(
		`The request doesn't conform to the interface specification in the WSDL. Element/Parameter "%s:%s" in request is either invalid or is found at unexpected location`,
		namespace(version), shown(name)))
}
