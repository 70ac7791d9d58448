package console

import (
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/processor"
	"github.com/holdfast-pay/holdfast/internal/store"
	"github.com/holdfast-pay/holdfast/internal/webui"
)

func (s *Server) askResend(c *call) error {
	n, _, err := s.noticeOf(c)
	if err != nil {
		return err
	}
	w := c.words
	return s.confirm(c, http.StatusOK, confirmation{
		Heading: w.T("console.notices.again-heading"), Lead: w.T("console.notices.again-lead"),
		Up:   link{Label: w.T("console.notices.notification"), Address: c.noticeLink(n.Subject(), n.Seq, "")},
		Chip: noticeChip(w, n), Facts: noticeFacts(c, n), Form: webui.Form{Submit: w.T("console.notices.again")},
	})
}

// resend makes one notification due. A double click changes nothing more.
func (s *Server) resend(c *call) error {
	n, _, err := s.noticeOf(c)
	if err != nil {
		return err
	}
	_, err = s.Processor.SendAgain(c.r.Context(), c.caller.ID, processor.NoticeKey{Subject: n.Subject(), Seq: n.Seq})
	if err != nil && !errors.Is(err, processor.ErrNoNotification) { // it is under way at this moment
		return err
	}
	return c.did("console.done.notice-again", c.noticeLink(n.Subject(), n.Seq, ""))
}

func (s *Server) askResendList(c *call) error {
	f, err := readNoticeFilter(c, c.now())
	if err != nil {
		return err
	}
	w := c.words
	field := sinceField(w)
	field.Value = c.form.Get("since")
	facts := []fact{factOf(w.T("console.notices.list"), listWord(w, f.List))}
	if f.Receiver != "" {
		facts = append(facts, factOf(w.T("console.notices.receiver"), f.Receiver))
	}
	return s.confirm(c, http.StatusOK, confirmation{
		Heading: w.T("console.notices.again-all"), Lead: w.T("console.notices.again-lead"), Up: c.upToNotices(),
		Facts: facts, Note: w.T("console.notices.again-note"),
		Form: webui.Form{
			Action: c.link("notifications/again"), Submit: w.T("console.notices.again-all"),
			Hidden: given("list", string(f.List), "receiver", f.Receiver), Fields: []webui.Field{field},
		},
	})
}

func (s *Server) resendList(c *call) error {
	f, err := readNoticeFilter(c, c.now())
	if err != nil {
		return err
	}
	if _, err := s.Processor.SendListAgain(c.r.Context(), c.caller.ID, f.NotificationFilter); err != nil {
		return err
	}
	return c.did("console.done.notices-again",
		c.link("notifications", "list", string(store.ListWaiting), "receiver", f.Receiver))
}

// pickedNotices are the notifications that were selected. Each is of the caller or does
// not exist.
func (c *call) pickedNotices() (keys []processor.NoticeKey, err error) {
	ids, err := c.picked()
	for _, id := range ids {
		subject, number, _ := strings.Cut(id, "-")
		seq, wrong := strconv.Atoi(number)
		if wrong != nil || seq < 1 || subject == "" {
			return nil, errNotThere
		}
		keys = append(keys, processor.NoticeKey{Subject: subject, Seq: seq})
	}
	return keys, err
}

func (s *Server) askResendSome(c *call) error {
	keys, err := c.pickedNotices()
	if err != nil {
		return err
	}
	up := c.upToNotices()
	up.Address = c.link("notifications", c.noticeChoice()...)
	if len(keys) == 0 {
		return s.nonePicked(c, up)
	}
	w := c.words
	return s.confirm(c, http.StatusOK, confirmation{
		Heading: w.N("console.lists.again-notices", len(keys)), Lead: w.T("console.notices.again-lead"), Up: up,
		Facts: c.pickedFacts(w.T("console.notices.notification")), Note: w.T("console.notices.again-note"),
		Form: webui.Form{Submit: w.T("console.notices.again"), Hidden: append(c.picks(), given(c.noticeChoice()...)...)},
	})
}

// resendSome makes the selected notifications due. A double click changes nothing more.
func (s *Server) resendSome(c *call) error {
	keys, err := c.pickedNotices()
	if err != nil {
		return err
	}
	if len(keys) == 0 {
		return errNotThere
	}
	_, err = s.Processor.SendAgain(c.r.Context(), c.caller.ID, keys...)
	if errors.Is(err, processor.ErrNoNotification) {
		return errNotThere
	}
	if err != nil {
		return err
	}
	return c.did("console.done.notices-again", c.link("notifications", c.noticeChoice()...))
}
