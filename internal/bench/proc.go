package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// tick is the unit of CPU time in /proc: USER_HZ is 100 on every Linux
// platform that Go runs on (proc(5), time(7)).
const tick = 10 * time.Millisecond

var errProc = errors.New("/proc: not in the form expected")

// processUsage is what a process has used since it began.
type processUsage struct {
	cpu  time.Duration // user and system
	rss  int64         // bytes resident now
	peak int64         // the most that were resident
}

// usageOf reads the usage of a process from /proc (Linux).
func usageOf(pid int) (processUsage, error) {
	dir := "/proc/" + strconv.Itoa(pid)
	stat, err := os.ReadFile(dir + "/stat")
	if err != nil {
		return processUsage{}, fmt.Errorf("read CPU time: %w", err)
	}
	status, err := os.ReadFile(dir + "/status")
	if err != nil {
		return processUsage{}, fmt.Errorf("read memory: %w", err)
	}
	var u processUsage
	if u.cpu, err = parseStat(stat); err != nil {
		return processUsage{}, err
	}
	if u.rss, err = parseStatus(status, "VmRSS"); err != nil {
		return processUsage{}, err
	}
	u.peak, err = parseStatus(status, "VmHWM")
	return u, err
}

// parseStat reads utime and stime, the fields 14 and 15 of /proc/PID/stat.
// The second field, a name in brackets, may hold spaces and brackets.
func parseStat(stat []byte) (time.Duration, error) {
	end := bytes.LastIndexByte(stat, ')')
	if end < 0 {
		return 0, errProc
	}
	fields := strings.Fields(string(stat[end+1:])) // from the third on
	if len(fields) < 13 {
		return 0, errProc
	}
	user, err1 := strconv.ParseInt(fields[11], 10, 64)
	system, err2 := strconv.ParseInt(fields[12], 10, 64)
	if err1 != nil || err2 != nil {
		return 0, errProc
	}
	return time.Duration(user+system) * tick, nil
}

// parseStatus reads a size from /proc/PID/status, such as "VmRSS:  1234 kB",
// in bytes.
func parseStatus(status []byte, name string) (int64, error) {
	for line := range strings.Lines(string(status)) {
		rest, found := strings.CutPrefix(line, name+":")
		if !found {
			continue
		}
		number, unit, _ := strings.Cut(strings.TrimSpace(rest), " ")
		n, err := strconv.ParseInt(number, 10, 64)
		if err != nil || unit != "kB" {
			return 0, errProc
		}
		return n << 10, nil
	}
	return 0, errProc
}

// machineBusy returns the CPU time that the whole machine has used (Linux).
func machineBusy() (time.Duration, error) {
	stat, err := os.ReadFile("/proc/stat")
	if err != nil {
		return 0, fmt.Errorf("read CPU time: %w", err)
	}
	return parseMachineStat(stat)
}

// parseMachineStat adds up the first line of /proc/stat, without idle time
// (the 4th number), waiting for disks (the 5th), and the last two, guests,
// which the first two hold already.
func parseMachineStat(stat []byte) (time.Duration, error) {
	line, _, _ := strings.Cut(string(stat), "\n")
	fields := strings.Fields(line)
	if len(fields) < 5 || fields[0] != "cpu" {
		return 0, errProc
	}
	var busy int64
	for i, field := range fields[1:min(len(fields), 9)] {
		n, err := strconv.ParseInt(field, 10, 64)
		if err != nil {
			return 0, errProc
		}
		if i != 3 && i != 4 {
			busy += n
		}
	}
	return time.Duration(busy) * tick, nil
}
