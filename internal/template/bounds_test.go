package template_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/postern-mail/postern/internal/template"
)

// deep returns n objects within each other, under "a".
func deep(n int) any {
	value := any("bottom")
	for range n {
		value = map[string]any{"a": value}
	}
	return value
}

// list returns a list of n numbers, and keys an object of n members.
func list(n int) []any {
	l := make([]any, n)
	for i := range l {
		l[i] = float64(i)
	}
	return l
}

func keys(n int) map[string]any {
	o := make(map[string]any, n)
	for i := range n {
		o[fmt.Sprint("k", i)] = i
	}
	return o
}

// chained returns partials of which each includes the next, n of them, the last
// one being text.
func chained(n int) map[string]string {
	all := map[string]string{fmt.Sprint("p", n): "end"}
	for i := range n - 1 {
		all[fmt.Sprint("p", i+1)] = fmt.Sprintf("{{> p%d}}", i+2)
	}
	return all
}

func nested(n int, open, closing string) string {
	return strings.Repeat(open, n) + "x" + strings.Repeat(closing, n)
}

// TestBoundsOfBlocks goes to each bound and one step further. Inputs that could
// take long are here, too: the time limit of the tests is their judge.
func TestBoundsOfBlocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, source string
		payload      map[string]any
		partials     map[string]string
		want         template.Error // Reason "" for none
		output       string
	}{
		{name: "deepest blocks", source: nested(16, "{{#if t}}", "{{/if}}"), payload: map[string]any{"t": true}, output: "x"},
		{
			name: "blocks too deep", source: "\n" + nested(17, "{{#if t}}", "{{/if}}"),
			want: template.Error{Reason: template.NestingTooDeep, Line: 2, Column: 16*9 + 1},
		},
		{
			name: "1,000 blocks", source: nested(1000, "{{#each t}}", "{{/each}}"),
			want: template.Error{Reason: template.NestingTooDeep, Line: 1, Column: 16*11 + 1},
		},
		{name: "1,000 blocks without an end", source: strings.Repeat("{{#if t}}", 1000), output: strings.Repeat("{{#if t}}", 1000)},
		{name: "30,000 ends without a block", source: strings.Repeat("{{#if t}}", 1000) + strings.Repeat("{{/each}}", 20_000), output: strings.Repeat("{{#if t}}", 1000) + strings.Repeat("{{/each}}", 20_000)},
		{name: "a long chain", source: "{{#if f}}" + strings.Repeat("{{else if f}}", 5000) + "{{else}}x{{/if}}", output: "x"},
		{name: "deepest parentheses", source: "{{not " + nested(16, "(not ", ")") + "}}", payload: map[string]any{"x": true}, output: "false"},
		{
			name: "parentheses too deep", source: "ab{{not " + nested(5000, "(not ", ")") + "}}",
			want: template.Error{Reason: template.NestingTooDeep, Line: 1, Column: 3},
		},
		{name: "most rounds", source: "{{#each l}}{{#if @last}}{{@index}}{{/if}}{{/each}}", payload: map[string]any{"l": list(1000)}, output: "999"},
		{
			name: "too many rounds", source: "\n {{#if l}}{{#each l}}x{{/each}}{{/if}}", payload: map[string]any{"l": list(1001)},
			want: template.Error{Reason: template.TooManyRounds, Line: 2, Column: 11},
		},
		{
			name: "10,000 keys", source: "{{#each o}}{{@key}}{{/each}}", payload: map[string]any{"o": keys(10_000)},
			want: template.Error{Reason: template.TooManyRounds, Line: 1, Column: 1},
		},
		{name: "10,000 keys beside", source: "{{#with o}}{{k9999}}{{/with}}", payload: map[string]any{"o": keys(10_000)}, output: "9999"},
		{
			name: "loops within loops", source: nested(5, "{{#each @root.l}}", "{{/each}}"), payload: map[string]any{"l": list(1000)},
			want: template.Error{Reason: template.TooMuchWork, Line: 1, Column: 4*17 + 1},
		},
		{
			name: "much output in a loop", source: "{{#each l}}" + strings.Repeat("x", 1100) + "{{/each}}", payload: map[string]any{"l": list(1000)},
			want: template.Error{Reason: template.OutputTooLarge, Line: 1, Column: 1},
		},
		{
			name: "loops within loops that print nothing", source: "{{#each l}}{{#each @root.l}}{{#each @root.l}}{{/each}}{{/each}}{{/each}}", payload: map[string]any{"l": list(1000)},
			want: template.Error{Reason: template.TooMuchWork, Line: 1, Column: 29},
		},
		{
			name: "long paths in loops", source: "{{#each l}}" + strings.Repeat("{{@root"+strings.Repeat(".a", 1000)+".x}}", 100) + "{{/each}}",
			payload: map[string]any{"l": list(1000), "a": deep(1000)},
			want:    template.Error{Reason: template.TooMuchWork, Line: 1, Column: 1},
		},
		{
			name: "long values in loops", source: "{{#each l}}{{#if (eq @root.s @root.s2)}}{{/if}}{{/each}}",
			payload: map[string]any{"l": list(1000), "s": strings.Repeat("x", 1<<20), "s2": strings.Repeat("x", 1<<20)},
			want:    template.Error{Reason: template.TooMuchWork, Line: 1, Column: 1},
		},
		{name: "a deep payload", source: "{{#with o}}{{a" + strings.Repeat(".a", 999) + "}}{{/with}}", payload: map[string]any{"o": deep(1000)}, output: "bottom"},
		{name: "deepest partials", source: "{{> p1}}", partials: chained(8), output: "end"},
		{
			name: "partials too deep", source: "{{> p1}}", partials: chained(9),
			want: template.Error{Reason: template.PartialsTooDeep, Line: 1, Column: 1, Partial: "p8", Path: "p9"},
		},
		{
			name: "partials too deep, seen before", source: "{{> p5}}{{> p1}}", partials: chained(9),
			want: template.Error{Reason: template.PartialsTooDeep, Line: 1, Column: 1, Partial: "p4", Path: "p5"},
		},
		{
			name: "a partial in itself", source: "a{{> p}}", partials: map[string]string{"p": "\n{{#if x}}{{> p}}{{/if}}"},
			want: template.Error{Reason: template.RecursivePartial, Line: 2, Column: 10, Partial: "p", Path: "p"},
		},
		{
			name: "a layout in itself by another", source: `{{#layout "p"}}{{/layout}}`, partials: map[string]string{"p": "{{> q}}", "q": `{{#layout "p"}}{{/layout}}`},
			want: template.Error{Reason: template.RecursivePartial, Line: 1, Column: 1, Partial: "q", Path: "p"},
		},
		{
			name: "partials that multiply", source: "{{> p1}}", partials: multiplied(8, 100),
			want: template.Error{Reason: template.TooMuchWork, Line: 1, Partial: "p6"},
		},
		{
			name: "a partial too large", source: "{{> p}}", partials: map[string]string{"p": strings.Repeat("x", template.MaxSource+1)},
			want: template.Error{Reason: template.SourceTooLarge, Line: 1, Column: template.MaxSource + 1, Partial: "p"},
		},
		{
			name: "partials too large together", source: "{{> a}}{{> b}}{{> c}}{{> d}}", partials: map[string]string{"a": full("a"), "b": full("b"), "c": full("c"), "d": full("d")},
			want: template.Error{Reason: template.PartialsTooLarge, Line: 1, Column: 1, Partial: "d"},
		},
		{
			name: "a partial that is not UTF-8", source: "{{> p}}", partials: map[string]string{"p": "a\n\xff"},
			want: template.Error{Reason: template.InvalidUTF8, Line: 2, Column: 1, Partial: "p"},
		},
		{
			name: "what a layout is put around fails", source: "\n{{#layout \"p\"}}{{bad}}{{/layout}}", partials: map[string]string{"p": "{{> @partial-block}}"},
			payload: map[string]any{"bad": struct{}{}},
			want:    template.Error{Reason: template.UnsupportedValue, Line: 2, Column: 16, Path: "bad"},
		},
		{
			name: "a value in a partial fails", source: "{{> p}}", partials: map[string]string{"p": "{{#if t}}{{upper bad}}{{/if}}"},
			payload: map[string]any{"t": true, "bad": struct{}{}},
			want:    template.Error{Reason: template.UnsupportedValue, Line: 1, Column: 10, Partial: "p", Path: "upper bad"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tpl, err := template.Compile(c.source, template.Options{Escape: template.HTML, Library: template.NewLibrary(c.partials)})
			got := ""
			if err == nil {
				told(t, tpl, c.source)
				got, err = tpl.Render(c.payload)
			}
			if c.want.Reason == "" {
				if err != nil || got != c.output {
					t.Errorf("got %.80q, %v, want %.80q", got, err, c.output)
				}
				return
			}
			var failed *template.Error
			if !errors.As(err, &failed) {
				t.Fatalf("error %v, want %+v", err, c.want)
			}
			if c.want.Column == 0 {
				c.want.Column = failed.Column // where it happens to run out
			}
			if *failed != c.want {
				t.Errorf("error %+v, want %+v", failed, c.want)
			}
			if failed.Error() == "" || strings.Contains(failed.Error(), string(failed.Reason)) {
				t.Errorf("the error says nothing of its own: %v", failed)
			}
		})
	}
}

