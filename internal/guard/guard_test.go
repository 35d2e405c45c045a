package guard_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestTable(t *testing.T) {
	gen := rapid.Custom(func(t *rapid.T) struct {
		traffic
		attack
	} {
		return struct {
			traffic
			attack
		}{drawTraffic(t), drawAttack(t)}
	})
	for seed := range 60 {
		s := gen.Example(seed)
		w := newWorld(s.traffic)
		w.live(30*time.Hour, func(time.Duration) float64 { return 1 })
		w.suffer(s.attack, 25*time.Hour+w.seconds(0, 3600))
		start := time.Now()
		got := w.run()
		t.Logf("%3d cut %.1f%% refused %d/%d stopped %d | %4.0f/h %.2f off %.2f mob %.2f | %v %s %s %s %v | %d notices %v %v", seed,
			100-100*float64(got.passed)/float64(got.hostile), got.refused, got.normal, got.stopped,
			s.Hourly, s.Ratio, s.Offices, s.Mobile, s.Lasts, s.Order, s.Where, s.Domains, s.Verified, len(got.notices), time.Since(start), got.when)
	}
}
