package store

import (
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// insertion is an INSERT that is written once and runs in two forms: one row
// on SQLite, any number of rows in one statement on PostgreSQL.
type insertion struct {
	one  string // VALUES ($1, $2 …)
	many string // SELECT … FROM unnest($1::text[], $2::bigint[] …)

	table, ending string
	columns       []string
}

// newInsertion makes the two forms. columns are "name type" with
// PostgreSQL's types; ending is what follows, such as ON CONFLICT.
func newInsertion(table, ending string, columns ...string) insertion {
	i := insertion{table: table, ending: ending, columns: columns}
	i.one = i.head() + "VALUES " + places(1, len(columns)) + " " + ending
	i.many = i.head() + "SELECT * FROM unnest(" + i.arrays(1) + ") " + ending
	return i
}

// rows is one for so many rows.
func (i insertion) rows(n int) string {
	if n == 1 {
		return i.one
	}
	values := make([]string, n)
	for row := range values {
		values[row] = places(1+row*len(i.columns), len(i.columns))
	}
	return i.head() + "VALUES " + strings.Join(values, ", ") + " " + i.ending
}

// manyWhere is many with its arrays from the parameter first on, and only for
// rows that meet a condition.
func (i insertion) manyWhere(first int, condition string) string {
	return i.head() + "SELECT * FROM unnest(" + i.arrays(first) + ") AS given (" + i.names() + ") WHERE " + condition + " " + i.ending
}

// head is what every form begins with.
func (i insertion) head() string { return "INSERT INTO " + i.table + " (" + i.names() + ") " }

// names lists the columns.
func (i insertion) names() string {
	names := make([]string, len(i.columns))
	for n, c := range i.columns {
		names[n], _, _ = strings.Cut(c, " ")
	}
	return strings.Join(names, ", ")
}

// arrays are the columns as arrays, from the parameter first on.
func (i insertion) arrays(first int) string {
	arrays := make([]string, len(i.columns))
	for n, c := range i.columns {
		_, kind, _ := strings.Cut(c, " ")
		arrays[n] = fmt.Sprintf("$%d::%s[]", first+n, kind)
	}
	return strings.Join(arrays, ", ")
}

// places are so many placeholders in parentheses, from $first on.
func places(first, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("$%d", first+i)
	}
	return "(" + strings.Join(list, ", ") + ")"
}

// columns collects rows by column, as unnest takes them.
type columns [][]any

func (c *columns) add(row ...any) {
	if *c == nil {
		*c = make(columns, len(row))
	}
	for i, v := range row {
		(*c)[i] = append((*c)[i], v)
	}
}

// args are the arrays, one for each column.
func (c columns) args() []any {
	args := make([]any, len(c))
	for i, column := range c {
		args[i] = column
	}
	return args
}

// queue adds the statement for the rows to a batch; without rows it adds
// nothing.
func (c columns) queue(b *pgx.Batch, sql string) {
	if len(c) > 0 {
		b.Queue(sql, c.args()...)
	}
}
