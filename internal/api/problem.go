package api

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// A Problem is the answer to a refused request (RFC 9457).
type Problem struct { //nolint:errname // RFC 9457 calls it a problem, and so does the document
	Type      string  `json:"type" format:"uri-reference" doc:"A page about the code."`
	Title     string  `json:"title" doc:"One sentence about the code, always the same."`
	Status    int     `json:"status" doc:"The HTTP status of the answer."`
	Code      Code    `json:"code" doc:"Why the request was refused. Programs branch on it." example:"token_used"`
	Detail    string  `json:"detail,omitempty" doc:"What is wrong with this request, for people. It may change."`
	Scope     string  `json:"scope,omitempty" doc:"The scope that the key needs."`
	RequestID string  `json:"request_id" doc:"Quote it when you ask the operator."`
	Errors    []Fault `json:"errors,omitempty" nullable:"false" doc:"Each field or parameter that is wrong, at most 20."`
}

// A Fault is one field or parameter that is wrong. It has one of Pointer,
// Parameter and Header.
type Fault struct {
	Pointer   string `json:"pointer,omitempty" doc:"The field of the body, as a JSON pointer (RFC 6901). If there is no pointer, parameter or header, the whole body is meant." example:"/amount"`
	Parameter string `json:"parameter,omitempty" doc:"The parameter of the path or of the query."`
	Header    string `json:"header,omitempty" doc:"The header of the request."`
	Code      Code   `json:"code" doc:"What is wrong with it." example:"missing_field"`
	Detail    string `json:"detail" doc:"The same in words, for people."`
}

func newProblem(code Code, detail string, faults ...Fault) *Problem {
	m := meaningOf[code]
	return &Problem{Title: m.title, Status: m.status, Code: code, Detail: detail, Errors: faults}
}

func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// GetStatus implements huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType implements huma.ContentTypeFilter.
func (p *Problem) ContentType(string) string { return typeProblem }

const (
	typeProblem = "application/problem+json"
	typeJSON    = "application/json"
)

// problemOf translates what huma says about a request's parameters. It drops
// the values, because they may be secret.
func problemOf(e *huma.ErrorModel) *Problem {
	if e.Status >= http.StatusInternalServerError {
		return newProblem(InternalError, "")
	}
	p := newProblem(InvalidRequest, "")
	for _, wrong := range e.Errors {
		f := Fault{Code: InvalidValue, Detail: sentence(wrong.Message)}
		place, name, _ := strings.Cut(wrong.Location, ".")
		if place == "header" {
			f.Header = name
		} else {
			f.Parameter = name
		}
		if len(p.Errors) < faultsMax {
			p.Errors = append(p.Errors, f)
		}
	}
	return p
}

// sentence writes an error's text as a sentence.
func sentence(text string) string {
	if text == "" {
		return "This is wrong."
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}
