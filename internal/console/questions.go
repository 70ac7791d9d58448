package console

import (
	"cmp"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/party"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

// questionRoutes are the lists of questions to card networks without an answer, of a caller
// and of all callers.
func (s *Server) questionRoutes() []route {
	return []route{
		{
			Method: get, Path: "questions", In: ofCaller, Permission: party.MayRead, Nav: "console.questions.nav",
			show: s.showQuestions,
		},
		{
			Method: get, Path: "questions", In: ofServer, Permission: party.MayRead, Nav: "console.questions.nav",
			show: s.showQuestions,
		},
	}
}

const (
	questionRows = 50
	allQuestions = "all" // in the parameter show: those that the network decides later, too
)

func (s *Server) showQuestions(c *call) error {
	show := c.form.Get("show")
	if show != "" && show != allQuestions {
		return errNotThere
	}
	after, err := readQuestionPlace(c.form)
	if err != nil {
		return err
	}
	var all []store.Question
	var next *store.QuestionPlace
	callers := map[party.CallerID]party.Caller{c.caller.ID: c.caller}
	err = s.Store.View(c.r.Context(), func(tx *store.ReadTx) (err error) {
		if all, next, err = tx.Questions(c.caller.ID, show == "", c.real, after, questionRows); err != nil {
			return err
		}
		for _, q := range all {
			if _, known := callers[q.Caller]; known {
				continue
			}
			if callers[q.Caller], _, err = tx.Caller(q.Caller); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	w := c.words
	form := webui.Form{
		Action: c.link("questions"), Get: true, Submit: w.T("console.show"), Fields: []webui.Field{{
			Name: "show", Label: w.T("console.reports.only"), Value: show, MayBeEmpty: true, Options: []webui.Option{
				{Label: w.T("console.overview.in-doubt")}, {Value: allQuestions, Label: w.T("console.questions.all")},
			},
		}},
	}
	t := questionTable(c, all, callers)
	if after != (store.QuestionPlace{}) {
		t.Newer = c.same("next", "", "of", "")
	}
	if next != nil {
		t.Older = c.same("next", cursorText(store.HoldCursor{At: next.Next, ID: next.Transaction}), "of", string(next.Caller))
		t.Empty = w.T("console.questions.none-yet")
	}
	return s.render(c, page{
		Heading: w.T("console.questions.heading"), Lead: w.T("console.questions.lead"), Filter: &form,
		Blocks: []block{{Table: t, Wide: true, Note: w.T("console.questions.note")}},
	})
}

// readQuestionPlace reads a place in the pages of questions.
func readQuestionPlace(form holdfast.Params) (at store.QuestionPlace, err error) {
	place, err := readCursor(form.Get("next"))
	if err != nil || !place.Begun() {
		return at, err
	}
	return store.QuestionPlace{Next: place.At, Caller: party.CallerID(form.Get("of")), Transaction: place.ID}, nil
}

func questionTable(c *call, all []store.Question, callers map[party.CallerID]party.Caller) *table {
	w := c.words
	t := &table{Empty: w.T("console.questions.none"), Columns: []column{
		{Label: w.T("console.reference"), Shape: code},
		{Label: w.T("console.questions.question")},
		{Label: w.T("console.case.amount"), Shape: number},
		{Label: w.T("console.questions.since")},
		{Label: w.T("console.questions.asked"), Shape: number},
		{Label: w.T("console.questions.next")},
		{Label: w.T("console.find.state")},
	}}
	if c.route.In == ofServer {
		t.Columns = append(t.Columns, column{Label: w.T("console.find.caller")})
	}
	for _, q := range all {
		of := callers[q.Caller]
		since := q.Since.Add(-of.ClockOffset)
		name := linked(cmp.Or(string(q.Reference), string(q.Transaction)), caseAddress(q.Caller, string(q.Transaction)))
		row := tableRow{Tone: wait, Cells: []cell{
			name, text(w.T(questionWords[q.Step])), text(w.Dollars(q.Amount)),
			{Time: since, Detail: w.T("console.ago", "Span", span(w, c.real.Sub(since)))},
			text(w.Count(int64(q.Asked))), moment(q.Next), state(chip{w.T("console.overview.in-doubt"), wait}),
		}}
		if !q.InDoubt(c.real) {
			row.Tone, row.Cells[6] = quiet, state(chip{w.T("console.questions.later"), busy})
		}
		if c.route.In == ofServer {
			row.Cells = append(row.Cells, linked(cmp.Or(of.Name, string(q.Caller)), callerLink(q.Caller, "questions")))
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}
