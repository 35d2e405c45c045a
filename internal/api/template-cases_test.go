package api_test

import (
	"fmt"
	"strings"
)

const goodDetails = `{"subject":"s","content":"c"}`

// putBody is a PUT of one template.
func putBody(language, kind, details string) string {
	return `{"templates":[{"languageTag":"` + language + `","templateType":"` + kind + `","details":` + details + `}]}`
}

func templateRefusals() []refusal {
	huge := strings.Repeat("x", 300<<10)
	one := `{"languageTag":"en","templateType":"Generic","details":` + goodDetails + `},`
	cases := []refusal{
		{name: "nothing", body: `{}`, fields: "templates"},
		{name: "null", body: `{"templates":null}`, fields: "templates"},
		{name: "an empty list", body: `{"templates":[]}`, fields: "templates"},
		{name: "201 templates", body: `{"templates":[` + strings.TrimSuffix(strings.Repeat(one, 201), ",") + `]}`, fields: "templates"},
		{name: "an empty template", body: `{"templates":[{}]}`, fields: "templates[0].details templates[0].languageTag templates[0].templateType"},
		{name: "no subject, no content", body: putBody("en", "Generic", `{}`), fields: "templates[0].details.content templates[0].details.subject"},
		{name: "empty subject and content", body: putBody("en", "Generic", `{"subject":"","content":""}`), fields: "templates[0].details.content templates[0].details.subject"},
		{name: "subject a number", body: putBody("en", "Generic", `{"subject":1,"content":"c"}`), fields: "templates[0].details.subject"},
		{name: "subject over 2 KiB", body: putBody("en", "Generic", `{"subject":"`+strings.Repeat("s", 2049)+`","content":"c"}`), fields: "templates[0].details.subject"},
		{name: "content of 300 KiB", body: putBody("en", "Generic", `{"subject":"s","content":"`+huge+`"}`), fields: "templates[0].details.content"},
		{name: "content hidden in another case", body: putBody("en", "Generic", `{"subject":"s","content":"c","CONTENT":"`+huge+`"}`), fields: "templates[0].details.content"},
		{name: "unknown content type", body: putBody("en", "Generic", `{"subject":"s","content":"c","contentType":"text/markdown"}`), fields: "templates[0].details.contentType"},
		{name: "reply to over 2 KiB", body: putBody("en", "Generic", `{"subject":"s","content":"c","replyTo":"`+strings.Repeat("r", 2049)+`"}`), fields: "templates[0].details.replyTo"},
		{name: "unknown type", body: putBody("en", "Newsletter", goodDetails), fields: "templates[0].templateType"},
		{name: "type hidden in another case", body: `{"templates":[{"languageTag":"en","templateType":"Generic","TEMPLATETYPE":"x","details":` + goodDetails + `}]}`, fields: "templates[0].templateType"},
		{name: "the same twice", body: `{"templates":[{"languageTag":"en","templateType":"Generic","details":` + goodDetails +
			`},{"languageTag":"EN","templateType":"Generic","details":` + goodDetails + `}]}`, fields: "templates[1]"},
		{name: "one of two", body: `{"templates":[{"languageTag":"en","templateType":"Generic","details":` + goodDetails +
			`},{"languageTag":"e n","templateType":"SignIn","details":` + goodDetails + `}]}`, fields: "templates[1].languageTag"},
		{name: "not UTF-8", body: putBody("en", "Generic", "{\"subject\":\"s\",\"content\":\"\xff\"}"), fields: "(all)"},
		{name: "over 1 MiB", body: putBody("en", "Generic", `{"subject":"s","content":"`+strings.Repeat("x", 1<<20)+`"}`), status: 413, code: "request.body_too_large"},
	}
	for _, tag := range []string{"", "abcdefgh-abcdefgh", "de_AT", "de-", "../en", `en\u0000`, `en\r\n`, "ab cd", "日本"} {
		cases = append(cases, refusal{name: fmt.Sprintf("language %q", tag), body: putBody(tag, "Generic", goodDetails), fields: "templates[0].languageTag"})
	}
	cases = at("/api/email-templates", admin, cases)
	for i := range cases {
		cases[i].method = "PUT"
	}
	return append(cases, oneTemplateRefusals()...)
}

