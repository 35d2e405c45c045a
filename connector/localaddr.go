package connector

import (
	"context"
	"net/netip"
)

type localAddrKey struct{}

// WithLocalAddr asks Host.Dial to connect from a local address, for settings
// that name one.
func WithLocalAddr(ctx context.Context, local netip.Addr) context.Context {
	return context.WithValue(ctx, localAddrKey{}, local)
}

// LocalAddr returns the local address that a connection is to be made from,
// if one was asked for. Every Host.Dial honours it.
func LocalAddr(ctx context.Context) (netip.Addr, bool) {
	local, ok := ctx.Value(localAddrKey{}).(netip.Addr)
	return local, ok
}
