package template

import (
	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// helper is one of the closed list.
type helper uint8

// The helpers of the language; the package comment says what they do.
const (
	noHelper helper = iota
	eqHelper
	neHelper
	andHelper
	orHelper
	notHelper
	defaultHelper
	upperHelper
	lowerHelper
	dateHelper
	spacedHelper
)

func helperNamed(name string) helper {
	switch name {
	case "eq":
		return eqHelper
	case "ne":
		return neHelper
	case "and":
		return andHelper
	case "or":
		return orHelper
	case "not":
		return notHelper
	case "default":
		return defaultHelper
	case "upper":
		return upperHelper
	case "lower":
		return lowerHelper
	case "date":
		return dateHelper
	case "spaced":
		return spacedHelper
	}
	return noHelper
}

// Helpers returns the names of all helpers.
func Helpers() []string {
	return []string{"eq", "ne", "and", "or", "not", "default", "upper", "lower", "date", "spaced"}
}

// arguments returns how many arguments the helper takes.
func (h helper) arguments() (least, most int) {
	const many = 16
	switch h {
	case eqHelper, neHelper:
		return 2, 2
	case andHelper, orHelper, defaultHelper:
		return 2, many
	case dateHelper:
		return 1, 3
	default:
		return 1, 1
	}
}

// newCall prepares the use of a helper.
func newCall(h helper, args []*operand) *call {
	c := &call{helper: h, args: args}
	if h == dateHelper {
		c.zone = c.literalZone()
	}
	return c
}

// check tells what is wrong with the arguments as they are written.
func (c *call) check(tell func(Code)) {
	if c.helper == dateHelper {
		c.checkDate(tell)
	}
	for _, arg := range c.args {
		if arg.kind == callOperand {
			arg.call.check(tell)
		}
	}
}

// mentionsLink reports whether any argument is the payload's link.
func (c *call) mentionsLink() bool {
	for _, arg := range c.args {
		if arg.kind == pathOperand && arg.path.isLink() || arg.kind == callOperand && arg.call.mentionsLink() {
			return true
		}
	}
	return false
}

// call returns what a helper makes of its arguments.
func (r *rendering) call(c *call) (any, error) {
	r.work--
	switch c.helper {
	case andHelper, orHelper, defaultHelper:
		return r.choose(c)
	case dateHelper:
		return r.date(c)
	default:
	}
	first, err := r.eval(c.args[0])
	if err != nil {
		return nil, err
	}
	switch c.helper {
	case eqHelper, neHelper:
		second, err := r.eval(c.args[1])
		if err != nil {
			return nil, err
		}
		return r.equal(first, second) == (c.helper == eqHelper), nil
	case notHelper:
		return !truthy(first), nil
	case upperHelper, lowerHelper:
		return r.inCase(c.helper, first)
	default: // spaced shows when it prints
		return first, nil
	}
}

// choose returns the first argument that decides, else the last one: a false
// one for and, a true one for or, and one that prints anything for default.
func (r *rendering) choose(c *call) (value any, err error) {
	for _, arg := range c.args {
		if value, err = r.eval(arg); err != nil {
			return nil, err
		}
		var decided bool
		switch c.helper {
		case andHelper:
			decided = !truthy(value)
		case orHelper:
			decided = truthy(value)
		default:
			decided = value != nil && value != ""
		}
		if decided {
			break
		}
	}
	return value, nil
}

// equal reports whether two values are the same string, number or boolean, or
// both are null or missing. An array or object equals nothing.
func (r *rendering) equal(a, b any) bool {
	if x, ok := number(a); ok {
		y, ok := number(b)
		return ok && x == y
	}
	switch a := a.(type) {
	case nil:
		return b == nil
	case bool:
		other, ok := b.(bool)
		return ok && a == other
	case string:
		other, ok := b.(string)
		r.work -= min(len(a), len(other)) >> 6
		return ok && a == other
	}
	return false
}

// inCase returns the text of a value in capital or small letters, as the
// language of the message has them.
func (r *rendering) inCase(h helper, value any) (any, error) {
	s, err := r.text(value)
	if err != nil {
		return nil, err
	}
	r.work -= len(s) >> 3
	tag := language.Make(r.locale())
	if h == upperHelper {
		return cases.Upper(tag).String(s), nil
	}
	return cases.Lower(tag).String(s), nil
}

// locale returns the language of the message.
func (r *rendering) locale() string {
	tag, _ := r.payload["locale"].(string)
	return tag
}

// spacing is how far apart the characters of a spaced code stand.
const spacing = `<span style="letter-spacing:0.2em">`

// printSpaced prints a value with gaps between its characters, by style alone:
// who copies the code copies nothing else. Inside of a tag, where no element can
// stand, it prints the value.
func (r *rendering) printSpaced(value any, escape Escape, guarded bool) error {
	text, err := r.text(value)
	switch {
	case err != nil:
		return err
	case guarded:
		return r.printURL(text, escape)
	case text == "" || inTag(r.buf[r.start:]):
		return r.printString(text, escape)
	}
	if err := r.add(spacing); err != nil {
		return err
	}
	if err := r.printString(text, escape); err != nil {
		return err
	}
	return r.add("</span>")
}
