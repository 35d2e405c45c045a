package api

import (
	"context"
	"net/http"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/directory"
)

// UserFields is a user. The name is exported because package huma passes over
// embedded types that are not.
type UserFields struct {
	directory.User
	Identities    emptyJSON `json:"identities"`
	LastSignInAt  *int64    `json:"lastSignInAt" doc:"Always null."`
	ApplicationID *string   `json:"applicationId" doc:"Always null."`
	HasPassword   bool      `json:"hasPassword" doc:"Always false."`
}

// changedUserJSON are what a user may have.
type changedUserJSON struct {
	Username     optional[directory.Text]    `json:"username,omitzero" maxLength:"128" example:"ann" doc:"English letters, digits and underscores; no digit first."`
	PrimaryEmail optional[directory.Text]    `json:"primaryEmail,omitzero" example:"ann@example.com" doc:"One address, at most 128 bytes."`
	PrimaryPhone optional[directory.Text]    `json:"primaryPhone,omitzero" example:"4930901820" doc:"4 to 20 digits, with the country's code (E.164 without +)."`
	Name         optional[directory.Text]    `json:"name,omitzero" maxLength:"128" example:"Ann Example"`
	Avatar       optional[directory.Text]    `json:"avatar,omitzero" maxLength:"2048" example:"https://example.com/ann.png" doc:"URL (http or https) of a picture."`
	Profile      optional[directory.Profile] `json:"profile,omitzero" doc:"In the place of the whole profile there was."`
	CustomData   objectJSON                  `json:"customData,omitzero"`
	IsSuspended  optional[bool]              `json:"isSuspended,omitzero" doc:"Kept for those who ask; mails do not mind it."`
}

func (f changedUserJSON) lay(u *directory.User) {
	f.Username.lay(&u.Username)
	f.PrimaryEmail.lay(&u.PrimaryEmail)
	f.PrimaryPhone.lay(&u.PrimaryPhone)
	f.Name.lay(&u.Name)
	f.Avatar.lay(&u.Avatar)
	f.Profile.lay(&u.Profile)
	f.CustomData.lay(&u.CustomData)
	f.IsSuspended.lay(&u.IsSuspended)
}

type newUserInput struct {
	Body changedUserJSON
}

type changeUserInput struct {
	IDInput
	IfMatchInput
	Body changedUserJSON
}

type changeProfileInput struct {
	IDInput
	IfMatchInput
	Body changedProfileJSON
}

type changedProfileJSON struct {
	Profile changedClaimsJSON `json:"profile"`
}

// changedClaimsJSON are some of the claims of a profile.
type changedClaimsJSON struct {
	FamilyName        optional[string]                  `json:"familyName,omitzero" maxLength:"256" example:"Example"`
	GivenName         optional[string]                  `json:"givenName,omitzero" maxLength:"256" example:"Ann"`
	MiddleName        optional[string]                  `json:"middleName,omitzero" maxLength:"256"`
	Nickname          optional[string]                  `json:"nickname,omitzero" maxLength:"256"`
	PreferredUsername optional[string]                  `json:"preferredUsername,omitzero" maxLength:"256"`
	Profile           optional[string]                  `json:"profile,omitzero" maxLength:"2048" doc:"URL of a page about the user."`
	Website           optional[string]                  `json:"website,omitzero" maxLength:"2048" doc:"URL of the user's own page."`
	Gender            optional[string]                  `json:"gender,omitzero" maxLength:"256"`
	Birthdate         optional[string]                  `json:"birthdate,omitzero" maxLength:"256" example:"1990-12-31"`
	Zoneinfo          optional[string]                  `json:"zoneinfo,omitzero" maxLength:"256" example:"Europe/Berlin"`
	Locale            optional[string]                  `json:"locale,omitzero" maxLength:"256" example:"de-DE"`
	Address           optional[directory.PostalAddress] `json:"address,omitzero" doc:"In the place of the whole address there was."`
}

func (f changedClaimsJSON) lay(p *directory.Profile) {
	f.FamilyName.lay(&p.FamilyName)
	f.GivenName.lay(&p.GivenName)
	f.MiddleName.lay(&p.MiddleName)
	f.Nickname.lay(&p.Nickname)
	f.PreferredUsername.lay(&p.PreferredUsername)
	f.Profile.lay(&p.Profile)
	f.Website.lay(&p.Website)
	f.Gender.lay(&p.Gender)
	f.Birthdate.lay(&p.Birthdate)
	f.Zoneinfo.lay(&p.Zoneinfo)
	f.Locale.lay(&p.Locale)
	f.Address.lay(&p.Address)
}

// identifierTaken documents what users refuse.
const identifierTaken = "`user.username_already_in_use`, `user.email_already_in_use`, `user.phone_already_in_use`"

func (s *server) mountUsers() {
	r := resource[directory.User, UserFields]{
		s: s, from: func(d *directory.Service) directory.Collection[directory.User] { return d.Users },
		head: func(u directory.User) directory.Head { return u.Head },
		show: func(u directory.User) UserFields { return UserFields{User: u} },
	}
	profile := resource[directory.User, directory.Profile]{
		s: s, from: r.from, head: r.head, show: func(u directory.User) directory.Profile { return u.Profile },
	}
	register(s, operation{
		id: "listUsers", method: http.MethodGet, path: "/api/users", tag: tagUsers,
		scope: access.Management, summary: "List users, newest first",
		description: searchWords("id, username, primaryEmail, primaryPhone and name"),
		failures:    pageFailures(),
	}, r.list)
	register(s, operation{
		id: "createUser", method: http.MethodPost, path: "/api/users", tag: tagUsers,
		scope: access.Management, summary: "Add a user",
		description: "So that mails can tell of the user, by `userId`. Nobody signs in by it: a password is not kept.",
		failures:    map[int]string{http.StatusUnprocessableEntity: identifierTaken},
	}, func(ctx context.Context, in *newUserInput) (*thingOutput[UserFields], error) {
		var u directory.User
		in.Body.lay(&u)
		return r.create(ctx, u)
	})
	register(s, operation{
		id: "getUser", method: http.MethodGet, path: "/api/users/{id}", tag: tagUsers,
		scope: access.Management, summary: "Get a user", failures: noThing("user"),
	}, r.get)
	register(s, operation{
		id: "updateUser", method: http.MethodPatch, path: "/api/users/{id}", tag: tagUsers,
		scope: access.Management, summary: "Change a user",
		description: "Fields that are not given stay as they are; null empties one. profile and customData are each replaced as a whole.",
		failures:    changeFailures("user", identifierTaken),
	}, func(ctx context.Context, in *changeUserInput) (*thingOutput[UserFields], error) {
		return r.output(r.change(ctx, in.ID, in.IfMatch, in.Body.lay))
	})
	register(s, operation{
		id: "updateUserProfile", method: http.MethodPatch, path: "/api/users/{id}/profile", tag: tagUsers,
		scope: access.Management, summary: "Change some claims of a user's profile",
		description: "Claims that are not given stay as they are; null removes one. The answer is the whole profile.",
		failures:    changeFailures("user"),
	}, func(ctx context.Context, in *changeProfileInput) (*thingOutput[directory.Profile], error) {
		return profile.output(profile.change(ctx, in.ID, in.IfMatch, func(u *directory.User) { in.Body.Profile.lay(&u.Profile) }))
	})
	register(s, operation{
		id: "deleteUser", method: http.MethodDelete, path: "/api/users/{id}", tag: tagUsers,
		scope: access.Management, summary: "Delete a user", description: "With the user's memberships.",
		failures: changeFailures("user"),
	}, r.delete)
}
