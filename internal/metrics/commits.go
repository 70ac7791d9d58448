package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/holdfast-pay/holdfast/internal/engine"
)

// commits has the metrics of the queue in front of the database and of the
// commits.
type commits struct {
	waits     [2]prometheus.Observer // by queue
	refused   prometheus.Counter
	tries     *prometheus.CounterVec
	actions   [2]prometheus.Counter // by queue
	rounds    prometheus.Counter
	again     prometheus.Counter
	alone     prometheus.Counter
	groupSize prometheus.Histogram
	took      prometheus.Histogram
	commit    prometheus.Histogram
	copying   prometheus.Histogram
}

// The queues, as values of the label queue.
const (
	foreground = iota
	background
)

var queues = [...]string{foreground: "foreground", background: "background"}

// Results of tries to commit, the values of the label result.
const (
	committed = "committed"
	conflict  = "conflict"
	failed    = "failed"
)

func (s *Set) newCommits() *commits {
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		s.register(c)
		return c
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets})
		s.register(h)
		return h
	}
	waits := prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "holdfast_commit_queue_wait_seconds", Help: "Time that an action waited for a place in a commit.",
		Buckets: durations,
	}, []string{"queue"})
	actions := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "holdfast_commit_actions_total", Help: "Actions that were committed, or refused in a commit.",
	}, []string{"queue"})
	tries := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "holdfast_commits_total",
		Help: "Tries to commit a group of actions. After a conflict with another transaction the group runs again.",
	}, []string{"result"})
	s.register(waits, actions, tries)
	c := &commits{
		refused: counter("holdfast_commit_queue_full_total", "Actions that were refused because the queue was full."),
		tries:   tries,
		rounds:  counter("holdfast_commit_rounds_total", "Rounds in which the actions of a group ran."),
		again: counter("holdfast_commit_reruns_total",
			"Actions that ran again in a later round, because an earlier action of the group changes a row that they use."),
		alone: counter("holdfast_commit_alone_total", "Actions that ran by themselves inside their group's commit."),
		groupSize: histogram("holdfast_commit_group_size", "Actions in a commit.",
			[]float64{1, 2, 4, 8, 16, 32, 64, 128, 256}),
		took: histogram("holdfast_commit_group_duration_seconds",
			"Time of a group, from its first statement to the end of its commit.", durations),
		commit: histogram("holdfast_commit_duration_seconds",
			"Time of a group's last statements and its commit, until the database says that it is durable.", durations),
		copying: histogram("holdfast_sqlite_checkpoint_duration_seconds",
			"Time in which SQLite's log was copied into the file, while commits went on.", durations),
	}
	for i, queue := range queues {
		c.waits[i], c.actions[i] = waits.WithLabelValues(queue), actions.WithLabelValues(queue)
	}
	for _, result := range []string{committed, conflict, failed} {
		tries.WithLabelValues(result)
	}
	return c
}

// Engine returns the functions by which an engine reports what it does.
func (s *Set) Engine() engine.Stats {
	return engine.Stats{
		Now: s.now, Waited: s.commits.waited, Refused: s.commits.refused.Inc, Tried: s.commits.tried,
		Checkpointed: func(_ int, took time.Duration) { s.commits.copying.Observe(took.Seconds()) },
	}
}

// Queues adds the lengths of an engine's queues.
func (s *Set) Queues(waiting func() (foreground, background int)) {
	s.register(queueLengths(waiting))
}

// queueLengths collects the lengths of the queues.
type queueLengths func() (foreground, background int)

var queueLength = prometheus.NewDesc("holdfast_commit_queue_length", "Actions that wait for a place in a commit.",
	[]string{"queue"}, nil)

// Describe implements [prometheus.Collector].
func (queueLengths) Describe(to chan<- *prometheus.Desc) { to <- queueLength }

// Collect implements [prometheus.Collector].
func (waiting queueLengths) Collect(to chan<- prometheus.Metric) {
	inFront, behind := waiting()
	to <- gauge(queueLength, inFront, queues[foreground])
	to <- gauge(queueLength, behind, queues[background])
}

func (c *commits) waited(inBackground bool, wait time.Duration) {
	queue := foreground
	if inBackground {
		queue = background
	}
	c.waits[queue].Observe(wait.Seconds())
}

func (c *commits) tried(t engine.Try) {
	c.rounds.Add(float64(t.Rounds))
	c.again.Add(float64(t.Again))
	c.alone.Add(float64(t.Alone))
	switch {
	case t.Conflict:
		c.tries.WithLabelValues(conflict).Inc()
		return
	case !t.Committed:
		c.tries.WithLabelValues(failed).Inc()
		return
	}
	c.tries.WithLabelValues(committed).Inc()
	c.actions[background].Add(float64(t.Background))
	c.actions[foreground].Add(float64(t.Works - t.Background))
	c.groupSize.Observe(float64(t.Works))
	c.took.Observe(t.Took.Seconds())
	if t.Commit > 0 { // not if the only action of the group was refused
		c.commit.Observe(t.Commit.Seconds())
	}
}
