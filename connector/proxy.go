package connector

import (
	"context"
	"net/url"
)

type proxyKey struct{}

// WithProxy asks Host.Dial to connect through a proxy (http, https or socks5),
// for settings that name one.
func WithProxy(ctx context.Context, proxy *url.URL) context.Context {
	return context.WithValue(ctx, proxyKey{}, proxy)
}

// Proxy returns the proxy that a connection is to be made through, if one was
// asked for. Every Host.Dial honours it.
func Proxy(ctx context.Context) (*url.URL, bool) {
	proxy, ok := ctx.Value(proxyKey{}).(*url.URL)
	return proxy, ok && proxy != nil
}

// CheckProxy returns what is wrong with a proxy of the settings, "" being none.
// It may hold a user and a password.
func CheckProxy(proxy Secret, key string) []Issue {
	if proxy == "" {
		return nil
	}
	u, err := url.Parse(proxy.Reveal())
	if err == nil && u.Hostname() != "" && (u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == "" {
		switch u.Scheme {
		case "http", "https", "socks5":
			return nil
		}
	}
	return []Issue{issue(codeInvalid, []any{key}, "must be a URL such as http://proxy.example.com:3128, with http, https or socks5")}
}
