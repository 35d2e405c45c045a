package api

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-mail/postern/internal/access"
	"github.com/postern-mail/postern/internal/audit"
	"github.com/postern-mail/postern/internal/configuration"
)

// maxBody is the largest body taken unless an operation says otherwise, in
// bytes.
const maxBody = 1 << 20

// operation describes one call of the API.
type operation struct {
	id, method, path string
	tag              string
	summary          string
	description      string
	// scope that the key needs; public for none.
	scope access.Scope
	// guard, if any, lets requests pass before their bodies are read, or
	// answers them.
	guard func(huma.Context, func(huma.Context))
	// status of the success; 0 means 200, or 204 without a body.
	status int
	// maxBody is the largest body taken, in bytes; 0 means maxBody.
	maxBody int
	// strict marks calls whose handler checks the body by itself.
	strict bool
	// sends marks calls that send a mail: they take Prefer: wait.
	sends bool
	// failures are the codes answered beside those that every call may, by
	// status.
	failures map[int]string
	// content replaces the description of the successful body.
	content map[string]*huma.MediaType
}

// register mounts an operation. Package huma reads and checks the request by
// the tags of I and writes O; errors are turned into answers here.
func register[I, O any](s *server, op operation, handle func(context.Context, *I) (*O, error)) {
	body := bodyOf(reflect.TypeFor[I]())
	op.maxBody = cmp.Or(op.maxBody, maxBody)
	h := huma.Operation{
		OperationID: op.id, Method: op.method, Path: op.path, Tags: []string{op.tag},
		Summary: op.summary, Description: op.description, DefaultStatus: op.status,
		MaxBodyBytes:     int64(op.maxBody) + 1, // package huma takes this for the first size that is too large
		SkipValidateBody: op.strict,
		Responses:        s.failures(op, body),
		Security:         []map[string][]string{},
	}
	if op.content != nil {
		h.Responses["200"] = &huma.Response{Description: "OK", Content: op.content}
	}
	if op.scope != public {
		h.Middlewares = append(h.Middlewares, s.authorize(op.scope))
		h.Security = []map[string][]string{{"apiKey": {}}}
	}
	if op.guard != nil {
		h.Middlewares = append(h.Middlewares, op.guard)
	}
	if op.keepsAnswers() {
		h.Middlewares = append(h.Middlewares, s.idempotent)
		h.Parameters = append(h.Parameters, idempotencyParam())
	}
	if op.sends {
		h.Parameters = append(h.Parameters, preferParam())
	}
	h.Middlewares = append(h.Middlewares, func(ctx huma.Context, next func(huma.Context)) {
		callOf(ctx.Context()).maxBody = op.maxBody
		next(&answer{humaContext: ctx})
	})
	huma.Register(s.huma, h, func(ctx context.Context, in *I) (*O, error) {
		// Here, behind what gives a request another context on the way.
		out, err := handle(audit.By(ctx, callOf(ctx).key.ID), in)
		if err != nil {
			return nil, s.problem(callOf(ctx), err)
		}
		return out, nil
	})
}

// keepsAnswers reports whether the operation takes an Idempotency-Key, which
// belongs to the API key that it comes with.
func (op operation) keepsAnswers() bool { return op.method == http.MethodPost && op.scope != public }

// bodyOf reports whether an input type has a body.
func bodyOf(t reflect.Type) bool {
	_, ok := t.FieldByName("Body")
	return ok
}

