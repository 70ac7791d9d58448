package queryapi_test

import (
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/holdfasttest"
	"github.com/holdfast-pay/holdfast/internal/queryapi"
)

// A ceiling answers as if it had reserved, verifies signatures like a server,
// and keeps nothing.
func TestCeiling(t *testing.T) {
	db := holdfasttest.Open(t, holdfasttest.Addresses(t)["SQLite"](t))
	w := holdfasttest.NewWorld(t, db)
	server := httptest.NewServer((&queryapi.Ceiling{Store: db.Reader, Now: w.Clock.Now}).Handler())
	defer server.Close()
	client := &holdfast.Client{
		Endpoint: server.URL + "/", AccessKeyID: w.Key.ID, SecretKey: w.Key.Secret, Now: w.Clock.Now, RetriesMax: -1,
	}
	asked := holdfast.ReserveRequest{SenderTokenID: "T", CallerReference: "r", TransactionAmount: holdfasttest.USD("1")}
	for range 2 {
		held, err := client.Reserve(t.Context(), asked)
		if err != nil || held.Status != holdfast.StatusReserved || len(held.TransactionID) != 35 {
			t.Errorf("answers %+v (%v)", held, err)
		}
	}
	_, err := client.Clock(t.Context())
	if err == nil {
		t.Error("answers something else than Reserve")
	}
	client.SecretKey = holdfast.NewSecretKey("another")
	_, err = client.Reserve(t.Context(), asked)
	if refused, ok := errors.AsType[*holdfast.Error](err); !ok || refused.Code != holdfast.InvalidSignature {
		t.Errorf("a wrong signature gets %v", err)
	}
	client.AccessKeyID = "nobody"
	_, err = client.Reserve(t.Context(), asked)
	if refused, ok := errors.AsType[*holdfast.Error](err); !ok || refused.Code != holdfast.InvalidClientTokenID {
		t.Errorf("nobody's key gets %v", err)
	}
	report, err := db.CheckBooks(t.Context())
	if err != nil || report.Transactions != 0 {
		t.Errorf("%d transactions are kept (%v)", report.Transactions, err)
	}
}
