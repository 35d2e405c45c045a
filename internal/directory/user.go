package directory

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/postern-mail/postern/internal/address"
	"github.com/postern-mail/postern/internal/branding"
	"github.com/postern-mail/postern/internal/fault"
)

// User is a person. Username, address and telephone number are each unique in
// a tenant, as far as they are there.
type User struct {
	Head

	Username     Text            `json:"username" nullable:"true" maxLength:"128" example:"ann" doc:"Letters of English, digits and underscores; no digit first. In this case."`
	PrimaryEmail Text            `json:"primaryEmail" nullable:"true" maxLength:"128" example:"ann@example.com"`
	PrimaryPhone Text            `json:"primaryPhone" nullable:"true" maxLength:"20" example:"4930901820" doc:"Digits alone, with the country's code (E.164 without +)."`
	Name         Text            `json:"name" nullable:"true" maxLength:"128" example:"Ann Example"`
	Avatar       Text            `json:"avatar" nullable:"true" maxLength:"2048" example:"https://example.com/ann.png" doc:"URL of a picture."`
	Profile      Profile         `json:"profile" doc:"Further claims of OpenID Connect."`
	CustomData   json.RawMessage `json:"customData" doc:"An object that is kept as it is."`
	IsSuspended  bool            `json:"isSuspended" doc:"Kept for those who ask; mails do not mind it."`
}

// Bounds of a user's fields.
const (
	MaxUsername  = 128 // characters
	MaxUserName  = 128 // characters
	MinPhone     = 4   // digits
	MaxPhone     = 20
	MaxClaim     = 256  // characters of a claim
	MaxClaimLink = 2048 // of one that is a URL
)

// Profile are standard claims about a user (OpenID Connect Core 1.0 section
// 5.1), in the spelling of Logto.
type Profile struct {
	FamilyName        string        `json:"familyName,omitempty" maxLength:"256" example:"Example"`
	GivenName         string        `json:"givenName,omitempty" maxLength:"256" example:"Ann"`
	MiddleName        string        `json:"middleName,omitempty" maxLength:"256"`
	Nickname          string        `json:"nickname,omitempty" maxLength:"256"`
	PreferredUsername string        `json:"preferredUsername,omitempty" maxLength:"256"`
	Profile           string        `json:"profile,omitempty" maxLength:"2048" doc:"URL of a page about the user."`
	Website           string        `json:"website,omitempty" maxLength:"2048" doc:"URL of the user's own page."`
	Gender            string        `json:"gender,omitempty" maxLength:"256"`
	Birthdate         string        `json:"birthdate,omitempty" maxLength:"256" example:"1990-12-31"`
	Zoneinfo          string        `json:"zoneinfo,omitempty" maxLength:"256" example:"Europe/Berlin"`
	Locale            string        `json:"locale,omitempty" maxLength:"256" example:"de-DE"`
	Address           PostalAddress `json:"address,omitzero"`
}

// PostalAddress is where somebody lives (OpenID Connect Core 1.0 section
// 5.1.1).
type PostalAddress struct {
	Formatted     string `json:"formatted,omitempty" maxLength:"1024" doc:"The whole address; may have line breaks."`
	StreetAddress string `json:"streetAddress,omitempty" maxLength:"256" doc:"May have line breaks."`
	Locality      string `json:"locality,omitempty" maxLength:"256" example:"Berlin"`
	Region        string `json:"region,omitempty" maxLength:"256"`
	PostalCode    string `json:"postalCode,omitempty" maxLength:"256"`
	Country       string `json:"country,omitempty" maxLength:"256" example:"Germany"`
}

// maxFormatted is the longest PostalAddress.Formatted, in characters.
const maxFormatted = 1024

