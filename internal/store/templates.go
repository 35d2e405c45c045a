package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/postern-mail/postern/internal/templates"
)

// TemplateRevision implements templates.Store.
func (s *Store) TemplateRevision(ctx context.Context, tenantID string) (int64, error) {
	var revision int64
	_, err := one(ctx, s.db.reader(), []any{&revision}, `SELECT template_revision FROM tenants WHERE id = $1`, tenantID)
	return revision, err
}

// touchTemplates raises the revision, and by that keeps others from changing
// the tenant's templates until the transaction ends.
func touchTemplates(ctx context.Context, t tx, tenantID string) error {
	_, err := t.exec(ctx, `UPDATE tenants SET template_revision = template_revision + 1 WHERE id = $1`, tenantID)
	if err != nil {
		return fmt.Errorf("raise template revision: %w", err)
	}
	return nil
}

const templateColumns = `id, tenant_id, language, type, version, created_at, updated_at, updated_by`

// scanTemplate reads templateColumns and, if there is one more, the details.
func scanTemplate(r rows, details *string) (templates.Stored, error) {
	var t templates.Stored
	var created, updated int64
	dest := []any{&t.ID, &t.TenantID, &t.Language, &t.Type, &t.Version, &created, &updated, &t.UpdatedBy}
	if details != nil {
		dest = append(dest, details)
	}
	if err := r.Scan(dest...); err != nil {
		return t, err
	}
	t.CreatedAt, t.UpdatedAt = fromMillis(created), fromMillis(updated)
	if details == nil {
		return t, nil
	}
	return t, json.Unmarshal([]byte(*details), &t.Details)
}

func selectTemplates(ctx context.Context, q querier, where string, args ...any) ([]templates.Stored, error) {
	list := []templates.Stored{}
	err := all(ctx, q, func(r rows) error {
		var details string
		t, err := scanTemplate(r, &details)
		list = append(list, t)
		return err
	}, `SELECT `+templateColumns+`, details FROM email_templates WHERE `+where, args...)
	sortTemplates(list)
	return list, err
}

// sortTemplates sorts by language, then type. The databases would sort by
// rules of their own, which they were set up with.
func sortTemplates(list []templates.Stored) {
	slices.SortFunc(list, func(a, b templates.Stored) int {
		return cmp.Or(
			strings.Compare(strings.ToLower(a.Language), strings.ToLower(b.Language)),
			strings.Compare(string(a.Type), string(b.Type)),
		)
	})
}

// filtered is the WHERE of a filter.
func filtered(tenantID string, f templates.Filter) (where string, args []any) {
	where, args = "tenant_id = $1", []any{tenantID}
	if f.Language != "" {
		args = append(args, strings.ToLower(f.Language))
		where += fmt.Sprintf(" AND language_key = $%d", len(args))
	}
	if f.Type != "" {
		args = append(args, string(f.Type))
		where += fmt.Sprintf(" AND type = $%d", len(args))
	}
	return where, args
}

// ListTemplates implements templates.Store.
func (s *Store) ListTemplates(ctx context.Context, tenantID string, f templates.Filter) ([]templates.Stored, error) {
	where, args := filtered(tenantID, f)
	return selectTemplates(ctx, s.db.reader(), where, args...)
}

// TemplateKeys implements templates.Store.
func (s *Store) TemplateKeys(ctx context.Context, tenantID string) ([]templates.Stored, error) {
	list := []templates.Stored{}
	err := all(ctx, s.db.reader(), func(r rows) error {
		t, err := scanTemplate(r, nil)
		list = append(list, t)
		return err
	}, `SELECT `+templateColumns+` FROM email_templates WHERE tenant_id = $1`, tenantID)
	sortTemplates(list)
	return list, err
}

// Template implements templates.Store.
func (s *Store) Template(ctx context.Context, tenantID, id string) (templates.Stored, bool, error) {
	return oneTemplate(ctx, s.db.reader(), "tenant_id = $1 AND id = $2", tenantID, id)
}

func oneTemplate(ctx context.Context, q querier, where string, args ...any) (templates.Stored, bool, error) {
	list, err := selectTemplates(ctx, q, where, args...)
	if err != nil || len(list) == 0 {
		return templates.Stored{}, false, err
	}
	return list[0], true, nil
}

