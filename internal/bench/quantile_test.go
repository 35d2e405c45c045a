package bench

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestQuantilesAreMeasuredValues(t *testing.T) {
	t.Parallel()
	ms := func(values ...int) []time.Duration {
		var list []time.Duration
		for _, v := range values {
			list = append(list, time.Duration(v)*time.Millisecond)
		}
		return list
	}
	hundred := make([]int, 100)
	for i := range hundred {
		hundred[i] = 100 - i // any order will do
	}
	cases := []struct {
		name string
		in   []time.Duration
		want Quantiles
	}{
		{"none", nil, Quantiles{}},
		{"one", ms(7), Quantiles{7, 7, 7, 7}},
		{"two", ms(9, 1), Quantiles{1, 9, 9, 9}},
		{"three", ms(3, 1, 2), Quantiles{2, 3, 3, 3}},
		{"a hundred", ms(hundred...), Quantiles{50, 95, 99, 100}},
	}
	for _, c := range cases {
		if got := quantilesOf(c.in); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// The rank is the smallest measured value that covers the share asked for.
func TestRankCoversItsShare(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Int64Range(0, 50), 1, 200).Draw(t, "values")
		q := rapid.SampledFrom([]float64{0.5, 0.95, 0.99, 1}).Draw(t, "q")
		list := make([]time.Duration, len(values))
		for i, v := range values {
			list[i] = time.Duration(v)
		}
		quantilesOf(list) // sorts
		got := rank(list, q)
		covered, smaller := 0, 0
		for _, v := range list {
			if v <= got {
				covered++
			}
			if v < got {
				smaller++
			}
		}
		if n := q * float64(len(list)); float64(covered) < n || float64(smaller) >= n {
			t.Fatalf("rank(%v, %g) = %d covers %d of %d, values below it cover %d", list, q, got, covered, len(list), smaller)
		}
	})
}
