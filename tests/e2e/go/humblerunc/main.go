// Command humblerunc stands in front of runc where root lacks capabilities, as in most sandboxes.
//
// runc refuses a container whose specification asks for more than its caller has: capabilities outside the bounding set,
// resource limits above the hard ones, a lower OOM score. Engines ask for all of that when a container is privileged. So
// the specification is lowered to what there is, and then runc itself runs in this process's place.
//
// Source: OCI runtime specification 1.2, "process"; runc(8): create and run take --bundle, exec takes --process.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
)

// capabilities by bit, as in linux/capability.h.
var capabilities = strings.Fields(`
	CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE NET_BIND_SERVICE
	NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT SYS_PTRACE SYS_PACCT SYS_ADMIN
	SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE
	MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ PERFMON BPF CHECKPOINT_RESTORE`)

// limits by number, as in asm-generic/resource.h.
var limits = strings.Fields(`
	CPU FSIZE DATA STACK CORE RSS NPROC NOFILE MEMLOCK AS LOCKS SIGPENDING MSGQUEUE NICE RTPRIO RTTIME`)

type object = map[string]any

func main() {
	if err := lower(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "humblerunc:", err) // runc will say the rest
	}
	runc := realRunc()
	err := syscall.Exec(runc, append([]string{runc}, os.Args[1:]...), os.Environ())
	fmt.Fprintln(os.Stderr, "humblerunc:", runc, err)
	os.Exit(127)
}

// realRunc is beside this program as runc.real, or else where distributions put it.
func realRunc() string {
	if self, err := os.Executable(); err == nil {
		if beside := filepath.Join(filepath.Dir(self), "runc.real"); exists(beside) {
			return beside
		}
	}
	return "/usr/sbin/runc"
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// lower rewrites the specification that this call of runc will read, if it reads one.
func lower(args []string) error {
	switch {
	case slices.Contains(args, "create"), slices.Contains(args, "run"), slices.Contains(args, "restore"):
		bundle := option(args, "--bundle", "-b")
		return rewrite(filepath.Join(bundle, "config.json"), func(document object) object {
			process, _ := document["process"].(object)
			return process
		})
	case slices.Contains(args, "exec"):
		if file := option(args, "--process", "-p"); file != "" {
			return rewrite(file, func(document object) object { return document })
		}
	}
	return nil
}

func option(args []string, names ...string) string {
	for i, arg := range args {
		for _, name := range names {
			if value, found := strings.CutPrefix(arg, name+"="); found {
				return value
			}
			if arg == name && i+1 < len(args) {
				return args[i+1]
			}
		}
	}
	return ""
}

func rewrite(file string, process func(object) object) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var document object
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber() // a uint64 limit is no float
	if err := decoder.Decode(&document); err != nil {
		return err
	}
	if wanted := process(document); wanted != nil {
		lowerCapabilities(wanted)
		lowerLimits(wanted)
		lowerScore(wanted)
	}
	if text, err = json.Marshal(document); err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

func lowerCapabilities(process object) {
	had := bounding()
	sets, _ := process["capabilities"].(object)
	for name, set := range sets {
		wanted, _ := set.([]any)
		sets[name] = slices.DeleteFunc(wanted, func(one any) bool {
			bit := slices.Index(capabilities, strings.TrimPrefix(fmt.Sprint(one), "CAP_"))
			return bit < 0 || had&(1<<bit) == 0
		})
	}
}

// bounding returns this process's bounding set; everything if it cannot be told.
func bounding() uint64 {
	text, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(text)) {
		if value, found := strings.CutPrefix(line, "CapBnd:"); found {
			if set, err := strconv.ParseUint(strings.TrimSpace(value), 16, 64); err == nil {
				return set
			}
		}
	}
	return ^uint64(0)
}

func lowerLimits(process object) {
	wanted, _ := process["rlimits"].([]any)
	for _, one := range wanted {
		limit, _ := one.(object)
		number := slices.Index(limits, strings.TrimPrefix(fmt.Sprint(limit["type"]), "RLIMIT_"))
		var own syscall.Rlimit
		if number < 0 || syscall.Getrlimit(number, &own) != nil {
			continue
		}
		for _, kind := range []string{"hard", "soft"} {
			value, err := strconv.ParseUint(fmt.Sprint(limit[kind]), 10, 64)
			if err != nil || value > own.Max {
				limit[kind] = json.Number(strconv.FormatUint(own.Max, 10))
			}
		}
	}
}

func lowerScore(process object) {
	text, _ := os.ReadFile("/proc/self/oom_score_adj")
	own, err := strconv.Atoi(strings.TrimSpace(string(text)))
	wanted, isNumber := process["oomScoreAdj"].(json.Number)
	if !isNumber || err != nil {
		return
	}
	if score, err := strconv.Atoi(wanted.String()); err == nil && score < own {
		process["oomScoreAdj"] = own
	}
}