// PutTemplates implements templates.Store.
func (s *Store) PutTemplates(
	ctx context.Context, tenantID string, list []templates.Stored, c templates.Change,
) (stored []templates.Stored, ok bool, err error) {
	ok, err = s.change(ctx, func(ctx context.Context, t tx) (bool, error) {
		if err := touchTemplates(ctx, t, tenantID); err != nil {
			return false, err
		}
		for _, draft := range list {
			current, err := templateInPlaceOf(ctx, t, tenantID, draft)
			if err != nil || current.Version != draft.Version {
				return false, err
			}
		}
		var err error
		stored, err = putTemplates(ctx, t, tenantID, list, c)
		return true, err
	})
	return stored, ok, err
}

// templateInPlaceOf returns the template of a draft's language and type; one
// without an id when there is none.
func templateInPlaceOf(ctx context.Context, q querier, tenantID string, draft templates.Stored) (templates.Stored, error) {
	current, _, err := oneTemplate(ctx, q, "tenant_id = $1 AND language_key = $2 AND type = $3",
		tenantID, strings.ToLower(draft.Language), string(draft.Type))
	return current, err
}

// putTemplates stores templates in a transaction that has touched the tenant's.
func putTemplates(
	ctx context.Context, t tx, tenantID string, list []templates.Stored, c templates.Change,
) ([]templates.Stored, error) {
	stored := make([]templates.Stored, len(list))
	for i, draft := range list {
		current, err := templateInPlaceOf(ctx, t, tenantID, draft)
		if err != nil {
			return nil, err
		}
		there := current.ID != ""
		if there && current.Details == draft.Details {
			stored[i] = current
			continue
		}
		if there {
			current.Details = draft.Details
		} else {
			current = draft
			current.TenantID, current.CreatedAt, current.Version = tenantID, c.At, 0
			if current.ID == "" {
				current.ID = uuid.NewString()
			}
		}
		if stored[i], err = saveTemplate(ctx, t, current, c); err != nil {
			return nil, err
		}
	}
	return stored, nil
}

// saveTemplate writes the next version of a template.
func saveTemplate(ctx context.Context, t tx, m templates.Stored, c templates.Change) (templates.Stored, error) {
	m.Version++
	m.UpdatedAt, m.UpdatedBy = c.At, c.By
	details, err := json.Marshal(m.Details)
	if err != nil {
		return m, fmt.Errorf("encode template: %w", err)
	}
	_, err = t.exec(ctx, `INSERT INTO email_templates (`+templateColumns+`, details, language_key)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
		ON CONFLICT (id) DO UPDATE SET version = excluded.version, updated_at = excluded.updated_at,
			updated_by = excluded.updated_by, details = excluded.details`,
		m.ID, m.TenantID, m.Language, string(m.Type), m.Version, millis(m.CreatedAt), millis(m.UpdatedAt), m.UpdatedBy,
		string(details), strings.ToLower(m.Language))
	if err != nil {
		return m, fmt.Errorf("save template: %w", err)
	}
	_, err = t.exec(ctx, `INSERT INTO email_template_versions (template_id, number, details, at, by_key)
		VALUES ($1, $2, $3, $4, $5)`, m.ID, m.Version, string(details), millis(c.At), c.By)
	if err != nil {
		return m, fmt.Errorf("save template version: %w", err)
	}
	_, err = t.exec(ctx, `DELETE FROM email_template_versions WHERE template_id = $1 AND number <= $2`,
		m.ID, m.Version-templates.KeptVersions)
	if err != nil {
		return m, fmt.Errorf("drop old versions: %w", err)
	}
	return m, nil
}

// UpdateTemplate implements templates.Store.
func (s *Store) UpdateTemplate(
	ctx context.Context, m templates.Stored, c templates.Change,
) (updated templates.Stored, ok bool, err error) {
	ok, err = s.change(ctx, func(ctx context.Context, t tx) (bool, error) {
		if err := touchTemplates(ctx, t, m.TenantID); err != nil {
			return false, err
		}
		current, there, err := oneTemplate(ctx, t, "tenant_id = $1 AND id = $2", m.TenantID, m.ID)
		if err != nil || !there || current.Version != m.Version {
			return false, err
		}
		current.Details = m.Details
		updated, err = saveTemplate(ctx, t, current, c)
		return true, err
	})
	return updated, ok, err
}

