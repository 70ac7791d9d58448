package main

import (
	"os"
	"runtime/debug"
)

const (
	garbagePercent = 400
	memoryMost     = 208 << 20 // bytes, after which it is collected more often
)

// useMemory lets a server collect its garbage less often than Go does by itself:
// what it keeps is small, what it throws away is much. GOGC and GOMEMLIMIT have the
// last word.
func useMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryMost)
	}
}
