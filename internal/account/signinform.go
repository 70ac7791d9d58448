package account

import (
	"errors"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/identity"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// SignInForm asks for the e-mail address and the password.
func SignInForm(w webui.Words) webui.Form {
	return webui.Form{
		Submit: w.T("sign-in.submit"),
		Fields: []webui.Field{
			{Name: "email", Label: w.T("sign-in.email"), Type: "email", Autocomplete: "username", InputMode: "email"},
			{Name: "password", Label: w.T("sign-in.password"), Type: "password", Autocomplete: "current-password"},
		},
	}
}

// SignUpForm asks for the data of a new account.
func SignUpForm(w webui.Words) webui.Form {
	return webui.Form{
		Submit: w.T("sign-up.submit"),
		Fields: []webui.Field{
			{Name: "name", Label: w.T("sign-up.name"), Autocomplete: "name"},
			{Name: "email", Label: w.T("sign-in.email"), Type: "email", Autocomplete: "username", InputMode: "email"},
			{
				Name: "password", Label: w.T("sign-in.password"), Type: "password", Autocomplete: "new-password",
				Hint: w.T("sign-up.password-hint", "Min", party.PasswordMin),
			},
		},
	}
}

// SignInProblem describes why somebody could not be signed in and when to try
// again. It is empty for internal errors.
func SignInProblem(w webui.Words, h http.Header, err error) (status int, problem string) {
	if errors.Is(err, identity.ErrWrongPassword) {
		return http.StatusUnprocessableEntity, w.T("sign-in.wrong")
	}
	blocked, ok := errors.AsType[*identity.GuessesError](err)
	if !ok {
		return 0, ""
	}
	h.Set("Retry-After", strconv.Itoa(int(math.Ceil(blocked.Wait.Seconds()))))
	if blocked.Wait <= 30*time.Second {
		return http.StatusTooManyRequests, w.T("sign-in.blocked-briefly")
	}
	return http.StatusTooManyRequests, w.N("sign-in.blocked", int(math.Ceil(blocked.Wait.Minutes())))
}

// SignUpProblem puts the reason why somebody could not sign up into the form,
// and returns the status of the answer. It is zero for internal errors.
func SignUpProblem(w webui.Words, h http.Header, err error, form *webui.Form) (status int) {
	if errors.Is(err, identity.ErrEmailTaken) {
		form.SetError("email", w.T("sign-up.email-taken"))
		return http.StatusUnprocessableEntity
	}
	status, form.Problem = SignInProblem(w, h, err)
	return status
}

// ReadNewParty reads the sign-up form, and puts errors at its fields.
func ReadNewParty(w webui.Words, typed holdfast.Params) (identity.NewParty, webui.Form) {
	form := SignUpForm(w)
	form.Fill(typed, "password")
	n := identity.NewParty{
		Name: strings.TrimSpace(typed.Get("name")), Email: strings.TrimSpace(typed.Get("email")),
		Password: typed.Get("password"),
		Language: w.Tag(),
	}
	if problem := party.CheckLine(n.Name, party.NameMax); problem != "" {
		setLineProblem(w, &form, "name", problem, w.T("sign-up.name-wrong"))
	}
	if !party.ValidEmail(n.Email) {
		form.SetError("email", w.T("sign-up.email-wrong"))
	}
	if message := passwordProblem(w, party.ValidPassword(n.Password)); message != "" {
		form.SetError("password", message)
	}
	return n, form
}

// InvitedForm is SignUpForm for the reader of an invitation, whose address is known.
func InvitedForm(w webui.Words) webui.Form {
	form := SignUpForm(w)
	form.Fields = slices.DeleteFunc(form.Fields, func(f webui.Field) bool { return f.Name == "email" })
	return form
}

// ReadInvited reads the form of InvitedForm, and puts errors at its fields.
func ReadInvited(w webui.Words, typed holdfast.Params) (n identity.NewParty, form webui.Form) {
	const known = "invited@example.com" // the invitation has the address
	n, form = ReadNewParty(w, append(typed.Without("email"), holdfast.Param{Name: "email", Value: known}))
	n.Email = ""
	form.Fields = slices.DeleteFunc(form.Fields, func(f webui.Field) bool { return f.Name == "email" })
	return n, form
}

// passwordProblem describes what is wrong with a new password.
func passwordProblem(w webui.Words, err error) string {
	switch {
	case errors.Is(err, party.ErrPasswordShort):
		return w.T("sign-up.password-short", "Min", party.PasswordMin)
	case errors.Is(err, party.ErrPasswordLong):
		return w.T("sign-up.password-long")
	case errors.Is(err, party.ErrPasswordCharacters):
		return w.T("sign-up.password-characters")
	case errors.Is(err, party.ErrPasswordSame):
		return w.T("security.password-same")
	}
	return ""
}