// DeleteTemplates implements templates.Store.
func (s *Store) DeleteTemplates(ctx context.Context, tenantID string, ids ...string) (bool, error) {
	return s.change(ctx, func(ctx context.Context, t tx) (bool, error) {
		if err := touchTemplates(ctx, t, tenantID); err != nil {
			return false, err
		}
		for _, id := range ids {
			var found int
			there, err := one(ctx, t, []any{&found}, `SELECT 1 FROM email_templates WHERE tenant_id = $1 AND id = $2`, tenantID, id)
			if err != nil || !there {
				return false, err
			}
		}
		for _, id := range ids {
			if err := deleteTemplate(ctx, t, tenantID, id); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// deleteTemplate deletes a template with its versions.
func deleteTemplate(ctx context.Context, t tx, tenantID, id string) error {
	_, err := t.exec(ctx, `DELETE FROM email_template_versions WHERE template_id IN
		(SELECT id FROM email_templates WHERE tenant_id = $1 AND id = $2)`, tenantID, id)
	if err != nil {
		return fmt.Errorf("delete versions: %w", err)
	}
	if _, err = t.exec(ctx, `DELETE FROM email_templates WHERE tenant_id = $1 AND id = $2`, tenantID, id); err != nil {
		return fmt.Errorf("delete template: %w", err)
	}
	return nil
}

// TemplateVersions implements templates.Store.
func (s *Store) TemplateVersions(ctx context.Context, tenantID, id string) ([]templates.Version, error) {
	list := []templates.Version{}
	err := all(ctx, s.db.reader(), func(r rows) error {
		var v templates.Version
		var details string
		var at int64
		if err := r.Scan(&v.Number, &details, &at, &v.By); err != nil {
			return err
		}
		v.At = fromMillis(at)
		if err := json.Unmarshal([]byte(details), &v.Details); err != nil {
			return err
		}
		list = append(list, v)
		return nil
	}, `SELECT v.number, v.details, v.at, v.by_key FROM email_template_versions AS v
		JOIN email_templates AS t ON t.id = v.template_id
		WHERE t.tenant_id = $1 AND t.id = $2 ORDER BY v.number DESC`, tenantID, id)
	return list, err
}

// ListPartials implements templates.Store.
func (s *Store) ListPartials(ctx context.Context, tenantID string) ([]templates.Partial, error) {
	return selectPartials(ctx, s.db.reader(), tenantID)
}

func selectPartials(ctx context.Context, q querier, tenantID string) ([]templates.Partial, error) {
	list := []templates.Partial{}
	err := all(ctx, q, func(r rows) error {
		var p templates.Partial
		var updated int64
		if err := r.Scan(&p.Name, &p.Content, &updated, &p.UpdatedBy); err != nil {
			return err
		}
		p.UpdatedAt = fromMillis(updated)
		list = append(list, p)
		return nil
	}, `SELECT name, content, updated_at, updated_by FROM email_partials WHERE tenant_id = $1`, tenantID)
	slices.SortFunc(list, func(a, b templates.Partial) int { return strings.Compare(a.Name, b.Name) })
	return list, err
}

// PutPartial implements templates.Store.
func (s *Store) PutPartial(ctx context.Context, tenantID string, p templates.Partial) error {
	return s.db.write(ctx, func(ctx context.Context, t tx) error {
		if err := touchTemplates(ctx, t, tenantID); err != nil {
			return err
		}
		return putPartial(ctx, t, tenantID, p)
	})
}

func putPartial(ctx context.Context, t tx, tenantID string, p templates.Partial) error {
	_, err := t.exec(ctx, `INSERT INTO email_partials (tenant_id, name, content, updated_at, updated_by)
		VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (tenant_id, name) DO UPDATE SET content = excluded.content,
			updated_at = excluded.updated_at, updated_by = excluded.updated_by`,
		tenantID, p.Name, p.Content, millis(p.UpdatedAt), p.UpdatedBy)
	return err
}

// DeletePartial implements templates.Store.
func (s *Store) DeletePartial(
	ctx context.Context, tenantID, name string, refuse func([]templates.Stored, []templates.Partial) error,
) (bool, error) {
	return s.change(ctx, func(ctx context.Context, t tx) (bool, error) {
		if err := touchTemplates(ctx, t, tenantID); err != nil {
			return false, err
		}
		stored, err := selectTemplates(ctx, t, "tenant_id = $1", tenantID)
		if err != nil {
			return false, err
		}
		partials, err := selectPartials(ctx, t, tenantID)
		if err != nil {
			return false, err
		}
		there := func(p templates.Partial) bool { return p.Name == name }
		if !slices.ContainsFunc(partials, there) {
			return false, nil
		}
		if err := refuse(stored, partials); err != nil {
			return false, err
		}
		n, err := t.exec(ctx, `DELETE FROM email_partials WHERE tenant_id = $1 AND name = $2`, tenantID, name)
		return n > 0, err
	})
}
