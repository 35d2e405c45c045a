package connector

import (
	"encoding/json"
	"reflect"
	"slices"
)

// New makes a Factory from a settings struct. The struct is the only place
// where a field is named: decoding, form, docs page and masking are read from
// its tags.
//
//	json:"host"            the key; every field has one, or "-"
//	alias:"type"           a second name that the key may have
//	form:"Text,required"   the form item's type, and whether the key is needed;
//	                       a field without type is accepted but not shown
//	label, placeholder, desc, tooltip
//	                       the form item's texts; label belongs to every form type
//	options:"a=Title A|b"  the only values, with their titles
//	show:"auth=oauth2"     shown only when another key has this value; several
//	                       conditions are divided by "|" and must all hold
//
// Fields may be strings, numbers, booleans, Secrets, structs, pointers, lists,
// maps by string, any, json.RawMessage, and types that read themselves
// (json.Unmarshaler, encoding.TextUnmarshaler; a *ConfigError from UnmarshalJSON
// keeps its issues, with the path in front). Embedded structs lend their fields.
//
// Decoding is strict at every depth: unknown and repeated keys, wrong types,
// numbers out of range and missing or empty required keys are each an issue.
// null means absent. A required key may be absent when defaults has a value
// for it. A list or a map replaces its default, a struct is laid over it.
//
// defaults holds the value that each absent key takes; open must not change
// what it points to. open gets settings that passed every check, the struct's
// own included (see Validator).
//
// New panics when the struct cannot be used: that is a mistake in the program.
func New[S any](meta Metadata, defaults S, open func(settings S, host Host) (Connector, error)) Factory {
	schema := schemaOf(reflect.TypeFor[S]())
	return &factory[S]{
		meta: meta, schema: schema, defaults: defaults, open: open,
		form: formItems(schema, reflect.ValueOf(defaults)),
	}
}

// Validator is implemented by settings structs with rules beyond types and
// required keys, and by the types of their fields. It returns every violation,
// with paths that start at the value itself; the path in front is added. It is
// asked only when the shape of the value is right, for fields only when the
// key is given. Of embedded structs Go's rules of promotion hold.
type Validator interface {
	Validate() []Issue
}

type factory[S any] struct {
	meta     Metadata
	schema   *node
	form     []FormItem
	defaults S
	open     func(S, Host) (Connector, error)
}

func (f *factory[S]) Metadata() Metadata { return f.meta }

func (f *factory[S]) Form() []FormItem { return slices.Clone(f.form) }

func (f *factory[S]) Check(config json.RawMessage) error {
	_, err := f.decode(config)
	return err
}

func (f *factory[S]) Mask(config json.RawMessage) (json.RawMessage, error) {
	v, err := parse(config)
	if err != nil {
		return nil, err
	}
	return f.schema.secrets(v, nil, nil, mask).append(nil), nil
}

func (f *factory[S]) Unmask(config, stored json.RawMessage) (json.RawMessage, error) {
	return f.schema.unmask(config, stored)
}

func (f *factory[S]) Open(config json.RawMessage, host Host) (Connector, error) {
	settings, err := f.decode(config)
	if err != nil {
		return nil, err
	}
	return f.open(settings, host)
}

// decode returns the settings, or a *ConfigError.
func (f *factory[S]) decode(config json.RawMessage) (S, error) {
	settings := f.defaults
	if err := decode(f.schema, config, reflect.ValueOf(&settings)); err != nil {
		var none S
		return none, err
	}
	return settings, nil
}