func oneTemplateRefusals() []refusal {
	gone := []refusal{
		{name: "get", method: "GET", path: "/api/email-templates/nothing"},
		{name: "get with NUL", method: "GET", path: "/api/email-templates/a%00b"},
		{name: "patch", method: "PATCH", path: "/api/email-templates/nothing/details", body: `{"subject":"x"}`},
		{name: "patch with NUL", method: "PATCH", path: "/api/email-templates/a%00b/details", body: `{}`},
		{name: "delete", method: "DELETE", path: "/api/email-templates/nothing"},
		{name: "delete with NUL", method: "DELETE", path: "/api/email-templates/a%00b"},
		{name: "versions", method: "GET", path: "/api/email-templates/nothing/versions"},
		{name: "versions with NUL", method: "GET", path: "/api/email-templates/a%00b/versions"},
		{name: "restore", path: "/api/email-templates/nothing/versions/1/restore"},
		{name: "restore with NUL", path: "/api/email-templates/a%00b/versions/1/restore"},
	}
	for i := range gone {
		gone[i].who, gone[i].status, gone[i].code = admin, 404, "entity.not_exists_with_id"
	}
	lists := []refusal{
		{name: "list of no language", method: "GET", path: "?languageTag=de_AT", fields: "languageTag"},
		{name: "list of a language with NUL", method: "GET", path: "?languageTag=a%00", fields: "languageTag"},
		{name: "list of no type", method: "GET", path: "?templateType=x", fields: "templateType"},
		{name: "list of no page", method: "GET", path: "?page=0", status: 400, code: "guard.invalid_pagination", fields: "page"},
		{name: "delete all", method: "DELETE", status: 422, code: "connector.email_connector.bulk_deletion_no_filter"},
		{name: "delete all, empty filters", method: "DELETE", path: "?languageTag=&templateType=", status: 422, code: "connector.email_connector.bulk_deletion_no_filter"},
		{name: "delete of no type", method: "DELETE", path: "?templateType=x", fields: "templateType"},
	}
	for i, c := range lists {
		lists[i] = at("/api/email-templates"+c.path, admin, []refusal{c})[0]
	}
	return append(append(gone, lists...), at("/api/email-templates/nothing/versions/first/restore", admin, []refusal{
		{name: "restore of no number", fields: "version"},
	})...)
}

func previewRefusals() []refusal {
	deep := strings.Repeat(`{"a":`, 1000) + "1" + strings.Repeat("}", 1000)
	var many strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&many, `"k%d":1,`, i)
	}
	keys := "{" + strings.TrimSuffix(many.String(), ",") + "}"
	cases := at("/api/email-templates/preview", admin, []refusal{
		{name: "nothing", body: `{}`, fields: "templateType"},
		{name: "unknown type", body: `{"templateType":"x"}`, fields: "templateType"},
		{name: "type hidden in another case", body: `{"templateType":"Generic","TEMPLATETYPE":"x"}`, fields: "templateType"},
		{name: "language with CR LF", body: `{"templateType":"Generic","languageTag":"en\r\n"}`, fields: "languageTag"},
		{name: "details without content", body: `{"templateType":"Generic","details":{"subject":"x"}}`, fields: "details.content"},
		{name: "details of 300 KiB", body: `{"templateType":"Generic","details":{"subject":"x","content":"` + strings.Repeat("x", 300<<10) + `"}}`, fields: "details.content"},
		{name: "payload of 10,000 keys", body: `{"templateType":"Generic","payload":` + keys + `}`, fields: "payload"},
		{name: "payload 1,000 deep", body: `{"templateType":"Generic","payload":` + deep + `}`, fields: "payload"},
		{name: "locale a number", body: `{"templateType":"Generic","payload":{"locale":1}}`, fields: "payload.locale"},
		{name: "no such connector", body: `{"templateType":"Generic","connectorId":"nowhere"}`, status: 404, code: "entity.not_found"},
		{
			name: "a sender of replies that is none", body: `{"templateType":"Generic","details":{"subject":"x","content":"x","replyTo":"nobody"}}`,
			status: 422, code: "entity.invalid_input",
		},
	})
	cases = append(cases, at("/api/email-templates/check", admin, []refusal{
		{name: "nothing to check", body: `{}`, fields: "details templateType"},
		{name: "check of no type", body: `{"templateType":"x","details":` + goodDetails + `}`, fields: "templateType"},
	})...)
	for _, path := range []string{"/api/verification-codes", "/api/messages"} {
		for name, payload := range map[string]string{"10,000 keys": keys, "depth 1,000": deep} {
			body := `{"email":"ann@example.com","payload":` + payload + `}`
			if path == "/api/messages" {
				body = `{"to":"ann@example.com","type":"Generic","payload":` + payload + `}`
			}
			cases = append(cases, at(path, admin, []refusal{{name: name + " to " + path, body: body, fields: "payload"}})...)
		}
	}
	return append(cases, at("/api/messages", sender, []refusal{
		{name: "locale a list", body: `{"to":"ann@example.com","type":"Generic","payload":{"locale":["de"]}}`, fields: "payload.locale"},
		{name: "locale over 64", body: `{"to":"ann@example.com","type":"Generic","payload":{"locale":"` + strings.Repeat("a", 65) + `"}}`, fields: "payload.locale"},
		{name: "locale with CR LF", body: `{"to":"ann@example.com","type":"Generic","payload":{"locale":"de\r\n"}}`, fields: "payload.locale"},
		{name: "uiLocales a number", body: `{"to":"ann@example.com","type":"Generic","payload":{"uiLocales":1}}`, fields: "payload.uiLocales"},
	})...)
}