// failures documents the errors of an operation, all in the one shape.
func (s *server) failures(op operation, body bool) map[string]*huma.Response {
	codes := map[int]string{http.StatusInternalServerError: "`entity.internal_error`: unexpected; `data.requestId` finds it in our log"}
	maps.Copy(codes, op.failures)
	note := func(status int, text string) {
		if codes[status] != "" {
			text = codes[status] + "; " + text
		}
		codes[status] = text
	}
	if op.scope != public {
		note(http.StatusUnauthorized, "`auth.authorization_header_missing`, `auth.authorization_token_type_not_supported`, `auth.unauthorized`")
		note(http.StatusForbidden, "`auth.forbidden`: the key needs the scope `"+string(op.scope)+"`")
	}
	if body {
		note(http.StatusBadRequest, "`guard.invalid_input`: `data.issues` lists the fields at fault")
		note(http.StatusRequestEntityTooLarge, fmt.Sprintf("`request.body_too_large`: over %d MiB", op.maxBody>>20))
	}
	if op.keepsAnswers() {
		note(http.StatusConflict, "`request.idempotency_in_progress`: the first request with this `Idempotency-Key` still runs")
		note(http.StatusUnprocessableEntity, "`request.idempotency_key_reused`: this `Idempotency-Key` came with another request")
	}
	schema := s.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[errorJSON](), true, "")
	out := make(map[string]*huma.Response, len(codes)+1)
	for status, text := range codes {
		out[strconv.Itoa(status)] = &huma.Response{
			Description: text,
			Content:     map[string]*huma.MediaType{"application/json": {Schema: schema}},
		}
	}
	return out
}

// answer lets transform choose the status of an error, which package huma has
// decided by then.
type answer struct {
	humaContext

	status int
}

type humaContext huma.Context

// SetStatus implements huma.Context.
func (a *answer) SetStatus(status int) {
	if a.status != 0 {
		status = a.status
	}
	a.humaContext.SetStatus(status)
}

// Unwrap gives the adapter its own context back.
func (a *answer) Unwrap() huma.Context { return a.humaContext }

// transform turns package huma's own errors into ours. Package huma has no
// other way to do so than a global variable, which two servers in one process
// would share.
func (s *server) transform(ctx huma.Context, _ string, v any) (any, error) {
	refused, ok := v.(*huma.ErrorModel)
	if !ok {
		return v, nil
	}
	p := s.problem(callOf(ctx.Context()), readError(refused, callOf(ctx.Context()).maxBody))
	for name, values := range p.header {
		ctx.SetHeader(name, values[0])
	}
	ctx.SetHeader("Content-Type", "application/json")
	if a, ok := ctx.(*answer); ok {
		a.status = p.status
	}
	return p, nil
}

// humaConfig is package huma's without what would reach out or add to
// answers: docs page from a CDN, schema links, other formats than JSON.
func (s *server) humaConfig() huma.Config {
	c := huma.DefaultConfig("Postern", apiVersion)
	c.Components.Schemas = huma.NewMapRegistry(schemaPrefix, schemaName)
	c.OpenAPIPath, c.DocsPath, c.SchemasPath, c.CreateHooks = "", "", "", nil
	// A client may be newer than we are: keys that we do not know are ignored.
	c.AllowAdditionalPropertiesByDefault = true
	format := huma.Format{Marshal: writeJSON, Unmarshal: readJSON}
	c.Formats = map[string]huma.Format{mediaJSON: format, "json": format} // the latter is any type that ends in +json
	c.Transformers = []huma.Transformer{s.transform}
	describe(c.OpenAPI)
	return c
}

// schemaPrefix is where the OpenAPI document keeps its schemas.
const schemaPrefix = "#/components/schemas/"

// schemaName names a type in the OpenAPI document: errorJSON is Error,
// MessageFields is Message, and configuration.Change is ConfigurationChange.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.PkgPath() == reflect.TypeFor[configuration.Document]().PkgPath() {
		return "Configuration" + t.Name()
	}
	return strings.NewReplacer("JSON", "", "Fields", "").Replace(huma.DefaultSchemaNamer(t, hint))
}

// errNotJSON says that a body is no JSON, without repeating any of it.
var errNotJSON = errors.New("not valid JSON (RFC 8259)")

func readJSON(data []byte, v any) error {
	if !utf8.Valid(data) || json.Unmarshal(data, v) != nil {
		return errNotJSON
	}
	return nil
}

// requireInDocument documents keys as required that the handlers ask for
// themselves, because their absence has an error code of its own.
func (s *server) requireInDocument(schema string, keys ...string) {
	known := s.huma.OpenAPI().Components.Schemas.Map()[schema]
	known.Required = append(keys, known.Required...)
	slices.Sort(known.Required)
}
