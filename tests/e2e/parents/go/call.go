// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

const (
	outputBytesMax     = 10 * 1024 * 1024
	stderrLineBytesMax = 1024 * 1024
)

// An error and the kind under which the server counts it.
type callError struct {
	kind string
	err  error
}

func (e *callError) Error() string { return e.kind + ": " + e.err.Error() }
func (e *callError) Unwrap() error { return e.err }

type call struct {
	job     job
	truth   *truth
	cmd     *exec.Cmd
	request []byte
	start   time.Time
	ended   time.Time
	reader  sync.WaitGroup // of stderr
}

func execID() string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	id := make([]byte, 27)
	if _, err := rand.Read(id); err != nil {
		panic(err)
	}
	for i := range id {
		id[i] = digits[int(id[i])%len(digits)]
	}
	return string(id)
}

func makeRequest(j job, id string) []byte {
	input := j.Input
	if j.InputPadBytes > 0 {
		input = json.RawMessage(`{"pad":"` + strings.Repeat("p", j.InputPadBytes) + `"}`)
	} else if input == nil {
		input = json.RawMessage("{}")
	}
	request, err := json.Marshal(struct {
		ToolID     string          `json:"tool_id"`
		ToolExecID string          `json:"tool_exec_id"`
		Input      json.RawMessage `json:"input"`
		Config     any             `json:"config"`
		Env        map[string]any  `json:"env"`
		TimeoutMs  int64           `json:"timeout_ms,omitempty"`
	}{j.Tool, id, input, nil, map[string]any{}, j.TimeoutMs})
	if err != nil {
		panic(err)
	}
	return request
}

// The request is written by a goroutine; a context that ends first wins.
func (c *call) write(ctx context.Context, stdin io.WriteCloser) error {
	var written atomic.Int64
	result := make(chan error, 1)
	go func() {
		defer stdin.Close()
		n, err := stdin.Write(c.request)
		written.Store(int64(n))
		result <- err
	}()
	var err error
	select {
	case <-ctx.Done():
		err = ctx.Err()
	case err = <-result:
	}
	if err == nil {
		c.truth.InputBytes = int(written.Load())
	}
	return err
}

func (c *call) readStderr(stderr io.Reader) {
	defer c.reader.Done()
	counted := countingReader{reader: stderr}
	lines := bufio.NewScanner(&counted)
	lines.Buffer(make([]byte, 0, stderrLineBytesMax), stderrLineBytesMax)
	for lines.Scan() {
	}
	c.truth.StderrBytes = counted.bytes
	c.truth.StderrFailed = lines.Err() != nil
}

type countingReader struct {
	reader io.Reader
	bytes  int
}

func (r *countingReader) Read(p []byte) (int, error) {
	n, err := r.reader.Read(p)
	r.bytes += n
	return n, err
}

func parseReply(reply []byte) error {
	reply = bytes.TrimSpace(reply)
	if len(reply) == 0 {
		return nil
	}
	var response struct {
		Result   any `json:"result"`
		Error    any `json:"error"`
		Metadata any `json:"metadata"`
	}
	if err := json.Unmarshal(reply, &response); err != nil {
		return err
	}
	if response.Error != nil {
		return fmt.Errorf("tool failed: %v", response.Error)
	}
	return nil
}

func (c *call) command(ctx context.Context, exe string) {
	worker := filepath.Join(c.job.Root, ".compozy", "bun_worker.ts")
	if c.job.VersionProbe {
		probeCtx, cancel := context.WithTimeout(ctx, 2*time.Second)
		_, _ = exec.CommandContext(probeCtx, exe, "--version").Output()
		cancel()
	}
	c.cmd = exec.CommandContext(ctx, exe, "--smol", "run", "--allow-read", worker)
	c.cmd.Args[0] = "bun"
	c.cmd.Dir = c.job.Root
	c.cmd.Env = append(os.Environ(), "COMPOZY_RUNTIME=worker", "COMPOZY_PROJECT_ROOT="+c.job.Root)
}

