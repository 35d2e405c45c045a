package app

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"golang.org/x/net/http/httpproxy"

	"github.com/postern-mail/postern/connector"
	"github.com/postern-mail/postern/connector/providerapi"
	"github.com/postern-mail/postern/internal/network"
)

// connectTimeout bounds one connection unless the connector's own limit is
// shorter.
const connectTimeout = 2 * time.Minute

// newDialer returns what opens all outgoing connections. Unless private
// networks are allowed it refuses them after name resolution, right before
// connecting, so that no name that a tenant chose can lead inside.
func newDialer(allowPrivate bool) network.DialFunc {
	dial := network.ThroughProxy(func(ctx context.Context, kind, address string) (net.Conn, error) {
		return dialDirectly(ctx, kind, address, allowPrivate || operatorsProxy(ctx))
	})
	return func(ctx context.Context, kind, address string) (net.Conn, error) {
		if _, proxied := connector.Proxy(ctx); proxied && !allowPrivate {
			if err := refuseBehindProxy(ctx, address); err != nil {
				return nil, err
			}
		}
		return dial(ctx, kind, address)
	}
}

func dialDirectly(ctx context.Context, kind, address string, allowPrivate bool) (net.Conn, error) {
	d := &net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}
	if !allowPrivate {
		d.ControlContext = func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
			return refusePrivate(resolved)
		}
	}
	if local, ok := connector.LocalAddr(ctx); ok {
		d.LocalAddr = &net.TCPAddr{IP: local.AsSlice(), Zone: local.Zone()}
	}
	return d.DialContext(ctx, kind, address)
}

// newHTTP returns what carries the requests of all connectors over HTTP: one
// pool of connections, through the operator's proxy (HTTPS_PROXY, NO_PROXY) if
// there is one.
func newHTTP(dial network.DialFunc) *http.Transport {
	proxyOf := httpproxy.FromEnvironment().ProxyFunc()
	return providerapi.NewTransport(func(ctx context.Context, kind, address string) (net.Conn, error) {
		proxy, err := proxyOf(&url.URL{Scheme: "https", Host: address})
		if err != nil {
			return nil, &connector.Error{Class: connector.ConfigFault, Message: "HTTPS_PROXY is not the URL of a proxy"}
		}
		if proxy != nil {
			ctx = context.WithValue(connector.WithProxy(ctx, proxy), operatorsKey{}, true)
		}
		return dial(ctx, kind, address)
	})
}

// operatorsKey marks a connection to the proxy that the operator has set. It
// may be in a private network, as most are.
type operatorsKey struct{}

func operatorsProxy(ctx context.Context) bool { return ctx.Value(operatorsKey{}) != nil }

// refuseBehindProxy refuses a destination that the proxy, not we, would
// connect to. A name that cannot be looked up here is left to the proxy.
func refuseBehindProxy(ctx context.Context, address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return privateFault()
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return refusePrivate(netip.AddrPortFrom(ip, 1).String())
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil //nolint:nilerr // many a network has no DNS for the outside but its proxy's
	}
	for _, ip := range ips {
		if err := refusePrivate(netip.AddrPortFrom(ip, 1).String()); err != nil {
			return err
		}
	}
	return nil
}

// errPrivate is shown to operators.
var errPrivate = errors.New("the address is in a private or local network; " +
	"POSTERN_ALLOW_PRIVATE_NETWORKS=true allows such addresses")

func privateFault() error {
	return &connector.Error{Class: connector.ConfigFault, Message: errPrivate.Error(), Err: errPrivate}
}

// refusePrivate refuses a resolved "ip:port" that is not public.
func refusePrivate(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return privateFault()
	}
	if public(at.Addr().Unmap().WithZone("")) {
		return nil
	}
	return privateFault()
}

// notPublic are the ranges that netip does not tell by itself (IANA
// special-purpose address registries): this network, shared address space,
// protocol assignments, documentation, benchmarking, 6to4 and NAT64 (which
// wrap IPv4 addresses), discard-only, reserved.
func notPublic() []netip.Prefix {
	texts := []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15",
		"198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "fec0::/10",
	}
	prefixes := make([]netip.Prefix, len(texts))
	for i, t := range texts {
		prefixes[i] = netip.MustParsePrefix(t)
	}
	return prefixes
}

func public(ip netip.Addr) bool {
	if !ip.IsValid() || ip.IsPrivate() || ip.IsLoopback() || ip.IsUnspecified() || ip.IsMulticast() ||
		ip.IsLinkLocalUnicast() || ip.IsInterfaceLocalMulticast() {
		return false
	}
	for _, p := range notPublic() {
		if p.Contains(ip) {
			return false
		}
	}
	return true
}