func partialRefusals() []refusal {
	cases := at("/api/email-partials/x", admin, []refusal{
		{name: "nothing", body: `{}`, fields: "content"},
		{name: "content null", body: `{"content":null}`, fields: "content"},
		{name: "300 KiB", body: `{"content":"` + strings.Repeat("x", 300<<10) + `"}`, fields: "content"},
		{name: "NUL", body: `{"content":"\u0000"}`, fields: "content"},
	})
	for i, name := range []string{"a.b", "a%20b", strings.Repeat("a", 65), "%C3%A4", "a%00b"} {
		cases = append(cases, at("/api/email-partials/"+name, admin, []refusal{
			{name: fmt.Sprint("bad name ", i), body: `{"content":"x"}`, fields: "name"},
		})...)
	}
	for i := range cases {
		cases[i].method = "PUT"
	}
	for _, name := range []string{"nothing", "a%00b"} {
		for _, method := range []string{"GET", "DELETE"} {
			cases = append(cases, refusal{
				name: method + " " + name, method: method, path: "/api/email-partials/" + name, who: admin, status: 404, code: "entity.not_found",
			})
		}
	}
	return cases
}

func experienceRefusals() []refusal {
	cases := at("/api/sign-in-exp", admin, []refusal{
		{name: "no language", body: `{"languageInfo":{"fallbackLanguage":""}}`, fields: "languageInfo.fallbackLanguage"},
		{name: "language of 17", body: `{"languageInfo":{"fallbackLanguage":"abcdefgh-abcdefgh"}}`, fields: "languageInfo.fallbackLanguage"},
		{name: "language a number", body: `{"languageInfo":{"fallbackLanguage":1}}`, fields: "languageInfo.fallbackLanguage"},
		{name: "detection a string", body: `{"languageInfo":{"autoDetect":"yes"}}`, fields: "languageInfo.autoDetect"},
		{name: "languages a list", body: `{"languageInfo":[]}`, fields: "languageInfo"},
		{name: "another case of another type", body: `{"LANGUAGEINFO":1}`, fields: "languageInfo"},
		{
			name: "out of bounds", body: `{"verificationCodePolicy":{"expirationDuration":59,"maxRetryAttempts":0,"codeLength":9,"activeCodes":6}}`,
			fields: "verificationCodePolicy.activeCodes verificationCodePolicy.codeLength verificationCodePolicy.expirationDuration verificationCodePolicy.maxRetryAttempts",
		},
		{name: "a fraction", body: `{"verificationCodePolicy":{"expirationDuration":60.5}}`, fields: "verificationCodePolicy.expirationDuration"},
		{name: "policy a string", body: `{"verificationCodePolicy":"strict"}`, fields: "verificationCodePolicy"},
	})
	for i := range cases {
		cases[i].method = "PATCH"
	}
	return cases
}
