package store

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/directory"
)

// kept implements directory.Kept on one table.
type kept[T any] struct {
	s     *Store
	table string
	// columns are those beside the ones of every table, with what reads and
	// writes them: nullable ones are "" in Go.
	columns []column[T]
	head    func(*T) *directory.Head
	untimed bool // has no updated_at
}

// column is one column of a table of the directory.
type column[T any] struct {
	name     string
	nullable bool
	// value is what is stored.
	value func(T) any
	// dest is what it is read into; nil for what is only compared.
	dest func(*T) any
}

// headColumns are the columns of every table.
func (k kept[T]) headColumns() []string {
	names := []string{"tenant_id", "id", "created_at", "version", "search"}
	if !k.untimed {
		names = append(names, "updated_at")
	}
	return names
}

func (k kept[T]) headDest(h *directory.Head) []any {
	dest := []any{&h.TenantID, &h.ID, &h.CreatedAt, &h.Version, &h.Search}
	if !k.untimed {
		dest = append(dest, &h.UpdatedAt)
	}
	return dest
}

// row are the values of all columns, and how each is written.
func (k kept[T]) row(t T) (names, places []string, args []any) {
	h := *k.head(&t)
	names, args = k.headColumns(), []any{h.TenantID, h.ID, h.CreatedAt, h.Version, h.Search}
	if !k.untimed {
		args = append(args, h.UpdatedAt)
	}
	for i := range args {
		places = append(places, "$"+strconv.Itoa(i+1))
	}
	for _, c := range k.columns {
		args = append(args, c.value(t))
		place := "$" + strconv.Itoa(len(args))
		if c.nullable {
			place = "NULLIF(" + place + ", '')"
		}
		names, places = append(names, c.name), append(places, place)
	}
	return names, places, args
}

// selected lists what scan reads, of a table named by of ("u." or "").
func (k kept[T]) selected(of string) string {
	names := k.headColumns()
	for i := range names {
		names[i] = of + names[i]
	}
	for _, c := range k.columns {
		switch {
		case c.dest == nil:
		case c.nullable:
			names = append(names, "COALESCE("+of+c.name+", '')")
		default:
			names = append(names, of+c.name)
		}
	}
	return strings.Join(names, ", ")
}

func (k kept[T]) scan(r rows) (t T, err error) {
	dest := k.headDest(k.head(&t))
	for _, c := range k.columns {
		if c.dest != nil {
			dest = append(dest, c.dest(&t))
		}
	}
	err = r.Scan(dest...)
	return t, err
}

// Get implements directory.Kept.
func (k kept[T]) Get(ctx context.Context, tenantID, id string) (T, bool, error) {
	return k.find(ctx, "id", tenantID, id)
}

// find returns the one thing with a value in a column.
func (k kept[T]) find(ctx context.Context, column, tenantID, value string) (t T, ok bool, err error) {
	err = all(ctx, k.s.db.reader(), func(r rows) (err error) {
		t, err = k.scan(r)
		ok = true
		return err
	}, `SELECT `+k.selected("")+` FROM `+k.table+` WHERE tenant_id = $1 AND `+column+` = $2`, tenantID, value)
	return t, ok && err == nil, err
}

// List implements directory.Kept.
func (k kept[T]) List(ctx context.Context, tenantID string, f directory.Filter) ([]T, int, error) {
	from := ` FROM ` + k.table + ` WHERE tenant_id = $1` + matching(f, "search", 2)
	args := []any{tenantID}
	if f.Pattern != "" {
		args = append(args, f.Pattern)
	}
	var total int
	if _, err := one(ctx, k.s.db.reader(), []any{&total}, `SELECT count(*)`+from, args...); err != nil {
		return nil, 0, fmt.Errorf("count: %w", err)
	}
	list := []T{}
	window, args := page(f.Limit, f.Offset, args)
	err := all(ctx, k.s.db.reader(), func(r rows) error {
		t, err := k.scan(r)
		list = append(list, t)
		return err
	}, `SELECT `+k.selected("")+from+` ORDER BY created_at DESC, id`+window, args...)
	return list, total, err
}

