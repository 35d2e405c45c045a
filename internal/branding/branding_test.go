package branding_test

import (
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/branding"
)

func TestCheckURL(t *testing.T) {
	t.Parallel()
	for url, code := range map[string]string{
		"":                              "",
		"https://example.com/logo.png":  "",
		"http://[2001:db8::1]:8080/a?b": "",
		"HTTPS://example.com":           "",
		"javascript:alert(1)":           "invalid_value",
		"data:image/png;base64,AA==":    "invalid_value",
		"//example.com/logo.png":        "invalid_value",
		"https://":                      "invalid_value",
		"https://exa\x00mple.com":       "invalid_value",
		"https://example.com/\r\nX: y":  "invalid_value",
		"https://" + strings.Repeat("a", branding.MaxURL): "too_big",
	} {
		issues := branding.CheckURL(url, "avatar")
		switch {
		case code == "" && len(issues) == 0:
		case len(issues) != 1 || issues[0].Code != code || issues[0].Path[0] != "avatar":
			t.Errorf("%.40q: %v, want %q", url, issues, code)
		}
	}
}

func TestCheckNamesTheField(t *testing.T) {
	t.Parallel()
	issues := branding.Branding{LogoURL: "https://example.com/a", DarkFavicon: "ftp://example.com"}.Check()
	if len(issues) != 1 || issues[0].Path[0] != "darkFavicon" {
		t.Errorf("issues %v", issues)
	}
}
