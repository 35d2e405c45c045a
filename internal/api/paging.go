package api

import (
	"net/url"
	"strconv"
	"strings"
)

// Lists without page and page_size are whole, as in Logto; those that grow
// without bound stop at the newest so many.
const (
	defaultPageSize = 20
	wholeList       = 1000
)

// PageInput are the parameters of a list.
type PageInput struct {
	Page     int `query:"page" minimum:"1" maximum:"1000000" doc:"Page, from 1; 1 with page_size alone."`
	PageSize int `query:"page_size" minimum:"1" maximum:"100" doc:"Entries a page; 20 unless given."`
}

// asked reports whether the request wants a page.
func (p PageInput) asked() bool { return p.Page != 0 || p.PageSize != 0 }

// window returns how many entries the request wants, and from where on.
func (p PageInput) window() (limit, offset int) {
	if !p.asked() {
		return wholeList, 0
	}
	limit = p.PageSize
	if limit == 0 {
		limit = defaultPageSize
	}
	return limit, (max(p.Page, 1) - 1) * limit
}

// PageOutput are the headers of a list.
type PageOutput struct {
	TotalNumber string `header:"Total-Number" doc:"How many entries there are in all, when a page was asked for."`
	Link        string `header:"Link" doc:"The pages first, prev, next and last (RFC 8288), when a page was asked for."`
}

// output describes the page of a list with so many entries in all. The links
// are relative: only the proxy in front knows how the client calls us.
func (p PageInput) output(u *url.URL, total int) PageOutput {
	if !p.asked() {
		return PageOutput{}
	}
	limit, _ := p.window()
	page, last := max(p.Page, 1), max((total+limit-1)/limit, 1)
	query := u.Query()
	var links []string
	add := func(rel string, n int) {
		query.Set("page", strconv.Itoa(n))
		query.Set("page_size", strconv.Itoa(limit))
		links = append(links, "<"+u.EscapedPath()+"?"+query.Encode()+`>; rel="`+rel+`"`)
	}
	add("first", 1)
	if page > 1 {
		add("prev", min(page-1, last))
	}
	if page < last {
		add("next", page+1)
	}
	add("last", last)
	return PageOutput{TotalNumber: strconv.Itoa(total), Link: strings.Join(links, ", ")}
}

// cut returns the page of a list that is at hand as a whole.
func cut[T any](p PageInput, list []T) []T {
	if !p.asked() {
		return list
	}
	limit, offset := p.window()
	offset = min(offset, len(list))
	return list[offset:min(offset+limit, len(list))]
}
