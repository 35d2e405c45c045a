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
type kind uint8

// The kinds. The zero kind is no source.
const (
	ofIP kind = iota + 1
	ofBlock
	ofNetwork
	ofDomain
)

// place names a source: bits of an IP address, or the hash of a domain.
type place struct {
	kind kind
	six  bool // IPv6
	bits uint64
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
		return place{ofIP, false, uint64(binary.BigEndian.Uint32(b[12:]))}
	}
	return place{ofIP, true, binary.BigEndian.Uint64(b[:])}
}

// around returns the block or the network that an IP address is in: a /24 or
// a /16 for IPv4, a /48 or a /32 for IPv6.
func (p place) around(k kind) place {
	width := map[bool]int{false: 8, true: 16}[p.six]
	if k == ofNetwork {
		width *= 2
	}
	return place{k, p.six, p.bits >> width << width}
}

// String returns the address, block or network.
func (p place) String() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], p.bits)
	addr, bits := netip.AddrFrom16(b), 64
	if !p.six {
		addr, bits = netip.AddrFrom4([4]byte(b[4:8])), 32
	}
	switch p.kind {
	case ofBlock:
		bits = map[bool]int{false: 24, true: 48}[p.six]
	case ofNetwork:
		bits /= 2
	default:
		if bits == 32 {
			return addr.String()
		}
	}
	return netip.PrefixFrom(addr, bits).String()
}