func (p Profile) check(c *checker) {
	for _, f := range []struct {
		key, text string
		most      int
	}{
		{"familyName", p.FamilyName, MaxClaim}, {"givenName", p.GivenName, MaxClaim},
		{"middleName", p.MiddleName, MaxClaim}, {"nickname", p.Nickname, MaxClaim},
		{"preferredUsername", p.PreferredUsername, MaxClaim},
		{"profile", p.Profile, MaxClaimLink}, {"website", p.Website, MaxClaimLink},
		{"gender", p.Gender, MaxClaim}, {"birthdate", p.Birthdate, MaxClaim},
		{"zoneinfo", p.Zoneinfo, MaxClaim}, {"locale", p.Locale, MaxClaim},
	} {
		c.line(f.text, f.most, "profile", f.key)
	}
	a := p.Address
	for _, f := range []struct {
		key, text string
		most      int
	}{
		{"formatted", oneLine(a.Formatted), maxFormatted}, {"streetAddress", oneLine(a.StreetAddress), MaxClaim},
		{"locality", a.Locality, MaxClaim}, {"region", a.Region, MaxClaim},
		{"postalCode", a.PostalCode, MaxClaim}, {"country", a.Country, MaxClaim},
	} {
		c.line(f.text, f.most, "profile", "address", f.key)
	}
}

// oneLine takes line breaks out, which the standard allows in an address.
func oneLine(s string) string { return strings.NewReplacer("\r\n", " ", "\n", " ").Replace(s) }

func (u *User) clean() []fault.Issue {
	var c checker
	c.username(string(u.Username))
	if u.PrimaryEmail != "" {
		parsed, err := address.Parse(string(u.PrimaryEmail))
		switch {
		case errors.Is(err, address.ErrTooLong):
			c.add("too_big", err.Error(), "primaryEmail")
		case err != nil:
			c.add("invalid_value", err.Error(), "primaryEmail")
		default:
			u.PrimaryEmail = Text(parsed)
		}
	}
	if p := string(u.PrimaryPhone); p != "" && (len(p) < MinPhone || len(p) > MaxPhone || strings.Trim(p, "0123456789") != "") {
		c.add("invalid_value", fmt.Sprintf("must be %d to %d digits, without + or blanks", MinPhone, MaxPhone), "primaryPhone")
	}
	c.line(string(u.Name), MaxUserName, "name")
	c.issues = append(c.issues, branding.CheckURL(string(u.Avatar), "avatar")...)
	u.Profile.check(&c)
	u.CustomData = c.data(u.CustomData)
	return c.issues
}

// username checks a name to sign in with: Logto's ^[A-Za-z_]\w*$.
func (c *checker) username(s string) {
	odd := func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_'
	}
	switch {
	case s == "":
	case len(s) > MaxUsername:
		c.add("too_big", fmt.Sprintf("must be at most %d characters", MaxUsername), "username")
	case strings.ContainsFunc(s, odd) || (s[0] >= '0' && s[0] <= '9'):
		c.add("invalid_value", "must be English letters, digits and underscores, and not begin with a digit", "username")
	}
}

func (u User) searched() []string {
	return []string{string(u.Username), string(u.PrimaryEmail), string(u.PrimaryPhone), string(u.Name)}
}

// Identifier is what a user can be known by.
type Identifier int

// The identifiers.
const (
	ByUsername Identifier = iota
	ByEmail               // by its address.Key
	ByPhone
)

// userTaken tells which identifier of a user is another's.
func (s *Service) userTaken(ctx context.Context, u User) error {
	for _, f := range []struct {
		by                         Identifier
		value, code, message, path string
	}{
		{ByUsername, string(u.Username), "user.username_already_in_use", "Another user has this username.", "username"},
		{ByEmail, address.Key(string(u.PrimaryEmail)), "user.email_already_in_use", "Another user has this e-mail address.", "primaryEmail"},
		{ByPhone, string(u.PrimaryPhone), "user.phone_already_in_use", "Another user has this telephone number.", "primaryPhone"},
	} {
		if f.value == "" {
			continue
		}
		other, ok, err := s.store.FindUser(ctx, u.TenantID, f.by, f.value)
		if err != nil {
			return fmt.Errorf("find user: %w", err)
		}
		if ok && other.ID != u.ID {
			return inUse(f.code, f.message, f.path)
		}
	}
	// Whoever had it has given it up this moment.
	return fault.New(fault.Unprocessable, "entity.unique_integrity_violation",
		"Another user has, or just had, one of these identifiers. Try again.")
}

// FindByEmail returns the user with an address, in whatever case; ok is false
// when there is none.
func (s *Service) FindByEmail(ctx context.Context, tenantID, addr string) (u User, ok bool, err error) {
	u, ok, err = s.store.FindUser(ctx, tenantID, ByEmail, address.Key(addr))
	if err != nil {
		return u, false, fmt.Errorf("find user: %w", err)
	}
	return u, ok, nil
}
