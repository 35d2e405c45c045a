package guard

// edits is how far a mistyped address is from the right one, in letters
// added, left out, replaced or swapped.
const edits = 2

// band is what can hold so small a distance of the cells of a row.
const band = 2*edits + 1

// distances are how far a[:i] is from b[:i+k-edits], for each k.
type distances [band]int

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
		row[k] = edits + 1
		if k >= edits {
			row[k] = k - edits
		}
	}
	for i := 1; i <= len(a); i++ {
		before, row = row, next(before, row, a, b, i)
	}
	return row[len(b)-len(a)+edits] <= edits
}

// next returns the distances of a[:i] from those of the two rows before.
func next(before, row distances, a, b string, i int) distances {
	var d distances
	for k := range d {
		d[k] = edits + 1
		j := i + k - edits
		if j < 0 || j > len(b) {
			continue
		}
		if k+1 < band {
			d[k] = min(d[k], row[k+1]+1)
		}
		if j == 0 {
			continue
		}
		if a[i-1] == b[j-1] {
			d[k] = min(d[k], row[k])
		} else {
			d[k] = min(d[k], row[k]+1)
		}
		if k > 0 {
			d[k] = min(d[k], d[k-1]+1)
		}
		if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
			d[k] = min(d[k], before[k]+1)
		}
	}
	return d
}
