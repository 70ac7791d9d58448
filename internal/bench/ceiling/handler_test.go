package main

import (
	"errors"
	"net/http/httptest"
	"testing"

	"github.com/holdfast-pay/holdfast"
	"github.com/holdfast-pay/holdfast/internal/bench"
	"github.com/holdfast-pay/holdfast/money"
)

// The ceiling answers the SDK's requests as a server does, and verifies them.
func TestAnswers(t *testing.T) {
	server := httptest.NewServer(&handler{now: now})
	defer server.Close()
	client := &holdfast.Client{
		Endpoint: server.URL + "/", AccessKeyID: "HFPRETEND", SecretKey: holdfast.NewSecretKey(bench.PretendSecret),
		RetriesMax: -1,
	}
	asked := holdfast.ReserveRequest{SenderTokenID: "T", CallerReference: "r", TransactionAmount: money.Cents(1_00)}
	held, err := client.Reserve(t.Context(), asked)
	if err != nil || held.Status != holdfast.StatusReserved || len(held.TransactionID) != 35 {
		t.Errorf("answers %+v (%v)", held, err)
	}
	refused := func(want holdfast.Code, err error) {
		t.Helper()
		if got, ok := errors.AsType[*holdfast.Error](err); !ok || got.Code != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	_, err = client.Settle(t.Context(), holdfast.SettleRequest{ReserveTransactionID: "T"})
	refused(holdfast.InvalidRequest, err)
	client.SecretKey = holdfast.NewSecretKey("another")
	_, err = client.Reserve(t.Context(), asked)
	refused(holdfast.InvalidSignature, err)
}
