package api_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestSignInExperience(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.keepMails()
	const first = `{"tenantId":"default","id":"default","languageInfo":{"autoDetect":true,"fallbackLanguage":"en"},` +
		`"verificationCodePolicy":{"expirationDuration":600,"maxRetryAttempts":10,"codeLength":6,"activeCodes":3},` +
		`"sentinelPolicy":{"maxAttempts":100,"lockoutDuration":60},` +
		`"messageRateLimit":{"recipient":{"limit":10,"window":600},"ip":{"limit":100,"window":3600},"tenant":{"limit":0,"window":3600}},` +
		`"emailBlocklistPolicy":{"blockDisposableAddresses":false,"blockSubaddressing":false,"customBlocklist":[],"customAllowlist":[]},` +
		`"branding":{}}` + "\n"
	if got := s.get("/api/sign-in-exp").is(200).body; got != first {
		t.Errorf("at first %s", got)
	}
	for _, nothing := range []string{`{}`, `{"color":{"primaryColor":"#123456"}}`, `{"languageInfo":null}`, `{"languageInfo":{"x":1}}`} {
		if got := s.patch("/api/sign-in-exp", nothing).is(200).body; got != first {
			t.Errorf("after %s: %s", nothing, got)
		}
	}
	changed := s.patch("/api/sign-in-exp", `{"languageInfo":{"autoDetect":false},"verificationCodePolicy":{"expirationDuration":60,"codeLength":8}}`).is(200).body
	want := strings.NewReplacer(`"autoDetect":true`, `"autoDetect":false`, `Duration":600`, `Duration":60`, `"codeLength":6`, `"codeLength":8`).Replace(first)
	if changed != want || s.get("/api/sign-in-exp").body != want {
		t.Errorf("changed %s", changed)
	}
	// It takes effect at once.
	s.useProvider()
	s.sendCode(`{"email":"ann@example.com"}`).is(204)
	code := s.provider.codes()[0]
	if len(code) != 8 {
		t.Errorf("a code of %d digits", len(code))
	}
	s.clock.advance(time.Minute)
	s.verify(`{"email":"ann@example.com","verificationCode":"`+code+`"}`).refuses(400, "verification_code.expired")
	s.patch("/api/sign-in-exp", `{"languageInfo":{"fallbackLanguage":"de"},"verificationCodePolicy":{"codeLength":5}}`).refuses(400, "guard.invalid_input")
	if s.get("/api/sign-in-exp").body != want {
		t.Error("a refused change changed something")
	}
}

// The settings of limits and addresses change one by one, lists as a whole.
func TestSettingsOfLimits(t *testing.T) {
	t.Parallel()
	s := start(t)
	patch := func(body string) map[string]any {
		t.Helper()
		return read[map[string]any](s.patch("/api/sign-in-exp", body).is(200))
	}
	text := func(v any) string { return string(must[[]byte](t)(json.Marshal(v))) }
	patch(`{"messageRateLimit":{"recipient":{"limit":3}},"sentinelPolicy":{"maxAttempts":5}}`)
	patch(`{"messageRateLimit":{"tenant":{"limit":1000,"window":86400}},"sentinelPolicy":{"lockoutDuration":15}}`)
	patch(`{"emailBlocklistPolicy":{"customBlocklist":["@a.example","@b.example"],"blockSubaddressing":true}}`)
	patch(`{"emailBlocklistPolicy":{"customBlocklist":["@c.example"],"customAllowlist":["good@c.example"]}}`)
	got := patch(`{"branding":{"logoUrl":"https://cdn.mail.example/logo.png"}}`)
	for key, want := range map[string]string{
		"messageRateLimit":     `{"ip":{"limit":100,"window":3600},"recipient":{"limit":3,"window":600},"tenant":{"limit":1000,"window":86400}}`,
		"sentinelPolicy":       `{"lockoutDuration":15,"maxAttempts":5}`,
		"emailBlocklistPolicy": `{"blockDisposableAddresses":false,"blockSubaddressing":true,"customAllowlist":["good@c.example"],"customBlocklist":["@c.example"]}`,
		"branding":             `{"logoUrl":"https://cdn.mail.example/logo.png"}`,
	} {
		if text(got[key]) != want {
			t.Errorf("%s: %s, want %s", key, text(got[key]), want)
		}
	}
	for body, fields := range map[string]string{
		`{"messageRateLimit":{"recipient":{"limit":0}}}`:                   "messageRateLimit.recipient.limit",
		`{"messageRateLimit":{"ip":{"limit":-1,"window":59}}}`:             "messageRateLimit.ip.limit messageRateLimit.ip.window",
		`{"messageRateLimit":{"tenant":{"limit":"many"}}}`:                 "messageRateLimit.tenant.limit",
		`{"sentinelPolicy":{"maxAttempts":0,"lockoutDuration":1441}}`:      "sentinelPolicy.lockoutDuration sentinelPolicy.maxAttempts",
		`{"emailBlocklistPolicy":{"customBlocklist":["@ok.example","x"]}}`: "emailBlocklistPolicy.customBlocklist[1]",
		`{"emailBlocklistPolicy":{"customAllowlist":"@ok.example"}}`:       "emailBlocklistPolicy.customAllowlist",
		`{"branding":{"logoUrl":"javascript:alert(1)","favicon":"//x"}}`:   "branding.favicon branding.logoUrl",
	} {
		if paths := strings.Join(s.patch("/api/sign-in-exp", body).refuses(400, "guard.invalid_input").problem().paths(), " "); paths != fields {
			t.Errorf("%s: at fault %s, want %s", body, paths, fields)
		}
	}
	s.set(`{"emailBlocklistPolicy":{"customBlocklist":["@c.example"],"customAllowlist":null}}`) // as an import may
	if body := s.get("/api/sign-in-exp").is(200).body; !strings.Contains(body, `"customAllowlist":[]`) {
		t.Errorf("a list that is null is %s", body)
	}
	s.set(`{"emailBlocklistPolicy":{"customAllowlist":["good@c.example"]}}`)
	if again := read[map[string]any](s.get("/api/sign-in-exp")); text(again) != text(got) {
		t.Errorf("a refused change changed something: %s", text(again))
	}
}

