package webui

import (
	"strings"

	"github.com/holdfast-pay/holdfast"
)

// A Form is the one thing to do on a page.
type Form struct {
	Action  string
	Get     bool // it asks for a page, and changes nothing
	Hidden  holdfast.Params
	Problem string // with the form as a whole
	Fields  []Field
	Submit  string
	// Username is whose password the form is about, for programs that keep
	// passwords, where no field says it; nobody sees it.
	Username string
	Passkey  *Passkey // that the script makes with what is filled in; most forms have none
}

// A Field is one line of a form. What was typed is shown again, unless the
// field is a secret: then its Value stays empty.
type Field struct {
	Name         string // also its id
	Label        string
	Type         string // "text" unless set
	Value        string
	Hint         string
	Error        string
	Autocomplete string
	InputMode    string
	Options      []Option // to choose from; none makes a field to type into
	Optional     bool
	MayBeEmpty   bool // like Optional, without the word for it
	Half         bool // shares its row with the next half
	Code         bool // digits to compare: shown in figures of one width
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

// Wrong are the fields to mend.
func (f Form) Wrong() []Field {
	var wrong []Field
	for _, field := range f.Fields {
		if field.Error != "" {
			wrong = append(wrong, field)
		}
	}
	return wrong
}

// Failed reports whether there is anything to mend.
func (f Form) Failed() bool { return f.Problem != "" || len(f.Wrong()) > 0 }

// SetError puts a message beside a field, or above the form if there is no
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

// Clear empties a field: what was typed there is not shown again.
func (f *Form) Clear(name string) {
	for i := range f.Fields {
		if f.Fields[i].Name == name {
			f.Fields[i].Value = ""
		}
	}
}

// Fill puts back what was typed, except into secrets.
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
