package bench

import (
	"context"
	"fmt"
	"os"
	"strings"
)

// A PostgresUsage has the resources that PostgreSQL has used, by its own
// counters and those of the system.
type PostgresUsage struct {
	WALkB float64 `json:"walkB"` // write-ahead log, in 1000 bytes
	// CPUSeconds is the processor time of PostgreSQL's processes; zero if they are
	// on another machine.
	CPUSeconds float64 `json:"cpuSeconds"`
	// These are for each successful answer.
	AnswerWALkB  float64 `json:"answerWALkB"`
	AnswerMicros float64 `json:"answerMicros"`
}

// A postgresCount is the state of the counters at one moment.
type postgresCount struct {
	wal int64           // bytes since the database was made
	cpu map[int]float64 // seconds by process
}

// count reads the counters. Only PostgreSQL has any.
func (d database) count(ctx context.Context) (n postgresCount, err error) {
	if !d.postgres {
		return n, nil
	}
	err = d.QueryRowContext(ctx, `SELECT CAST(pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') AS BIGINT)`).Scan(&n.wal)
	if err != nil {
		return n, fmt.Errorf("reading PostgreSQL's counters: %w", err)
	}
	rows, err := d.QueryContext(ctx, `SELECT pid FROM pg_stat_activity`)
	if err != nil {
		return n, fmt.Errorf("listing PostgreSQL's processes: %w", err)
	}
	defer rows.Close()
	n.cpu = map[int]float64{}
	for rows.Next() {
		var pid int
		if err := rows.Scan(&pid); err != nil {
			return n, fmt.Errorf("listing PostgreSQL's processes: %w", err)
		}
		// A process may have ended, or be one of another machine.
		name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
		if err != nil || !strings.HasPrefix(string(name), "postgres") {
			continue
		}
		if used, err := ProcessUsage(pid); err == nil {
			n.cpu[pid] = used.CPUSeconds
		}
	}
	return n, rows.Err()
}

// between is the usage from before to n, in which answers were answered.
func (n postgresCount) between(before postgresCount, answers int64) *PostgresUsage {
	if n.cpu == nil {
		return nil
	}
	wal, cpu := float64(n.wal-before.wal)/1000, float64(0)
	for pid, seconds := range n.cpu {
		cpu += seconds - before.cpu[pid]
	}
	u := &PostgresUsage{WALkB: round(wal, 1), CPUSeconds: round(cpu, 3)}
	if answers > 0 {
		u.AnswerWALkB, u.AnswerMicros = round(wal/float64(answers), 2), round(cpu*1e6/float64(answers), 1)
	}
	return u
}
