package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/payment"
)

// Headers of Standard Webhooks.
const (
	headerID        = "webhook-id"
	headerTimestamp = "webhook-timestamp"
	headerSignature = "webhook-signature"
)

var errSecret = errors.New("a secret of a webhook endpoint cannot be read")

// Sign adds the headers of Standard Webhooks to a request: the id of the event,
// the time of the request, and a signature of them and of the body by each of the
// secrets.
func Sign(header http.Header, id string, now time.Time, body []byte, secrets ...holdfast.SecretKey) error {
	at := strconv.FormatInt(now.Unix(), 10)
	var signatures []string
	for _, secret := range secrets {
		key, ok := payment.EndpointKey(secret)
		if !ok {
			return errSecret
		}
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", id, at, body)
		signatures = append(signatures, "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	}
	header.Set(headerID, id)
	header.Set(headerTimestamp, at)
	header.Set(headerSignature, strings.Join(signatures, " "))
	return nil
}
