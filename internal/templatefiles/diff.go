package templatefiles

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const (
	// context is how many lines around a change a diff shows.
	context = 3
	// maxEdits bounds the search for the shortest diff, which takes memory of
	// its square. Texts that differ more are shown as replaced.
	maxEdits = 1500
)

// edit is a line of a diff: ' ' is in both texts, '-' and '+' in one.
type edit struct {
	mark byte
	line string
}

// unified returns the unified diff of two texts, "" when they are alike.
func unified(wasName, isName, was, is string) string {
	edits := compareLines(slices.Collect(strings.Lines(was)), slices.Collect(strings.Lines(is)))
	var b strings.Builder
	line := [2]int{1, 1} // of the next edit, in both texts
	for start := 0; start < len(edits); {
		first := start + slices.IndexFunc(edits[start:], edit.changes)
		if first < start {
			break
		}
		from := max(start, first-context)
		to := endOfHunk(edits, first)
		line = advance(line, edits[start:from])
		after := advance(line, edits[from:to])
		if b.Len() == 0 {
			fmt.Fprintf(&b, "diff %s %s\n--- %s\n+++ %s\n", wasName, isName, wasName, isName)
		}
		fmt.Fprintf(&b, "@@ -%s +%s @@\n", span(line[0], after[0]), span(line[1], after[1]))
		for _, e := range edits[from:to] {
			b.WriteByte(e.mark)
			b.WriteString(strings.TrimSuffix(e.line, "\n") + "\n")
		}
		start, line = to, after
	}
	return b.String()
}

func (e edit) changes() bool { return e.mark != ' ' }

// endOfHunk returns where a hunk ends whose first change is given: after the
// last change that is near to another, and some lines more.
func endOfHunk(edits []edit, first int) int {
	last := first
	for i := first; i < len(edits) && i <= last+2*context+1; i++ {
		if edits[i].changes() {
			last = i
		}
	}
	return min(len(edits), last+context+1)
}

// advance counts lines in both texts.
func advance(line [2]int, edits []edit) [2]int {
	for _, e := range edits {
		if e.mark != '+' {
			line[0]++
		}
		if e.mark != '-' {
			line[1]++
		}
	}
	return line
}

// span writes the lines of a hunk in one text.
func span(from, to int) string {
	switch to - from {
	case 0:
		return fmt.Sprintf("%d,0", from-1) // after this line
	case 1:
		return strconv.Itoa(from)
	}
	return fmt.Sprintf("%d,%d", from, to-from)
}

// compareLines returns the edits that lead from one text to another.
func compareLines(was, is []string) []edit {
	head := 0
	for head < min(len(was), len(is)) && was[head] == is[head] {
		head++
	}
	tail := 0
	for tail < min(len(was), len(is))-head && was[len(was)-1-tail] == is[len(is)-1-tail] {
		tail++
	}
	var edits []edit
	for _, line := range was[:head] {
		edits = append(edits, edit{' ', line})
	}
	middle := shortest
	if head+tail == min(len(was), len(is)) {
		middle = replaced // lines in one text only: nothing to search for
	}
	edits = append(edits, middle(was[head:len(was)-tail], is[head:len(is)-tail])...)
	for _, line := range was[len(was)-tail:] {
		edits = append(edits, edit{' ', line})
	}
	removalsFirst(edits)
	return edits
}

// shortest is Myers' greedy algorithm (An O(ND) Difference Algorithm and Its
// Variations, 1986): reach[k] is how far into was one comes on diagonal k, the
// difference of both positions, with d edits.
func shortest(was, is []string) []edit {
	n, m := len(was), len(is)
	most := min(n+m, maxEdits)
	reach := make([]int, 2*most+2)
	var steps [][]int // reach before each d, from diagonal -d to d
	for d := 0; d <= most; d++ {
		steps = append(steps, slices.Clone(reach[most-d:most+d+1]))
		for k := -d; k <= d; k += 2 {
			x := 0
			switch {
			case d == 0:
			case k == -d || k != d && reach[most+k-1] < reach[most+k+1]:
				x = reach[most+k+1]
			default:
				x = reach[most+k-1] + 1
			}
			for x < n && x-k < m && was[x] == is[x-k] {
				x++
			}
			reach[most+k] = x
			if x >= n && x-k >= m {
				return backtrack(was, is, steps)
			}
		}
	}
	return replaced(was, is)
}

// replaced are the edits that put one text in the place of another.
func replaced(was, is []string) []edit {
	edits := make([]edit, 0, len(was)+len(is))
	for _, line := range was {
		edits = append(edits, edit{'-', line})
	}
	for _, line := range is {
		edits = append(edits, edit{'+', line})
	}
	return edits
}

// backtrack follows the way that shortest took from its end.
func backtrack(was, is []string, steps [][]int) []edit {
	var edits []edit
	x, y := len(was), len(is)
	for d, reach := range slices.Backward(steps) {
		reached := func(k int) int { return reach[k+d] }
		k := x - y
		fromX, fromY := 0, 0
		if d > 0 {
			if k == -d || k != d && reached(k-1) < reached(k+1) {
				fromX = reached(k + 1)
				fromY = fromX - k - 1
			} else {
				fromX = reached(k - 1)
				fromY = fromX - k + 1
			}
		}
		for x > fromX && y > fromY {
			x, y = x-1, y-1
			edits = append(edits, edit{' ', was[x]})
		}
		if d > 0 && x > fromX {
			x--
			edits = append(edits, edit{'-', was[x]})
		} else if d > 0 {
			y--
			edits = append(edits, edit{'+', is[y]})
		}
	}
	slices.Reverse(edits)
	return edits
}

// removalsFirst orders neighbouring removals and additions as people read
// them.
func removalsFirst(edits []edit) {
	for start := 0; start < len(edits); {
		end := start
		for end < len(edits) && edits[end].changes() {
			end++
		}
		slices.SortStableFunc(edits[start:end], func(a, b edit) int { return int(b.mark) - int(a.mark) })
		start = end + 1
	}
}
