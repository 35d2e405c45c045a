package templatecheck

import (
	"strings"

	"github.com/postern-mail/postern/connector"
)

const (
	sampleCode = "739158"
	sampleLink = "https://app.example.com/invitations/739158"
)

// fullSample is the payload of a mail that has everything.
func fullSample(t connector.TemplateType) map[string]any {
	all, _ := variables(t)
	return sampleOf(all, "")
}

// bareSample is the payload of a mail that has nothing optional.
func bareSample(t connector.TemplateType) map[string]any {
	all, optional := variables(t)
	for _, name := range optional {
		delete(all, name)
	}
	sample := sampleOf(all, "")
	for _, value := range sample {
		if object, ok := value.(map[string]any); ok {
			for name := range object {
				if name != "id" && name != "name" {
					delete(object, name)
				}
			}
		}
	}
	return sample
}

func sampleOf(s shape, path string) map[string]any {
	sample := make(map[string]any, len(s))
	for name, members := range s {
		if members != nil {
			sample[name] = sampleOf(members, path+name+".")
		} else {
			sample[name] = sampleText(path + name)
		}
	}
	return sample
}

// sampleText returns an example for the variable at path.
func sampleText(path string) string {
	examples := examples()
	if text, ok := examples[path]; ok {
		return text
	}
	if text, ok := examples[path[strings.LastIndexByte(path, '.')+1:]]; ok {
		return text
	}
	return "example"
}

// examples returns texts by path, or by the last name of one.
func examples() map[string]string {
	return map[string]string{
		"code":               sampleCode,
		"link":               sampleLink,
		"locale":             "en",
		"uiLocales":          "en-GB en",
		"application.name":   "Example App",
		"displayName":        "Example App",
		"organization.name":  "Example Ltd",
		"user.name":          "Ann Example",
		"inviter.name":       "Ann Example",
		"givenName":          "Ann",
		"familyName":         "Example",
		"primaryEmail":       "ann@example.com",
		"primaryPhone":       "+15550100",
		"avatar":             "https://app.example.com/ann.png",
		"website":            "https://example.com/",
		"zoneinfo":           "Europe/London",
		"logoUrl":            "https://app.example.com/logo.png",
		"darkLogoUrl":        "https://app.example.com/logo-dark.png",
		"favicon":            "https://app.example.com/icon.png",
		"darkFavicon":        "https://app.example.com/icon-dark.png",
		"senderName":         "Example App",
		"companyInformation": "Example Ltd, 1 Example Street",
	}
}
