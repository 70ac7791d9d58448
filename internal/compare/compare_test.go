package compare_test

import (
	"testing"
	"time"

	"github.com/holdfast-pay/holdfast/internal/compare"
)

type pair struct {
	Name  string
	Value any
}

func TestDiff(t *testing.T) {
	noon := time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		want, got any
		diff      string
	}{
		{"a", "a", ""},
		{[]int{1}, []int{1}, ""},
		{nil, nil, ""},
		{noon, noon.In(time.FixedZone("east", 3600)), ""},
		{noon, noon.Add(time.Second), "-time.Time: 2026-11-30T12:00:00Z\n+time.Time: 2026-11-30T12:00:01Z\n"},
		{"a\nb\nc", "a\nB\nc", "-string: \"b\"\n+string: \"B\"\n"},
		{"a", "a\n", "+string: \"\"\n"},
		{[]int{1, 2}, []int{1, 3}, "-[]int[1]: 2\n+[]int[1]: 3\n"},
		{[]int{1}, []int{}, "-[]int: 1 elements\n-[]int[0]: 1\n+[]int: 0 elements\n"},
		{[]int(nil), []int{}, "-[]int: nil\n+[]int: 0 elements\n"},
		{[2]bool{}, [2]bool{false, true}, "-[2]bool[1]: false\n+[2]bool[1]: true\n"},
		{&pair{"a", 1}, &pair{"b", 1}, "-*compare_test.pair.Name: \"a\"\n+*compare_test.pair.Name: \"b\"\n"},
		{pair{"a", 1}, pair{"a", uint(1)}, "-compare_test.pair.Value.int: 1\n+compare_test.pair.Value.uint: 1\n"},
		{pair{"a", nil}, pair{"a", 1}, "-compare_test.pair.Value: nil\n+compare_test.pair.Value.int: 1\n"},
		{map[string]int{"a": 1, "b": 2}, map[string]int{"b": 3, "a": 1}, "-map[string]int[b]: 2\n+map[string]int[b]: 3\n"},
		{1, "1", "-int: 1\n+string: \"1\"\n"},
		{nil, 1, "-nil: nil\n+int: 1\n"},
	} {
		if diff := compare.Diff(tt.want, tt.got); diff != tt.diff {
			t.Errorf("%#v and %#v differ by\n%swant\n%s", tt.want, tt.got, diff, tt.diff)
		}
	}
}

func TestDiffRefusesFunctions(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("functions are compared")
		}
	}()
	compare.Diff(func() {}, func() {})
}
