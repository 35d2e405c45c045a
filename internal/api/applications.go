package api

import (
	"context"
	"net/http"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/branding"
	"github.com/postern-mail/postern/internal/directory"
)

type applicationJSON struct {
	directory.Application
	IsThirdParty bool `json:"isThirdParty" doc:"Always false."`
}

// ApplicationFields are what a new application may have and a change may
// touch.
type ApplicationFields struct {
	Description optional[directory.Text] `json:"description,omitzero" maxLength:"256" example:"The shop that customers see."`
	CustomData  objectJSON               `json:"customData,omitzero"`
}

func (f ApplicationFields) lay(a *directory.Application) {
	f.Description.lay(&a.Description)
	f.CustomData.lay(&a.CustomData)
}

type newApplicationJSON struct {
	Name string                    `json:"name" minLength:"1" maxLength:"256" example:"Webshop"`
	Type directory.ApplicationType `json:"type" enum:"Native,SPA,Traditional,MachineToMachine,Protected,SAML"`
	ApplicationFields
}

type changedApplicationJSON struct {
	Name optional[string] `json:"name,omitzero" minLength:"1" maxLength:"256" example:"Webshop"`
	ApplicationFields
}

type newApplicationInput struct {
	Body newApplicationJSON
}

type changeApplicationInput struct {
	IDInput
	IfMatchInput
	Body changedApplicationJSON
}

// appExperienceJSON is what people see of an application when they sign in.
type appExperienceJSON struct {
	TenantID         string            `json:"tenantId" example:"default"`
	ApplicationID    string            `json:"applicationId"`
	Branding         branding.Branding `json:"branding"`
	Color            emptyJSON         `json:"color"`
	DisplayName      directory.Text    `json:"displayName" nullable:"true" example:"Example Webshop" doc:"What people know the application by."`
	TermsOfUseURL    *string           `json:"termsOfUseUrl" doc:"Always null."`
	PrivacyPolicyURL *string           `json:"privacyPolicyUrl" doc:"Always null."`
}

type appExperienceInput struct {
	IDInput
	IfMatchInput
	Body changedAppExperienceJSON
}

type changedAppExperienceJSON struct {
	Branding    optional[branding.Branding] `json:"branding,omitzero" doc:"In the place of the whole branding there was."`
	DisplayName optional[directory.Text]    `json:"displayName,omitzero" maxLength:"256" example:"Example Webshop"`
}

func (s *server) mountApplications() {
	r := resource[directory.Application, applicationJSON]{
		s: s, from: func(d *directory.Service) directory.Collection[directory.Application] { return d.Applications },
		head: func(a directory.Application) directory.Head { return a.Head },
		show: func(a directory.Application) applicationJSON { return applicationJSON{Application: a} },
	}
	experience := resource[directory.Application, appExperienceJSON]{
		s: s, from: r.from, head: r.head, show: func(a directory.Application) appExperienceJSON {
			return appExperienceJSON{
				TenantID: a.TenantID, ApplicationID: a.ID, Branding: a.Experience.Branding, DisplayName: a.Experience.DisplayName,
			}
		},
	}
	register(s, operation{
		id: "listApplications", method: http.MethodGet, path: "/api/applications", tag: tagApplications,
		scope: access.Management, summary: "List applications, newest first",
		description: searchWords("id, name, description and displayName"),
		failures:    pageFailures(),
	}, r.list)
	register(s, operation{
		id: "createApplication", method: http.MethodPost, path: "/api/applications", tag: tagApplications,
		scope: access.Management, summary: "Add an application",
		description: "So that mails can tell what is signed in to, by `applicationId`.",
	}, func(ctx context.Context, in *newApplicationInput) (*thingOutput[applicationJSON], error) {
		a := directory.Application{Name: in.Body.Name, Type: in.Body.Type}
		in.Body.lay(&a)
		return r.create(ctx, a)
	})
	register(s, operation{
		id: "getApplication", method: http.MethodGet, path: "/api/applications/{id}", tag: tagApplications,
		scope: access.Management, summary: "Get an application", failures: noThing("application"),
	}, r.get)
	register(s, operation{
		id: "updateApplication", method: http.MethodPatch, path: "/api/applications/{id}", tag: tagApplications,
		scope: access.Management, summary: "Change an application",
		description: "Fields that are not given stay as they are; null empties a description. customData is replaced as a whole. " +
			"The type stays.",
		failures: changeFailures("application"),
	}, func(ctx context.Context, in *changeApplicationInput) (*thingOutput[applicationJSON], error) {
		return r.output(r.change(ctx, in.ID, in.IfMatch, func(a *directory.Application) {
			in.Body.Name.lay(&a.Name)
			in.Body.lay(a)
		}))
	})
	register(s, operation{
		id: "deleteApplication", method: http.MethodDelete, path: "/api/applications/{id}", tag: tagApplications,
		scope: access.Management, summary: "Delete an application", failures: changeFailures("application"),
	}, r.delete)
	register(s, operation{
		id: "getApplicationSignInExperience", method: http.MethodGet, path: "/api/applications/{id}/sign-in-experience",
		tag: tagApplications, scope: access.Management, summary: "Get what people see of an application",
		description: "Display name and branding, which go into mails.", failures: noThing("application"),
	}, experience.get)
	register(s, operation{
		id: "putApplicationSignInExperience", method: http.MethodPut, path: "/api/applications/{id}/sign-in-experience",
		tag: tagApplications, scope: access.Management, summary: "Set what people see of an application",
		description: "Fields that are not given stay as they are; null empties one.", failures: changeFailures("application"),
	}, func(ctx context.Context, in *appExperienceInput) (*thingOutput[appExperienceJSON], error) {
		return experience.output(experience.change(ctx, in.ID, in.IfMatch, func(a *directory.Application) {
			in.Body.Branding.lay(&a.Experience.Branding)
			in.Body.DisplayName.lay(&a.Experience.DisplayName)
		}))
	})
}
