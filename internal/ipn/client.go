package ipn

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/holdfast-pay/holdfast/internal/egress"
)

// formContentType names the character set. Java servlets assume ISO 8859-1 if
// none is named.
const formContentType = "application/x-www-form-urlencoded; charset=UTF-8"

const answerBytesMax = 64 << 10 // read of a receiver's answer, which says nothing that matters

// post sends one notification. It returns the result in words for the caller's
// developers, and whether the notification arrived. The words never contain the
// address, whose query may be secret, and nothing of the answer except its
// status.
func post(ctx context.Context, client *http.Client, address, id, body string) (result string, arrived bool) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(body))
	if err != nil {
		return "the address cannot be read", false
	}
	req.Header.Set("Content-Type", formContentType)
	req.Header.Set("User-Agent", "Holdfast-IPN")
	req.Header.Set("Holdfast-Delivery", id)
	answer, err := client.Do(req)
	if err != nil {
		return egress.Failure(err, client.Timeout), false
	}
	defer answer.Body.Close()
	// Reading the answer allows the connection to be reused. If reading fails, the
	// notification has arrived all the same.
	_, _ = io.CopyN(io.Discard, answer.Body, answerBytesMax)
	status := strings.TrimSpace(fmt.Sprintf("%d %s", answer.StatusCode, http.StatusText(answer.StatusCode)))
	switch answer.StatusCode / 100 {
	case 2:
		return status, true
	case 3:
		return status + ": redirects are not followed", false
	}
	return status, false
}
