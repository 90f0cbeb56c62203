package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"
)

// A day is a record `day/1`, after docs/proof.md.
type day struct {
	monitor, previous, hash string
	sequence                int64
	date                    time.Time
	grid                    string
	counts                  counts
	index                   int64
	corrected               bool
}

// counts are slots by their letter.
type counts map[byte]int64

const (
	letters  = "unrtlsbgafcd"
	dateForm = "2006-01-02"
	timeForm = "2006-01-02T15:04:05Z"
)

var (
	nameForm   = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)
	reasonForm = regexp.MustCompile(`^[!-~]([ -~]{0,498}[!-~])?$`)
	hexForm    = regexp.MustCompile(`^[0-9a-f]{64}$`)
	checkForm  = regexp.MustCompile(`^(https?|tcp|tls|ssh|dns)$`)
	runForm    = regexp.MustCompile(`^([2-9]|[1-9][0-9]{1,3})?([.` + letters + `NRTLSBGAFCDU])`)
)

// A reader takes a record line by line, and keeps what was wrong first.
type reader struct {
	lines []string
	err   error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

func (r *reader) require(holds bool, doubt string) {
	if !holds {
		r.fail("%s", doubt)
	}
}

// next is what the next line says, which has to have this name.
func (r *reader) next(name string) string {
	if len(r.lines) == 0 || !strings.HasPrefix(r.lines[0], name+" ") {
		r.fail("the line %q is missing", name)
		return ""
	}
	value := strings.TrimPrefix(r.lines[0], name+" ")
	r.lines = r.lines[1:]
	return value
}

func (r *reader) number(text string) int64 {
	n, err := decimal(text)
	r.require(err == nil && n < 1<<32, "a number is malformed")
	return n
}

func (r *reader) form(form *regexp.Regexp, text string) string {
	r.require(form.MatchString(text), fmt.Sprintf("%q is malformed", text))
	return text
}

func (r *reader) time(form, text string) time.Time {
	t, err := time.Parse(form, text)
	r.require(err == nil && t.Format(form) == text && t.Year() >= 1970, fmt.Sprintf("%q is no time", text))
	return t
}

// grid is how many slots a day has.
func (r *reader) grid() int64 {
	interval, phase := r.number(r.next("interval")), r.number(r.next("phase"))
	if interval < 60 || interval > 3600 || interval%60 != 0 || 86400%interval != 0 || phase >= interval {
		r.fail("an interval or its phase is wrong")
		return 0
	}
	return 86400 / interval
}

func (r *reader) places(names []string) {
	r.require(len(names) >= 1 && len(names) <= 16, "there are not 1 to 16 places")
	for at, name := range names {
		r.form(nameForm, name)
		r.require(at == 0 || names[at-1] < name, "places are out of order")
	}
}

func (r *reader) slots(text string, expected int64) counts {
	found, sum, before := counts{}, int64(0), ""
	for text != "" {
		run := runForm.FindStringSubmatch(text)
		if run == nil || run[2] == before {
			r.fail("the slots are malformed")
			return found
		}
		length := int64(1)
		if run[1] != "" {
			length, _ = strconv.ParseInt(run[1], 10, 64)
		}
		found[run[2][0]] += length
		sum, before, text = sum+length, run[2], text[len(run[0]):]
	}
	r.require(sum == expected, "there are not as many slots as the interval says")
	return found
}

func (r *reader) end() error {
	r.require(len(r.lines) == 1 && r.lines[0] == "", "the record does not end where it should")
	return r.err
}

func readDay(record []byte) (d day, err error) {
	r := reader{lines: strings.Split(string(record), "\n")[1:]}
	d.hash = fmt.Sprintf("%x", sha256.Sum256(record))
	d.monitor = r.form(nameForm, r.next("monitor"))
	d.sequence = r.number(r.next("sequence"))
	d.previous = r.next("previous")
	r.require((d.sequence == 0 && d.previous == "-") || (d.sequence > 0 && hexForm.MatchString(d.previous)), "a number and the hash before do not fit")
	r.number(r.next("configuration"))
	d.date = r.time(dateForm, r.next("day"))
	if len(r.lines) > 1 {
		d.grid = strings.Join(r.lines[:2], " ")
	}
	slots := r.grid()
	var names []string
	var seen [][3]int64
	for len(r.lines) > 0 && strings.HasPrefix(r.lines[0], "vantage ") {
		words := strings.Split(r.next("vantage"), " ")
		if len(words) != 4 {
			return d, errors.New("a vantage is malformed")
		}
		names = append(names, words[0])
		seen = append(seen, [3]int64{r.number(words[1]), r.number(words[2]), r.number(words[3])})
	}
	r.places(names)
	latency := r.next("latency")
	d.counts = r.slots(r.next("slots"), slots)
	answered := false
	for _, counted := range seen {
		r.require(counted[0]+counted[1]+counted[2] == slots-d.counts['.'], "counts do not sum to the slots")
		answered = answered || counted[0] > 0
	}
	if times := strings.Split(latency, " "); answered && len(times) == 2 {
		r.require(r.number(times[0]) <= r.number(times[1]), "latencies are out of order")
	} else {
		r.require(!answered && latency == "-", "latencies do not fit the answers")
	}
	return d, r.end()
}

// correct takes over what a record `correction/1` says is right, in place of the day of it that came before.
func (c claim) correct(by int64, record []byte) error {
	parts := strings.SplitN(string(record), "\n", 4)
	r := reader{lines: parts[1:]}
	wrong, err := decimal(r.next("leaf"))
	r.require(err == nil, "a place is malformed")
	r.form(reasonForm, r.next("reason"))
	if r.err != nil {
		return r.err
	}
	if len(r.lines) != 1 || !strings.HasPrefix(r.lines[0], "day/1\n") {
		return fmt.Errorf("leaf %d is wrong, and how it is right is not said", wrong)
	}
	right, err := readDay([]byte(r.lines[0]))
	if err != nil {
		return err
	}
	for at, d := range c.series[right.monitor] {
		if d.index == wrong && wrong < by {
			if right.sequence != d.sequence || right.previous != d.previous || !right.date.Equal(d.date) || right.grid != d.grid {
				return fmt.Errorf("another day is in the place of leaf %d", wrong)
			}
			c.series[right.monitor][at].counts, c.series[right.monitor][at].corrected = right.counts, true
			return nil
		}
	}
	return fmt.Errorf("leaf %d is no day of %s before it", wrong, right.monitor)
}

// readEnd is when a monitor ended, of a record `monitor/1`.
func readEnd(record []byte) (monitor string, end time.Time, err error) {
	r := reader{lines: strings.Split(string(record), "\n")[1:]}
	monitor = r.form(nameForm, r.next("monitor"))
	r.number(r.next("version"))
	r.time(timeForm, r.next("from"))
	r.grid()
	r.places(strings.Split(r.next("panel"), " "))
	r.form(checkForm, r.next("check"))
	r.form(hexForm, r.next("target"))
	since := r.time(timeForm, r.next("since"))
	end = r.time(timeForm, r.next("ended"))
	r.require(since.Before(end), "a monitor ends before it begins")
	return monitor, end, r.end()
}

type claim struct {
	series      map[string][]day
	ends        map[string]time.Time
	first, last time.Time
}

// claimOf is what these leaves claim. Of any number of days, if none is asked for.
func claimOf(leaves []leaf, days int) (c claim, err error) {
	c = claim{series: map[string][]day{}, ends: map[string]time.Time{}}
	for _, leaf := range leaves {
		switch kind := strings.SplitN(string(leaf.bytes), "\n", 2)[0]; kind {
		case "day/1":
			d, err := readDay(leaf.bytes)
			if err != nil {
				return c, fmt.Errorf("leaf %d: %v", leaf.index, err)
			}
			d.index = leaf.index
			c.series[d.monitor] = append(c.series[d.monitor], d)
			if c.first.IsZero() || d.date.Before(c.first) {
				c.first = d.date
			}
			if d.date.After(c.last) {
				c.last = d.date
			}
		case "monitor/1":
			monitor, end, err := readEnd(leaf.bytes)
			if err != nil {
				return c, fmt.Errorf("leaf %d: %v", leaf.index, err)
			}
			if _, twice := c.ends[monitor]; twice {
				return c, fmt.Errorf("%s ends twice", monitor)
			}
			c.ends[monitor] = end
		case "correction/1":
			if err := c.correct(leaf.index, leaf.bytes); err != nil {
				return c, fmt.Errorf("leaf %d: %v", leaf.index, err)
			}
		default:
			return c, fmt.Errorf("leaf %d, a %s, has no part in the claim", leaf.index, kind)
		}
	}
	for monitor := range c.ends {
		if c.series[monitor] == nil {
			return c, fmt.Errorf("%s ended and has no days", monitor)
		}
	}
	if len(c.series) == 0 {
		return c, errors.New("there are no days")
	}
	for monitor, series := range c.series {
		if err := c.complete(monitor, series); err != nil {
			return c, err
		}
	}
	if found := c.days(); days != 0 && found != days {
		return c, fmt.Errorf("there are %d days, not %d", found, days)
	}
	return c, nil
}

func (c claim) days() int {
	return between(c.first, c.last)
}

func between(first, last time.Time) int {
	return int(last.Sub(first)/(24*time.Hour)) + 1
}

func (c claim) complete(monitor string, series []day) error {
	for at, d := range series[1:] {
		before := series[at]
		if d.sequence != before.sequence+1 || !d.date.Equal(before.date.AddDate(0, 0, 1)) || d.previous != before.hash {
			return fmt.Errorf("%s of %s does not follow the day before it", d.date.Format(dateForm), monitor)
		}
	}
	begin, done := series[0], series[len(series)-1]
	if !begin.date.Equal(c.first) && begin.sequence != 0 {
		return fmt.Errorf("days of %s before %s are missing", monitor, begin.date.Format(dateForm))
	}
	if done.date.Equal(c.last) {
		delete(c.ends, monitor)
		return nil
	}
	if end, ended := c.ends[monitor]; !ended || end.Sub(done.date) > 24*time.Hour {
		return fmt.Errorf("days of %s after %s are missing", monitor, done.date.Format(dateForm))
	}
	return nil
}

func (c claim) print(h head) {
	fmt.Printf("log %s of size %d\n", h.origin, h.size)
	var monitors []string
	for monitor := range c.series {
		monitors = append(monitors, monitor)
	}
	sort.Strings(monitors)
	whole := counts{}
	for _, monitor := range monitors {
		series, sum, corrected := c.series[monitor], counts{}, 0
		for _, d := range series {
			sum.add(d.counts)
			if d.corrected {
				corrected++
			}
		}
		whole.add(sum)
		fmt.Printf("\nmonitor %s: %s", monitor, period(series[0].date, series[len(series)-1].date))
		if end, ended := c.ends[monitor]; ended {
			fmt.Printf(", ended %s", end.Format(timeForm))
		}
		if corrected > 0 {
			fmt.Printf(", %d corrected", corrected)
		}
		fmt.Println()
		sum.print()
	}
	fmt.Printf("\nall %s: %s\n", counted(len(monitors), "monitor"), period(c.first, c.last))
	whole.print()
}

func period(first, last time.Time) string {
	return fmt.Sprintf("%s, %s to %s", counted(between(first, last), "day"), first.Format(dateForm), last.Format(dateForm))
}

func counted(count int, what string) string {
	if count != 1 {
		what += "s"
	}
	return fmt.Sprintf("%d %s", count, what)
}

func (c counts) add(other counts) {
	for letter, count := range other {
		c[letter] += count
	}
}

func (c counts) sum(of string) (total int64) {
	for at := range of {
		total += c[of[at]]
	}
	return total
}

func (c counts) print() {
	figures("uptime", c.sum("u"), c.sum("nrtlsb"), c.sum("gafcd"), c.sum(strings.ToUpper(letters)))
	figures("raw uptime", c.sum("uU"), c.sum("nrtlsbNRTLSB"), c.sum("gafcdGAFCD"), 0)
}

func figures(what string, up, down, unknown, maintenance int64) {
	known, due := up+down, up+down+unknown
	uptime := "not enough data"
	if due > 0 && known*100 >= due*95 {
		uptime = share(up, known)
	}
	fmt.Printf("  %s %s, bounds %s to %s, coverage %s\n", what, uptime, share(up, due), share(up+unknown, due), share(known, due))
	fmt.Printf("    of %d slots %d up, %d down, %d unknown, %d maintenance\n", due+maintenance, up, down, unknown, maintenance)
}

// share is in hundredths of a percent, truncated.
func share(count, of int64) string {
	if of == 0 {
		return "-"
	}
	hundredths := count * 10000 / of
	return fmt.Sprintf("%d.%02d %%", hundredths/100, hundredths%100)
}
