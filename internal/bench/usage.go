package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Usage has the resources that a process has used.
type Usage struct {
	CPUSeconds float64 `json:"cpuSeconds"`
	PeakMB     float64 `json:"peakMB,omitempty"` // largest resident memory since the process began, in 1024² bytes
	NowMB      float64 `json:"nowMB,omitempty"`  // resident memory at the end
	// AnswerMicros is the processor time for each successful answer, in
	// microseconds.
	AnswerMicros float64 `json:"answerMicros,omitempty"`
}

// between is the usage from before to u, in which answers were answered.
func (u Usage) between(before Usage, answers int64) Usage {
	used := u.CPUSeconds - before.CPUSeconds
	u.CPUSeconds = round(used, 3)
	if answers > 0 {
		u.AnswerMicros = round(used*1e6/float64(answers), 1)
	}
	return u
}

// OwnUsage is the usage of this process.
func OwnUsage() (Usage, error) {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return Usage{}, fmt.Errorf("reading the usage of this process: %w", err)
	}
	return Usage{CPUSeconds: (time.Duration(r.Utime.Nano()) + time.Duration(r.Stime.Nano())).Seconds()}, nil
}

// ticksPerSecond is the kernel's unit of time in /proc, on every platform that
// Go supports.
const ticksPerSecond = 100

// ProcessUsage is the usage of another process, from Linux's /proc.
func ProcessUsage(pid int) (u Usage, err error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return u, err
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return u, err
	}
	return parseUsage(string(stat), string(status))
}

// parseUsage reads proc_pid_stat(5) and proc_pid_status(5). The second field of
// the former may contain blanks.
func parseUsage(stat, status string) (u Usage, err error) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:]) // from the third field on
	const userTime, systemTime = 14 - 3, 15 - 3
	if len(fields) <= systemTime {
		return u, fmt.Errorf("/proc has %d fields of a process, too few", len(fields))
	}
	for _, ticks := range []string{fields[userTime], fields[systemTime]} {
		n, err := strconv.ParseInt(ticks, 10, 64)
		if err != nil {
			return u, fmt.Errorf("reading the times in /proc: %w", err)
		}
		u.CPUSeconds += float64(n) / ticksPerSecond
	}
	u.PeakMB, u.NowMB = megabytes(status, "VmHWM:"), megabytes(status, "VmRSS:")
	return u, nil
}

// megabytes reads a line such as "VmRSS:	  12345 kB".
func megabytes(status, name string) float64 {
	_, rest, _ := strings.Cut(status, name)
	value, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	kilobytes, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return 0
	}
	return round(float64(kilobytes)/1024, 1)
}
