package guard

import (
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
	day   = 12 * time.Hour      // of what is outstanding or was refused: 12 to 24 hours
	month = 15 * 24 * time.Hour // of what was verified: 15 to 30 days
	spell = 5 * time.Minute     // of a domain's share: 5 to 10 minutes
)

func periodOf(now, length time.Duration) int32 { return int32(now / length) }

// source is where requests come from, or a domain that they are about.
type source struct {
	outstanding recent // persons sent a code that they have not verified
	verified    recent // persons who have
	refused     recent // persons not sent one
	asked       recent // of a domain: persons asked for, of late
	confirmed   recent // of a domain: those of them who verified

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
	ofDomain
)

// place names a source: bits of an IP address, or the hash of a domain.
type place struct {
	kind kind
	six  bool // IPv6
	bits uint64
}

// places returns the source that an IP address is, which for IPv6 is its
// /64, and the block that it is in: a /24 or a /48. They are zero for what is
// no address.
func places(ip string) (single, block place) {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return place{}, place{}
	}
	addr = addr.Unmap()
	b := addr.As16()
	high, low := uint64(0), uint64(0)
	for i := range 8 {
		high, low = high<<8|uint64(b[i]), low<<8|uint64(b[8+i])
	}
	single = place{ofIP, true, high}
	if addr.Is4() {
		single = place{ofIP, false, low & (1<<32 - 1)}
	}
	return single, single.block()
}

// block returns the block that an IP address is in.
func (p place) block() place {
	if p.six {
		return place{ofBlock, true, p.bits &^ 0xffff}
	}
	return place{ofBlock, false, p.bits &^ 0xff}
}

// String returns the address or block; "" for a domain.
func (p place) String() string {
	if p.kind != ofIP && p.kind != ofBlock {
		return ""
	}
	var b [16]byte
	for i := range 8 {
		b[i] = byte(p.bits >> (56 - 8*i))
	}
	addr, bits := netip.AddrFrom16(b), 64
	if !p.six {
		addr, bits = netip.AddrFrom4([4]byte(b[4:8])), 32
	}
	if p.kind == ofBlock {
		bits = map[bool]int{false: 24, true: 48}[p.six]
	}
	if bits == 32 {
		return addr.String()
	}
	return netip.PrefixFrom(addr, bits).String()
}
