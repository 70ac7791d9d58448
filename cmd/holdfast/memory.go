package main

import (
	"os"
	"runtime/debug"
)

const (
	garbagePercent = 800
	memoryMost     = 224 << 20 // bytes, after which it is collected more often
)

// useMemory lets a server collect garbage less often than Go's default: it
// keeps little memory and allocates much. GOGC and GOMEMLIMIT outrank this.
func useMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(memoryMost)
	}
}
