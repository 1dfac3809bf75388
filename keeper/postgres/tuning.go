package postgres

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Tuning is the block of settings computed from the machine.
type Tuning struct {
	SharedBuffersMB, WorkMemMB, MaintenanceWorkMemMB, EffectiveCacheSizeMB int
	AutovacuumMaxWorkers                                                   int
	MaxSlotWALKeepMB                                                       int // bound of the WAL kept for absent standbys
}

// tuningByRAM: the first row whose limit is not exceeded; shared buffers 0 = a quarter of the RAM.
var tuningByRAM = []struct{ ramGB, sharedGB, workMB, maintenanceMB int }{
	{8, 0, 16, 256},
	{64, 0, 24, 512},
	{256, 16, 32, 1024},
	{1 << 30, 32, 64, 2048},
}

// workersByCPUs: the first row whose limit is not reached.
var workersByCPUs = []struct{ cpus, workers int }{
	{16, 3}, {24, 4}, {32, 6}, {48, 8}, {64, 12}, {1 << 30, 16},
}

// Bounds of max_slot_wal_keep_size. The slot of a standby that stays away must never fill the primary's disk:
// it may keep a quarter of it; afterwards that standby is rebuilt.
const (
	slotKeepDiskShare = 4
	slotKeepMinimumMB = 1024
	slotKeepDefaultMB = 16 << 10 // size of the disk unknown
)

// TuningFor is the pure rule.
func TuningFor(ramBytes uint64, cpus int, diskBytes uint64) Tuning {
	ramMB := int(ramBytes >> 20)
	var t Tuning
	for _, row := range tuningByRAM {
		if ramMB <= row.ramGB<<10 {
			t.SharedBuffersMB, t.WorkMemMB, t.MaintenanceWorkMemMB = row.sharedGB<<10, row.workMB, row.maintenanceMB
			break
		}
	}
	if t.SharedBuffersMB == 0 {
		t.SharedBuffersMB = ramMB / 4
	}
	t.EffectiveCacheSizeMB = ramMB - t.SharedBuffersMB
	for _, row := range workersByCPUs {
		if cpus < row.cpus {
			t.AutovacuumMaxWorkers = row.workers
			break
		}
	}
	t.MaxSlotWALKeepMB = slotKeepDefaultMB
	if diskBytes > 0 {
		t.MaxSlotWALKeepMB = max(slotKeepMinimumMB, int(diskBytes>>20)/slotKeepDiskShare)
	}
	return t
}

// TestTuning is a small fixed block, for many nodes on one machine.
func TestTuning() Tuning {
	return Tuning{
		SharedBuffersMB: 128, WorkMemMB: 4, MaintenanceWorkMemMB: 64, EffectiveCacheSizeMB: 4096,
		AutovacuumMaxWorkers: 3, MaxSlotWALKeepMB: slotKeepMinimumMB,
	}
}

// HostTuning reads the RAM (the limit of our control group counts), the CPUs and the size of the disk that
// holds the WAL.
func HostTuning(pgdata string) Tuning {
	return TuningFor(hostRAM(), runtime.NumCPU(), diskSize(filepath.Join(pgdata, "pg_wal")))
}

func hostRAM() uint64 {
	var info unix.Sysinfo_t
	if err := unix.Sysinfo(&info); err != nil {
		return 1 << 30
	}
	ram := uint64(info.Totalram) * uint64(info.Unit)
	for _, path := range []string{"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"} {
		content, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if limit, err := strconv.ParseUint(strings.TrimSpace(string(content)), 10, 64); err == nil {
			ram = min(ram, limit)
		}
	}
	return ram
}

func diskSize(path string) uint64 {
	var fs unix.Statfs_t
	if err := unix.Statfs(path, &fs); err != nil {
		return 0
	}
	return fs.Blocks * uint64(fs.Bsize)
}

// Text is the block as it is written into the settings file of a kind of node.
func (t Tuning) Text(kind Kind) string {
	c := &settingsFile{}
	t.render(c, kind)
	return c.b.String()
}

func (t Tuning) render(c *settingsFile, kind Kind) {
	c.set("track_functions", "pl")
	c.size("shared_buffers", t.SharedBuffersMB)
	c.size("work_mem", t.WorkMemMB)
	c.size("maintenance_work_mem", t.MaintenanceWorkMemMB)
	c.size("effective_cache_size", t.EffectiveCacheSizeMB)
	c.set("autovacuum_max_workers", strconv.Itoa(t.AutovacuumMaxWorkers))
	c.set("autovacuum_vacuum_scale_factor", "0.08")
	c.set("autovacuum_analyze_scale_factor", "0.02")
	if kind != KindMonitor {
		c.comment("A standby that stays away keeps at most this much WAL here (a quarter of the disk), then it must be")
		c.comment("rebuilt: the disk of a primary is never filled for it.")
		c.size("max_slot_wal_keep_size", t.MaxSlotWALKeepMB)
	}
}

// prettySize prints whole gigabytes as such.
func prettySize(mb int) string {
	if mb >= 1024 && mb%1024 == 0 {
		return strconv.Itoa(mb>>10) + " GB"
	}
	return strconv.Itoa(mb) + " MB"
}