// languageCases are wishes and what comes of them, where the tenant's own
// languages are x-own and pt, and its default is en.
func languageCases() map[string]struct{ wish, locale, uiLocales string } {
	return map[string]struct{ wish, locale, uiLocales string }{
		"nothing":                    {`{}`, "en", ""},
		"a locale":                   {`{"locale":"de"}`, "de", ""},
		"a locale as it is":          {`{"locale":"Klingon"}`, "Klingon", ""},
		"ui locales first":           {`{"locale":"de","uiLocales":"tlh X-OWN de"}`, "x-own", "tlh X-OWN de"},
		"ui locales without a match": {`{"locale":"de","uiLocales":"tlh"}`, "de", "tlh"},
		"ui locales alone":           {`{"uiLocales":"de-CH"}`, "de", "de-CH"},
		"empty":                      {`{"locale":"","uiLocales":""}`, "en", ""},
	}
}

func TestLanguageIsChosenAtAccept(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	s.set(`{"messageRateLimit":{"recipient":{"limit":1000}}}`) // more mails than a person needs
	s.putOne("x-own", "Generic", goodDetails)
	for name, c := range languageCases() {
		wish := strings.Replace(","+c.wish[1:], ",}", "}", 1)
		for kind, send := range map[string]func(){
			"code": func() { s.sendCode(`{"email":"ann@example.com"` + wish).is(204) },
			"code by payload": func() {
				s.sendCode(`{"email":"ann@example.com","payload":{"x":1` + wish + `}`).is(204)
			},
			"message": func() {
				link := "https://example.com/" + strings.ReplaceAll(name, " ", "-") // repeats are one message
				s.sendMessage(`{"to":"ann@example.com","type":"OrganizationInvitation","payload":{"link":"` + link + `"` + wish + `}`).is(202)
			},
			"test": func() {
				s.clock.advance(time.Minute) // ten tests a minute
				s.test(`{"email":"ann@example.com","config":` + providerConfig + wish).is(204)
			},
		} {
			send()
			mails := s.provider.mails()
			m := mails[len(mails)-1]
			uiLocales, _ := m.Payload["uiLocales"].(string)
			_, there := m.Payload["uiLocales"]
			if m.Locale != c.locale || m.Payload["locale"] != c.locale || uiLocales != c.uiLocales || there != (c.uiLocales != "") {
				t.Errorf("%s, %s: locale %q, payload %v", name, kind, m.Locale, m.Payload)
			}
		}
	}
}

// Each step of the choice of a template, by the mails that come out of it.
func TestTemplateOfEachStep(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.useProvider()
	subject := func(locale string) string {
		t.Helper()
		s.sendCode(`{"email":"ann@example.com","type":"SignIn","locale":"` + locale + `"}`).is(204)
		mails := s.provider.mails()
		return mails[len(mails)-1].Subject
	}
	english, german := subject("en"), subject("de")
	if english == german || subject("de-AT") != german {
		t.Errorf("built-in mails: %q in English, %q in German", english, german)
	}
	for _, step := range []struct{ language, kind, locale string }{
		{"en", "Generic", "fr-CA"}, {"en", "SignIn", "fr-CA"}, {"fr", "SignIn", "fr-CA"}, {"FR-ca", "SignIn", "fr-CA"},
	} {
		details, err := json.Marshal(map[string]string{"subject": step.language + " " + step.kind, "content": "{{code}}"})
		if err != nil {
			t.Fatal(err)
		}
		s.putOne(step.language, step.kind, string(details))
		if got := subject(step.locale); got != step.language+" "+step.kind {
			t.Errorf("%s gets %q, want the one of %s %s", step.locale, got, step.language, step.kind)
		}
	}
	s.patch("/api/sign-in-exp", `{"languageInfo":{"fallbackLanguage":"fr"}}`).is(200)
	if got := subject("it"); got != "fr SignIn" {
		t.Errorf("the default language is French, but Italian gets %q", got)
	}
}
