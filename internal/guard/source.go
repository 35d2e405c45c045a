package guard

import (
	"encoding/binary"
	"net/netip"
	"time"
)

// recent counts over one to two periods.
type recent struct {
	period    int32 // the one that now is about
	now, last uint32
}

func (r *recent) turn(period int32) {
	switch {
	case period <= r.period:
	case period == r.period+1:
		r.last, r.now, r.period = r.now, 0, period
	default:
		r.last, r.now, r.period = 0, 0, period
	}
}

func (r *recent) add(period int32) {
	r.turn(period)
	r.now++
}

// take takes one back.
func (r *recent) take(period int32) {
	r.turn(period)
	switch {
	case r.now > 0:
		r.now--
	case r.last > 0:
		r.last--
	}
}

func (r *recent) sum(period int32) int {
	r.turn(period)
	return int(r.now) + int(r.last)
}

// The periods of what a source is known for.
const (
	day   = 12 * time.Hour      // of what is outstanding, verified or refused: 12 to 24 hours
	month = 15 * 24 * time.Hour // of what is proven: 15 to 30 days
	spell = 10 * time.Minute    // of how things are: 10 to 20 minutes
)

func periodOf(now, length time.Duration) int32 { return int32(now / length) }

// source is where requests come from, or a domain that they are about.
type source struct {
	outstanding recent // persons sent a code that they have not verified
	verified    recent // persons who have
	regulars    recent // the same, over a month
	refused     recent // persons not sent one
	asked       recent // persons asked for, of late
	confirmed   recent // persons who verified, of late

	lastAsk  time.Duration // when a person was last asked for, or -1
	lastPass time.Duration // when one was last sent a code, or -1

	// Of an IP address that nothing was verified from:
	person      string        // the last one sent a code, to know a correction
	corrections int           // persons that were corrections, since the last one that was not
	waiting     uint64        // who was told to wait
	until       time.Duration // for how long

	told map[Level]time.Duration // when it was told of
}

func newSource() *source { return &source{lastAsk: -1, lastPass: -1} }

// kind is what a source is.
type kind uint32

// The kinds. The zero kind is no source.
const (
	ofIP kind = iota + 1
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
	kind    kind
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
func (p place) around(k kind) place {
	width := 8
	if p.version == six {
		width = 16
	}
	if k == ofNetwork {
		width *= 2
	}
	return place{k, p.version, p.bits >> width << width}
}

// String returns the address, block or network.
func (p place) String() string {
	var addr netip.Addr
	bits := 64
	if p.version == four {
		bits = 32
		addr = netip.AddrFrom4([4]byte(binary.BigEndian.AppendUint32(nil, uint32(p.bits))))
		if p.kind == ofIP {
			return addr.String()
		}
	} else {
		addr = netip.AddrFrom16([16]byte(append(binary.BigEndian.AppendUint64(nil, p.bits), make([]byte, 8)...)))
	}
	switch p.kind {
	case ofBlock:
		bits = bits * 3 / 4
	case ofNetwork:
		bits /= 2
	}
	return netip.PrefixFrom(addr, bits).String()
}
