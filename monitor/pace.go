package monitor

import (
	"strconv"
	"strings"
	"time"
)

// readPace takes the settings of health checks out of all settings; enabled is
// enable_health_checks.
func readPace(list []Setting) (p pace, enabled bool) {
	values := make(map[string]string, len(list))
	for _, s := range list {
		values[strings.TrimPrefix(s.Name, "pgautofailover.")] = s.Value
	}
	ms := func(name string) time.Duration {
		n, err := strconv.ParseFloat(values[name], 64)
		if err != nil || n <= 0 {
			return time.Second
		}
		return time.Duration(n * float64(time.Millisecond))
	}
	retries, err := strconv.Atoi(values["health_check_max_retries"])
	if err != nil || retries < 1 {
		retries = 1 // one failure alone is never enough
	}
	return pace{
		period:    ms("health_check_period"),
		deadline:  ms("health_check_timeout"),
		retry:     ms("health_check_retry_delay"),
		threshold: retries + 1,
	}, values["enable_health_checks"] != "off"
}
