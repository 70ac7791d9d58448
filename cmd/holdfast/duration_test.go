package main

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"7d": 168 * time.Hour, "1d12h": 36 * time.Hour, "0d": 0, "-1d": -24 * time.Hour, "-1d12h": -36 * time.Hour,
		"+2d": 48 * time.Hour, "1d1ms": 24*time.Hour + time.Millisecond, "90m": 90 * time.Minute, "-1h": -time.Hour,
		"0": 0, "1.5h": 90 * time.Minute,
		"106751d23h47m16.854775807s": math.MaxInt64,
	} {
		if got, err := parseDuration(text); err != nil || got != want {
			t.Errorf("%q is %v, %v, want %v", text, got, err, want)
		}
		if again, err := parseDuration(inDays(want)); err != nil || again != want {
			t.Errorf("%v is written %q and read %v, %v", want, inDays(want), again, err)
		}
	}
	for _, text := range []string{
		"", "d", "-d", "1.5d", "1d-12h", "1d+12h", "1d 12h", "12h1d", "1d1d", "1day", "--1d", "-+1d", "7", "1e3d",
		"106751d23h47m16.854775808s", "106752d", "4294967296d", "99999999999999999999d", "１d",
	} {
		if got, err := parseDuration(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestFlagsKnowDays(t *testing.T) {
	c, err := parsedWith(t, "tx", "list", "--since=1d")
	if err != nil || c.Tx.List.Since == nil || *c.Tx.List.Since != 24*time.Hour {
		t.Errorf("--since 1d is %v, %v", c.Tx.List.Since, err)
	}
	c, err = parsedWith(t, "serve")
	if err != nil || c.Serve.RefundWindow != 90*24*time.Hour {
		t.Errorf("the window for refunds is %v, %v", c.Serve.RefundWindow, err)
	}
	c, err = parsedWith(t, "serve", "--config", configWith(t, "refund-window = 30d"))
	if err != nil || c.Serve.RefundWindow != 30*24*time.Hour {
		t.Errorf("the file's window for refunds is %v, %v", c.Serve.RefundWindow, err)
	}
	c, err = parsedWith(t, "clock", "advance", "7d")
	if err != nil || c.Clock.Advance.By != 7*24*time.Hour {
		t.Errorf("the clock advances %v, %v", c.Clock.Advance.By, err)
	}
	var said bytes.Buffer
	code := run(t.Context(), []string{"clock", "advance", "soon"}, world{Out: &said, Err: &said, Now: time.Now})
	want := "\"soon\" is not a duration; give one such as 7d"
	if code != exitMisused || !strings.Contains(said.String(), want) {
		t.Errorf("advancing soon: exit code %d, %q", code, &said)
	}
}
