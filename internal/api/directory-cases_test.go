package api_test

import (
	"fmt"
	"strings"
)

// directoryRefusals are requests on people and things that change nothing.
func directoryRefusals() []refusal {
	var cases []refusal
	for path, required := range map[string]string{
		"/api/applications": `"name":"a","type":"SPA"`, "/api/organizations": `"name":"a"`, "/api/organization-roles": `"name":"a"`,
	} {
		long := 129
		if path == "/api/applications" {
			long = 257
		}
		rest := strings.TrimPrefix(required, `"name":"a"`)
		list := []refusal{
			{name: "name empty", body: `{"name":""` + rest + `}`, fields: "name"},
			{name: "name a number", body: `{"name":1` + rest + `}`, fields: "name"},
			{name: "name with CR LF", body: `{"name":"a\r\nb"` + rest + `}`, fields: "name"},
			{name: "name with NUL", body: `{"name":"a\u0000b"` + rest + `}`, fields: "name"},
			{name: "name too long", body: `{"name":"` + strings.Repeat("ü", long) + `"` + rest + `}`, fields: "name"},
			{name: "name missing", body: `{"description":"d"` + rest + `}`, fields: "name"},
			{name: "name hidden in another case", body: `{` + required + `,"NAME":"a\u0000"}`, fields: "name"},
			{name: "description with NUL", body: `{` + required + `,"description":"\u0000"}`, fields: "description"},
			{name: "description too long", body: `{` + required + `,"description":"` + strings.Repeat("d", 257) + `"}`, fields: "description"},
			{name: "not UTF-8", body: "{\"name\":\"\xff\"" + rest + "}", fields: "(all)"},
		}
		if path != "/api/organization-roles" {
			list = append(list, customDataRefusals(required)...)
		}
		cases = append(cases, nameAfter(path, at(path, admin, list))...)
	}
	cases = append(cases, at("/api/applications", admin, []refusal{
		{name: "no type", body: `{"name":"a"}`, fields: "type"},
		{name: "unknown type", body: `{"name":"a","type":"spa"}`, fields: "type"},
	})...)
	cases = append(cases, at("/api/organization-roles", admin, []refusal{
		{name: "unknown type of role", body: `{"name":"a","type":"Robot"}`, fields: "type"},
	})...)
	for i, url := range []string{"javascript:alert(1)", "data:image/png;base64,AA==", "example.com/a.png", "https://", "http://a\\u0000b", strings.Repeat("https://example.com/", 103)} {
		cases = append(cases, at("/api/organizations", admin, []refusal{
			{name: fmt.Sprint("logo ", i), body: `{"name":"a","branding":{"logoUrl":"` + url + `"}}`, fields: "branding.logoUrl"},
		})...)
		cases = append(cases, at("/api/users", admin, []refusal{
			{name: fmt.Sprint("avatar ", i), body: `{"avatar":"` + url + `"}`, fields: "avatar"},
		})...)
	}
	cases = append(cases, needManagement(map[string]string{
		"/api/applications": "GET POST", "/api/applications/x": "GET PATCH DELETE",
		"/api/applications/x/sign-in-experience": "GET PUT", "/api/organizations": "GET POST",
		"/api/organizations/x": "GET PATCH DELETE", "/api/organizations/x/users": "GET POST",
		"/api/organizations/x/users/y": "DELETE", "/api/organizations/x/users/y/roles": "GET POST PUT",
		"/api/organizations/x/users/y/roles/z": "DELETE", "/api/organization-roles": "GET POST",
		"/api/organization-roles/x": "GET PATCH DELETE", "/api/users": "GET POST", "/api/users/x": "GET PATCH DELETE",
		"/api/users/x/profile": "PATCH",
	})...)
	cases = append(cases, userRefusals()...)
	cases = append(cases, memberRefusals()...)
	return append(cases, directoryListRefusals()...)
}

// nameAfter puts the path into the names of cases.
func nameAfter(path string, cases []refusal) []refusal {
	for i := range cases {
		cases[i].name += " to " + path
	}
	return cases
}

func customDataRefusals(required string) []refusal {
	return []refusal{
		{name: "custom data a list", body: `{` + required + `,"customData":[]}`, fields: "customData"},
		{name: "custom data a string", body: `{` + required + `,"customData":"{}"}`, fields: "customData"},
		{name: "custom data null", body: `{` + required + `,"customData":null}`, fields: "customData"},
		{name: "custom data over 64 KiB", body: `{` + required + `,"customData":{"a":"` + strings.Repeat("x", 64<<10) + `"}}`, fields: "customData"},
	}
}

