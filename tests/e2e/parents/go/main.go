// SPDX-License-Identifier: Apache-2.0

// A server that runs tools in Bun children with os/exec, in the order that the first watched server does it, and
// writes down the truth that code inside it would know. Jobs on stdin and truth on stdout: see ../../README.md.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"

	"bunscope/tests/e2e/parents/go/call"
)

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
func callsOf(j call.Job) []call.Job {
	if len(j.Calls) == 0 {
		return []call.Job{j}
	}
	calls := append([]call.Job(nil), j.Calls...)
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

func tellStart(t *call.Truth) {
	printLine(map[string]any{"event": "start", "run": t.Run, "tool": t.Tool, "pid": t.Pid})
}

func runJob(j call.Job, exe string) {
	numbers := make(chan int)
	calls := callsOf(j)
	var workers sync.WaitGroup
	for i := 0; i < max(j.Concurrency, 1); i++ {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for number := range numbers {
				truth, _ := call.Tool(context.Background(), calls[number%len(calls)], exe, number, tellStart)
				printLine(truth)
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
		j := call.Job{Root: *root, TimeoutMs: 60000}
		if err := json.NewDecoder(strings.NewReader(lines.Text())).Decode(&j); err != nil {
			fmt.Fprintln(os.Stderr, "go-parent:", err)
			os.Exit(2)
		}
		runJob(j, *exe)
		printLine(map[string]string{"event": "done"})
	}
}
