package https

import (
	"context"
	"log/slog"
	"maps"
	"slices"

	"go.uber.org/zap/zapcore"
)

// A logCore passes certmagic's log entries to the program's own log. Its single
// steps are logged at debug level.
type logCore struct{ log *slog.Logger }

var _ zapcore.Core = logCore{}

func (c logCore) Enabled(l zapcore.Level) bool {
	return c.log.Enabled(context.Background(), slogLevel(l))
}

func (c logCore) With(fields []zapcore.Field) zapcore.Core {
	return logCore{c.log.With(slogArgs(fields)...)}
}

func (c logCore) Check(e zapcore.Entry, checked *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	if !c.Enabled(e.Level) {
		return checked
	}
	return checked.AddCore(e, c)
}

func (c logCore) Write(e zapcore.Entry, fields []zapcore.Field) error {
	c.log.Log(context.Background(), slogLevel(e.Level), e.Message, slogArgs(fields)...)
	return nil
}

func (c logCore) Sync() error { return nil }

func slogLevel(l zapcore.Level) slog.Level {
	switch {
	case l >= zapcore.ErrorLevel:
		return slog.LevelError
	case l == zapcore.WarnLevel:
		return slog.LevelWarn
	}
	return slog.LevelDebug
}

func slogArgs(fields []zapcore.Field) []any {
	values := zapcore.NewMapObjectEncoder()
	for _, f := range fields {
		f.AddTo(values)
	}
	var args []any
	for _, name := range slices.Sorted(maps.Keys(values.Fields)) {
		args = append(args, slog.Any(name, values.Fields[name]))
	}
	return args
}