func userRefusals() []refusal {
	cases := customDataRefusals(`"name":"Ann"`)
	for name, email := range badAddresses() {
		if email != "" { // which is none
			cases = append(cases, refusal{name: "address " + name, body: `{"primaryEmail":"` + email + `"}`, fields: "primaryEmail"})
		}
	}
	for _, username := range []string{"1ann", "ann b", "ann-b", "ännn", "ann@example.com", `ann\n`, `a\u0000`, strings.Repeat("a", 129)} {
		cases = append(cases, refusal{name: fmt.Sprintf("username %.20q", username), body: `{"username":"` + username + `"}`, fields: "username"})
	}
	for _, phone := range []string{"+4930901820", "030 901820", "123", "123456789012345678901", "１２３４５", `1234\n`} {
		cases = append(cases, refusal{name: fmt.Sprintf("phone %q", phone), body: `{"primaryPhone":"` + phone + `"}`, fields: "primaryPhone"})
	}
	cases = append(cases, []refusal{
		{name: "address over 128 bytes", body: `{"primaryEmail":"` + strings.Repeat("a", 60) + "@" + strings.Repeat("b", 60) + `.example.com"}`, fields: "primaryEmail"},
		{name: "name with CR LF", body: `{"name":"Ann\r\nBcc: eve@example.com"}`, fields: "name"},
		{name: "name too long", body: `{"name":"` + strings.Repeat("x", 129) + `"}`, fields: "name"},
		{name: "suspended a string", body: `{"isSuspended":"no"}`, fields: "isSuspended"},
		{name: "profile a list", body: `{"profile":[]}`, fields: "profile"},
		{name: "claim a number", body: `{"profile":{"birthdate":1990}}`, fields: "profile.birthdate"},
		{name: "claim with NUL", body: `{"profile":{"nickname":"\u0000"}}`, fields: "profile.nickname"},
		{name: "claim too long", body: `{"profile":{"gender":"` + strings.Repeat("x", 257) + `"}}`, fields: "profile.gender"},
		{name: "address of the profile a string", body: `{"profile":{"address":"Berlin"}}`, fields: "profile.address"},
		{name: "country with a line break", body: `{"profile":{"address":{"country":"a\nb"}}}`, fields: "profile.address.country"},
		{name: "formatted with a tab", body: `{"profile":{"address":{"formatted":"a\tb"}}}`, fields: "profile.address.formatted"},
		{name: "several", body: `{"username":"1","primaryEmail":"a","primaryPhone":"x"}`, fields: "primaryEmail primaryPhone username"},
	}...)
	return nameAfter("/api/users", at("/api/users", admin, cases))
}

func memberRefusals() []refusal {
	many := `["` + strings.Repeat(`a","`, 200) + `a"]`
	cases := at("/api/organizations/nothing/users", admin, []refusal{
		{name: "no ids", body: `{}`, fields: "userIds"},
		{name: "an empty list", body: `{"userIds":[]}`, fields: "userIds"},
		{name: "null", body: `{"userIds":null}`, fields: "userIds"},
		{name: "201 ids", body: `{"userIds":` + many + `}`, fields: "userIds"},
		{name: "a number", body: `{"userIds":[1]}`, fields: "userIds[0]"},
		{name: "to no organization", body: `{"userIds":["a"]}`, status: 404, code: "entity.not_found"},
	})
	cases = append(cases, at("/api/organizations/nothing/users/a/roles", admin, []refusal{
		{name: "no roles", body: `{}`, fields: "organizationRoleIds"},
		{name: "201 roles", body: `{"organizationRoleIds":` + many + `}`, fields: "organizationRoleIds"},
	})...)
	for path, methods := range map[string]string{
		"/api/users/%s": "GET PATCH DELETE", "/api/users/%s/profile": "PATCH", "/api/applications/%s": "GET PATCH DELETE",
		"/api/applications/%s/sign-in-experience": "GET PUT", "/api/organizations/%s": "GET PATCH DELETE",
		"/api/organization-roles/%s": "GET PATCH DELETE", "/api/organizations/%s/users": "GET",
		"/api/organizations/%s/users/x": "DELETE", "/api/organizations/%s/users/x/roles": "GET", "/api/organizations/%s/users/x/roles/y": "DELETE",
	} {
		for method := range strings.FieldsSeq(methods) {
			for _, id := range []string{"nothing", "a%00b", "%ff", "..%2f", "%27%20OR%201=1"} {
				c := refusal{
					name: method + " " + fmt.Sprintf(path, id), method: method, path: fmt.Sprintf(path, id), who: admin,
					status: 404, code: "entity.not_found",
				}
				if method == "PATCH" || method == "PUT" {
					c.body = `{"profile":{}}`
				}
				cases = append(cases, c)
			}
		}
	}
	return cases
}

func directoryListRefusals() []refusal {
	var cases []refusal
	for _, path := range []string{
		"/api/applications", "/api/organizations", "/api/organization-roles", "/api/users", "/api/organizations/x/users",
	} {
		for query, field := range map[string]string{
			"search=%00": "search", "q=%0a": "q", "search=%ff": "search", "search=a&q=b": "q", "search=" + strings.Repeat("x", 129): "search",
		} {
			cases = append(cases, refusal{
				name: path + "?" + query, method: "GET", path: path + "?" + query, who: admin,
				status: 400, code: "guard.invalid_input", fields: field,
			})
		}
		cases = append(cases, refusal{
			name: path + "?page=0", method: "GET", path: path + "?page=0", who: admin,
			status: 400, code: "guard.invalid_pagination", fields: "page",
		})
	}
	return cases
}

// needManagement are calls of paths, by their methods, with less than the
// management key.
func needManagement(paths map[string]string) []refusal {
	var cases []refusal
	for path, methods := range paths {
		for method := range strings.FieldsSeq(methods) {
			for _, who := range []string{sender, checker} {
				cases = append(cases, refusal{
					name: method + " " + path + " with " + who, method: method, path: path, who: who,
					status: 403, code: "auth.forbidden",
				})
			}
			cases = append(cases, refusal{
				name: method + " " + path + " with nothing", method: method, path: path,
				status: 401, code: "auth.authorization_header_missing",
			})
		}
	}
	return cases
}
