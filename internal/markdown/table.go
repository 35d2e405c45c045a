package markdown

import "strings"

const (
	columnGap = 2
	// minColumn is the least width of a column.
	minColumn = 6
	// maxColumns is how many columns are still read well when they are made
	// narrower.
	maxColumns = 3
)

// row takes a row of a table (section 4.10), the delimiter row but for its
// presence.
func (r *renderer) row(line string) {
	line = strings.TrimSuffix(strings.TrimPrefix(line, "|"), "|")
	if strings.Trim(line, "|:- ") == "" && strings.Contains(line, "-") {
		return
	}
	const pipe = "\x00" // stands for one that ends no cell
	var cells []string
	for cell := range strings.SplitSeq(strings.ReplaceAll(line, `\|`, pipe), "|") {
		cells = append(cells, strings.ReplaceAll(strings.TrimSpace(cell), pipe, "|"))
	}
	r.table = append(r.table, cells)
}

// writeTable writes the table that waits. Its first row is its head.
func (r *renderer) writeTable() {
	cells := make([][][]string, len(r.table))
	for i, row := range r.table {
		for _, cell := range row {
			words := r.inline(cell)
			if i == 0 {
				words = strings.Fields(marked(r.Title, cell))
			}
			cells[i] = append(cells[i], words)
		}
	}
	widths, fits := columnWidths(cells, r.Width-len(r.rest))
	if !fits {
		r.writeRecords(cells)
		return
	}
	for i, row := range cells {
		r.writeRow(row, widths)
		if i == 0 {
			var rules [][]string
			for _, width := range widths {
				rules = append(rules, []string{strings.Repeat("-", width)})
			}
			r.writeRow(rules, widths)
		}
	}
}

// writeRow writes a row over as many lines as its highest cell has.
func (r *renderer) writeRow(row [][]string, widths []int) {
	high := 0
	lines := make([][]string, len(row))
	for i, words := range row {
		lines[i] = wrap(words, widths[i])
		high = max(high, len(lines[i]))
	}
	for at := range high {
		var line strings.Builder
		line.WriteString(r.rest)
		missing := 0
		for i := range row {
			cell := ""
			if at < len(lines[i]) {
				cell = lines[i][at]
			}
			line.WriteString(strings.Repeat(" ", missing) + cell)
			missing = max(widths[i]-columns(cell), 0) + columnGap
		}
		r.b.WriteString(strings.TrimRight(line.String(), " ") + "\n")
	}
}

// writeRecords writes a table that is too wide: for each row its first cell,
// and below it the others with the column's title.
func (r *renderer) writeRecords(rows [][][]string) {
	for _, row := range rows[1:] {
		for i, words := range row {
			prefix, hang := r.rest, r.rest+"    "
			if i > 0 && i < len(rows[0]) {
				prefix += "  "
				words = append([]string{strings.Join(rows[0][i], " ") + ":"}, words...)
			}
			for _, line := range wrap(words, r.Width-len(hang)) {
				r.b.WriteString(prefix + line + "\n")
				prefix = hang
			}
		}
	}
}

// columnWidths gives each column what it needs. If they do not fit into width,
// the widest ones are made narrower, but not narrower than a word; fits tells
// whether that was enough, and the columns are few.
func columnWidths(rows [][][]string, width int) (widths []int, fits bool) {
	var least []int
	for _, row := range rows {
		for i, words := range row {
			if i == len(widths) {
				widths, least = append(widths, 0), append(least, minColumn)
			}
			wide := len(words) - 1
			for _, word := range words {
				wide += columns(word)
				least[i] = max(least[i], columns(word))
			}
			widths[i] = max(widths[i], wide)
		}
	}
	for narrower := false; ; narrower = true {
		all, widest := -columnGap, -1
		for i, w := range widths {
			all += w + columnGap
			if w > least[i] && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if all <= width || widest < 0 {
			return widths, all <= width && (!narrower || len(widths) <= maxColumns)
		}
		widths[widest]--
	}
}
