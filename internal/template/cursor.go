package template

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// cursor reads the inside of one tag.
type cursor struct {
	source string
	at     int
	depth  int // of parentheses
}

// tooDeep is the code of parentheses deeper than MaxNesting, a bound.
const tooDeep = Code(NestingTooDeep)

func (c *cursor) sees(s string) bool { return strings.HasPrefix(c.source[c.at:], s) }

func (c *cursor) take(s string) bool {
	if !c.sees(s) {
		return false
	}
	c.at += len(s)
	return true
}

// peek returns the next byte, 0 at the end.
func (c *cursor) peek() byte {
	if c.at == len(c.source) {
		return 0
	}
	return c.source[c.at]
}

// space skips white space and reports whether there was any.
func (c *cursor) space() bool {
	before := c.at
	for c.at < len(c.source) {
		r, size := utf8.DecodeRuneInString(c.source[c.at:])
		if !isSpace(r) {
			break
		}
		c.at += size
	}
	return c.at > before
}

// word takes the letters of a path or name.
func (c *cursor) word() string {
	start := c.at
	for c.at < len(c.source) && isPathByte(c.source[c.at]) {
		c.at++
	}
	return c.source[start:c.at]
}

// name takes the name of a partial: letters, digits and "_", "-", ".", "/", or
// anything on one line in quotes.
func (c *cursor) name() string {
	if q := c.peek(); q == '"' || q == '\'' {
		name, ok := c.quoted()
		if !ok || strings.ContainsAny(name, "\r\n{}") {
			return ""
		}
		return name
	}
	start := c.at
	for c.at < len(c.source) && (isPathByte(c.source[c.at]) || c.source[c.at] == '-' || c.source[c.at] == '/') {
		c.at++
	}
	return c.source[start:c.at]
}

// ends takes white space and the braces that close a tag.
func (c *cursor) ends(t *tag, braces string) bool {
	before := c.at
	c.space()
	if braces == "}}}" && !c.take("}") { // "}~}}" closes it, too
		c.at = before
		return false
	}
	t.trimRight = c.take("~")
	if c.take("}}") {
		return true
	}
	c.at, t.trimRight = before, false
	return false
}

// open reads what stands behind {{#.
func (c *cursor) open(t *tag) Code {
	t.kind = openTag
	c.space()
	if t.word = blockNamed(c.word()); t.word == noBlock {
		return UnknownBlock
	}
	return c.head(t)
}

// head reads the rest of a tag whose word says which block it opens.
func (c *cursor) head(t *tag) Code {
	if !c.space() {
		return WrongArguments
	}
	if t.word == layoutBlock {
		if t.name = c.name(); t.name == "" || !c.ends(t, "}}") {
			return WrongArguments
		}
		return ""
	}
	o, code := c.operand()
	if code != "" {
		return code
	}
	if t.operand = o; !c.ends(t, "}}") {
		return WrongArguments
	}
	return ""
}

// close reads what stands behind {{/.
func (c *cursor) close(t *tag) Code {
	t.kind = closeTag
	c.space()
	if t.word = blockNamed(c.word()); !c.ends(t, "}}") {
		return InvalidTag
	}
	if t.word == noBlock {
		return UnknownBlock
	}
	return ""
}

// partial reads what stands behind {{>.
func (c *cursor) partial(t *tag) Code {
	t.kind = partialTag
	c.space()
	if c.take(partialBlock) {
		t.name = partialBlock
	} else {
		t.name = c.name()
	}
	if t.name == "" || !c.ends(t, "}}") {
		return InvalidTag
	}
	return ""
}

// print reads a placeholder that placeholderAt does not know, a helper, or an
// else with a condition.
func (c *cursor) print(t *tag) Code {
	t.kind = printTag
	braces := "}}"
	switch {
	case c.take("{"):
		t.raw, braces = true, "}}}"
	case c.take("&"):
		t.raw = true
	}
	c.space()
	start := c.at
	_, code := c.path()
	if code != "" {
		return code
	}
	text := c.source[start:c.at]
	if c.ends(t, braces) {
		if t.name = text; text == "else" && !t.raw {
			t.kind = elseTag
		}
		return ""
	}
	if !c.space() {
		return InvalidTag
	}
	if text == "else" && !t.raw {
		t.kind = elseTag
		if t.word = blockNamed(c.word()); t.word == noBlock || t.word == layoutBlock {
			return UnknownBlock
		}
		return c.head(t)
	}
	c.at = start
	call, code := c.call()
	if code != "" {
		return code
	}
	if t.operand = call; !c.ends(t, braces) {
		return InvalidTag
	}
	return ""
}

