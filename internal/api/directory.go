package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"

	"github.com/danielgtaylor/huma/v2"

	"github.com/postern-mail/postern/internal/directory"
	"github.com/postern-mail/postern/internal/fault"
)

// What applications, organizations, their roles and users have in common.

// emptyJSON is an object that Logto has things in and we have not.
type emptyJSON struct{}

// Schema implements huma.SchemaProvider.
func (emptyJSON) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeObject, Description: "Always empty."}
}

// optional is a field that may be missing; null makes it empty.
type optional[T any] struct {
	given bool
	value T
}

// UnmarshalJSON implements json.Unmarshaler.
func (o *optional[T]) UnmarshalJSON(data []byte) error {
	var none T
	o.given, o.value = true, none
	if bytes.Equal(data, []byte("null")) {
		return nil
	}
	return json.Unmarshal(data, &o.value)
}

// Schema implements huma.SchemaProvider.
func (optional[T]) Schema(r huma.Registry) *huma.Schema {
	t := reflect.TypeFor[T]()
	schema := r.Schema(t, true, "")
	schema.Nullable = t == reflect.TypeFor[directory.Text]()
	return schema
}

// lay puts the value, if it was given, over what there was.
func (o optional[T]) lay(over *T) {
	if o.given {
		*over = o.value
	}
}

// objectJSON is a JSON object that is kept as it is.
type objectJSON struct{ raw json.RawMessage }

// UnmarshalJSON implements json.Unmarshaler.
func (o *objectJSON) UnmarshalJSON(data []byte) error { return o.raw.UnmarshalJSON(data) }

// Schema implements huma.SchemaProvider.
func (objectJSON) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: huma.TypeObject, AdditionalProperties: true, Description: "Whatever the caller keeps with it; at most 64 KiB of JSON.",
		Examples: []any{map[string]any{"plan": "free"}},
	}
}

// lay puts the object, if it was given, over what there was.
func (o objectJSON) lay(over *json.RawMessage) {
	if o.raw != nil {
		*over = o.raw
	}
}

// SearchInput narrows a list to what is searched for.
type SearchInput struct {
	Search string `query:"search" maxLength:"128" example:"%example%" doc:"As SQL's LIKE over each field, in any case."`
	Q      string `query:"q" maxLength:"128" example:"example" doc:"Only what has a field that holds this text, in any case."`
}

// filter reads the window and the search of a list.
func (in SearchInput) filter(p PageInput) (f directory.Filter, err error) {
	if err := checkTexts("search", in.Search, "q", in.Q); err != nil {
		return f, err
	}
	if in.Search != "" && in.Q != "" {
		return f, fault.Input("cannot be given together with search", "q")
	}
	f.Pattern = directory.Pattern(in.Search)
	if in.Q != "" {
		f.Pattern = directory.PatternOfPart(in.Q)
	}
	f.Limit, f.Offset = p.window()
	return f, nil
}

type directoryListInput struct {
	PageInput
	SearchInput
}

// IfMatchInput names the version that a change is made from.
type IfMatchInput struct {
	IfMatch string `header:"If-Match" maxLength:"128" doc:"The ETag that it was read with: refuses a change of another version."`
}

type deleteInput struct {
	IDInput
	IfMatchInput
}

// thingOutput answers with one thing of the directory.
type thingOutput[J any] struct {
	ETag string `header:"ETag" doc:"The version, for If-Match."`
	Body J
}

type thingsOutput[J any] struct {
	PageOutput
	Body []J
}

// resource answers for the things of one kind, T, which are shown as J.
type resource[T, J any] struct {
	s    *server
	from func(*directory.Service) directory.Collection[T]
	head func(T) directory.Head
	show func(T) J
}

func (r resource[T, J]) things() directory.Collection[T] { return r.from(r.s.Directory) }

func (r resource[T, J]) output(t T, err error) (*thingOutput[J], error) {
	if err != nil {
		return nil, err
	}
	return &thingOutput[J]{ETag: etag(r.head(t).Version), Body: r.show(t)}, nil
}

func (r resource[T, J]) get(ctx context.Context, in *IDInput) (*thingOutput[J], error) {
	return r.output(r.things().Get(ctx, callOf(ctx).key.TenantID, in.ID))
}

func (r resource[T, J]) list(ctx context.Context, in *directoryListInput) (*thingsOutput[J], error) {
	c := callOf(ctx)
	f, err := in.filter(in.PageInput)
	if err != nil {
		return nil, err
	}
	list, total, err := r.things().List(ctx, c.key.TenantID, f)
	if err != nil {
		return nil, err
	}
	out := &thingsOutput[J]{PageOutput: in.output(c.r.URL, total), Body: make([]J, len(list))}
	for i, t := range list {
		out.Body[i] = r.show(t)
	}
	return out, nil
}

func (r resource[T, J]) create(ctx context.Context, t T) (*thingOutput[J], error) {
	return r.output(r.things().Create(ctx, callOf(ctx).key.TenantID, t))
}

func (r resource[T, J]) change(ctx context.Context, id, ifMatch string, lay func(*T)) (T, error) {
	return r.things().Change(ctx, callOf(ctx).key.TenantID, id, func(t *T) error {
		if !matches(ifMatch, r.head(*t).Version) {
			return errPrecondition()
		}
		lay(t)
		return nil
	})
}

func (r resource[T, J]) delete(ctx context.Context, in *deleteInput) (*struct{}, error) {
	return nil, r.things().Delete(ctx, callOf(ctx).key.TenantID, in.ID, func(t T) error {
		if !matches(in.IfMatch, r.head(t).Version) {
			return errPrecondition()
		}
		return nil
	})
}

// changeFailures documents what a change of a thing refuses beside more.
func changeFailures(what string, more ...string) map[int]string {
	out := map[int]string{
		http.StatusNotFound:           "`entity.not_found`: no such " + what,
		http.StatusPreconditionFailed: "`request.precondition_failed`: `If-Match` names another version",
	}
	for _, text := range more {
		out[http.StatusUnprocessableEntity] = text
	}
	return out
}

// searchWords documents the search of a list.
func searchWords(fields string) string {
	return "Without `page` and `page_size` the newest 1,000. `search` is for one of the fields " + fields +
		": `%` stands for any text and `_` for any character; without them it is the whole field. `q` is for a part of one."
}

// tidyDirectory documents what package huma cannot see of the answers' types.
func (s *server) tidyDirectory() {
	schemas := s.huma.OpenAPI().Components.Schemas.Map()
	for _, name := range []string{"Application", "Organization", "User", "Member"} {
		custom := schemas[name].Properties["customData"]
		custom.Type, custom.AdditionalProperties = huma.TypeObject, true
	}
	delete(schemas["OrganizationRole"].Properties, "updatedAt") // which is not kept
}

// noThing documents that there is no such thing.
func noThing(what string) map[int]string {
	return map[int]string{http.StatusNotFound: "`entity.not_found`: no such " + what}
}
