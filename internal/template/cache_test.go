package template_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/postern-mail/postern/internal/template"
)

func get(t *testing.T, c *template.Cache, source string, escape template.Escape) *template.Template {
	t.Helper()
	tpl, err := c.Get(source, escape)
	if err != nil {
		t.Fatal(err)
	}
	return tpl
}

func TestCacheKeepsByContentAndEscape(t *testing.T) {
	t.Parallel()
	c := template.NewCache(1 << 20)
	a := get(t, c, "{{a}}", template.HTML)
	if get(t, c, strings.Clone("{{a}}"), template.HTML) != a {
		t.Error("the same content was parsed twice")
	}
	if get(t, c, "{{a}}", template.None) == a {
		t.Error("two ways of escaping share one template")
	}
	text, err := c.GetText("{{a}}", func(string) string { return "text of {{a}}" })
	if err != nil {
		t.Fatal(err)
	}
	if got, err := text.Render(map[string]any{"a": "<"}); err != nil || got != "text of <" {
		t.Errorf("text form renders %q, %v", got, err)
	}
	again, err := c.GetText("{{a}}", func(string) string { t.Error("converted twice"); return "" })
	if err != nil || again != text {
		t.Errorf("GetText again: %p, %v, want %p", again, err, text)
	}
}

// TestCacheTellsLibrariesApart: a partial that changed is another template, and
// one that did not is the same whoever loaded it.
func TestCacheTellsLibrariesApart(t *testing.T) {
	t.Parallel()
	c := template.NewCache(1 << 20)
	compile := func(partials map[string]string) *template.Template {
		tpl, err := c.Compile("{{> p}}", template.Options{Library: template.NewLibrary(partials)})
		if err != nil {
			t.Fatal(err)
		}
		return tpl
	}
	a := compile(map[string]string{"p": "one", "q": ""})
	if compile(map[string]string{"q": "", "p": "one"}) != a {
		t.Error("the same partials were parsed twice")
	}
	b := compile(map[string]string{"p": "two", "q": ""})
	if got, err := b.Render(nil); err != nil || got != "two" {
		t.Errorf("a changed partial renders %q, %v", got, err)
	}
	if compile(map[string]string{"p": "oneq", "": ""}) == compile(map[string]string{"p": "one", "q": ""}) {
		t.Error("two libraries share a template")
	}
	if get(t, c, "{{> p}}", template.HTML) == a {
		t.Error("no library is the same as one")
	}
}

func TestCacheDoesNotKeepErrors(t *testing.T) {
	t.Parallel()
	c := template.NewCache(1 << 20)
	for range 2 {
		if _, err := c.Get("\xff", template.HTML); err == nil {
			t.Error("no error for a source that is not UTF-8")
		}
	}
}

// TestCacheForgetsTheLeastUsed fills the cache many times over while one
// template stays in use: that one is kept, an unused one is dropped, and one
// that is larger than the cache is served all the same.
func TestCacheForgetsTheLeastUsed(t *testing.T) {
	t.Parallel()
	c := template.NewCache(8 << 10)
	used, unused := get(t, c, "used {{a}}", template.HTML), get(t, c, "unused {{a}}", template.HTML)
	for i := range 100 {
		get(t, c, fmt.Sprint(i, strings.Repeat("x", 500)), template.HTML)
		if get(t, c, "used {{a}}", template.HTML) != used {
			t.Fatalf("a template in use was dropped after %d others", i)
		}
	}
	if get(t, c, "unused {{a}}", template.HTML) == unused {
		t.Error("nothing was dropped: the cache has no bound")
	}
	large := strings.Repeat("x", 64<<10)
	first := get(t, c, large, template.HTML)
	if get(t, c, large, template.HTML) == first {
		t.Error("a template larger than the cache was kept")
	}
}

func TestCacheConcurrently(t *testing.T) {
	t.Parallel()
	c := template.NewCache(4 << 10)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 500 {
				source := fmt.Sprintf("%d {{a}} %s", i%40, strings.Repeat("x", 100))
				tpl, err := c.Get(source, template.HTML)
				if err != nil {
					t.Error(err)
					return
				}
				want := strings.Replace(source, "{{a}}", "1", 1)
				if got, err := tpl.Render(map[string]any{"a": "1"}); err != nil || got != want {
					t.Errorf("got %q, %v, want %q", got, err, want)
					return
				}
			}
		})
	}
	wg.Wait()
}
