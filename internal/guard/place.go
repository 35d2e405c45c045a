package guard

import (
	"encoding/binary"
	"net/netip"
)

// reach is how much a place takes in.
type reach uint32

// The reaches. The zero reach is no place.
const (
	ofIP reach = iota + 1
	ofBlock
	ofNetwork
	ofDomain
)

// version is that of an IP address; 0 for a domain.
type version uint32

// The versions.
const (
	four version = 4
	six  version = 6
)

// place names a source: bits of an IP address, or the hash of a domain.
type place struct {
	reach   reach
	version version
	bits    uint64
}

// placeOf returns the source that an IP address is, which for IPv6 is its
// /64, where one customer has at least that many. It is zero for what is no
// address.
func placeOf(ip string) place {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return place{}
	}
	addr = addr.Unmap()
	b := addr.As16()
	if addr.Is4() {
		return place{ofIP, four, uint64(binary.BigEndian.Uint32(b[12:]))}
	}
	return place{ofIP, six, binary.BigEndian.Uint64(b[:])}
}

// around returns the block or the network that an IP address is in: a /24 or
// a /16 for IPv4, a /48 or a /32 for IPv6.
func (p place) around(r reach) place {
	width := 8
	if p.version == six {
		width = 16
	}
	if r == ofNetwork {
		width *= 2
	}
	return place{r, p.version, p.bits >> width << width}
}

// String returns the address, block or network.
func (p place) String() string {
	b := binary.BigEndian.AppendUint64(nil, p.bits)
	addr, bits := netip.AddrFrom16([16]byte(append(b, make([]byte, 8)...))), 64
	if p.version == four {
		addr, bits = netip.AddrFrom4([4]byte(b[4:])), 32
	}
	if p.reach == ofBlock {
		bits = bits * 3 / 4
	}
	if p.reach == ofNetwork {
		bits /= 2
	}
	if bits == 32 && p.version == four {
		return addr.String()
	}
	return netip.PrefixFrom(addr, bits).String()
}
