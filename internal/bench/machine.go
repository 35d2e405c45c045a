package bench

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Machine is where figures were measured. What can not be found out is "".
type Machine struct {
	Platform   string `json:"platform"`
	Processor  string `json:"processor,omitempty"`
	CPUs       int    `json:"cpus"`
	Kernel     string `json:"kernel,omitempty"`
	Go         string `json:"go"`
	FileSystem string `json:"fileSystem,omitempty"` // of the data folder
	// Sync is how long the disk takes for a write of 4 KiB and its fsync, in
	// milliseconds: what each commit of an embedded database waits for.
	Sync Quantiles `json:"syncMs"`
}

// describe looks at the machine and at the disk under a folder.
func describe(dir string) (Machine, error) {
	m := Machine{
		Platform: runtime.GOOS + "/" + runtime.GOARCH, CPUs: runtime.NumCPU(), Go: runtime.Version(),
	}
	// Both files are Linux's; elsewhere the fields stay empty.
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.Processor = processor(info)
	}
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		m.Kernel = strings.TrimSpace(string(release))
	}
	if mounts, err := os.ReadFile("/proc/self/mounts"); err == nil {
		if path, err := filepath.Abs(dir); err == nil {
			m.FileSystem = fileSystem(mounts, path)
		}
	}
	var err error
	m.Sync, err = probeSync(dir)
	return m, err
}

// processor reads the name of the first processor from /proc/cpuinfo.
func processor(cpuinfo []byte) string {
	for line := range strings.Lines(string(cpuinfo)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// fileSystem finds the kind of the file system that holds an absolute path in
// a table of mounts (fstab(5)): that of the longest mount point above it.
func fileSystem(mounts []byte, path string) string {
	best, kind := "", ""
	for line := range strings.Lines(string(mounts)) {
		fields := strings.Fields(line)
		if len(fields) < 3 {
			continue
		}
		point := strings.ReplaceAll(fields[1], `\040`, " ")
		above := path == point || strings.HasPrefix(path, strings.TrimSuffix(point, "/")+"/")
		if above && len(point) >= len(best) { // a later mount covers an earlier one
			best, kind = point, fields[2]
		}
	}
	return kind
}

// syncProbes is how many writes the disk is asked for.
const syncProbes = 100

// probeSync measures writes that end on the disk.
func probeSync(dir string) (Quantiles, error) {
	f, err := os.CreateTemp(dir, "sync-")
	if err != nil {
		return Quantiles{}, fmt.Errorf("probe the disk: %w", err)
	}
	block := bytes.Repeat([]byte{1}, 4<<10)
	durations := make([]time.Duration, 0, syncProbes)
	for range syncProbes {
		begin := time.Now()
		_, err = f.Write(block)
		if err == nil {
			err = f.Sync()
		}
		if err != nil {
			break
		}
		durations = append(durations, time.Since(begin))
	}
	if err := errors.Join(err, f.Close(), os.Remove(f.Name())); err != nil {
		return Quantiles{}, fmt.Errorf("probe the disk: %w", err)
	}
	return quantilesOf(durations), nil
}