func (c *call) run(ctx context.Context, exe string) error {
	c.command(ctx, exe)
	stdin, err := c.cmd.StdinPipe()
	if err != nil {
		return &callError{"stdin", err}
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return &callError{"stdout", err}
	}
	stderr, err := c.cmd.StderrPipe()
	if err != nil {
		return &callError{"stderr", err}
	}
	c.truth.GapMin = time.Since(c.start).Seconds()
	if err := c.cmd.Start(); err != nil {
		return &callError{"start", err}
	}
	c.truth.GapMax = time.Since(c.start).Seconds()
	c.truth.Pid = c.cmd.Process.Pid
	printLine(map[string]any{"event": "start", "run": c.truth.Run, "tool": c.job.Tool, "pid": c.truth.Pid})
	if err := c.write(ctx, stdin); err != nil {
		return &callError{"stdin", err}
	}
	return c.finish(ctx, stdout, stderr)
}

func (c *call) finish(ctx context.Context, stdout, stderr io.Reader) error {
	c.reader.Add(1)
	go c.readStderr(stderr)
	var output bytes.Buffer
	n, err := io.Copy(&output, io.LimitReader(stdout, outputBytesMax+1))
	c.truth.OutputBytes = int(n)
	if err != nil {
		return &callError{"stdout", err}
	}
	if n > outputBytesMax {
		return &callError{"stdout", errors.New("too much output")}
	}
	c.truth.OutputEnded = true
	if err := ctx.Err(); err != nil {
		return &callError{"timeout", err}
	}
	err = c.cmd.Wait()
	c.ended = time.Now()
	c.truth.Waited = true
	c.reader.Wait()
	if err != nil {
		return &callError{"wait", err}
	}
	if err := parseReply(output.Bytes()); err != nil {
		return &callError{"parse", err}
	}
	return nil
}

func (c *call) judge(err error) {
	c.truth.Outcome = "success"
	if err == nil {
		return
	}
	kind := "unknown"
	var known *callError
	if errors.As(err, &known) {
		kind = known.kind
	}
	c.truth.Outcome = "error"
	if errors.Is(err, context.DeadlineExceeded) {
		c.truth.Outcome, kind = "timeout", "timeout"
		c.truth.TimedOut = true
	}
	c.truth.ErrorKind = &kind
}

func (c *call) setStatus(status syscall.WaitStatus) {
	if status.Signaled() {
		signal := int(status.Signal())
		c.truth.Signal = &signal
		return
	}
	code := status.ExitStatus()
	c.truth.Exit = &code
}

// Looks at a child that nobody waited for, and leaves the zombie.
func (c *call) peek() {
	const pPid, wNoWait, exited = 1, 0x01000000, 1
	var info [128]byte
	_, _, errno := syscall.Syscall6(syscall.SYS_WAITID, pPid, uintptr(c.truth.Pid),
		uintptr(unsafe.Pointer(&info)), syscall.WEXITED|wNoWait, 0, 0)
	if errno != 0 {
		return
	}
	code := *(*int32)(unsafe.Pointer(&info[8]))
	status := *(*int32)(unsafe.Pointer(&info[24]))
	if code == exited {
		status <<= 8
	}
	c.ended = time.Now()
	c.setStatus(syscall.WaitStatus(status))
}

func callTool(j job, exe string, number int) *truth {
	id := execID()
	t := &truth{Event: "run", Run: number, Tool: j.Tool, ExecID: id}
	c := &call{job: j, truth: t, request: makeRequest(j, id), start: time.Now()}
	limit := time.Duration(j.TimeoutMs) * time.Millisecond
	if j.DeadlineMs > 0 {
		limit = min(limit, time.Duration(j.DeadlineMs)*time.Millisecond)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	if j.CancelAfterMs > 0 {
		time.AfterFunc(time.Duration(j.CancelAfterMs)*time.Millisecond, cancel)
	}
	c.judge(c.run(ctx, exe))
	t.Killed = t.Pid != 0 && !t.Waited
	cancel()
	if t.Waited {
		c.setStatus(c.cmd.ProcessState.Sys().(syscall.WaitStatus))
	} else if t.Pid != 0 {
		c.peek()
	}
	c.reader.Wait()
	if t.Pid != 0 {
		t.SecondsMax = c.ended.Sub(c.start).Seconds()
	}
	return t
}
