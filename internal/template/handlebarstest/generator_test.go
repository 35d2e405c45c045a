package handlebarstest

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// testCase is one template with what it is rendered with.
type testCase struct {
	Template string            `json:"template"`
	Payload  map[string]any    `json:"payload"`
	HTML     bool              `json:"html"`
	Partials map[string]string `json:"partials,omitempty"`
}

// generator writes templates. What it never writes is where the language
// differs from Handlebars on purpose:
//
//   - A placeholder outside of blocks whose root the payload lacks, and "this",
//     "@index" and the like outside of blocks: they stay to the letter here.
//   - Everything that Handlebars refuses: it is text here.
//   - Backslashes before braces, paths with "/", "[…]" or "$", or with a number at their end, hash arguments,
//     block parameters, {{^}}, {{{{raw}}}}, dynamic partials, decorators.
//   - Members of strings ("length"): strings have none here.
//   - {{#with}} about the very value that is the context already: Handlebars does
//     not count it as a level for "../".
//   - Objects whose members are not in the order of their names.
//   - "../" in partials and in what a layout is put around.
//   - White-space control on the else and end of a chain with {{else if}}:
//     Handlebars trims other branches than the one beside the tag.
//   - Blocks about null, but for the plainest: Handlebars gives them an empty
//     object.
//   - Two raw placeholders with nothing between: Handlebars adds numbers.
type generator struct {
	*rand.Rand
	inside int  // blocks around
	levels int  // contexts around
	sealed bool // "../" is not to be used
}

func pick[T any](g *generator, from ...T) T { return from[g.IntN(len(from))] }

// payload draws values for the names that the templates use.
func (g *generator) payload() map[string]any {
	p := g.object(3)
	for _, name := range rootNames() {
		if _, ok := p[name]; !ok {
			p[name] = g.scalar()
		}
	}
	p["locale"] = pick(g, "en", "tr", "el", "de", "fr")
	p["when"] = pick[any](g, 1.7e12, 0.0, "2026-02-03T14:05:06Z", "2024-02-29", nil)
	return p
}

func rootNames() []string { return []string{"a", "b", "name", "on", "sub", "list", "s"} }

func (g *generator) object(depth int) map[string]any {
	o := map[string]any{}
	for _, name := range rootNames() {
		if v := g.value(depth - 1); v != nil && g.IntN(4) > 0 {
			o[name] = v
		}
	}
	if g.IntN(3) == 0 {
		o["7"], o["12"] = "seven", 12.0
	}
	return o
}

func (g *generator) value(depth int) any {
	switch k := g.IntN(6); {
	case depth <= 0 || k < 3:
		return g.scalar()
	case k == 3:
		return g.object(depth)
	default:
		list := []any{}
		for range g.IntN(4) {
			if v := g.value(depth - 1); v != nil {
				list = append(list, v)
			}
		}
		return list
	}
}

func (g *generator) scalar() any {
	return pick[any](g, nil, true, false, 0.0, 1.0, -2.5, 1e21, "", "x", "Ünï ß i", `<a href="x">&'=`+"`", "two\nlines", "0", "false", " ")
}

// path draws a path that both sides read alike where it stands.
func (g *generator) path() string {
	name := pick(g, rootNames()...)
	switch k := g.IntN(12); {
	case g.inside == 0:
		if k < 3 {
			return pick(g, "sub.", "list.0.", "a.") + name
		}
		return name
	case k == 0:
		return "this"
	case k == 1:
		return "@root." + name
	case k == 2 && g.levels > 0:
		return pick(g, "@index", "@key", "@first", "@last")
	case k == 3 && g.levels > 0 && !g.sealed:
		return strings.Repeat("../", 1+g.IntN(g.levels)) + name
	case k == 4:
		return "this." + name
	case k == 5:
		return "./" + name
	case k < 8:
		return pick(g, "sub.", "list.0.", "a.", "gone.") + name
	}
	return name
}

func (g *generator) operand(depth int) string {
	switch k := g.IntN(8); {
	case k == 0:
		return pick(g, `"x"`, `''`, `"it's"`, `"\"q\""`, "0", "1", "-2.5", "true", "false", "null")
	case k < 4 && depth > 0:
		return "(" + g.test(depth-1) + ")"
	}
	return g.path()
}

