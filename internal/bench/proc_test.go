package bench

import (
	"os"
	"runtime"
	"testing"
	"time"
)

func TestParseStat(t *testing.T) {
	t.Parallel()
	stat := "4242 (a) name (b) S 1 4242 4242 0 -1 4194304 5520 0 3 0 123 45 6 7 20 0 9 0 5551212 1273069568 8290 18446744073709551615\n"
	if got, err := parseStat([]byte(stat)); err != nil || got != 1680*time.Millisecond {
		t.Errorf("%s, %v", got, err)
	}
	for _, bad := range []string{"", "1 (x", "1 (x) S 1 2", "1 (x) S 1 4242 4242 0 -1 4194304 5520 0 3 0 a 45 6"} {
		if got, err := parseStat([]byte(bad)); err == nil {
			t.Errorf("%q gives %s", bad, got)
		}
	}
}

func TestParseStatus(t *testing.T) {
	t.Parallel()
	status := "Name:\tpostern\nVmPeak:\t 1243232 kB\nVmHWM:\t   48880 kB\nVmRSS:\t   33160 kB\nThreads:\t9\n"
	for name, want := range map[string]int64{"VmRSS": 33160 << 10, "VmHWM": 48880 << 10} {
		if got, err := parseStatus([]byte(status), name); err != nil || got != want {
			t.Errorf("%s: %d, %v", name, got, err)
		}
	}
	for _, name := range []string{"VmSwap", "Threads", "Name"} {
		if got, err := parseStatus([]byte(status), name); err == nil {
			t.Errorf("%s: %d", name, got)
		}
	}
}

func TestParseMachineStat(t *testing.T) {
	t.Parallel()
	stat := "cpu  100 20 30 4000 500 6 7 8 99 99\ncpu0 1 1 1 1 1 1 1 1 1 1\n"
	if got, err := parseMachineStat([]byte(stat)); err != nil || got != 1710*time.Millisecond {
		t.Errorf("%s, %v", got, err)
	}
	for _, bad := range []string{"", "cpu 1 2", "cpu0 1 2 3 4 5", "cpu a b c d e"} {
		if got, err := parseMachineStat([]byte(bad)); err == nil {
			t.Errorf("%q gives %s", bad, got)
		}
	}
}

func TestUsageOfThisProcess(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("there is no /proc")
	}
	u, err := usageOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if u.rss < 1<<20 || u.peak < u.rss {
		t.Errorf("%+v", u)
	}
	busy, err := machineBusy()
	if err != nil || busy < u.cpu {
		t.Errorf("the machine was busy for %s (%v), this process for %s", busy, err, u.cpu)
	}
}

func TestFileSystem(t *testing.T) {
	t.Parallel()
	mounts := "/dev/vda / ext4 rw 0 0\nproc /proc proc rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n" +
		"/dev/vdb /tmp/my\\040disk xfs rw 0 0\nold /srv ext2 rw 0 0\nnew /srv btrfs rw 0 0\nbroken\n"
	for path, want := range map[string]string{
		"/": "ext4", "/home/x": "ext4", "/tmp": "tmpfs", "/tmp/x": "tmpfs", "/tmpx": "ext4", "/tmp/my disk/x": "xfs", "/srv/x": "btrfs",
	} {
		if got := fileSystem([]byte(mounts), path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	if got := fileSystem(nil, "/"); got != "" {
		t.Errorf("no mounts: %q", got)
	}
}

func TestProcessor(t *testing.T) {
	t.Parallel()
	info := "processor\t: 0\nmodel name\t: Fast: CPU\nprocessor\t: 1\nmodel name\t: Other\n"
	if got := processor([]byte(info)); got != "Fast: CPU" {
		t.Errorf("%q", got)
	}
	if got := processor([]byte("CPU part : 0xd0c\n")); got != "" {
		t.Errorf("%q", got)
	}
}

func TestDescribeLeavesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	m, err := describe(dir)
	if err != nil {
		t.Fatal(err)
	}
	if m.CPUs < 1 || m.Sync.P50 <= 0 || m.Sync.Max < m.Sync.P50 {
		t.Errorf("%+v", m)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left in the folder: %v, %v", left, err)
	}
}
