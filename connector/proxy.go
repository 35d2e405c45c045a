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
