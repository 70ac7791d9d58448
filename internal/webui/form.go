package webui

import (
	"strings"

	"github.com/holdfast-pay/holdfast"
)

// A Form is the main form of a page.
type Form struct {
	Action  string
	Get     bool // sends the form as a GET request
	Hidden  holdfast.Params
	Problem string // an error that concerns no single field
	Fields  []Field
	Submit  string
	// Username tells password managers whose password the form is about, if no
	// field of the form does. It is in a hidden field.
	Username string
	Passkey  *Passkey // that the script creates with the form's fields; usually nil
}

// A Field is one line of a form. It shows the submitted value again, except for
// a secret, whose Value stays empty.
type Field struct {
	Name         string // also its id
	Label        string
	Type         string // "text" unless set
	Value        string
	Hint         string
	Error        string
	Autocomplete string
	InputMode    string
	Options      []Option // choices; without any, the field is a text input
	Optional     bool
	MayBeEmpty   bool // like Optional, but not labelled as optional
	Half         bool // shares its row with the next half
	Code         bool // digits to compare, shown with equal width
}

// An Option is one choice of a field.
type Option struct{ Value, Label string }

// InputType is the type of the input element.
func (f Field) InputType() string {
	if f.Type == "" {
		return "text"
	}
	return f.Type
}

// DescribedBy names the elements that explain the field: its error first.
func (f Field) DescribedBy() string {
	var ids []string
	if f.Error != "" {
		ids = append(ids, f.Name+"-error")
	}
	if f.Hint != "" {
		ids = append(ids, f.Name+"-hint")
	}
	return strings.Join(ids, " ")
}

// Wrong returns the fields that have an error.
func (f Form) Wrong() []Field {
	var wrong []Field
	for _, field := range f.Fields {
		if field.Error != "" {
			wrong = append(wrong, field)
		}
	}
	return wrong
}

// Failed reports whether the form or one of its fields has an error.
func (f Form) Failed() bool { return f.Problem != "" || len(f.Wrong()) > 0 }

// SetError puts an error message at a field, or above the form if it has no
// such field.
func (f *Form) SetError(name, message string) {
	for i := range f.Fields {
		if f.Fields[i].Name == name {
			f.Fields[i].Error = message
			return
		}
	}
	f.Problem = message
}

// Clear empties a field, so that its text is not shown again.
func (f *Form) Clear(name string) {
	for i := range f.Fields {
		if f.Fields[i].Name == name {
			f.Fields[i].Value = ""
		}
	}
}

// Fill puts the submitted values back into the fields, except into secrets.
func (f *Form) Fill(p holdfast.Params, secrets ...string) {
	for i := range f.Fields {
		f.Fields[i].Value = p.Get(f.Fields[i].Name)
		for _, secret := range secrets {
			if f.Fields[i].Name == secret {
				f.Fields[i].Value = ""
			}
		}
	}
}