// test draws a helper that answers, with its arguments.
func (g *generator) test(depth int) string {
	helper := pick(g, "eq", "ne", "and", "or", "not", "default")
	n := 2
	if helper == "not" {
		n = 1
	} else if helper != "eq" && helper != "ne" {
		n += g.IntN(2)
	}
	for range n {
		helper += pick(g, " ", "  ", "\n") + g.operand(depth)
	}
	return helper
}

// about draws what a block is about.
func (g *generator) about() string {
	if g.IntN(3) == 0 {
		return "(" + g.test(1) + ")"
	}
	return g.path()
}

// open and end draw braces, sometimes with white-space control.
func (g *generator) open() string { return pick(g, "{{", "{{", "{{", "{{", "{{~") }
func (g *generator) end() string  { return pick(g, "}}", "}}", "}}", "}}", "~}}") }

// block draws the text of something that may hold others.
func (g *generator) block(depth int) string {
	var b strings.Builder
	for range 1 + g.IntN(3) {
		b.WriteString(g.text())
		b.WriteString(g.tag(depth))
	}
	b.WriteString(g.text())
	return b.String()
}

func (g *generator) text() string {
	return pick(g, "", "", " ", "\n", "\n", "\n\n", "  \n", "\n  ", "\r\n", "\t", "x", " x ", "x\n", "\ny", "\n  z\n  ", "\u00a0\n", " }", "'\"<b>")
}

func (g *generator) tag(depth int) string {
	if depth == 0 {
		return g.print()
	}
	switch g.IntN(9) {
	case 0, 1, 2:
		return g.conditional(depth - 1)
	case 3:
		return g.loop(depth - 1)
	case 4:
		return g.with(depth - 1)
	case 5:
		return g.open() + pick(g, "!-- }} x --", "! x ", "!x", "!--x--") + g.end()
	case 6:
		return g.open() + ">" + pick(g, "", " ") + pick(g, "lines", "note", "looped") + pick(g, "", " ") + g.end()
	case 7:
		return g.layout(depth - 1)
	}
	return g.print()
}

func (g *generator) print() string {
	switch g.IntN(10) {
	case 0:
		return "r{{{" + g.path() + "}}}"
	case 1:
		return "r{{&" + g.path() + g.end()
	case 2:
		return g.open() + g.test(1) + g.end()
	case 3:
		return g.open() + pick(g, "upper", "lower") + " " + pick(g, `"Straße i"`, "locale", "@root.locale", "@root.on") + g.end()
	case 4:
		return g.open() + "spaced " + g.path() + g.end()
	case 5:
		return "r{{{default " + g.path() + " \"<i>\"}}}"
	}
	return g.open() + pick(g, "", " ", "\n", "\u00a0") + g.path() + pick(g, "", " ") + g.end()
}

func (g *generator) conditional(depth int) string {
	word := pick(g, "if", "unless")
	s := g.open() + "#" + word + " " + g.about() + g.end()
	g.inside++
	defer func() { g.inside-- }()
	s += g.block(depth)
	chain := g.IntN(4)
	if chain == 0 {
		for range 1 + g.IntN(2) {
			s += "{{else " + pick(g, "if", "if", "unless") + " " + g.about() + "}}" + g.block(depth)
		}
		if g.IntN(2) == 0 {
			s += pick(g, "{{else}}", "{{ else }}") + g.block(depth)
		}
		return s + "{{/" + word + "}}"
	}
	if chain == 1 {
		s += g.open() + "else" + g.end() + g.block(depth)
	}
	return s + g.open() + "/" + word + g.end()
}

func (g *generator) loop(depth int) string {
	about := pick(g, "list", "sub", "a", "list.0.list", "@root.list", "gone", "(default list sub)")
	if g.inside == 0 {
		about = pick(g, "list", "sub", "a", "list.0.list")
	}
	s := g.open() + "#each " + about + g.end()
	g.inside++
	g.levels++
	s += g.block(depth)
	g.levels--
	if g.IntN(3) == 0 {
		s += g.open() + "else" + g.end() + g.block(depth)
	}
	g.inside--
	return s + g.open() + "/each" + g.end()
}

func (g *generator) with(depth int) string {
	s := g.open() + "#with " + pick(g, "sub", "a", "list", "sub.sub", "name") + g.end()
	g.inside++
	g.levels++
	s += g.block(depth)
	g.levels--
	if g.IntN(3) == 0 {
		s += g.open() + "else" + g.end() + g.block(depth)
	}
	g.inside--
	return s + g.open() + "/with" + g.end()
}

