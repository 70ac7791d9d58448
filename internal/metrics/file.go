package metrics

import (
	"os"
	"path/filepath"
	"syscall"

	"github.com/prometheus/client_golang/prometheus"
)

// file is the path of an SQLite file, of which the size of the log and the free
// space on the disk are collected.
type file string

// File adds the metrics of an SQLite file.
func (s *Set) File(path string) { s.register(file(path)) }

var (
	sqliteLog = prometheus.NewDesc("holdfast_sqlite_log_bytes",
		"Size of the log of the SQLite file (FILE-wal). It grows while another program reads the file.", nil, nil)
	diskFree = prometheus.NewDesc("holdfast_disk_free_bytes", "Free space on the disk of the SQLite file.", nil, nil)
)

// Describe implements [prometheus.Collector].
func (file) Describe(to chan<- *prometheus.Desc) {
	to <- sqliteLog
	to <- diskFree
}

// Collect implements [prometheus.Collector]. It leaves out what the operating
// system does not tell.
func (f file) Collect(to chan<- prometheus.Metric) {
	if log, err := os.Stat(string(f) + "-wal"); err == nil {
		to <- prometheus.MustNewConstMetric(sqliteLog, prometheus.GaugeValue, float64(log.Size()))
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(filepath.Dir(string(f)), &disk); err == nil {
		free := float64(disk.Bavail) * float64(disk.Bsize)
		to <- prometheus.MustNewConstMetric(diskFree, prometheus.GaugeValue, free)
	}
}
