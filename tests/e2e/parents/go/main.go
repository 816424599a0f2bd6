// SPDX-License-Identifier: Apache-2.0

// A server that runs tools in Bun children with os/exec, in the order that the first watched server does it, and
// writes down the truth that code inside it would know. Jobs on stdin and truth on stdout: see ../../README.md.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
)

type job struct {
	Tool          string          `json:"tool"`
	Input         json.RawMessage `json:"input"`
	InputPadBytes int             `json:"input_pad_bytes"`
	TimeoutMs     int64           `json:"timeout_ms"`
	DeadlineMs    int64           `json:"deadline_ms"`
	CancelAfterMs int64           `json:"cancel_after_ms"`
	VersionProbe  bool            `json:"version_probe"`
	Root          string          `json:"root"`
	Count         int             `json:"count"`
	Concurrency   int             `json:"concurrency"`
	Calls         []job           `json:"calls"` // instead of one tool: several, in turns
}

// What code inside the server knows about a call. Exit and Signal are set also where it did not wait: the truth
// looks at the zombie without reaping it.
type truth struct {
	Event        string  `json:"event"`
	Run          int     `json:"run"`
	Tool         string  `json:"tool"`
	ExecID       string  `json:"exec_id"`
	Outcome      string  `json:"outcome"`
	ErrorKind    *string `json:"error_kind"`
	TimedOut     bool    `json:"timed_out"`
	Pid          int     `json:"pid"`
	InputBytes   int     `json:"input_bytes"`
	OutputBytes  int     `json:"output_bytes"`
	OutputEnded  bool    `json:"output_ended"`
	StderrBytes  int     `json:"stderr_bytes"`
	StderrFailed bool    `json:"stderr_failed"`
	Waited       bool    `json:"waited"`
	Killed       bool    `json:"killed"`
	Exit         *int    `json:"exit,omitempty"`
	Signal       *int    `json:"signal,omitempty"`
	GapMin       float64 `json:"gap_seconds_min"` // from the call's start to the fork
	GapMax       float64 `json:"gap_seconds_max"`
	SecondsMin   float64 `json:"seconds_min"`
	SecondsMax   float64 `json:"seconds_max"`
}

var printing sync.Mutex

func printLine(line any) {
	text, err := json.Marshal(line)
	if err != nil {
		panic(err)
	}
	printing.Lock()
	defer printing.Unlock()
	fmt.Println(string(text))
}

// Settings that a call leaves out are the line's.
func (j job) calls() []job {
	if len(j.Calls) == 0 {
		return []job{j}
	}
	calls := append([]job(nil), j.Calls...)
	for i := range calls {
		if calls[i].Root == "" {
			calls[i].Root = j.Root
		}
		if calls[i].TimeoutMs == 0 {
			calls[i].TimeoutMs = j.TimeoutMs
		}
	}
	return calls
}

func runJob(j job, exe string) {
	numbers := make(chan int)
	calls := j.calls()
	var workers sync.WaitGroup
	for i := 0; i < max(j.Concurrency, 1); i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for number := range numbers {
				printLine(callTool(calls[number%len(calls)], exe, number))
			}
		}()
	}
	for number := 0; number < max(j.Count, 1)*len(calls); number++ {
		numbers <- number
	}
	close(numbers)
	workers.Wait()
}

func main() {
	exe := flag.String("exe", "", "the Bun to start")
	root := flag.String("root", "", "the project")
	flag.Parse()
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		j := job{Root: *root, TimeoutMs: 60000}
		if err := json.NewDecoder(strings.NewReader(lines.Text())).Decode(&j); err != nil {
			fmt.Fprintln(os.Stderr, "go-parent:", err)
			os.Exit(2)
		}
		runJob(j, *exe)
		printLine(map[string]string{"event": "done"})
	}
}