func (g *generator) layout(depth int) string {
	sealed := g.sealed
	g.sealed = true
	defer func() { g.sealed = sealed }()
	return g.open() + `#layout "` + pick(g, "box", "frame") + `"` + g.end() + g.block(depth) + g.open() + "/layout" + g.end()
}

// partials are there for every template. They name nothing that is not in
// every payload, but within blocks.
func partials() map[string]string {
	return map[string]string{
		"lines":  "one\n  two {{#if name}}{{name}}{{/if}}\n\nthree\n",
		"note":   "{{#if on}}\n  on: {{#each list}}{{@index}}{{this}}{{/each}}\n{{else}}\noff\n{{/if}}",
		"looped": "<{{#each list}}\n  {{> lines}}\n{{/each}}>",
		"box":    "[\n  {{> @partial-block}}\n]\n",
		"frame":  "({{#layout \"box\"}}{{> @partial-block}}{{> note}}{{/layout}})",
	}
}

// cases draws n cases from a fixed seed.
func cases(n int) []testCase {
	g := &generator{Rand: rand.New(rand.NewPCG(1, 2))}
	list := fixed()
	for i := range n {
		list = append(list, testCase{
			Template: g.block(i % 4), Payload: g.payload(), HTML: i%2 == 0, Partials: partials(),
		})
	}
	return list
}

// fixed are the cases that chance should not be left to: the escaping table,
// truth, and dates in every language.
func fixed() []testCase {
	var characters []any
	for r := range rune(0x180) {
		characters = append(characters, "a"+string(r)+"b")
	}
	var list []testCase
	for _, html := range []bool{true, false} {
		list = append(list, testCase{Template: "{{#each v}}{{this}}|{{{this}}};{{/each}}", Payload: map[string]any{"v": characters}, HTML: html})
	}
	values := []any{nil, false, true, 0.0, 1.0, -0.5, "", "0", "false", " ", []any{}, []any{false}, []any{[]any{}}, map[string]any{}, map[string]any{"a": 1.0}}
	for _, v := range values {
		for _, source := range []string{
			"{{#if v}}y{{else}}n{{/if}}", "{{#unless v}}y{{else}}n{{/unless}}", "{{#with v}}y{{else}}n{{/with}}", "{{#each v}}y{{else}}n{{/each}}",
			"{{and v 1}}|{{or v 1}}|{{not v}}|{{default v 1}}|{{v}}", "{{#each (or v list)}}{{@key}}{{/each}}", "{{#if w}}{{else if v}}y{{else}}n{{/if}}",
		} {
			list = append(list, testCase{Template: source, Payload: map[string]any{"v": v, "list": []any{1.0}}})
		}
		for _, w := range values {
			if _, object := v.(map[string]any); object || isList(v) {
				continue // equal only to themselves there
			}
			list = append(list, testCase{Template: "{{eq v w}}{{ne v w}}", Payload: map[string]any{"v": v, "w": w}})
		}
	}
	list = append(list, testCase{Template: "{{#each v}}[{{this}}{{x}}]{{/each}}", Payload: map[string]any{"v": []any{nil, 1.0, nil}}})
	return append(list, dateCases()...)
}

func isList(v any) bool {
	_, ok := v.([]any)
	return ok
}

func languages() []string {
	return strings.Fields("ar cs da de el en en-GB es fa-IR fi fr he hi hu id it ja ko nb nl pl-PL pt-BR pt-PT ro ru sv th tr-TR uk-UA vi zh-CN zh-HK zh-TW")
}

func dateCases() []testCase {
	var list []testCase
	var styles []string
	for _, d := range []string{"short", "medium", "long", "full"} {
		styles = append(styles, d, d+" short", d+" medium")
	}
	zones := []string{"Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "UTC"}
	var times, days []any
	for m := range 30 {
		times = append(times, float64(m)*5.1e10+3e6)
		days = append(days, fmt.Sprintf("20%02d-%02d-28", 10+m, 1+m%12))
	}
	for i, tag := range languages() {
		ofTimes, ofDays := "{{date this}};", ""
		for j, style := range styles {
			ofTimes += fmt.Sprintf("{{date this %q}};{{date this %q %q}};", style, style, zones[(i+j)%len(zones)])
			ofDays += fmt.Sprintf("{{date this %q %q}};", style, zones[j%len(zones)])
		}
		list = append(list, testCase{
			Template: "{{#each times}}" + ofTimes + "{{/each}}{{#each days}}" + ofDays + "{{/each}}",
			Payload:  map[string]any{"locale": tag, "times": times, "days": days},
		})
	}
	return list
}
