package cardtest_test

import (
	"testing"

	"github.com/holdfast-pay/holdfast/internal/card/cardtest"
)

// networks are the networks that this program knows.
var networks = map[string]cardtest.Maker{"sandbox": cardtest.Sandbox, "Stripe": cardtest.Stripe}

func each(t *testing.T, number string) {
	t.Helper()
	for name, maker := range networks {
		t.Run(name, func(t *testing.T) { cardtest.Run(t, number, maker) })
	}
}

func TestN1AHoldIsApproved(t *testing.T)          { each(t, "N1") }
func TestN2AnIssuerDeclines(t *testing.T)         { each(t, "N2") }
func TestN3AQuestionIsLost(t *testing.T)          { each(t, "N3") }
func TestN4AnAnswerIsLost(t *testing.T)           { each(t, "N4") }
func TestN5TheNetworkForgetsItsKeys(t *testing.T) { each(t, "N5") }
func TestN6TheApprovalComesTooLate(t *testing.T)  { each(t, "N6") }
func TestN7Captures(t *testing.T)                 { each(t, "N7") }
func TestN9TheHoldLapsedBeforeIt(t *testing.T)    { each(t, "N9") }
func TestN13Refunds(t *testing.T)                 { each(t, "N13") }
func TestN14ARefundIsLostForADay(t *testing.T)    { each(t, "N14") }
func TestN18TheNetworksCodeBreaks(t *testing.T)   { each(t, "N18") }
func TestN19TwoServersAskAtOnce(t *testing.T)     { each(t, "N19") }
