package directory

import (
	"context"
	"encoding/json"

	"github.com/postern-mail/postern/internal/branding"
)

// IDs name who and what a mail tells of; "" for none.
type IDs struct{ ApplicationID, OrganizationID, UserID, InviterID string }

// Variables returns what of the directory goes into a mail, under the keys
// application, organization, user and inviter. What has no id, or is not
// there, is left out, and so are empty fields: it does not stop a mail. Each id
// costs one query; an error is one of the database.
func (s *Service) Variables(ctx context.Context, tenantID string, ids IDs) (map[string]any, error) {
	out := map[string]any{}
	if err := variable(ctx, out, "application", s.Applications, tenantID, ids.ApplicationID, Application.variables); err != nil {
		return nil, err
	}
	if err := variable(ctx, out, "organization", s.Organizations, tenantID, ids.OrganizationID, Organization.variables); err != nil {
		return nil, err
	}
	if err := variable(ctx, out, "user", s.Users, tenantID, ids.UserID, User.variables); err != nil {
		return nil, err
	}
	if err := variable(ctx, out, "inviter", s.Users, tenantID, ids.InviterID, User.variables); err != nil {
		return nil, err
	}
	return out, nil
}

// variable puts what a mail tells of one thing under a key.
func variable[T any](
	ctx context.Context, out map[string]any, key string, from Collection[T], tenantID, id string, tell func(T) map[string]any,
) error {
	t, ok, err := from.Find(ctx, tenantID, id)
	if ok {
		out[key] = tell(t)
	}
	return err
}

// What a mail tells is a contract of its own: not all that the API shows.

func (a Application) variables() map[string]any {
	return given(map[string]any{
		"id": a.ID, "name": a.Name, "displayName": string(a.Experience.DisplayName), "branding": look(a.Experience.Branding),
	})
}

func (o Organization) variables() map[string]any {
	return given(map[string]any{"id": o.ID, "name": o.Name, "branding": look(o.Branding)})
}

func (u User) variables() map[string]any {
	return given(map[string]any{
		"id": u.ID, "name": string(u.Name), "username": string(u.Username), "primaryEmail": string(u.PrimaryEmail),
		"primaryPhone": string(u.PrimaryPhone), "avatar": string(u.Avatar), "profile": u.Profile.variables(),
	})
}

func look(b branding.Branding) map[string]any {
	return given(map[string]any{
		"logoUrl": b.LogoURL, "darkLogoUrl": b.DarkLogoURL, "favicon": b.Favicon, "darkFavicon": b.DarkFavicon,
	})
}

// variables are the claims as their JSON has them.
func (p Profile) variables() map[string]any {
	if p == (Profile{}) {
		return nil
	}
	out := map[string]any{}
	text, err := json.Marshal(p)
	if err == nil {
		err = json.Unmarshal(text, &out)
	}
	if err != nil { // which texts alone cannot cause
		return nil
	}
	return out
}

// given takes the empty values out of variables.
func given(v map[string]any) map[string]any {
	for key, value := range v {
		switch value := value.(type) {
		case string:
			if value == "" {
				delete(v, key)
			}
		case map[string]any:
			if len(value) == 0 {
				delete(v, key)
			}
		}
	}
	return v
}
