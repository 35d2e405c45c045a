package branding

import (
	"fmt"
	"net/url"

	"github.com/postern-mail/postern/internal/fault"
)

// Branding is what something looks like in mails and on pages. Each is a URL
// (http or https), or "" for none.
type Branding struct {
	LogoURL     string `json:"logoUrl,omitempty" example:"https://example.com/logo.png" doc:"URL of at most 2,048 bytes, as are the others."`
	DarkLogoURL string `json:"darkLogoUrl,omitempty" example:"https://example.com/logo-dark.png" doc:"For dark backgrounds."`
	Favicon     string `json:"favicon,omitempty" example:"https://example.com/favicon.png"`
	DarkFavicon string `json:"darkFavicon,omitempty" example:"https://example.com/favicon-dark.png" doc:"For dark backgrounds."`
}

// MaxURL is the longest URL taken, in bytes.
const MaxURL = 2048

// Check returns what is wrong with a branding, with paths from its top.
func (b Branding) Check() []fault.Issue {
	var issues []fault.Issue
	for _, f := range []struct{ key, url string }{
		{"logoUrl", b.LogoURL}, {"darkLogoUrl", b.DarkLogoURL}, {"favicon", b.Favicon}, {"darkFavicon", b.DarkFavicon},
	} {
		issues = append(issues, CheckURL(f.url, f.key)...)
	}
	return issues
}

// CheckURL returns what is wrong with the URL at a path; "" is none.
func CheckURL(s string, path ...any) []fault.Issue {
	u, err := url.Parse(s)
	switch {
	case s == "":
	case len(s) > MaxURL:
		return []fault.Issue{{Path: path, Code: "too_big", Message: fmt.Sprintf("must be at most %d bytes", MaxURL)}}
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "":
		return []fault.Issue{{Path: path, Code: "invalid_value", Message: "must be a URL that begins with http:// or https://"}}
	}
	return nil
}
