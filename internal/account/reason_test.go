package account_test

import (
	"html/template"
	"testing"

	"github.com/holdfast-pay/holdfast/internal/account"
)

func TestReason(t *testing.T) {
	for reason, want := range map[string]template.HTML{
		"Two mugs":                         "Two mugs",
		"a < b & c > d":                    "a &lt; b &amp; c &gt; d",
		"<b>bold</b>":                      "<b>bold</b>",
		"<B>bold</B>":                      "<b>bold</b>",
		"<b>never closed":                  "<b>never closed</b>",
		"<ul><li>one<li>two":               "<ul><li>one<li>two</li></li></ul>",
		"one<br>two<br/>three<br />":       "one<br>two<br>three<br>",
		"<b><i>crossed</b></i>":            "<b><i>crossed</i></b>",
		"</ul></b>closed":                  "closed",
		"<b onclick=\"x()\">x</b>":         "&lt;b onclick=&#34;x()&#34;&gt;x",
		"<script>x</script>":               "&lt;script&gt;x&lt;/script&gt;",
		"<strong>s</strong><strike>t<em>u": "<strong>s</strong><strike>t<em>u</em></strike>",
		"<":                                "&lt;",
		"<<b>x":                            "&lt;<b>x</b>",
		"<b<i>x":                           "&lt;b<i>x</i>",
		"<a href=javascript:x>y</a>":       "&lt;a href=javascript:x&gt;y&lt;/a&gt;",
		"&lt;b&gt;":                        "&amp;lt;b&amp;gt;",
	} {
		if got := account.Reason(reason); got != want {
			t.Errorf("%s is shown as %s, want %s", reason, got, want)
		}
	}
}
