package directory

import (
	"encoding/json"
	"slices"

	"github.com/postern-mail/postern/internal/branding"
	"github.com/postern-mail/postern/internal/fault"
)

// ApplicationType is what sort of program an application is.
type ApplicationType string

// The types of applications, which are Logto's.
const (
	Native           ApplicationType = "Native"
	SPA              ApplicationType = "SPA" // single-page application
	Traditional      ApplicationType = "Traditional"
	MachineToMachine ApplicationType = "MachineToMachine"
	Protected        ApplicationType = "Protected"
	SAML             ApplicationType = "SAML"
)

// ApplicationTypes returns all types of applications.
func ApplicationTypes() []ApplicationType {
	return []ApplicationType{Native, SPA, Traditional, MachineToMachine, Protected, SAML}
}

// Bounds of names and descriptions, in characters.
const (
	MaxApplicationName  = 256
	MaxOrganizationName = 128
	MaxRoleName         = 128
	MaxDescription      = 256
)

// Application is a program that users sign in to.
type Application struct {
	Head

	Name        string          `json:"name" minLength:"1" maxLength:"256" example:"Webshop"`
	Description Text            `json:"description" nullable:"true" maxLength:"256" example:"The shop that customers see."`
	Type        ApplicationType `json:"type" enum:"Native,SPA,Traditional,MachineToMachine,Protected,SAML"`
	CustomData  json.RawMessage `json:"customData" doc:"An object that is kept as it is."`
	// Experience is read and changed beside the rest.
	Experience SignInExperience `json:"signInExperience,omitzero" doc:"As in /sign-in-experience; not there while nothing is set."`
}

// SignInExperience is what people see of an application when they sign in.
type SignInExperience struct {
	DisplayName Text              `json:"displayName" nullable:"true" maxLength:"256" example:"Example Webshop" doc:"What people know the application by."`
	Branding    branding.Branding `json:"branding"`
}

func (a *Application) clean() []fault.Issue {
	var c checker
	c.name(a.Name, MaxApplicationName, "name")
	c.line(string(a.Description), MaxDescription, "description")
	if !slices.Contains(ApplicationTypes(), a.Type) {
		c.add("invalid_value", "must be one of Native, SPA, Traditional, MachineToMachine, Protected, SAML", "type")
	}
	a.CustomData = c.data(a.CustomData)
	c.line(string(a.Experience.DisplayName), MaxApplicationName, "displayName")
	c.branding(a.Experience.Branding)
	return c.issues
}

func (a Application) searched() []string {
	return []string{a.Name, string(a.Description), string(a.Experience.DisplayName)}
}