func full(letter string) string { return strings.Repeat(letter, template.MaxSource) }

// multiplied returns n partials of which each includes the next many times.
func multiplied(n, times int) map[string]string {
	all := map[string]string{fmt.Sprint("p", n): ""}
	for i := range n - 1 {
		all[fmt.Sprint("p", i+1)] = strings.Repeat(fmt.Sprintf("{{> p%d}}", i+2), times)
	}
	return all
}

// TestScanningIsLinear parses sources that would take minutes if a tag that is
// none were looked for anew from every brace: the test's own time limit is the
// judge.
func TestScanningIsLinear(t *testing.T) {
	t.Parallel()
	for _, unit := range []string{
		"{{!", "{{!--", "{{!----}}", "{{!--x}}", "{{upper \"", "{{upper '{{upper \"", "{{upper \"\\", "{{#if ", "{{> '", "{{a b", "{{{{{", "}}{{a", "{{/if}}", "{{else}}",
		"{{@index}}", "{{a-b}}", "{{(", "{{not (not (", "{{#if a}}{{else}}",
	} {
		for _, end := range []string{"", "--}}", "--~}}", "}}", "\"", "'}}"} {
			source := strings.Repeat(unit, (template.MaxSource-8)/len(unit)) + end
			tpl, err := template.Parse(source, template.HTML)
			if err != nil {
				t.Errorf("%q: %v", unit, err)
				continue
			}
			told(t, tpl, source)
		}
	}
}