// matching is the condition of a filter's pattern, the parameter n.
func matching(f directory.Filter, column string, n int) string {
	if f.Pattern == "" {
		return ""
	}
	return ` AND ` + column + ` LIKE $` + strconv.Itoa(n) + ` ESCAPE '\'`
}

// Insert implements directory.Kept.
func (k kept[T]) Insert(ctx context.Context, t T) error {
	names, places, args := k.row(t)
	return k.s.db.write(ctx, func(ctx context.Context, x tx) error {
		_, err := x.exec(ctx, `INSERT INTO `+k.table+` (`+strings.Join(names, ", ")+`) VALUES (`+strings.Join(places, ", ")+`)`, args...)
		return k.s.taken(err)
	})
}

// taken is directory.ErrTaken for a broken unique constraint.
func (s *Store) taken(err error) error {
	if s.db.uniqueViolation(err) {
		return directory.ErrTaken
	}
	return err
}

// Update implements directory.Kept.
func (k kept[T]) Update(ctx context.Context, t T) (ok bool, err error) {
	names, places, args := k.row(t)
	set := make([]string, 0, len(names))
	for i, name := range names {
		if i >= 2 { // tenant and id stay
			set = append(set, name+" = "+places[i])
		}
	}
	args = append(args, k.head(&t).Version-1)
	sql := `UPDATE ` + k.table + ` SET ` + strings.Join(set, ", ") +
		` WHERE tenant_id = $1 AND id = $2 AND version = $` + strconv.Itoa(len(args))
	err = k.s.db.write(ctx, func(ctx context.Context, x tx) error {
		n, err := x.exec(ctx, sql, args...)
		if err == nil && n == 0 {
			return directory.ErrMeanwhile // which takes the audit entry back
		}
		return k.s.taken(err)
	})
	return changed(err)
}

// Delete implements directory.Kept.
func (k kept[T]) Delete(ctx context.Context, tenantID, id string, version int) (ok bool, err error) {
	err = k.s.db.write(ctx, func(ctx context.Context, x tx) error {
		n, err := x.exec(ctx, `DELETE FROM `+k.table+` WHERE tenant_id = $1 AND id = $2 AND version = $3`, tenantID, id, version)
		if err == nil && n == 0 {
			return directory.ErrMeanwhile
		}
		return err
	})
	return changed(err)
}

// changed turns directory.ErrMeanwhile into what an update returns.
func changed(err error) (bool, error) {
	if errors.Is(err, directory.ErrMeanwhile) {
		return false, nil
	}
	return err == nil, err
}

// jsonColumn reads and writes a value as JSON text.
type jsonColumn struct{ value any }

// Scan implements sql.Scanner.
func (j jsonColumn) Scan(src any) error {
	switch src := src.(type) {
	case string:
		return json.Unmarshal([]byte(src), j.value)
	case []byte:
		return json.Unmarshal(src, j.value)
	}
	return fmt.Errorf("JSON of the type %T", src)
}

// Value implements driver.Valuer.
func (j jsonColumn) Value() (driver.Value, error) {
	text, err := json.Marshal(j.value)
	return string(text), err
}

// Applications implements directory.Store.
func (s *Store) Applications() directory.Kept[directory.Application] {
	type thing = directory.Application
	return kept[thing]{
		s: s, table: "applications", head: func(a *thing) *directory.Head { return &a.Head },
		columns: []column[thing]{
			{"name", false, func(a thing) any { return a.Name }, func(a *thing) any { return &a.Name }},
			{"description", false, func(a thing) any { return string(a.Description) }, func(a *thing) any { return &a.Description }},
			{"type", false, func(a thing) any { return string(a.Type) }, func(a *thing) any { return &a.Type }},
			{"custom_data", false, func(a thing) any { return string(a.CustomData) }, func(a *thing) any { return jsonColumn{&a.CustomData} }},
			{
				"display_name", false, func(a thing) any { return string(a.Experience.DisplayName) },
				func(a *thing) any { return &a.Experience.DisplayName },
			},
			{
				"branding", false, func(a thing) any { return jsonColumn{a.Experience.Branding} },
				func(a *thing) any { return jsonColumn{&a.Experience.Branding} },
			},
		},
	}
}

