package directory

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/postern-mail/postern/internal/branding"
	"github.com/postern-mail/postern/internal/fault"
)

// Organization is a group of users.
type Organization struct {
	Head

	Name        string            `json:"name" minLength:"1" maxLength:"128" example:"Acme"`
	Description Text              `json:"description" nullable:"true" maxLength:"256" example:"Makers of everything."`
	CustomData  json.RawMessage   `json:"customData" doc:"An object that is kept as it is."`
	Branding    branding.Branding `json:"branding"`
}

func (o *Organization) clean() []fault.Issue {
	var c checker
	c.name(o.Name, MaxOrganizationName, "name")
	c.line(string(o.Description), MaxDescription, "description")
	o.CustomData = c.data(o.CustomData)
	c.branding(o.Branding)
	return c.issues
}

func (o Organization) searched() []string { return []string{o.Name, string(o.Description)} }

// RoleType says who can have an organization role.
type RoleType string

// The types of organization roles, which are Logto's.
const (
	RoleOfUsers    RoleType = "User"
	RoleOfMachines RoleType = "MachineToMachine"
)

// RoleTypes returns both types of organization roles.
func RoleTypes() []RoleType { return []RoleType{RoleOfUsers, RoleOfMachines} }

// Role is what members of organizations can be: the roles of a tenant are the
// same in all its organizations. Names are unique.
type Role struct {
	Head

	Name        string   `json:"name" minLength:"1" maxLength:"128" example:"editor"`
	Description Text     `json:"description" nullable:"true" maxLength:"256" example:"May write."`
	Type        RoleType `json:"type" enum:"User,MachineToMachine" doc:"Who can have the role."`
}

func (r *Role) clean() []fault.Issue {
	var c checker
	c.name(r.Name, MaxRoleName, "name")
	c.line(string(r.Description), MaxDescription, "description")
	if !slices.Contains(RoleTypes(), r.Type) {
		c.add("invalid_value", "must be one of User, MachineToMachine", "type")
	}
	r.UpdatedAt = 0 // which is not kept
	return c.issues
}

func (r Role) searched() []string { return []string{r.Name, string(r.Description)} }

func roleTaken(context.Context, Role) error {
	return inUse("entity.unique_integrity_violation", "There is an organization role with this name.", "name")
}

// inUse is the fault for a field whose value something else has.
func inUse(code, message, field string) error {
	f := fault.New(fault.Unprocessable, code, "%s", message)
	f.Issues = []fault.Issue{{Path: []any{field}, Code: "invalid_value", Message: "is in use already"}}
	return f
}
