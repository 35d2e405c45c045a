package app

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"syscall"
	"time"

	"github.com/postern-mail/postern/connector"
)

// connectTimeout bounds one connection unless the connector's own limit is
// shorter.
const connectTimeout = 2 * time.Minute

// newDialer returns what opens all outgoing connections. Unless private
// networks are allowed it refuses them after name resolution, right before
// connecting, so that no name that a tenant chose can lead inside.
func newDialer(allowPrivate bool) func(ctx context.Context, network, address string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		d := &net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}
		if !allowPrivate {
			d.ControlContext = func(_ context.Context, _, resolved string, _ syscall.RawConn) error {
				return refusePrivate(resolved)
			}
		}
		if local, ok := connector.LocalAddr(ctx); ok {
			d.LocalAddr = &net.TCPAddr{IP: local.AsSlice(), Zone: local.Zone()}
		}
		return d.DialContext(ctx, network, address)
	}
}

// errPrivate is shown to operators.
var errPrivate = errors.New("the address is in a private or local network; " +
	"POSTERN_ALLOW_PRIVATE_NETWORKS=true allows such addresses")

// refusePrivate refuses a resolved "ip:port" that is not public.
func refusePrivate(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return errPrivate
	}
	ip := at.Addr().Unmap().WithZone("")
	if public(ip) {
		return nil
	}
	return &connector.Error{Class: connector.ConfigFault, Message: errPrivate.Error(), Err: errPrivate}
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