// call reads a helper and what it is given.
func (c *cursor) call() (*operand, Code) {
	name := c.word()
	h := helperNamed(name)
	if h == noHelper {
		return nil, UnknownHelper
	}
	var args []*operand
	for c.space() {
		if next := c.peek(); next == '}' || next == '~' || next == ')' || next == 0 {
			break
		}
		arg, code := c.operand()
		if code != "" {
			return nil, code
		}
		args = append(args, arg)
	}
	if least, most := h.arguments(); len(args) < least || len(args) > most {
		return nil, WrongArguments
	}
	return &operand{kind: callOperand, call: newCall(h, args)}, ""
}

// operand reads a path, a literal or a call in parentheses.
func (c *cursor) operand() (*operand, Code) {
	switch next := c.peek(); {
	case next == '(':
		return c.parenthesis()
	case next == '"' || next == '\'':
		s, ok := c.quoted()
		if !ok {
			return nil, InvalidTag
		}
		return &operand{kind: literalOperand, value: s}, ""
	case next == '-' || '0' <= next && next <= '9':
		start := c.at
		c.take("-")
		c.word()
		return literal(c.source[start:c.at])
	}
	start := c.at
	p, code := c.path()
	if code != "" {
		return nil, code
	}
	switch text := c.source[start:c.at]; text {
	case "true", "false":
		return &operand{kind: literalOperand, value: text == "true"}, ""
	case "null", "undefined":
		return &operand{kind: literalOperand}, ""
	}
	return &operand{kind: pathOperand, path: p}, ""
}

// literal is the operand that a number, as JSON writes it without exponent,
// stands for.
func literal(s string) (*operand, Code) {
	if strings.HasPrefix(s, "-.") || strings.HasSuffix(s, ".") || strings.ContainsAny(s, "_eExXpPiInN") {
		return nil, InvalidTag
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return nil, InvalidTag
	}
	return &operand{kind: literalOperand, value: f}, ""
}

func (c *cursor) parenthesis() (*operand, Code) {
	c.depth++
	if c.depth > MaxNesting {
		return nil, tooDeep
	}
	c.take("(")
	c.space()
	call, code := c.call()
	if code != "" {
		return nil, code
	}
	c.space()
	if !c.take(")") {
		return nil, InvalidTag
	}
	c.depth--
	return call, ""
}

// quoted reads a string in quotes, in which a backslash before the quote makes
// the quote part of it.
func (c *cursor) quoted() (string, bool) {
	quote := c.source[c.at : c.at+1]
	for i := c.at + 1; i < len(c.source); i++ {
		if c.source[i] == quote[0] && c.source[i-1] != '\\' {
			s := c.source[c.at+1 : i]
			c.at = i + 1
			return strings.ReplaceAll(s, `\`+quote, quote), true
		}
	}
	return "", false
}

// path reads the way to a value.
func (c *cursor) path() (path, Code) {
	p := path{}
	switch {
	case c.take("@"):
		return c.dataPath()
	case c.take("./"):
		p.context = true
	case c.sees(".."):
		p.context = true
		for c.take("../") {
			p.up++
		}
		if c.take("..") {
			p.up++
			return p, c.pathEnds()
		}
	case c.take("."):
		p.context = true
		return p, c.pathEnds()
	}
	text := c.word()
	if text == "" && p.up == 0 || strings.HasPrefix(text, ".") {
		return path{}, InvalidTag
	}
	if text != "" {
		p.segments = strings.Split(text, ".")
	}
	return p, c.pathEnds()
}

// dataPath reads what stands behind the @ of a path.
func (c *cursor) dataPath() (path, Code) {
	name, rest, deeper := strings.Cut(c.word(), ".")
	p := path{data: dataNamed(name)}
	if p.data == noData || deeper && p.data != rootData {
		return path{}, InvalidTag
	}
	if deeper {
		p.segments = strings.Split(rest, ".")
	}
	return p, c.pathEnds()
}

// pathEnds refuses a path that goes on with a letter that paths do not have.
func (c *cursor) pathEnds() Code {
	switch c.peek() {
	case '}', '~', ')', 0:
		return ""
	}
	if r, _ := utf8.DecodeRuneInString(c.source[c.at:]); isSpace(r) {
		return ""
	}
	return InvalidTag
}