// Organizations implements directory.Store.
func (s *Store) Organizations() directory.Kept[directory.Organization] {
	type thing = directory.Organization
	return kept[thing]{
		s: s, table: "organizations", head: func(o *thing) *directory.Head { return &o.Head },
		columns: []column[thing]{
			{"name", false, func(o thing) any { return o.Name }, func(o *thing) any { return &o.Name }},
			{"description", false, func(o thing) any { return string(o.Description) }, func(o *thing) any { return &o.Description }},
			{"custom_data", false, func(o thing) any { return string(o.CustomData) }, func(o *thing) any { return jsonColumn{&o.CustomData} }},
			{"branding", false, func(o thing) any { return jsonColumn{o.Branding} }, func(o *thing) any { return jsonColumn{&o.Branding} }},
		},
	}
}

// OrganizationRoles implements directory.Store.
func (s *Store) OrganizationRoles() directory.Kept[directory.Role] { return s.roles() }

func (s *Store) roles() kept[directory.Role] {
	type thing = directory.Role
	return kept[thing]{
		s: s, table: "organization_roles", head: func(r *thing) *directory.Head { return &r.Head }, untimed: true,
		columns: []column[thing]{
			{"name", false, func(r thing) any { return r.Name }, func(r *thing) any { return &r.Name }},
			{"description", false, func(r thing) any { return string(r.Description) }, func(r *thing) any { return &r.Description }},
			{"type", false, func(r thing) any { return string(r.Type) }, func(r *thing) any { return &r.Type }},
		},
	}
}

// Users implements directory.Store.
func (s *Store) Users() directory.Kept[directory.User] { return s.users() }

func (s *Store) users() kept[directory.User] {
	type thing = directory.User
	return kept[thing]{
		s: s, table: "users", head: func(u *thing) *directory.Head { return &u.Head },
		columns: []column[thing]{
			{"username", true, func(u thing) any { return string(u.Username) }, func(u *thing) any { return &u.Username }},
			{"primary_email", true, func(u thing) any { return string(u.PrimaryEmail) }, func(u *thing) any { return &u.PrimaryEmail }},
			{"email_key", true, func(u thing) any { return address.Key(string(u.PrimaryEmail)) }, nil},
			{"primary_phone", true, func(u thing) any { return string(u.PrimaryPhone) }, func(u *thing) any { return &u.PrimaryPhone }},
			{"name", true, func(u thing) any { return string(u.Name) }, func(u *thing) any { return &u.Name }},
			{"avatar", true, func(u thing) any { return string(u.Avatar) }, func(u *thing) any { return &u.Avatar }},
			{"profile", false, func(u thing) any { return jsonColumn{u.Profile} }, func(u *thing) any { return jsonColumn{&u.Profile} }},
			{"custom_data", false, func(u thing) any { return string(u.CustomData) }, func(u *thing) any { return jsonColumn{&u.CustomData} }},
			{"is_suspended", false, func(u thing) any { return u.IsSuspended }, func(u *thing) any { return &u.IsSuspended }},
		},
	}
}

// FindUser implements directory.Store.
func (s *Store) FindUser(ctx context.Context, tenantID string, by directory.Identifier, value string) (directory.User, bool, error) {
	column := map[directory.Identifier]string{
		directory.ByUsername: "username", directory.ByEmail: "email_key", directory.ByPhone: "primary_phone",
	}[by]
	return s.users().find(ctx, column, tenantID, value)
}
