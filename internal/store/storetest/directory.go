package storetest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/branding"
	"github.com/postern-mail/postern/internal/directory"
	"github.com/postern-mail/postern/internal/fault"
	"github.com/postern-mail/postern/internal/store"
	"github.com/postern-mail/postern/internal/tenants"
)

// catalog is a directory over a store, at the time start.
func catalog(s *store.Store) *directory.Service {
	return directory.NewService(s, func() time.Time { return start })
}

// wants fails the test unless err is a fault with this code.
func wants(t *testing.T, what string, err error, code string) {
	t.Helper()
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || f.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

func newUser(t *testing.T, d *directory.Service, u directory.User) directory.User {
	t.Helper()
	made, err := d.Users.Create(t.Context(), tenant, u)
	must(t, err)
	return made
}

func newOrganization(t *testing.T, d *directory.Service, name string) directory.Organization {
	t.Helper()
	made, err := d.Organizations.Create(t.Context(), tenant, directory.Organization{Name: name})
	must(t, err)
	return made
}

func newRole(t *testing.T, d *directory.Service, name string) directory.Role {
	t.Helper()
	made, err := d.Roles.Create(t.Context(), tenant, directory.Role{Name: name, Type: directory.RoleOfUsers})
	must(t, err)
	return made
}

// lasts creates a thing, reads it back, changes and deletes it.
func lasts[T any](t *testing.T, c directory.Collection[T], full T, head func(T) directory.Head, rename func(*T)) {
	t.Helper()
	ctx := t.Context()
	made, err := c.Create(ctx, tenant, full)
	must(t, err)
	h := head(made)
	if h.TenantID != tenant || len(h.ID) < 21 || h.CreatedAt != start.UnixMilli() || h.Version != 1 {
		t.Errorf("made %+v", h)
	}
	read, err := c.Get(ctx, tenant, h.ID)
	must(t, err)
	if !reflect.DeepEqual(read, made) {
		t.Errorf("read %+v, made %+v", read, made)
	}
	same, err := c.Change(ctx, tenant, h.ID, func(*T) error { return nil })
	must(t, err)
	equal(t, "version after a change of nothing", head(same).Version, 1)
	changed, err := c.Change(ctx, tenant, h.ID, func(v *T) error { rename(v); return nil })
	must(t, err)
	equal(t, "version after a change", head(changed).Version, 2)
	read, err = c.Get(ctx, tenant, h.ID)
	must(t, err)
	if !reflect.DeepEqual(read, changed) {
		t.Errorf("read %+v, changed %+v", read, changed)
	}
	for _, id := range []string{"", "nothing", "a\x00b", strings.Repeat("x", 200)} {
		_, err := c.Get(ctx, tenant, id)
		wants(t, fmt.Sprintf("get %q", id), err, "entity.not_found")
	}
	never := errors.New("never")
	_, err = c.Change(ctx, tenant, h.ID, func(*T) error { return never })
	if !errors.Is(err, never) || !errors.Is(c.Delete(ctx, tenant, h.ID, func(T) error { return never }), never) {
		t.Errorf("a change that was refused: %v", err)
	}
	_, err = c.Change(ctx, "t2", h.ID, func(v *T) error { rename(v); return nil })
	wants(t, "change by another tenant", err, "entity.not_found")
	wants(t, "delete by another tenant", c.Delete(ctx, "t2", h.ID, func(T) error { return nil }), "entity.not_found")
	must(t, c.Delete(ctx, tenant, h.ID, func(T) error { return nil }))
	wants(t, "delete again", c.Delete(ctx, tenant, h.ID, func(T) error { return nil }), "entity.not_found")
}

func testDirectory(t *testing.T, db Database) {
	s := open(t, db)
	d := catalog(s)
	must(t, s.EnsureTenant(t.Context(), tenants.Tenant{ID: "t2", Name: "T", CreatedAt: start}))
	look := branding.Branding{LogoURL: "https://example.com/a?b=1&c=<2>", DarkFavicon: "https://example.com/d"}
	data := json.RawMessage(`{"a": "<b> & \u0000 ü", "n": 1e400}`)
	lasts(t, d.Applications, directory.Application{
		Name: "Shop <1>", Description: "d", Type: directory.SPA, CustomData: data,
		Experience: directory.SignInExperience{DisplayName: "The Shop", Branding: look},
	}, func(a directory.Application) directory.Head { return a.Head }, func(a *directory.Application) { a.Name = "Store" })
	lasts(t, d.Organizations, directory.Organization{Name: "Acme", Description: "d", CustomData: data, Branding: look},
		func(o directory.Organization) directory.Head { return o.Head }, func(o *directory.Organization) { o.Description = "" })
	lasts(t, d.Roles, directory.Role{Name: "editor", Description: "d", Type: directory.RoleOfMachines},
		func(r directory.Role) directory.Head { return r.Head }, func(r *directory.Role) { r.Type = directory.RoleOfUsers })
	lasts(t, d.Users, directory.User{
		Username: "ann", PrimaryEmail: "Ann@Example.com", PrimaryPhone: "4930901820", Name: "Ann Ü", Avatar: "https://example.com/ann.png",
		Profile:    directory.Profile{Nickname: "<A>", Address: directory.PostalAddress{Formatted: "Road 1\nBerlin"}},
		CustomData: data, IsSuspended: true,
	}, func(u directory.User) directory.Head { return u.Head }, func(u *directory.User) {
		u.Username, u.PrimaryEmail, u.PrimaryPhone, u.Avatar, u.Profile, u.IsSuspended = "", "", "", "", directory.Profile{}, false
	})

	// Each change that was made was told, and no other.
	entries, total, err := s.AuditEntries(t.Context(), tenant, audit.Filter{Limit: 100})
	must(t, err)
	var actions []string
	for _, e := range slices.Backward(entries) {
		actions = append(actions, string(e.Action))
	}
	var want []string
	for _, kind := range []string{"application", "organization", "organizationRole", "user"} {
		want = append(want, kind+".created", kind+".updated", kind+".deleted")
	}
	equal(t, "audit entries", strings.Join(actions, " "), strings.Join(want, " "))
	equal(t, "number of audit entries", total, 12)
	var told struct {
		Before, After struct {
			Username *string
			Version  *int
		}
	}
	must(t, json.Unmarshal(entries[1].Details, &told))
	if entries[1].Actor != audit.System || *told.Before.Username != "ann" || told.After.Username != nil || told.Before.Version != nil {
		t.Errorf("entry %s %s", entries[1].Actor, entries[1].Details)
	}
}

func testUniqueUsers(t *testing.T, db Database) {
	s := open(t, db)
	d := catalog(s)
	ctx := t.Context()
	must(t, s.EnsureTenant(ctx, tenants.Tenant{ID: "t2", Name: "T", CreatedAt: start}))
	ann := newUser(t, d, directory.User{Username: "ann", PrimaryEmail: "Ann@example.com", PrimaryPhone: "4930901820"})
	newUser(t, d, directory.User{}) // those who have none do not clash
	bob := newUser(t, d, directory.User{})
	for code, u := range map[string]directory.User{
		"user.username_already_in_use": {Username: "ann"},
		"user.email_already_in_use":    {PrimaryEmail: "ANN@EXAMPLE.COM", Username: "other"},
		"user.phone_already_in_use":    {PrimaryPhone: "4930901820"},
	} {
		_, err := d.Users.Create(ctx, tenant, u)
		wants(t, "create", err, code)
		_, err = d.Users.Change(ctx, tenant, bob.ID, func(b *directory.User) error {
			b.Username, b.PrimaryEmail, b.PrimaryPhone = u.Username, u.PrimaryEmail, u.PrimaryPhone
			return nil
		})
		wants(t, "change", err, code)
		_, err = d.Users.Create(ctx, "t2", u)
		must(t, err)
	}
	newUser(t, d, directory.User{Username: "Ann"}) // in another case it is another name
	_, err := d.Users.Change(ctx, tenant, ann.ID, func(u *directory.User) error { u.PrimaryEmail = "ann@EXAMPLE.com"; return nil })
	must(t, err) // of her own
	found, ok, err := d.FindByEmail(ctx, tenant, "ANN@example.com")
	must(t, err)
	if !ok || found.ID != ann.ID || found.PrimaryEmail != "ann@EXAMPLE.com" {
		t.Errorf("found %+v", found)
	}
	_, ok, err = d.FindByEmail(ctx, tenant, "nobody@example.com")
	must(t, err)
	equal(t, "found nobody", ok, false)

	newRole(t, d, "editor")
	_, err = d.Roles.Create(ctx, tenant, directory.Role{Name: "editor", Type: directory.RoleOfUsers})
	wants(t, "role", err, "entity.unique_integrity_violation")

	_, total, err := s.AuditEntries(ctx, tenant, audit.Filter{Limit: 100})
	must(t, err)
	equal(t, "audit entries, none of what was refused", total, 6)

	var won atomic.Int32
	for _, err := range inParallel(20, func(int) error {
		_, err := d.Users.Create(ctx, tenant, directory.User{PrimaryEmail: "new@example.com"})
		if err == nil {
			won.Add(1)
			return nil
		}
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Code != "user.email_already_in_use" {
			return err
		}
		return nil
	}) {
		must(t, err)
	}
	equal(t, "users made of one address at once", won.Load(), 1)
}

// Changes of one thing at once are made one after the other: none is lost.
func testDirectoryRace(t *testing.T, db Database) {
	s := open(t, db)
	d := catalog(s)
	ctx := t.Context()
	o := newOrganization(t, d, "o")
	const n = 10
	for _, err := range inParallel(n, func(int) error {
		_, err := d.Organizations.Change(ctx, tenant, o.ID, func(o *directory.Organization) error { o.Name += "x"; return nil })
		return err
	}) {
		must(t, err)
	}
	o, err := d.Organizations.Get(ctx, tenant, o.ID)
	must(t, err)
	equal(t, "name", o.Name, "o"+strings.Repeat("x", n))
	equal(t, "version", o.Version, n+1)
	var deleted atomic.Int32
	for _, err := range inParallel(n, func(int) error {
		err := d.Organizations.Delete(ctx, tenant, o.ID, func(directory.Organization) error { return nil })
		if err == nil {
			deleted.Add(1)
		}
		if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "entity.not_found" {
			return nil
		}
		return err
	}) {
		must(t, err)
	}
	equal(t, "calls that deleted it", deleted.Load(), 1)
	_, total, err := s.AuditEntries(ctx, tenant, audit.Filter{Limit: 100})
	must(t, err)
	equal(t, "audit entries", total, n+2)
}

func testDirectorySearch(t *testing.T, db Database) {
	s := open(t, db)
	d := catalog(s)
	ctx := t.Context()
	for _, u := range []directory.User{
		{Name: "Ann Müller", Username: "ann", PrimaryEmail: "Ann@Example.com"},
		{Name: "50% off_sale", PrimaryPhone: "4930901820"},
		{Name: `back\slash`, PrimaryEmail: "øyvind@example.org"},
		{Name: "ΣΊΣΥΦΟΣ İ", Username: "x"},
	} {
		newUser(t, d, u)
	}
	for term, want := range map[string]int{
		"": 4, "%": 4, "ann": 1, "ANN": 1, "an": 0, "ann m%": 1, "%MÜLLER%": 1, "%mu\u0308ller%": 1, "_nn": 1, "a_n": 1, "____": 0,
		"%50\\%%": 0, "%50%%": 1, "%off_sale": 1, `back\slash`: 1, `%\%`: 1, `\\`: 0, "4930%": 1, "%@example.___": 2, "%@EXAMPLE.COM": 1, "ΣίσυΦος%": 0, "σίσυφοσ%": 1,
		"'": 0, `%"%`: 0, "[a]nn": 0, "a*": 0, "%øYVIND%": 1, "ann\nann@example.com": 1, "x": 1,
	} {
		list, total, err := d.Users.List(ctx, tenant, directory.Filter{Pattern: directory.Pattern(term), Limit: 10})
		must(t, err)
		if total != want || len(list) != want {
			t.Errorf("%q finds %d of %d, want %d", term, len(list), total, want)
		}
	}
	for part, want := range map[string]int{"": 4, "NN mü": 1, "%": 1, "_": 1, `\`: 1, "example": 2} {
		_, total, err := d.Users.List(ctx, tenant, directory.Filter{Pattern: directory.PatternOfPart(part), Limit: 10})
		must(t, err)
		equal(t, "with the part "+part, total, want)
	}
	// What was changed is found by what it is now.
	list, _, err := d.Users.List(ctx, tenant, directory.Filter{Pattern: directory.Pattern("ann")})
	must(t, err)
	_, err = d.Users.Change(ctx, tenant, list[0].ID, func(u *directory.User) error { u.Username = "eve"; return nil })
	must(t, err)
	for term, want := range map[string]int{"ann": 0, "eve": 1, strings.ToUpper(list[0].ID): 1} {
		_, total, err := d.Users.List(ctx, tenant, directory.Filter{Pattern: directory.Pattern(term)})
		must(t, err)
		equal(t, "after the change, "+term, total, want)
	}
}

func testManyUsers(t *testing.T, db Database) {
	s := open(t, db)
	ctx := t.Context()
	const n = 10_000
	insert := s.Users()
	for _, err := range inParallel(50, func(worker int) error {
		for i := worker; i < n; i += 50 {
			id := fmt.Sprintf("u%05d", i)
			err := insert.Insert(ctx, directory.User{
				Head: directory.Head{
					TenantID: tenant, ID: id, CreatedAt: start.UnixMilli() + int64(i/2), UpdatedAt: start.UnixMilli(), Version: 1,
					Search: "\n" + id + "\n" + id + "@example.com\n",
				},
				PrimaryEmail: directory.Text(id + "@example.com"), CustomData: json.RawMessage("{}"),
			})
			if err != nil {
				return err
			}
		}
		return nil
	}) {
		must(t, err)
	}
	seen := make(map[string]bool, n)
	last := int64(1 << 62)
	for offset := 0; offset < n; offset += 1000 {
		list, total, err := s.Users().List(ctx, tenant, directory.Filter{Limit: 1000, Offset: offset})
		must(t, err)
		equal(t, "users in all", total, n)
		for _, u := range list {
			if u.CreatedAt > last {
				t.Fatalf("%s comes after an older one", u.ID)
			}
			last, seen[u.ID] = u.CreatedAt, true
		}
	}
	equal(t, "users seen once on all pages", len(seen), n)
	list, total, err := s.Users().List(ctx, tenant, directory.Filter{Pattern: directory.Pattern("U0123%@EXAMPLE.com"), Limit: 3, Offset: 6})
	must(t, err)
	if total != 10 || len(list) != 3 || list[0].ID != "u01232" {
		t.Errorf("%d found, page %+v", total, list)
	}
	list, total, err = s.Users().List(ctx, tenant, directory.Filter{Limit: 100, Offset: n})
	must(t, err)
	if total != n || list == nil || len(list) != 0 {
		t.Errorf("past the end: %d of %d", len(list), total)
	}
	list, _, err = s.Users().List(ctx, "t2", directory.Filter{})
	must(t, err)
	equal(t, "users of another tenant", len(list), 0)
}
