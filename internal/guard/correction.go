package guard

// edits is how far a mistyped address is from the right one, in letters
// added, left out or replaced. Two letters swapped are two.
const edits = 2

// corrects reports whether two addresses are so near that one is likely the
// other, mistyped (their Levenshtein distance is at most edits).
func corrects(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > edits || a == "" {
		return false
	}
	// Only the cells within edits of the diagonal can hold so small a distance.
	const width = 2*edits + 1
	var row [width]int // row[k] is the distance of a[:i] to b[:i+k-edits]
	for k := range row {
		row[k] = edits + 1
		if k >= edits {
			row[k] = k - edits
		}
	}
	for i := 1; i <= len(a); i++ {
		var next [width]int
		for k := range next {
			j := i + k - edits
			if j < 0 || j > len(b) {
				next[k] = edits + 1
				continue
			}
			d := edits + 1
			if j > 0 {
				d = row[k]
				if a[i-1] != b[j-1] {
					d++
				}
			}
			if k+1 < width {
				d = min(d, row[k+1]+1)
			}
			if k > 0 {
				d = min(d, next[k-1]+1)
			}
			next[k] = d
		}
		row = next
	}
	return row[len(b)-len(a)+edits] <= edits
}
