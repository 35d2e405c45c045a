package guard

// edits is how far a mistyped address is from the right one, in letters
// added, left out, replaced or swapped.
const edits = 2

// distances are how far a[:i] is from b[:i+k-edits-1], for each k between the
// first and the last, which are out of bounds. Only these cells of a row can
// hold so small a distance.
type distances [2*edits + 3]int

// far is any distance that is too long.
const far = edits + 1

// corrects reports whether two addresses are so near that one is likely the
// other, mistyped: their distance, as optimal string alignment counts it, is
// at most edits.
func corrects(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > edits || a == "" {
		return false
	}
	var before, row distances
	for k := range row {
		row[k] = far
		if j := k - edits - 1; j >= 0 {
			row[k] = j
		}
	}
	for i := 1; i <= len(a); i++ {
		before, row = row, next(before, row, a, b, i)
	}
	return row[len(b)-len(a)+edits+1] <= edits
}

// next returns the distances of a[:i] from those of the two rows before.
func next(before, row distances, a, b string, i int) distances {
	d := distances{0: far, len(row) - 1: far}
	for k := 1; k < len(d)-1; k++ {
		j := i + k - edits - 1
		if j < 0 || j > len(b) {
			d[k] = far
			continue
		}
		d[k] = min(row[k+1], d[k-1]) + 1 // left out, added
		if j == 0 {
			continue
		}
		if a[i-1] == b[j-1] {
			d[k] = min(d[k], row[k])
		} else {
			d[k] = min(d[k], row[k]+1)
		}
		if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
			d[k] = min(d[k], before[k]+1)
		}
	}
	return d
}
