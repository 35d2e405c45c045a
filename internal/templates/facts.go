package templates

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/postern-mail/postern/connector"
)

// Longest texts from outside that a built-in mail shows, in characters.
const (
	maxName    = 64
	maxCompany = 500
	maxURL     = 2048
)

// addFacts adds what a built-in mail says about who is involved. Names come
// from people outside (an organization's from whoever created it, a user's
// from the user), and mails go to strangers: so names are one line, cut to
// maxName characters, and one that holds a URL is left out, since mail clients
// would make it a link in a mail with the tenant's logo.
func addFacts(values map[string]any, t connector.TemplateType, payload map[string]any, fallback Branding) {
	application, organization := object(payload, "application"), object(payload, "organization")
	appName := firstOf(name(application, "displayName"), name(application, "name"))
	orgName := name(organization, "name")
	brand, logoName := mergeBranding(application, appName, organization, orgName, fallback)

	values["product"], values["organization"] = whatAndWhere(t, appName, orgName, brand.SenderName)
	inviter, user := object(payload, "inviter"), object(payload, "user")
	values["inviter"] = firstOf(person(inviter, "name"), person(inviter, "username"), name(inviter, "primaryEmail"))
	values["user"] = firstOf(person(user, "name"), person(user, "username"))

	values["logo"], values["darkLogo"], values["logoName"] = brand.LogoURL, brand.DarkLogoURL, logoName
	if brand.LogoURL == "" {
		values["wordmark"] = firstOf(appName, orgName, brand.SenderName)
	}
	values["sender"], values["company"] = brand.SenderName, brand.CompanyInformation
	values["footer"] = firstOf(brand.SenderName, brand.CompanyInformation)
}

// whatAndWhere returns the names that the wording calls product and
// organization. One name is not said twice: an invitation is to the
// organization, every other mail is about the product.
func whatAndWhere(t connector.TemplateType, app, org, sender string) (product, organization string) {
	if !t.CarriesCode() {
		if product = firstOf(app, sender); product == org {
			product = ""
		}
		return product, org
	}
	product = firstOf(app, org, sender)
	if product == org {
		org = ""
	}
	return product, org
}

// mergeBranding takes each part of the branding from the application, else
// from the organization, else from the fallback. The two logos are one part:
// a light and a dark one of different owners would not match.
func mergeBranding(application map[string]any, appName string, organization map[string]any, orgName string,
	fallback Branding,
) (merged Branding, logoName string) {
	for _, source := range [...]struct {
		branding Branding
		name     string
	}{
		{brandingOf(application), appName},
		{brandingOf(organization), orgName},
		{fallback, fallback.SenderName},
	} {
		b := source.branding
		if logo := logoURL(b.LogoURL); merged.LogoURL == "" && logo != "" {
			merged.LogoURL, merged.DarkLogoURL, logoName = logo, logoURL(b.DarkLogoURL), clean(source.name)
		}
		if merged.SenderName == "" {
			merged.SenderName = clean(b.SenderName)
		}
		if merged.CompanyInformation == "" {
			merged.CompanyInformation = cleanLines(b.CompanyInformation)
		}
	}
	return merged, logoName
}

func brandingOf(owner map[string]any) Branding {
	b := object(owner, "branding")
	return Branding{
		SenderName: str(b, "senderName"), CompanyInformation: str(b, "companyInformation"),
		LogoURL: str(b, "logoUrl"), DarkLogoURL: str(b, "darkLogoUrl"),
	}
}

func object(of map[string]any, key string) map[string]any {
	o, _ := of[key].(map[string]any)
	return o
}

func str(of map[string]any, key string) string {
	s, _ := of[key].(string)
	return s
}

// name is a name that an administrator gave, cleaned. It may look like a
// domain, as many names of companies do.
func name(of map[string]any, key string) string { return clean(str(of, key)) }

// person is a name that a person gave themself. One that looks like a domain
// or an address is left out: it is more likely bait than a name.
func person(of map[string]any, key string) string {
	s := clean(str(of, key))
	if looksLikeDomain(s) {
		return ""
	}
	return s
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// clean makes one line of at most maxName characters out of s: no control
// characters, nothing that turns the direction of the text around it. The
// result is "" when s holds a URL.
func clean(s string) string {
	if s == "" || holdsURL(s) {
		return ""
	}
	return shorten(oneLine(s), maxName)
}

// cleanLines is clean for a text of several lines and maxCompany characters.
func cleanLines(s string) string {
	if s == "" || holdsURL(s) {
		return ""
	}
	lines := strings.Split(strings.ReplaceAll(s, "\r\n", "\n"), "\n")
	kept := lines[:0]
	for _, line := range lines {
		if line = oneLine(line); line != "" {
			kept = append(kept, line)
		}
	}
	return shorten(strings.Join(kept, "\n"), maxCompany)
}

// oneLine removes what is invisible and white space that is too much.
func oneLine(s string) string {
	s = visible(s)
	if s == strings.TrimSpace(s) && !strings.Contains(s, "  ") {
		return s // as most names are: nothing to take apart
	}
	return strings.Join(strings.Fields(s), " ")
}

// visible removes control characters (white space among them becomes a space)
// and those that change the direction of text (UAX #9).
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r):
			return -1
		}
		return r
	}, s)
}

// shorten cuts s to n characters, an ellipsis included.
func shorten(s string, n int) string {
	if len(s) <= n || utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := []rune(s)
	return strings.TrimRight(string(runes[:n-1]), " ") + "…"
}

// holdsURL reports whether mail clients would find a URL in s whatever stands
// around it.
func holdsURL(s string) bool {
	if strings.Contains(s, "://") {
		return true
	}
	const www = "www."
	for i := range len(s) - len(www) {
		if strings.EqualFold(s[i:i+len(www)], www) {
			return true
		}
	}
	return false
}

// looksLikeDomain reports whether a dot in s stands between a letter or digit
// and at least two letters, as in "example.com", but not in "J.R.R." or "Dr. No".
func looksLikeDomain(s string) bool {
	runes := []rune(s)
	alnum := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	for i := 1; i+2 < len(runes); i++ {
		if runes[i] == '.' && alnum(runes[i-1]) && unicode.IsLetter(runes[i+1]) && unicode.IsLetter(runes[i+2]) {
			return true
		}
	}
	return false
}

// logoURL returns s when it is an absolute http or https URL, else "".
func logoURL(s string) string {
	if s == "" || len(s) > maxURL {
		return ""
	}
	u, err := url.Parse(s)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	return s
}
