package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-mail/postern/internal/fault"
)

// readError turns package huma's refusal of a request into a fault. The
// values at fault, which its errors carry along, are left behind.
func readError(refused *huma.ErrorModel, maxBody int) error {
	switch refused.Status {
	case http.StatusRequestEntityTooLarge:
		return errTooLarge(maxBody)
	case http.StatusUnsupportedMediaType:
		return invalidBody("The body must be JSON: send the header Content-Type: application/json.")
	case http.StatusBadRequest:
		if len(refused.Errors) == 0 {
			return invalidBody("The request needs a body.")
		}
		return invalidBody("The body is not valid JSON (RFC 8259, in UTF-8).")
	case http.StatusUnprocessableEntity:
		return invalidFields(refused.Errors)
	}
	return invalidBody("The body could not be read to its end.")
}

func invalidBody(message string) *fault.Fault {
	f := fault.Input(message)
	f.Message = message
	return f
}

// invalidFields makes one issue of each field at fault.
func invalidFields(list []*huma.ErrorDetail) error {
	f := fault.New(fault.Invalid, "guard.invalid_input", "The request is not valid.")
	paging := len(list) > 0
	for _, detail := range list {
		f.Issues = append(f.Issues, issueOf(detail))
		paging = paging && (detail.Location == "query.page" || detail.Location == "query.page_size")
	}
	if paging {
		f.Code, f.Message = "guard.invalid_pagination", "There is no such page."
	}
	return f
}

// The two texts of package huma's validator that are read here.
const (
	requiredBefore = "expected required property "
	requiredAfter  = " to be present"
)

func issueOf(detail *huma.ErrorDetail) fault.Issue {
	issue := fault.Issue{Path: issuePath(detail.Location), Code: "invalid_value", Message: detail.Message}
	message := detail.Message
	switch {
	case strings.HasPrefix(message, requiredBefore) && strings.HasSuffix(message, requiredAfter):
		key := strings.TrimSuffix(strings.TrimPrefix(message, requiredBefore), requiredAfter)
		issue.Path = append(issue.Path, key)
		issue.Code, issue.Message = "required", "is required"
	case message == "expected string", message == "expected object", message == "expected array",
		message == "expected boolean", message == "expected number", message == "expected integer":
		issue.Code = "invalid_type"
	case strings.HasPrefix(message, "expected length <="), strings.HasPrefix(message, "expected array length <="):
		issue.Code = "too_big"
	}
	return issue
}

// issuePath turns "body.templates[0].subject" into its steps. The first step,
// which says where in the request the field is, goes without saying.
func issuePath(location string) []any {
	path := []any{}
	for i, part := range strings.Split(location, ".") {
		key, rest, indexed := strings.Cut(part, "[")
		if i > 0 {
			path = append(path, key)
		}
		for indexed {
			var index string
			index, rest, _ = strings.Cut(rest, "]")
			if n, err := strconv.Atoi(index); err == nil {
				path = append(path, n)
			}
			_, rest, indexed = strings.Cut(rest, "[")
		}
	}
	return path
}
